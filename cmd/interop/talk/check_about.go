package talk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pings is how many round trips the ping check makes.
const pings = 5

// ping measures some round trips.
func ping(ctx context.Context, p Peer, to Target) error {
	doingThis(ctx, "waiting for the answers to pings")
	took, err := p.Ping(ctx, to.ID, pings)
	if err != nil {
		return fmt.Errorf("after %d of %d pings: %w", len(took), pings, err)
	}
	if len(took) != pings {
		return fmt.Errorf("%d of %d pings were answered", len(took), pings)
	}
	for i, rtt := range took {
		if rtt <= 0 {
			return fmt.Errorf("ping %d took %v", i+1, rtt)
		}
	}
	return nil
}

// identify compares what the target says about itself with what is known.
func identify(ctx context.Context, p Peer, to Target) error {
	doingThis(ctx, "waiting for identify")
	id, err := p.Identify(ctx, to.ID)
	if err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	var wrong []error
	miss := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if id.Agent != to.Agent {
		miss("agent is %q and should be %q", id.Agent, to.Agent)
	}
	if id.ProtocolVersion == "" {
		miss("no protocol version")
	}
	speaks := []string{Ping, Identify}
	for name := range handlers() {
		speaks = append(speaks, name)
	}
	slices.Sort(speaks)
	for _, name := range speaks {
		if !slices.Contains(id.Protocols, name) {
			miss("%s is not among the protocols %v", name, id.Protocols)
		}
	}
	for _, addr := range to.Addrs {
		if !slices.ContainsFunc(id.Listen, func(a string) bool { return bare(a, to.ID) == bare(addr, to.ID) }) {
			miss("%s is not among the listen addresses %v", addr, id.Listen)
		}
	}
	// The observed address may end in the ID of whom it belongs to: js-libp2p
	// writes it so, go-libp2p does not.
	if bare(id.Observed, p.ID()) != bare(id.Local, p.ID()) || id.Local == "" {
		miss("observed is %q and the own end of the connection is %q", id.Observed, id.Local)
	}
	return errors.Join(wrong...)
}

// bare is an address without a peer ID at its end.
func bare(addr, id string) string { return strings.TrimSuffix(addr, "/p2p/"+id) }
