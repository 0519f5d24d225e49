package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A small host, as it looks at one moment.
func TestTheTreeIsDrawnALineAnActor(t *testing.T) {
	var tree Node
	err := NewScheduler(1, nil).Run(context.Background(), "host", thenStop(func(self *Self) error {
		self.State("open")
		self.Note("peer", "12D3…f3")
		self.Note("peer", "12D3…aa") // the same key replaces
		self.Note("since", 7)
		sent := int64(0)
		self.Gauge("sent", func() int64 { return sent + 1 })
		self.Gauge("sent", func() int64 { return sent })
		sent = 42
		_, box := withBox(self, "swarm", 4, idle[int])
		box.TryPut(1)
		box.TryPut(2)
		self.Supervise("services", Restart{}, func(self *Self) error {
			self.Supervise("ping", Restart{When: OnFailure}, func(self *Self) error {
				if self.Restarts() < 2 {
					return errBoom
				}
				return untilTold(self)
			})
			self.Supervise("identify", Restart{When: Always}, untilTold)
			return untilTold(self)
		})
		self.Go("reader", func(self *Self) error {
			box.TryPut(3)
			box.TryPut(4)
			box.Put(self, 5)
			return nil
		})
		self.Sleep(time.Second)
		self.Supervise("late", Restart{Grace: time.Minute}, func(self *Self) error {
			NewSignal(self, "a lock").Wait(context.WithoutCancel(self), self.Now().Add(time.Second))
			return nil
		})
		self.Sleep(time.Millisecond)
		tree = self.Tree()
		return nil
	}))
	if err != nil {
		t.Error(err)
	}
	want := `
host  open, peer 12D3…aa, since 7, sent 42
├─ swarm  mailbox 4/4
├─ services
│  ├─ ping  restarts 2 (host/services/ping: boom)
│  └─ identify
├─ reader  waits for room in the mailbox of host/swarm
└─ late
failed: host/services/ping: boom
failed: host/services/ping: boom
`
	if diff := cmp.Diff(want[1:], tree.String()); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if tree.Count() != 7 {
		t.Errorf("it counts %d actors", tree.Count())
	}
	reader, ok := tree.Find("host/reader")
	if !ok || reader.Waits != "room in the mailbox of host/swarm" || reader.Age != time.Second+time.Millisecond {
		t.Errorf("the reader shows %+v", reader)
	}
	swarm, _ := tree.Find("host/swarm")
	if diff := cmp.Diff(&BoxLoad{Waiting: 4, Limit: 4, Full: 1}, swarm.Mailbox); diff != "" || swarm.Waits != "a stop" {
		t.Errorf("the swarm waits for %q, its mailbox is (-want +got):\n%s", swarm.Waits, diff)
	}
	if _, ok := tree.Find("host/serv"); ok {
		t.Error("found an actor by the beginning of its name")
	}
}

func TestAStoppingAndAnOverdueActorAreMarkedInTheTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		Run(t.Context(), "root", thenStop(func(self *Self) error {
			ref := self.Supervise("stuck", Restart{Grace: 2 * time.Second}, func(self *Self) error {
				self.State("copying")
				<-release
				return nil
			})
			self.Sleep(time.Second)
			ref.Stop(nil)
			self.Sleep(time.Second)
			want := "root\n└─ stuck  copying, stopping\n"
			if diff := cmp.Diff(want, self.Tree().String()); diff != "" {
				t.Errorf("told to stop (-want +got):\n%s", diff)
			}
			self.Sleep(2 * time.Second)
			want = "root\n└─ stuck  copying, OVERDUE\n"
			if diff := cmp.Diff(want, ref.Tree().String()); diff == "" {
				t.Error("the subtree is drawn as the tree")
			}
			if diff := cmp.Diff(want, self.Tree().String()); diff != "" {
				t.Errorf("late (-want +got):\n%s", diff)
			}
			close(release)
			return nil
		}))
	})
}

func TestTheTextsOfErrorsSayWhoAndWhy(t *testing.T) {
	exit := &ExitError{Path: "host/swarm", Err: errBoom}
	for _, c := range []struct {
		err  error
		want string
	}{
		{exit, "host/swarm: boom"},
		{&ExitError{Path: "host/x", Err: &BudgetError{Path: "host/x", Max: 5, Within: time.Minute, Err: exit}}, "host/x: more than 5 restarts within 1m0s; the last failure: host/swarm: boom"},
		{&PanicError{Value: "ouch"}, "panic: ouch"},
		{&GoneError{Path: "host/swarm"}, "host/swarm has ended"},
		{&GoneError{Path: "host/swarm", Cause: exit}, "host/swarm has ended: host/swarm: boom"},
		{&CycleError{Paths: []string{"a", "b", "a"}}, "actor: a cycle of waiting sends: a -> b -> a"},
		{&WaitError{Path: "core", On: "swarm"}, "actor: core never waits for another actor, but was about to wait for swarm; use TryPut"},
		{&OverdueError{Overdue: []Overdue{{Path: "a", Grace: time.Second}, {Path: "b", State: "copying", Grace: time.Minute}}}, "actor: 2 did not stop in time: a (grace 1s) b (grace 1m0s, copying)"},
		{&DeadlockError{Waiting: []string{"a waits for b"}}, "actor: deadlock, nothing can happen any more:\n  a waits for b"},
	} {
		if c.err.Error() != c.want {
			t.Errorf("got %q, want %q", c.err, c.want)
		}
	}
	var inner error = &PanicError{Value: exit}
	if !errors.Is(inner, errBoom) {
		t.Error("a panic with an error does not unwrap to it")
	}
	if errors.Unwrap(&PanicError{Value: 7}) != nil {
		t.Error("a panic with a number unwraps")
	}
	if !errors.Is(&OverdueError{Cause: exit}, errBoom) {
		t.Error("an overdue tree does not unwrap to its failure")
	}
}

// A goroutine profile names the actors, and nobody else by their names.
func TestEachGoroutineCarriesThePathOfItsActorAsAProfileLabel(t *testing.T) {
	Run(t.Context(), "root", thenStop(func(self *Self) error {
		var started atomic.Int32
		ready := NewSignal(self, "all to have started")
		body := func(self *Self) error {
			if started.Add(1) == 3 {
				ready.Set()
			}
			return untilTold(self)
		}
		self.Go("part", body)
		self.Supervise("service", Restart{When: Always}, func(self *Self) error {
			self.Go("below", body)
			return body(self)
		})
		ready.Wait(self, time.Time{})
		for _, path := range []string{"root", "root/part", "root/service", "root/service/below"} {
			if stackOf(path) == "" {
				t.Errorf("no goroutine carries the label %s", path)
			}
		}
		var all bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&all, 1)
		if n := strings.Count(all.String(), `"actor":`); n != 4 {
			t.Errorf("%d labels for 4 actors:\n%s", n, &all)
		}
		return nil
	}))
}

func TestTheTreeCanBeReadWhileItChanges(t *testing.T) {
	Run(t.Context(), "root", thenStop(func(self *Self) error {
		for i := range 4 {
			self.Supervise(fmt.Sprint(i), Restart{When: Always, Max: 1 << 20}, func(self *Self) error {
				box := NewMailbox[int](self, 1)
				self.State("busy")
				self.Note("n", self.Restarts())
				self.Gauge("g", func() int64 { return 1 })
				box.TryPut(1)
				self.Supervise("temporary", Restart{}, func(*Self) error { return nil })
				box.Recv()
				if self.Restarts() < 100 {
					return errBoom
				}
				return untilTold(self)
			})
		}
		for range 200 {
			tree := self.Tree()
			if tree.Count() < 5 || tree.String() == "" {
				t.Errorf("the tree is\n%v", tree)
			}
		}
		return nil
	}))
}

// The program must die of a panic, so the test is run once more as a child.
func TestLetPanicsCrashEndsTheProgramWithTheOriginalStack(t *testing.T) {
	if os.Getenv("ACTOR_TEST_CRASH") != "" {
		Run(LetPanicsCrash(context.Background()), "root", func(self *Self) error {
			self.Supervise("bad", Restart{When: Always}, func(*Self) error { return thisPanics() })
			return untilTold(self)
		})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "ACTOR_TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the program ended with %v:\n%s", err, out)
	}
	if text := string(out); !strings.Contains(text, "panic: ouch") || !strings.Contains(text, "thisPanics") {
		t.Errorf("it said:\n%s", text)
	}
}

func TestLetPanicsCrashGoesThroughASimulationToo(t *testing.T) {
	defer func() {
		if value := recover(); value != "ouch" {
			t.Errorf("recovered %v", value)
		}
	}()
	NewScheduler(1, nil).Run(LetPanicsCrash(context.Background()), "root", func(self *Self) error {
		self.Supervise("other", Restart{}, untilTold)
		self.Supervise("bad", Restart{}, func(self *Self) error {
			self.Sleep(time.Second)
			return thisPanics()
		})
		return untilTold(self)
	})
}
