package noise

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/negotiate"
)

// TestTheHandshakeMachinesDoWhatTheTracesSay runs two machines with fixed keys.
// The lines of a trace:
//
//	dialer [muxers=/a,/b] [lenient] [want=N]   sets up; host 1, which wants host N
//	listener [muxers=/a,/b] [lenient]          sets up; host 2
//	begin                                      the dialer may speak
//	pass                                       the message on its way arrives
//	flip N, cut N, append HEX, replace HEX     change the message on its way
//	again                                      the last message that arrived is on its way once more, to the same end
//	announced ROLE N                           only the length of a message arrives
func TestTheHandshakeMachinesDoWhatTheTracesSay(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func(*testing.T) golden.Step { return new(script).step })
}

type script struct {
	ends     [2]*machine
	underway []byte
	to       negotiate.Role
	last     []byte
	lastTo   negotiate.Role
}

func (s *script) step(t *testing.T, line string) []string {
	words := strings.Fields(line)
	verb, words := words[0], words[1:]
	switch verb {
	case "dialer":
		s.ends[negotiate.Dialer] = s.setUp(t, negotiate.Dialer, words)
	case "listener":
		s.ends[negotiate.Listener] = s.setUp(t, negotiate.Listener, words)
	case "begin":
		return s.carryOut(negotiate.Dialer, s.ends[negotiate.Dialer].Step(event{kind: begin}, nil))
	case "pass":
		return s.pass(s.to, s.underway)
	case "again":
		s.underway, s.to = s.last, s.lastTo
	case "flip":
		s.underway = bytes.Clone(s.underway)
		s.underway[number(t, words[0])] ^= 1
	case "cut":
		s.underway = s.underway[:len(s.underway)-number(t, words[0])]
	case "append":
		s.underway = append(bytes.Clone(s.underway), unhex(t, words[0])...)
	case "replace":
		s.underway = unhex(t, words[0])
	case "announced":
		role := negotiate.Dialer
		if words[0] == "listener" {
			role = negotiate.Listener
		}
		return s.carryOut(role, s.ends[role].Step(event{kind: announced, n: number(t, words[1])}, nil))
	default:
		t.Fatalf("what is %q?", line)
	}
	return nil
}

func (s *script) setUp(t *testing.T, role negotiate.Role, words []string) *machine {
	seed := byte(1 + role)
	with := setup{role: role, identity: newIdentity(t, seed), ephemeral: ephemeral(t, seed)}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "muxers":
			with.muxers = strings.Split(value, ",")
		case "lenient":
			with.lenient = true
		case "want":
			with.want = newKey(t, byte(number(t, value))).ID()
		default:
			t.Fatalf("what is %q?", word)
		}
	}
	return newMachine(with)
}

func (s *script) pass(to negotiate.Role, data []byte) []string {
	m := s.ends[to]
	s.last, s.lastTo = data, to
	do := m.Step(event{kind: announced, n: len(data)}, nil)
	if len(do) == 0 {
		do = m.Step(event{kind: message, data: data}, nil)
	}
	return s.carryOut(to, do)
}

func (s *script) carryOut(role negotiate.Role, do []effect) []string {
	var out []string
	for _, f := range do {
		switch f.kind {
		case send:
			s.underway, s.to = f.data, role.Other()
			out = append(out, fmt.Sprintf("%s sends %d bytes: %x", role, len(f.data), f.data))
		case done:
			out = append(out, fmt.Sprintf("%s is done with %s, muxer %q, keys to send %x and receive %x",
				role, f.session.key.ID(), f.session.muxer, f.session.send[:], f.session.receive[:]))
		case fail:
			out = append(out, fmt.Sprintf("%s fails: %v", role, f.err))
		}
	}
	return out
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
