package explore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor/explore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Two jugs of three and five litres.
type jugs struct{ three, five int }

func pour(w jugs, visit func(string, jugs)) {
	visit("fill three", jugs{3, w.five})
	visit("fill five", jugs{w.three, 5})
	visit("empty three", jugs{0, w.five})
	visit("empty five", jugs{w.three, 0})
	n := min(w.three, 5-w.five)
	visit("three into five", jugs{w.three - n, w.five + n})
	n = min(w.five, 3-w.three)
	visit("five into three", jugs{w.three + n, w.five - n})
}

func fine(jugs) error { return nil }

func TestEveryWorldIsReachedOnce(t *testing.T) {
	result := explore.Model[jugs]{Next: pour, Check: fine}.Explore()
	if result.Worlds != 16 || result.Steps != 16*6 || result.Err != nil {
		t.Errorf("got %v", result)
	}
	if text := result.String(); text != "16 worlds, 96 steps, no fault" {
		t.Errorf("it says %q", text)
	}
}

func TestTheShortestWayToAFaultIsReturned(t *testing.T) {
	four := errors.New("four litres")
	result := explore.Model[jugs]{Next: pour, Check: func(w jugs) error {
		if w.five == 4 {
			return four
		}
		return nil
	}}.Explore()
	want := `fill five
five into three
empty three
five into three
fill five
five into three
  => four litres`
	if diff := cmp.Diff(want, fmt.Sprint(result)); diff != "" || result.Err != four {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFaultAtTheStartHasAnEmptyTrace(t *testing.T) {
	result := explore.Model[jugs]{Next: pour, Check: func(jugs) error { return errors.New("bad") }}.Explore()
	if result.Err == nil || len(result.Trace) != 0 {
		t.Errorf("got %v", result)
	}
}

func TestAModelWithoutBoundsIsRefused(t *testing.T) {
	result := explore.Model[int]{
		Next:  func(n int, visit func(string, int)) { visit("more", n+1) },
		Check: func(int) error { return nil },
		Limit: 100,
	}.Explore()
	var limit *explore.LimitError
	if !errors.As(result.Err, &limit) || limit.Limit != 100 || len(result.Trace) != 100 {
		t.Errorf("got %v", result)
	}
}
