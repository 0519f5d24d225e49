package actor

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A window is a stretch of time in which the islands are played side by side.
// Nothing crosses faster than the look-ahead, so what happens in the first
// look-ahead of a window cannot depend on what others do in it (Chandy, Misra,
// Distributed Simulation, 1979).
//
// The tree of Run is no part of a window: it may reach into any island, and all
// may reach into it. So a window opens only while all its actors sleep, and ends
// before the first of them is due; whoever of them waits for something that other
// islands may do (a call, a message, a signal) has the islands take turns, instant
// by instant, until it came. Then it sees each island exactly as it is at the
// time. That is slower, and as deterministic.

// mayOpen reports whether the islands may be played side by side.
func (s *Scheduler) mayOpen() bool {
	if s.options.Shards == 0 || s.lookahead <= 0 || s.joined || s.boxes > 0 || s.root.key <= s.queue[0].key {
		return false
	}
	for _, t := range s.root.tasks {
		if !t.asleep() {
			return false
		}
	}
	return true
}

// asleep reports whether nobody of another island can wake t.
func (t *task) asleep() bool {
	if t.role != "" || t.state != taskParked || t.heeds.poll > 0 {
		return false
	}
	w := t.node.wait.Load()
	switch w {
	case nil:
		return false
	case waitsForSleep, waitsForChildren, waitsForRestart:
		return true
	}
	return w.what == waitsForEnd && w.on != nil && w.on.system.carrier == carrier(t.island)
}

// window plays all islands until what happens at its beginning may reach others.
func (s *Scheduler) window(from time.Duration) {
	s.now, s.still = from, 0
	s.end = min(later(from, s.lookahead), s.root.key)
	if h := s.options.Horizon; h > 0 {
		s.end = min(s.end, h+1)
	}
	if s.band == nil {
		s.band = s.hire()
	}
	c := s.band
	c.work = c.work[:0]
	for _, i := range s.islands {
		if i.key < s.end {
			c.work = append(c.work, i)
		}
	}
	s.parallel = true
	c.play(s.end)
	s.parallel = false
	var wakes []*place
	for _, i := range c.work {
		for k, l := range i.out {
			l.to.deliver(i.index, l)
			i.out[k] = letter{}
		}
		i.out = i.out[:0]
		wakes = append(wakes, i.late...)
		i.late = i.late[:0]
		s.joined = s.joined || i.next != nil
	}
	s.now = s.end - 1
	s.queue.order()
	for _, p := range append(wakes, c.wakes...) {
		p.wake()
	}
	c.wakes = c.wakes[:0]
}

// A band are the goroutines that play islands together.
type band struct {
	sched  *Scheduler
	group  errgroup.Group
	work   []*Island
	next   atomic.Int64
	end    time.Duration
	begin  []chan bool // one for each helper
	done   chan bool
	exited atomic.Bool // an actor ended its goroutine
	mu     sync.Mutex
	wakes  []*place // of the root's island
}

func (s *Scheduler) hire() *band {
	c := &band{sched: s, done: make(chan bool)}
	for range min(s.options.Shards, runtime.GOMAXPROCS(0)) - 1 {
		begin := make(chan bool)
		c.begin = append(c.begin, begin)
		c.group.Go(func() error {
			left := false
			defer func() {
				if !left { // by a Goexit in an actor
					c.exited.Store(true)
					c.done <- true
				}
			}()
			for range begin {
				c.playSome()
				c.done <- true
			}
			left = true
			return nil
		})
	}
	return c
}

// play plays the work until the given time.
func (c *band) play(end time.Duration) {
	c.end = end
	c.next.Store(0)
	helpers := min(len(c.begin), (len(c.work)-1)/2)
	for _, begin := range c.begin[:helpers] {
		begin <- true
	}
	left := false
	defer func() {
		for range helpers {
			<-c.done
		}
		if left && c.exited.Load() {
			c.sched.parallel = false
			runtime.Goexit()
		}
	}()
	c.playSome()
	left = true
}

func (c *band) playSome() {
	for {
		k := c.next.Add(1) - 1
		if k >= int64(len(c.work)) {
			return
		}
		c.work[k].play(c.end, nil)
	}
}

// dismiss ends the helpers.
func (s *Scheduler) dismiss() {
	s.parallel = false
	s.idle.release()
	if s.band != nil {
		for _, begin := range s.band.begin {
			close(begin)
		}
		s.band.group.Wait()
	}
}

// wakeLater keeps a wake for somebody of the root's island until the window is
// over. Nobody of them waits to be woken, so the order says nothing.
func (s *Scheduler) wakeLater(p *place) {
	s.band.mu.Lock()
	defer s.band.mu.Unlock()
	if !slices.Contains(s.band.wakes, p) {
		s.band.wakes = append(s.band.wakes, p)
	}
}

// meet holds up, until the window is over, an actor that is about to wait for
// something of another island than its own, and ends windows for good: actors
// that know each other across islands are played instant by instant.
func (i *Island) meet(ctx context.Context) {
	self := selfOf(ctx)
	if self == nil {
		return
	}
	own := self.node.system.carrier.simulator()
	if own == i || own.current == nil || own == i.sched.root {
		return
	}
	t := own.current
	own.next = t
	t.giveTurn()
}
