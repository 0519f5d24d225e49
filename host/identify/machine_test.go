package identify

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

var errSilent = errors.New("it did not answer")

// TestMachine runs the golden traces. An event is one of
//
//	up N PEER in|out [behind]     changed
//	down N                        push N            (it wants to push)
//	asked N failed                read N TICKET SAID
//	asked N SAID                  pushed N
//	wait DURATION                 (the clock goes on; due ticks come)
//
// and SAID is any of protocols=A,B seq=N addrs=A,B agent=X, where "protocols="
// alone says that there are none.
func TestMachine(t *testing.T) {
	golden.Run(t, "testdata/machine/*.txt", func(t *testing.T) golden.Step {
		r := &runner{machine: newMachine(), now: time.Unix(0, 0)}
		return func(t *testing.T, line string) []string {
			out, err := r.line(line)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return out
		}
	})
}

// runner feeds a machine lines of text.
type runner struct {
	machine *machine
	now     time.Time
}

func (r *runner) line(line string) ([]string, error) {
	words := strings.Fields(line)
	if words[0] == "wait" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return nil, err
		}
		return r.wait(d), nil
	}
	ev, err := parseEvent(words)
	if err != nil {
		return nil, err
	}
	return r.step(ev), nil
}

// wait lets time pass, with a tick at each deadline.
func (r *runner) wait(d time.Duration) []string {
	var out []string
	end := r.now.Add(d)
	for {
		at := r.machine.Deadline()
		if at.IsZero() || at.After(end) {
			r.now = end
			return out
		}
		r.now = at
		out = append(out, r.step(event{kind: tick})...)
	}
}

func (r *runner) step(ev event) []string {
	var out []string
	for _, f := range r.machine.Step(r.now, ev, nil) {
		out = append(out, r.show(f))
	}
	return out
}

func (r *runner) show(f effect) string {
	switch f.kind {
	case ask:
		return fmt.Sprintf("ask %d", f.conn)
	case push:
		return fmt.Sprintf("push %d", f.conn)
	case admit:
		return fmt.Sprintf("admit %d ticket %d", f.conn, f.ticket)
	case ignore:
		return fmt.Sprintf("ignore %d", f.conn)
	case learn:
		fresh := ""
		if f.fresh {
			fresh = " fresh"
		}
		return fmt.Sprintf("learn %d%s %s", f.conn, fresh, describe(f.info))
	case settled:
		info, why, undecided := r.machine.verdict(f.peer)
		switch {
		case info != nil:
			return fmt.Sprintf("settled %s: %s", string(f.peer), describe(info))
		case undecided:
			return fmt.Sprintf("settled %s: not yet", string(f.peer))
		case why != nil:
			return fmt.Sprintf("settled %s: %v", string(f.peer), why)
		}
		return fmt.Sprintf("settled %s: not there", string(f.peer))
	}
	panic("unknown effect")
}

func describe(i *Info) string {
	var parts []string
	if i.Protocols != nil {
		var names []string
		for _, p := range i.Protocols {
			names = append(names, strings.Replace(string(p), string(PushID), "push", 1))
		}
		parts = append(parts, "protocols="+strings.Join(names, ","))
	}
	if i.Seq > 0 {
		parts = append(parts, fmt.Sprintf("seq=%d", i.Seq))
	}
	if i.Addrs != nil {
		parts = append(parts, "addrs="+strings.Join(texts(i.Addrs), ","))
	}
	if i.AgentVersion != "" {
		parts = append(parts, "agent="+i.AgentVersion)
	}
	return strings.Join(parts, " ")
}

func parseEvent(words []string) (event, error) {
	var ev event
	if words[0] == "changed" {
		return event{kind: changed}, nil
	}
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return ev, err
	}
	ev.conn = connID(n)
	words, rest := words[:1], words[2:]
	switch words[0] {
	case "up":
		ev.kind, ev.peer, ev.inbound, ev.behind = connUp, peer.ID(rest[0]), rest[1] == "in", len(rest) > 2
	case "down":
		ev.kind = connDown
	case "asked":
		ev.kind = asked
		if rest[0] == "failed" {
			ev.err = errSilent
		} else {
			ev.info, err = parseSaid(rest)
		}
	case "push":
		ev.kind = pushCame
	case "read":
		ev.kind = pushRead
		ticket, _ := strconv.Atoi(rest[0])
		ev.ticket = uint64(ticket)
		ev.info, err = parseSaid(rest[1:])
	case "pushed":
		ev.kind = pushed
	default:
		err = errors.New("unknown event")
	}
	return ev, err
}

func parseSaid(words []string) (*Info, error) {
	said := &Info{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		list := strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
		switch key {
		case "protocols":
			said.Protocols = []negotiate.Protocol{}
			for _, name := range list {
				said.Protocols = append(said.Protocols, negotiate.Protocol(strings.Replace(name, "push", string(PushID), 1)))
			}
		case "addrs":
			said.Addrs = []ma.Multiaddr{}
			said.Addrs = append(said.Addrs, addrs(list...)...)
		case "seq":
			said.Seq, _ = strconv.ParseUint(value, 10, 64)
			said.Record = new(peer.SignedRecord)
		case "agent":
			said.AgentVersion = value
		default:
			return nil, errors.New("unknown part " + key)
		}
	}
	return said, nil
}
