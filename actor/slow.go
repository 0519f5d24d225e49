package actor

import (
	"bytes"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

// A SlowActor is one that has computed for more than a second of real time
// without waiting: a loop without end, or a wait that the simulation does not
// know. Stack is where it stands, as far as that could be found.
type SlowActor struct {
	Path  string
	Stack string
}

// slowAfter is how long a step may take.
const slowAfter = time.Second

// A watcher looks now and then whether the steps go on. It is the one thing in a
// simulation that goes by the real clock, and changes nothing.
type watcher struct {
	sched  *Scheduler
	mu     sync.Mutex // guards the rest
	active map[*Island]inStep
	timer  *time.Timer
	over   bool
}

// inStep is a step that is being taken.
type inStep struct {
	task  *task
	since time.Time
	told  bool
}

// watchSlow watches until the function it returns is called.
func (s *Scheduler) watchSlow() (end func()) {
	if s.options.OnSlow == nil {
		return func() {}
	}
	w := &watcher{sched: s, active: map[*Island]inStep{}}
	s.watcher = w
	w.mu.Lock()
	w.timer = time.AfterFunc(slowAfter/2, w.look)
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
		w.timer.Stop()
	}
}

// begins and ends tell of a step.
func (w *watcher) begins(i *Island, t *task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[i] = inStep{task: t}
}

func (w *watcher) ends(i *Island) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, i)
}

func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	now := time.Now()
	for i, b := range w.active {
		switch {
		case b.since.IsZero():
			b.since = now
		case !b.told && now.Sub(b.since) >= slowAfter:
			b.told = true
			w.sched.options.OnSlow(SlowActor{Path: b.task.path(), Stack: stackOfTask()})
		}
		w.active[i] = b
	}
	w.timer.Reset(slowAfter / 2)
}

// stackOfTask finds the stacks of tasks that do not stand where tasks wait.
func stackOfTask() string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	var found []string
	for record := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(record, "actor.swallowKill") && !strings.Contains(record, "actor.(*task).giveTurn") &&
			!strings.Contains(record, "runtime.coroswitch") {
			found = append(found, record)
		}
	}
	return strings.Join(found, "\n\n")
}
