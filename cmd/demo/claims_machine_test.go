package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestClaimsFollowTheirGoldenTraces(t *testing.T) {
	golden.Run(t, "testdata/claims/*.txt", func(t *testing.T) golden.Step {
		m := &claimsMachine{room: 1000}
		return func(t *testing.T, line string) []string {
			var ev claimEvent
			var who string
			switch {
			case strings.HasPrefix(line, "wish "):
				if _, err := fmt.Sscanf(line, "wish %d %s %s %d", &ev.id, &who, &ev.claim.name, &ev.claim.size); err != nil {
					t.Fatal(err)
				}
				ev.claim.peer = peer.ID(who)
			case strings.HasPrefix(line, "over "):
				ev.over = true
				if _, err := fmt.Sscanf(line, "over %d moved %d", &ev.id, &ev.moved); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("no such event: %q", line)
			}
			var out []string
			for _, e := range m.Step(dawn, ev, nil) {
				if e.code == 0 {
					out = append(out, fmt.Sprintf("grant %d", e.id))
				} else {
					out = append(out, fmt.Sprintf("refuse %d: %v", e.id, e.code))
				}
			}
			return append(out, fmt.Sprintf("room for %d", m.room))
		}
	})
}

func TestClaimsNeverPromiseMoreThanThereIs(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	m := &claimsMachine{room: 5000}
	taken := int64(0)
	for id := range int64(20_000) {
		ev := claimEvent{id: id, claim: claim{peer.ID(fmt.Sprint(chance.IntN(6))), fmt.Sprint(chance.IntN(30)), chance.Int64N(300)}}
		if chance.IntN(2) == 0 {
			ev = claimEvent{id: id - chance.Int64N(40), over: true, moved: chance.Int64N(3)}
			if c, ok := m.claims[ev.id]; ok {
				ev.moved = min(ev.moved, c.size)
				taken += ev.moved
			}
		}
		m.Step(dawn, ev, nil)
		promised, perPeer, names := int64(0), map[peer.ID]int{}, map[string]bool{}
		for _, c := range m.claims {
			promised += c.size
			perPeer[c.peer]++
			if names[c.name] {
				t.Fatalf("step %d: two transfers write %s", id, c.name)
			}
			names[c.name] = true
			if perPeer[c.peer] > maxReceivingPerPeer {
				t.Fatalf("step %d: peer %s sends %d files", id, c.peer, perPeer[c.peer])
			}
		}
		if m.room < 0 || m.room+promised+taken != 5000 || len(m.claims) > maxReceiving {
			t.Fatalf("step %d: room %d, promised %d, taken %d, claims %d", id, m.room, promised, taken, len(m.claims))
		}
	}
}
