package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A node is a libp2p host of some implementation. If it is a fmt.Stringer, DEBUG
// shows its state.
type node interface {
	// Addrs are where it listens, as multiaddrs that end in /p2p/ID.
	Addrs() []string
	Connect(ctx context.Context, to peer.Info) error
	// Ping measures one round trip on the connection that is there.
	Ping(ctx context.Context, to peer.ID) (time.Duration, error)
	Close() error
}

// A starter starts a node: startTroupe, and in the tests also go-libp2p's.
type starter func(ctx context.Context, s settings) (node, error)

// limitError ends a test that takes too long.
type limitError struct{ limit time.Duration }

func (e *limitError) Error() string { return fmt.Sprintf("the time limit of %v is over", e.limit) }

// run is one run of the program.
type run struct {
	settings
	start  starter
	say    *log.Logger // what anybody wants to know
	detail *log.Logger // what DEBUG asks for
}

// dial finds the listener and measures. The node has stopped in good order when
// there is no error.
func (r *run) dial(ctx context.Context) (_ times, err error) {
	m, n, err := r.begin(ctx)
	if err != nil {
		return times{}, err
	}
	defer func() { err = errors.Join(err, r.end(m, n)) }()

	text, err := m.await(ctx)
	if err != nil {
		return times{}, err
	}
	r.say.Printf("dial %s", text)
	to, err := peer.ParseInfo(text)
	if err != nil {
		return times{}, fmt.Errorf("the listener's address from Redis: %w", err)
	}
	var took times
	began := time.Now()
	if err := n.Connect(ctx, to); err != nil {
		return times{}, fmt.Errorf("connect with the listener: %w", orCause(ctx, err))
	}
	if took.ping, err = n.Ping(ctx, to.ID); err != nil {
		return times{}, fmt.Errorf("ping the listener: %w", orCause(ctx, err))
	}
	took.handshake = time.Since(began)
	r.say.Printf("connected and pinged within %v, the ping took %v", took.handshake, took.ping)
	return took, nil
}

// listen lets itself be found and serves until the context ends: without an
// error when the program was asked to stop, with one after the time limit.
func (r *run) listen(ctx context.Context) (err error) {
	m, n, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end(m, n)) }()

	addr, err := reachable(n.Addrs())
	if err != nil {
		return err
	}
	if err := m.publish(ctx, addr); err != nil {
		return err
	}
	r.say.Printf("listening at %s", addr)
	<-ctx.Done()
	if limit := (*limitError)(nil); errors.As(context.Cause(ctx), &limit) {
		return fmt.Errorf("a listener runs until it is stopped, and nobody has stopped this one: %w", limit)
	}
	r.say.Printf("asked to stop: %v", context.Cause(ctx))
	return nil
}

// begin finds Redis and starts the node. The node outlives the context: it is
// stopped by end, in good order.
func (r *run) begin(ctx context.Context) (*meeting, node, error) {
	r.detail.Printf("form %s, security %s, muxer %s, time limit %v, Redis at %s", r.form.name, r.security, r.muxer, r.limit, r.redis)
	m, err := meet(ctx, r.redis, r.key)
	if err != nil {
		return nil, nil, err
	}
	n, err := r.start(context.WithoutCancel(ctx), r.settings)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start a libp2p host: %w", err), m.close())
	}
	r.detail.Printf("own addresses: %v", n.Addrs())
	return m, n, nil
}

func (r *run) end(m *meeting, n node) error {
	if s, ok := n.(fmt.Stringer); ok {
		lines(r.detail, s.String())
	}
	if err := errors.Join(n.Close(), m.close()); err != nil {
		return fmt.Errorf("stop in good order: %w", err)
	}
	return nil
}

// reachable is the address to tell: the first one that other machines can reach.
// A machine that has none tells a loopback address, which serves a dialer on the
// same machine.
func reachable(addrs []string) (string, error) {
	if len(addrs) == 0 {
		return "", errors.New("the host listens nowhere")
	}
	for _, text := range addrs {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return "", err
		}
		if ip, err := manet.ToIP(a); err == nil {
			if ip, ok := netip.AddrFromSlice(ip); ok && !ip.Unmap().IsLoopback() && !ip.Unmap().IsLinkLocalUnicast() {
				return text, nil
			}
		}
	}
	return addrs[0], nil
}
