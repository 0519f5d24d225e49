package tls

import (
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
)

func TestTheMuxerIsTheFirstOfTheDialersThatTheListenerHas(t *testing.T) {
	type list = []negotiate.Protocol
	const yamux, mplex negotiate.Protocol = "/yamux/1.0.0", "/mplex/6.7.0"
	for _, c := range []struct {
		name             string
		dialer, listener list
		want             negotiate.Protocol
	}{
		{"neither has a list", nil, nil, ""},
		{"the dialer alone has a list", list{yamux}, nil, ""},
		{"the listener alone has a list", nil, list{yamux}, ""},
		{"one in common", list{yamux}, list{yamux}, yamux},
		{"the same order", list{yamux, mplex}, list{yamux, mplex}, yamux},
		{"the other order", list{mplex, yamux}, list{yamux, mplex}, mplex},
		{"the second of the dialer's", list{mplex, yamux}, list{yamux}, yamux},
		{"none in common", list{mplex}, list{yamux}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := tcp(t)
			dialer, listener := New(newKey(t, 1), Muxers(c.dialer...)), New(newKey(t, 2), Muxers(c.listener...))
			d, l := secure(t.Context(), dialer, listener, a, b, newKey(t, 2).ID())
			if d.err != nil || l.err != nil {
				t.Fatal(d.err, l.err)
			}
			if d.conn.Muxer() != c.want || l.conn.Muxer() != c.want {
				t.Errorf("the dialer has %q and the listener %q, want %q", d.conn.Muxer(), l.conn.Muxer(), c.want)
			}
		})
	}
}

func TestAMistakeInTheListOfMuxersPanics(t *testing.T) {
	for name, list := range map[string][]negotiate.Protocol{
		"an empty name": {""}, "a long name": {negotiate.Protocol(make([]byte, 256))}, "libp2p": {"libp2p"}, "101 names": make([]negotiate.Protocol, 101),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it passes", name)
				}
			}()
			Muxers(list...)
		}()
	}
}
