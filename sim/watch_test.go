package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/sim"
)

var errSeenEnough = errors.New("seen enough")

// watched plays a world in which bob crashes, and returns what its watcher saw.
func watched(t *testing.T, record *sim.Trace, enough func(sim.Event) bool) (seen []sim.Event, r sim.Result, err error) {
	t.Helper()
	r, err = sim.Run(t.Context(), sim.Config{Seed: 3, Record: record, Watch: func(_ *sim.World, e sim.Event) error {
		seen = append(seen, e)
		if enough(e) {
			return errSeenEnough
		}
		return nil
	}}, func(w *sim.World) error {
		w.Hosts(2, nil)
		w.At(time.Second, sim.Crash("host-2").For(time.Second))
		w.Run(3 * time.Second)
		return nil
	})
	return seen, r, err
}

func TestAWatcherSeesAllThatATraceHas(t *testing.T) {
	trace := &sim.Trace{}
	seen, _, err := watched(t, trace, func(sim.Event) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	var kept []sim.Event
	for c := trace.Cursor(); c.Next(); {
		kept = append(kept, c.Event())
	}
	order := func(a, b sim.Event) int {
		return strings.Compare(a.String(), b.String())
	}
	slices.SortFunc(seen, order)
	slices.SortFunc(kept, order)
	if d := cmp.Diff(kept, seen); d != "" {
		t.Error(d)
	}
}

func TestAWatcherEndsTheRunWhereItStands(t *testing.T) {
	seen, r, err := watched(t, nil, func(e sim.Event) bool { return e.Kind == sim.EventDown })
	var f *sim.Failure
	if !errors.Is(err, errSeenEnough) || !errors.As(err, &f) || f.At != time.Second || r.Elapsed != time.Second {
		t.Errorf("%v after %v", err, r.Elapsed)
	}
	if last := seen[len(seen)-1]; last.Kind != sim.EventDown || last.Text != "host-2" {
		t.Errorf("the last event is %v", last)
	}
}

func TestARunOnThreadsHasNoWatcher(t *testing.T) {
	watch := func(*sim.World, sim.Event) error { return nil }
	_, err := sim.Run(context.Background(), sim.Config{Shards: 1, Watch: watch}, func(*sim.World) error { return nil })
	if err == nil {
		t.Error("it was played")
	}
}

func TestAFaultIsTheSameAsJSON(t *testing.T) {
	want := sim.Degrade("a", "b").For(2 * time.Second).OneWay()
	want.At, want.Loss = time.Minute, 7
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got sim.Fault
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, wrong := range []string{`{"kind":"crash"}`, `{"kind":"crash","hosts":["a"],"loud":true}`, `{"kind":"crash","at":5,"hosts":["a"]}`} {
		if err := json.Unmarshal([]byte(wrong), &got); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}
