package sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// The programs of docs/simulation.md, as they stand there.

func mine(_ *actor.Self, s *stream.Stream) error {
	_, err := io.Copy(s, s)
	return err
}

func ask(w *sim.World, from, to *sim.Site) error {
	ctx, cancel := w.Self().WithTimeout(5 * time.Second)
	defer cancel()
	if err := from.Connect(ctx, to.Info()); err != nil {
		return err
	}
	s, err := from.Open(ctx, to.ID(), "/mine/1")
	if err != nil {
		return err
	}
	s = s.WithContext(ctx)
	defer s.Close()
	s.Write([]byte("hello"))
	s.CloseWrite()
	answer, err := io.ReadAll(s)
	if err == nil && string(answer) != "hello" {
		err = fmt.Errorf("%s answered %q", to.Name(), answer)
	}
	return err
}

func TestMine(t *testing.T) {
	sim.Test(t, func(w *sim.World) {
		hosts := w.Hosts(5, func(s *sim.Site) error { return s.Serve("/mine/1", mine) })
		w.Chaos(sim.Chaos{Faults: 10})
		w.Eventually("the first reaches the last", time.Minute, func() error {
			return ask(w, hosts[0], hosts[4])
		})
		w.Run(30 * time.Second)
	})
}

func TestMineOverABadLink(t *testing.T) {
	sim.Test(t, func(w *sim.World) {
		serve := func(s *sim.Site) error { return s.Serve("/mine/1", mine) }
		alice, bob := w.Site("alice", serve), w.Site("bob", serve)
		slow := sim.Degrade("alice", "bob").For(10 * time.Second)
		slow.By, slow.Loss = 300*time.Millisecond, sim.Percent(5)
		w.At(time.Second, slow)
		w.At(5*time.Second, sim.Crash("bob").For(2*time.Second).Forgetting())
		w.At(9*time.Second, sim.Partition([]string{"alice"}, []string{"bob"}).OneWay())
		w.Always("bob starts twice at most", func() error {
			if bob.Starts() > 2 {
				return errors.New("three times")
			}
			return nil
		})
		w.Run(20 * time.Second)
		w.Must(ask(w, alice, bob))
	})
}

// A host crashes in the middle of the world and comes back with what it has
// written to its disk.
func ExampleWorld_Site() {
	_, err := sim.Run(context.Background(), sim.Config{Seed: 1}, func(w *sim.World) error {
		bob := w.Site("bob", func(s *sim.Site) error {
			before, err := s.Disk().Read("starts")
			if err != nil {
				return err
			}
			return s.Disk().Write("starts", append(before, 'I'))
		})
		w.At(time.Second, sim.Crash("bob").For(2*time.Second))
		w.Run(5 * time.Second)
		starts, err := bob.Disk().Read("starts")
		fmt.Printf("%s after %v\n", starts, w.Elapsed())
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: II after 5s
}

func TestTheProgramsOfThePageAreThoseThatRunHere(t *testing.T) {
	page, err := os.ReadFile("../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	for _, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		if !strings.Contains(string(here), code) {
			t.Errorf("this stands on the page only:\n%s", code)
		}
	}
	if len(blocks) < 2 {
		t.Errorf("the page has %d programs", len(blocks))
	}
	for _, k := range sim.Kinds() {
		if !strings.Contains(string(page), "`"+string(k)+"`") {
			t.Errorf("the page does not tell of %q", k)
		}
	}
}
