package host

import (
	"errors"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestAHostThatRemembersFindsBackByPeerIDAlone(t *testing.T) {
	both(t, func(w *world) {
		store := &swarm.MemoryStore{}
		b := w.meeting(Listen("/memory/0"))
		a := w.start(NoListen(), Remember(store))
		w.must(a.Connect(w.ctx, b.Info()))
		w.must(a.Close())
		record, seq := a.Swarm().Book().Record(b.ID())

		w.sleep(8 * time.Hour)
		again := w.host(NoListen(), Remember(store))
		w.must(again.Connect(w.ctx, peer.Info{ID: b.ID()}))
		if _, now := again.Swarm().Book().Record(b.ID()); record == nil || now != 0 && now < seq {
			w.Errorf("the record was %d and is %d", seq, now)
		}
		names := again.Tree().Children
		if names[0].Name != "store" || names[1].Name != "book" {
			w.Errorf("the tree begins with %s and %s", names[0].Name, names[1].Name)
		}
	})
}

func TestAHostThatIsToRememberNothingSaysSo(t *testing.T) {
	both(t, func(w *world) {
		_, err := New(w.ctx, Remember(nil))
		var wrong *ConfigError
		if !errors.As(err, &wrong) || len(wrong.Problems) != 1 {
			w.Errorf("got %v", err)
		}
	})
}
