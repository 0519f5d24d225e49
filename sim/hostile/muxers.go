package hostile

import (
	"bytes"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
)

const (
	yamuxSpec = "yamux/README.md"
	mplexSpec = "mplex/README.md"
	lawful    = "nothing: the bound is the receiver's"
)

// muxers are the attacks with frames.
func muxers() []Case {
	return slices.Concat(yamuxBreaches(), yamuxFloods(), mplexBreaches(), mplexFloods())
}

// breach is a case that a few frames make, which end the connection.
func breach(m framer, name string, class byte, rule string, says ...[]byte) Case {
	c := Case{
		Name: "yamux/" + name, Class: class, Breaks: rule, Spec: yamuxSpec, Muxer: yamux.ID,
		Good: Verdict{Does: EndsConnection, Rule: rule, Within: soon},
		play: func(a *attack) error {
			a.read()
			a.say(slices.Concat(says...)...)
			return nil
		},
	}
	if m == (mplexFrames{}) {
		c.Name, c.Spec, c.Muxer = "mplex/"+name, mplexSpec, mplex.ID
	}
	return c
}

func yamuxBreaches() []Case {
	m, f := yamuxFrames{}, yamuxFrame
	some := make([]byte, 10)
	return []Case{
		breach(m, "version", 'D', yamux.RuleVersion, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
		breach(m, "type", 'D', yamux.RuleType, f(4, 0, 0, 0)),
		breach(m, "session-data", 'D', yamux.RuleSession, f(yData, 0, 0, 0)),
		breach(m, "session-window", 'D', yamux.RuleSession, f(yWindow, 0, 0, 1)),
		breach(m, "stream-of-the-other-end", 'E', yamux.RuleParity, f(yWindow, ySYN, 2, 0)),
		breach(m, "duplicate-stream", 'E', yamux.RuleNewStream, m.open(0), m.open(0)),
		breach(m, "credit-in-one-update", 'C', yamux.RuleCredit, m.open(0), f(yWindow, 0, 1, 1<<32-1)),
		breach(m, "credit-in-many-updates", 'C', yamux.RuleCredit, f(yWindow, ySYN, 1, 1<<31), f(yWindow, 0, 1, 1<<30), f(yWindow, 0, 1, 1<<30)),
		breach(m, "oversize-first-frame", 'E', yamux.RuleWindow, f(yData, ySYN, 1, yamux.StartWindow+1), some),
		breach(m, "over-the-window", 'A', yamux.RuleWindow, m.open(0), f(yData, 0, 1, yamux.StartWindow+1), some),
		breach(m, "4-gib-claim", 'A', yamux.RuleWindow, m.open(0), f(yData, 0, 1, 1<<32-1), some),
		breach(m, "4-gib-claim-on-no-stream", 'A', yamux.RuleWindow, f(yData, 0, 99, 1<<32-1), some),
		breach(m, "garbage", 'D', yamux.RuleVersion, bytes.Repeat([]byte{0xff}, 4096)),
	}
}

// calm is a case after which the connection goes on.
func calm(name string, class byte, breaks, spec string, does Reaction, play func(a *attack)) Case {
	c := Case{
		Name: name, Class: class, Breaks: breaks, Spec: spec, Muxer: yamux.ID,
		Good: Verdict{Does: does, Within: soon},
		play: func(a *attack) error { play(a); return nil },
	}
	if name[:5] == "mplex" {
		c.Muxer = mplex.ID
	}
	return c
}

// reading is an attacker that floods and reads.
func reading(next func(i int) []byte) func(a *attack) {
	return func(a *attack) { a.read(); a.flood(aFlood, next) }
}

// unread is a case of an attacker that makes the host owe replies and never reads.
func unread(c Case, rule string) Case {
	c.Good = Verdict{Does: EndsConnection, Rule: rule, Within: 10 * time.Second}
	return c
}

func yamuxFloods() []Case {
	m, f := yamuxFrames{}, yamuxFrame
	flood := func(name string, class byte, breaks string, does Reaction, next func(i int) []byte) Case {
		return calm("yamux/"+name, class, breaks, yamuxSpec, does, reading(next))
	}
	half := f(yData, ySYN, 1, 1000)
	return []Case{
		unread(calm("yamux/pings-unread", 'I', yamux.RulePongs, yamuxSpec, EndsConnection, func(a *attack) {
			a.flood(anOcean, func(i int) []byte { return f(yPing, ySYN, 0, uint32(i)) })
		}), yamux.RulePongs),
		unread(calm("yamux/opens-unread", 'I', yamux.RuleRefusals, yamuxSpec, EndsConnection, func(a *attack) { a.flood(anOcean, m.open) }), yamux.RuleRefusals),
		unread(flood("pings", 'H', yamux.RulePongs, EndsConnection, func(i int) []byte { return f(yPing, ySYN, 0, uint32(i)) }), yamux.RulePongs),
		flood("opens", 'B', lawful, Bounded, m.open),
		flood("opens-and-resets", 'B', lawful, Bounded, func(i int) []byte { return append(m.open(i), m.reset(i)...) }),
		flood("opens-and-ends", 'B', lawful, Bounded, func(i int) []byte { return append(m.open(i), m.end(i)...) }),
		flood("resets-of-unknown-streams", 'B', lawful, Ignores, m.reset),
		flood("window-updates-of-unknown-streams", 'B', lawful, Ignores, func(i int) []byte { return f(yWindow, 0, dialers(i), 1) }),
		flood("data-for-unknown-streams", 'B', lawful, Ignores, func(i int) []byte { return m.data(i, []byte("nobody")) }),
		flood("empty-window-updates", 'H', lawful, Ignores, func(i int) []byte {
			if i == 0 {
				return m.open(0)
			}
			return f(yWindow, 0, 1, 0)
		}),
		flood("pongs-that-nobody-asked-for", 'B', lawful, Ignores, func(i int) []byte { return f(yPing, yACK, 0, uint32(i)) }),
		flood("go-aways", 'B', lawful, Bounded, func(int) []byte { return f(yGoAway, 0, 0, 0) }),
		calm("yamux/data-after-the-end", 'F', "no data follows a FIN", yamuxSpec, Bounded, func(a *attack) {
			a.read()
			a.say(slices.Concat(m.open(0), m.end(0), m.data(0, []byte("late")), m.end(0), m.end(0))...)
		}),
		calm("yamux/half-a-head", 'L', lawful, "package muxer/yamux: 30 s of silence and a ping", Ignores, func(a *attack) { a.read(); a.say(half[:7]...) }),
		calm("yamux/half-a-body", 'L', lawful, "package muxer/yamux: 30 s of silence and a ping", Ignores, func(a *attack) { a.read(); a.say(half...) }),
		calm("yamux/frames-byte-by-byte", 'H', lawful, yamuxSpec, Ignores, func(a *attack) {
			a.read()
			for i := range 20 {
				for _, b := range f(yPing, yACK, 0, uint32(i)) {
					a.say(b)
				}
			}
		}),
	}
}

func mplexBreaches() []Case {
	m, f := mplexFrames{}, mplexFrame
	return []Case{
		breach(m, "endless-varint", 'A', mplex.RuleVarintLength, endless()),
		breach(m, "overlong-varint", 'A', mplex.RuleVarintMinimal, []byte{0x80, 0x00}),
		breach(m, "flag", 'D', mplex.RuleFlag, f(7, 0, 0)),
		breach(m, "length-claim", 'A', mplex.RuleBody, m.open(0), f(mMessage, 0, mplex.MaxBody+1)),
		breach(m, "length-claim-on-no-stream", 'A', mplex.RuleBody, f(mMessage, 99, 1<<62)),
		breach(m, "oversize-first-frame", 'E', mplex.RuleBody, f(mNew, 0, mplex.MaxBody+1)),
		breach(m, "duplicate-stream", 'E', mplex.RuleNewStream, m.open(0), m.open(0)),
	}
}

func mplexFloods() []Case {
	m, f := mplexFrames{}, mplexFrame
	flood := func(name string, class byte, does Reaction, next func(i int) []byte) Case {
		return calm("mplex/"+name, class, lawful, mplexSpec, does, reading(next))
	}
	name := make([]byte, 4000)
	return []Case{
		unread(calm("mplex/opens-unread", 'I', mplex.RuleRefusals, mplexSpec, EndsConnection, func(a *attack) { a.flood(anOcean, m.open) }), mplex.RuleRefusals),
		flood("opens", 'B', Bounded, m.open),
		flood("opens-and-resets", 'B', Bounded, func(i int) []byte { return append(m.open(i), m.reset(i)...) }),
		flood("long-names", 'B', Bounded, func(i int) []byte {
			return slices.Concat(f(mNew, uint64(i), uint64(len(name))), name, m.reset(i))
		}),
		flood("resets-of-unknown-streams", 'B', Ignores, m.reset),
		flood("data-for-unknown-streams", 'B', Ignores, func(i int) []byte { return m.data(i, []byte("nobody")) }),
		flood("empty-messages", 'H', Ignores, func(i int) []byte {
			if i == 0 {
				return m.open(0)
			}
			return m.data(0, nil)
		}),
		calm("mplex/data-after-the-end", 'F', "no data follows a close", mplexSpec, Bounded, func(a *attack) {
			a.read()
			a.say(slices.Concat(m.open(0), m.end(0), m.data(0, []byte("late")), m.end(0))...)
		}),
		calm("mplex/half-a-frame", 'L', lawful, mplexSpec, Ignores, func(a *attack) {
			a.read()
			a.say(append(m.open(0), f(mMessage, 0, 1000)...)...)
		}),
	}
}
