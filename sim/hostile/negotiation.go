package hostile

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
)

const (
	// soon is what a host has for ending a connection whose rule is broken: the
	// bytes have to get there first.
	soon = 3 * time.Second
	// upgradeTime is what an upgrade, or the choice of a stream's protocol, may take,
	// and what an attacker who says something each second needs to notice the end.
	upgradeTime = 13 * time.Second

	selectSpec  = "connections/README.md, multistream-select"
	upgradeSpec = "connections/README.md: implementations should time out; package conn, 10 s in all"
)

// line is a line of multistream-select.
func line(text string) []byte { return negotiate.AppendLine(nil, text) }

// header is the first line.
func header() []byte { return line(negotiate.Header) }

// endless is a varint without an end.
func endless() []byte { return bytes.Repeat([]byte{0x80}, 64<<10) }

// claim is a length and nothing behind it.
func claim(length uint64) []byte { return binary.AppendUvarint(nil, length) }

// badLines are what breaks a rule of multistream-select wherever it is spoken: for
// the connection they end it, for a stream they end that stream.
func badLines() []badLine {
	return []badLine{
		{"endless-varint", 'A', negotiate.RuleLength, endless()},
		{"overlong-varint", 'A', negotiate.RuleMinimal, []byte{0x93, 0x00}},
		{"length-claim", 'A', negotiate.RuleLength, claim(1 << 31)},
		{"length-claim-63-bits", 'C', negotiate.RuleLength, claim(1<<63 - 1)},
		{"oversize-first-line", 'A', negotiate.RuleLength, append(claim(1025), bytes.Repeat([]byte{'x'}, 1025)...)},
		{"empty-line", 'D', negotiate.RuleEmpty, []byte{0}},
		{"no-newline", 'D', negotiate.RuleNewline, []byte("\x05hello")},
		{"another-header", 'D', negotiate.RuleHeader, line("/multistream/9.9.9")},
		{"http", 'D', negotiate.RuleNewline, []byte("GET / HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nUser-Agent: curl/8.0.0 (a test)\r\n\r\n")},
		{"headers-flood", 'B', negotiate.RuleRepeat, bytes.Repeat(header(), 100)},
		{"proposals-flood", 'B', negotiate.RuleAttempts, append(header(), bytes.Repeat(line("/nothing/1"), 1000)...)},
		{"lists-flood", 'I', negotiate.RuleAttempts, append(header(), bytes.Repeat(line(negotiate.List), 1000)...)},
		{"long-proposals-flood", 'B', negotiate.RuleAttempts, append(header(), bytes.Repeat(line("/"+string(bytes.Repeat([]byte{'x'}, 1022))), 100)...)},
	}
}

type badLine struct {
	name  string
	class byte
	rule  negotiate.Rule
	says  []byte
}

// slowLine is a lawful beginning that takes for ever.
func slowLine() []byte { return append(header(), line("/a-rather-long-proposal/1.0.0")...) }

// negotiation are the attacks on the choice of security channel and muxer.
func negotiation() (all []Case) {
	for _, at := range []struct {
		name  string
		stage conn.Stage
		enter func(a *attack) error
	}{
		{"security", conn.StageNegotiateSecurity, func(*attack) error { return nil }},
		{"muxer", conn.StageNegotiateMuxer, (*attack).enter},
	} {
		add := func(name string, class byte, breaks, spec, rule string, within time.Duration, say func(a *attack)) {
			all = append(all, Case{
				Name: at.name + "/" + name, Class: class, Breaks: breaks, Spec: spec,
				Good: Verdict{Does: EndsConnection, Stage: at.stage, Rule: rule, Within: within},
				play: func(a *attack) error {
					if err := at.enter(a); err != nil {
						return err
					}
					say(a)
					return nil
				},
			})
		}
		for _, bad := range badLines() {
			add(bad.name, bad.class, bad.rule.String(), selectSpec, bad.rule.String(), soon, func(a *attack) { a.say(bad.says...) })
		}
		late := "a peer answers"
		add("silence", 'L', late, upgradeSpec, Deadline, upgradeTime, func(*attack) {})
		add("half-a-line", 'L', late, upgradeSpec, Deadline, upgradeTime, func(a *attack) { a.say(header()[:7]...) })
		add("a-byte-a-second", 'L', late, upgradeSpec, Deadline, upgradeTime, func(a *attack) { a.trickle(slowLine()) })
		add("vanish", 'F', "nothing: peers may go", "none", Left, soon, func(a *attack) { a.raw.Close() })
		add("vanish-in-a-line", 'F', "nothing: peers may go", "none", Left, soon, func(a *attack) {
			a.say(header()[:7]...)
			a.raw.Close()
		})
	}
	return all
}
