package actor

import (
	"time"
)

// An alarm is a virtual timer, or something that comes from another island.
type alarm struct {
	island *Island
	at     time.Duration
	source int     // the island that set it
	order  uint64  // of those of the source
	index  int     // in the heap, -1 when not set
	task   *task   // to wake
	what   Arrival // otherwise
	once   bool    // nobody else holds it
}

func (i *Island) after(d time.Duration, f func()) timer {
	a := &alarm{island: i, index: -1, what: call(f)}
	a.Reset(d)
	return a
}

// ring lets the alarm go off.
func (a *alarm) ring() {
	if a.task != nil {
		a.task.wakeUp(wokenByTime)
		return
	}
	what := a.what
	if a.once {
		a.what = nil
		a.island.spare = append(a.island.spare, a)
	}
	what.Arrive()
}

// Stop takes the alarm out of the calendar.
func (a *alarm) Stop() bool {
	if a.index < 0 || a.island.off {
		return false
	}
	a.island.alarms.remove(a)
	a.island.sched.touch(a.island)
	return true
}

// Reset sets the alarm anew, d from now on the island's clock.
func (a *alarm) Reset(d time.Duration) bool {
	i := a.island
	i.check()
	was := a.index >= 0
	if was {
		i.alarms.remove(a)
	}
	if i.off {
		return was
	}
	i.count++
	a.at, a.source, a.order = later(i.nowTrue(), i.lasts(max(d, 0))), i.index, i.count
	i.alarms.add(a)
	i.sched.touch(i)
	return was
}

// later is at+d, and never when that is too much for a clock.
func later(at, d time.Duration) time.Duration {
	if d > never-1-at {
		return never - 1
	}
	return at + d
}

// calendar is a heap of alarms with four children to a node: by time, then by who
// set them, then in the order they were set. No two are equal.
type calendar []*alarm

func (a *alarm) before(b *alarm) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.source != b.source {
		return a.source < b.source
	}
	return a.order < b.order
}

func (h *calendar) add(a *alarm) {
	*h = append(*h, a)
	h.up(len(*h)-1, a)
}

func (h *calendar) remove(a *alarm) {
	k, list := a.index, *h
	last := len(list) - 1
	moved := list[last]
	list[last] = nil
	*h = list[:last]
	a.index = -1
	if k == last {
		return
	}
	if k > 0 && moved.before(list[(k-1)/4]) {
		h.up(k, moved)
	} else {
		h.down(k, moved)
	}
}

func (h *calendar) up(k int, a *alarm) {
	list := *h
	for k > 0 {
		parent := (k - 1) / 4
		if !a.before(list[parent]) {
			break
		}
		list[k] = list[parent]
		list[k].index = k
		k = parent
	}
	list[k] = a
	a.index = k
}

func (h *calendar) down(k int, a *alarm) {
	list := *h
	for {
		first := 4*k + 1
		if first >= len(list) {
			break
		}
		child := first
		for c := first + 1; c < min(first+4, len(list)); c++ {
			if list[c].before(list[child]) {
				child = c
			}
		}
		if !list[child].before(a) {
			break
		}
		list[k] = list[child]
		list[k].index = k
		k = child
	}
	list[k] = a
	a.index = k
}

// islandQueue is a heap of all islands, by when each has something to do.
type islandQueue []*Island

func (i *Island) before(j *Island) bool {
	return i.key < j.key || i.key == j.key && i.index < j.index
}

func (q *islandQueue) add(i *Island) {
	i.key, i.slot = i.due(), len(*q)
	*q = append(*q, i)
	q.up(i)
}

// fix moves an island to where it belongs by now.
func (q *islandQueue) fix(i *Island) {
	at := i.due()
	if at == i.key || i.slot < 0 {
		return
	}
	i.key = at
	if !q.up(i) {
		q.down(i)
	}
}

func (q *islandQueue) up(i *Island) (moved bool) {
	list, k := *q, i.slot
	for k > 0 && i.before(list[(k-1)/2]) {
		list[k] = list[(k-1)/2]
		list[k].slot = k
		k = (k - 1) / 2
		moved = true
	}
	list[k], i.slot = i, k
	return moved
}

func (q *islandQueue) down(i *Island) {
	list, k := *q, i.slot
	for child := 2*k + 1; child < len(list); child = 2*k + 1 {
		if child+1 < len(list) && list[child+1].before(list[child]) {
			child++
		}
		if !list[child].before(i) {
			break
		}
		list[k] = list[child]
		list[k].slot = k
		k = child
	}
	list[k], i.slot = i, k
}

// remove takes an island out.
func (q *islandQueue) remove(i *Island) {
	list := *q
	last := list[len(list)-1]
	list[len(list)-1] = nil
	*q = list[:len(list)-1]
	if last != i {
		last.slot = i.slot
		(*q)[last.slot] = last
		if !q.up(last) {
			q.down(last)
		}
	}
	i.slot = -1
}

// order makes it a heap again after many have changed.
func (q *islandQueue) order() {
	for _, i := range *q {
		i.key = i.due()
	}
	for k := len(*q)/2 - 1; k >= 0; k-- {
		q.down((*q)[k])
	}
}
