package talk

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// attempt runs one check against a fake peer in virtual time.
func attempt(t *testing.T, f fault, c Check) (result error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rec := NewRecorder()
		p := &fakePeer{fault: f, handlers: rec.Handlers(), serial: make(chan struct{}, 1)}
		ctx, cancel := context.WithTimeout(t.Context(), c.Limit)
		defer cancel()
		ctx, progress := WithProgress(ctx)
		to := Target{ID: fakeID, Addrs: []string{fakeAddr}, Agent: "fake"}
		if c.Kills != KillNobody {
			ctx = WithUnderWay(ctx, func() { p.kill(c.Kills) })
		}
		result = c.Run(ctx, p, to)
		if c.Kills == KillDialer {
			result = nil // who is killed says nothing
		}
		if result == nil && c.Awaits != "" {
			e, err := rec.Await(ctx, c.Awaits)
			if result = err; err == nil {
				result = c.Ended(e)
			}
		}
		if result == nil && c.Kills != KillNobody {
			soon, cancel := context.WithTimeout(ctx, KillLimit)
			defer cancel()
			result = Gone(soon, p, fakeID)
		}
		if progress.Doing() == "" {
			t.Error("the check does not say what it does")
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return result
}

func TestEachCheckPassesWithAFaultlessPeer(t *testing.T) {
	for _, c := range Checks() {
		if c.Size > 1<<21 {
			continue // the same code as the smaller echoes
		}
		t.Run(c.Label(), func(t *testing.T) {
			if err := attempt(t, "", c); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEachFaultIsFound(t *testing.T) {
	for _, f := range faults() {
		for _, label := range faultFinders()[f] {
			t.Run(label+" when a peer "+string(f), func(t *testing.T) {
				c, ok := FindCheck(label, 0)
				if !ok {
					t.Fatalf("there is no check %q", label)
				}
				err := attempt(t, f, c)
				if err == nil {
					t.Fatal("the check passed")
				}
				t.Log(err)
			})
		}
	}
}

func TestEachCheckFindsSomeFault(t *testing.T) {
	var finders []string
	for _, labels := range faultFinders() {
		finders = append(finders, labels...)
	}
	for _, c := range Checks() {
		// A check that is the same code with another size or direction needs no
		// fault of its own.
		if c.Label() == "echo-64MiB" || c.Label() == "back-echo-1MiB+1" {
			continue
		}
		if !slices.Contains(finders, c.Label()) {
			t.Errorf("no fault makes %s fail", c.Label())
		}
	}
}

func TestACheckThatRunsOutOfTimeSaysWhereItStood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &fakePeer{fault: neverAnswers, handlers: NewRecorder().Handlers()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ctx, progress := WithProgress(ctx)
		if err := echo(ctx, p, Target{ID: fakeID}, 10); err == nil {
			t.Fatal("the check passed")
		}
		if got, want := progress.Doing(), "echoing 10 bytes: 10 sent, 0 came back"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		_ = p.Close()
	})
}

func TestATransferThatNobodyCutsIsNoPass(t *testing.T) {
	for _, label := range []string{"killed-listener-download", "killed-listener-upload"} {
		c, ok := FindCheck(label, 0)
		if !ok {
			t.Fatalf("there is no check %q", label)
		}
		synctest.Test(t, func(t *testing.T) {
			p := &fakePeer{fault: losesTheLastByte, handlers: NewRecorder().Handlers()}
			ctx, cancel := context.WithTimeout(t.Context(), c.Limit)
			defer cancel()
			ctx = WithUnderWay(ctx, func() { t.Error("somebody was to be killed") })
			// The handler ends by itself, before anybody was killed.
			p.handlers[Source] = func(s Stream) error { return s.CloseWrite() }
			p.handlers[Discard] = func(s Stream) error { return s.Reset() }
			err := c.Run(ctx, p, Target{ID: fakeID})
			if err == nil || !strings.Contains(err.Error(), "before anybody was killed") {
				t.Errorf("%s: got %v", label, err)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLabelsAreUniqueAndFoundAgain(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if seen[c.Label()] {
			t.Errorf("%s stands twice in the list", c.Label())
		}
		seen[c.Label()] = true
		found, ok := FindCheck(c.Label(), 0)
		if !ok || found.Label() != c.Label() || found.Back != c.Back {
			t.Errorf("%s is not found again", c.Label())
		}
		if c.Limit <= 0 || c.Shows == "" || c.Run == nil {
			t.Errorf("%s has no limit, no purpose or no body", c.Label())
		}
	}
}

func TestAnEchoCanHaveAnySize(t *testing.T) {
	c, ok := FindCheck("echo", 777)
	if !ok || c.Label() != "echo-777B" {
		t.Fatalf("found %q, %v", c.Label(), ok)
	}
	if err := attempt(t, "", c); err != nil {
		t.Fatal(err)
	}
	if _, ok := FindCheck("ping", 777); !ok {
		t.Error("ping is not found")
	}
	if _, ok := FindCheck("no such check", 0); ok {
		t.Error("a check that does not exist was found")
	}
}

func TestThePatternNeverChanges(t *testing.T) {
	// The pattern is part of /troupe/source/1.0.0: other programs may know it.
	sum := PatternSum(1, 1000)
	if got, want := hex.EncodeToString(sum[:]), patternVector; got != want {
		t.Errorf("the first 1000 bytes of Pattern(1) have SHA-256 %s, want %s", got, want)
	}
}

func TestWaitingForAnEndingEndsWithTheContext(t *testing.T) {
	rec := NewRecorder()
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	if _, err := rec.Await(ctx, Wait); !errors.Is(err, because) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if _, err := rec.Await(t.Context(), "/no/such/protocol"); err == nil {
		t.Error("a protocol that does not exist was awaited")
	}
}

// patternVector is the SHA-256 of the first 1000 bytes of Pattern(1).
const patternVector = "82437953725f3b83b54a1447ee687f14cb8dc68615933b122126eb4e3d52d93f"
