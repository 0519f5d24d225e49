package hostile

import (
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
)

const (
	streamSpec = "connections/README.md: implementations should time out; package stream, 10 s"
	pingSpec   = "ping/ping.md"

	// many is more streams than one peer may have open here.
	many = 300
)

// prefixOf is the first part of the names of a muxer's cases.
func prefixOf(m negotiate.Protocol) string {
	if m == mplex.ID {
		return "mplex/"
	}
	return "yamux/"
}

// streams are the attacks on the streams of an open connection: on the choice of
// their protocol, and on one that echoes.
func streams() (all []Case) {
	for _, m := range muxIDs() {
		f := framerOf(m)
		add := func(name string, class byte, breaks, spec string, does Reaction, within time.Duration, play func(a *attack)) {
			c := calm(prefixOf(m)+"stream-"+name, class, breaks, spec, does, func(a *attack) { a.read(); play(a) })
			c.Good.Within = within
			all = append(all, c)
		}
		for _, bad := range badLines() {
			add(bad.name, bad.class, bad.rule.String(), selectSpec, EndsStream, soon, func(a *attack) {
				a.say(append(f.open(0), f.data(0, bad.says)...)...)
			})
		}
		late := "a peer says what a stream is for"
		add("silence", 'L', late, streamSpec, EndsStream, upgradeTime, func(a *attack) { a.say(f.open(0)...) })
		add("silence-on-many", 'L', late, streamSpec, EndsStream, upgradeTime, func(a *attack) {
			a.say(times(many, f.open)...)
		})
		add("half-a-line", 'L', late, streamSpec, EndsStream, upgradeTime, func(a *attack) {
			a.say(append(f.open(0), f.data(0, header()[:7])...)...)
		})
		add("a-byte-a-second", 'L', late, streamSpec, EndsStream, upgradeTime, func(a *attack) {
			a.say(f.open(0)...)
			for _, b := range slowLine()[:12] {
				a.say(f.data(0, []byte{b})...)
				if a.Sleep(time.Second) != nil {
					return
				}
			}
		})
		ping := append(header(), line("/ipfs/ping/1.0.0")...)
		opened := func(i int, more ...byte) []byte { return append(f.open(i), f.data(i, slices.Concat(ping, more))...) }
		add("half-a-ping", 'L', "a ping has 32 bytes", pingSpec+"; package host/ping, 30 s", EndsStream, 35*time.Second, func(a *attack) {
			a.say(opened(0, make([]byte, 16)...)...)
		})
		add("ended-in-a-ping", 'D', "a ping has 32 bytes", pingSpec, EndsStream, soon, func(a *attack) {
			a.say(append(opened(0, make([]byte, 16)...), f.end(0)...)...)
		})
		add("many-pingers", 'B', "a peer has at most two streams for pings", pingSpec, EndsStream, soon, func(a *attack) {
			a.say(times(many, func(i int) []byte { return opened(i) })...)
		})
		add("open-say-reset", 'F', lawful, "none", Bounded, soon, func(a *attack) {
			a.flood(aFlood/4, func(i int) []byte { return append(opened(i, make([]byte, 32)...), f.reset(i)...) })
		})
	}
	return all
}

// times is what next makes of the numbers below n.
func times(n int, next func(i int) []byte) (all []byte) {
	for i := range n {
		all = append(all, next(i)...)
	}
	return all
}
