package swarm

import (
	"testing"
)

func TestTwoSwarmsTalkOverOneConnection(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		c, err := a.Connect(w.self, b.info())
		w.must(err)
		for range 3 {
			s, err := a.Open(w.self, b.ID(), echoID)
			w.must(err)
			w.must(talk(s.WithContext(w.self), "hello"))
		}
		if len(a.Conns(b.ID())) != 1 || a.Conn(b.ID()) != c || c.Peer() != b.ID() {
			w.Errorf("a has %d connections with b", len(a.Conns(b.ID())))
		}
	})
}
