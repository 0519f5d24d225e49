package sim_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

func TestAReadDeadlineBeforeTheRemoteHasAgreedEndsOneReadOnly(t *testing.T) {
	config := sim.Config{Seed: 1, Link: sim.LinkConfig{Latency: 50 * time.Millisecond}}
	_, err := sim.Run(t.Context(), config, func(w *sim.World) error {
		alice, bob := w.Host("alice"), w.Host("bob")
		err := bob.Handle(bob.Self(), "/echo/1", func(_ *actor.Self, s *stream.Stream) error {
			_, err := io.Copy(s, s)
			return err
		})
		if err != nil {
			return err
		}
		if err := alice.Connect(w.Self(), bob.Info()); err != nil {
			return err
		}
		s, err := alice.Open(w.Self(), bob.ID(), "/echo/1") // lazily: bob has said that he speaks it
		if err != nil {
			return err
		}
		s = s.WithContext(w.Self())
		if _, err := s.Write([]byte("hello")); err != nil {
			return err
		}
		began := w.Self().Now()
		for _, after := range []time.Duration{10 * time.Millisecond, 70 * time.Millisecond} {
			s.SetReadDeadline(began.Add(after))
			n, err := s.Read(make([]byte, 5))
			if at := w.Self().Now().Sub(began); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || at != after {
				t.Errorf("with a deadline at %v the read returned %d bytes and %v at %v", after, n, err, at)
			}
		}
		later := w.Self().Go("later", func(self *actor.Self) error {
			s.SetReadDeadline(began.Add(90 * time.Millisecond)) // while the read waits
			return nil
		})
		s.SetReadDeadline(time.Time{})
		if _, err := s.Read(make([]byte, 5)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("with a deadline that was moved the read returned %v", err)
		}
		if err := later.Wait(w.Self()); err != nil {
			return err
		}
		s.SetReadDeadline(time.Time{})
		got := make([]byte, 5)
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "hello" {
			t.Errorf("the read returned %q and %v", got, err)
		}
		s.SetReadDeadline(began) // agreed by now: the deadline is that of the bytes
		if _, err := s.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("with a deadline in the past the read returned %v", err)
		}
		return s.Close()
	})
	if err != nil {
		t.Error(err)
	}
}
