package main

import (
	"runtime"
	"time"
)

// What the runner can look at in a process.
const (
	atMemory = "memory" // after garbage collections
	atWork   = "work"   // without disturbing it
)

// Stats are what a process holds and has done.
type Stats struct {
	Heap       float64 `json:"heap,omitempty"`  // bytes in live objects
	Stack      float64 `json:"stack,omitempty"` // bytes of goroutines' stacks
	Goroutines float64 `json:"goroutines,omitempty"`
	Mallocs    float64 `json:"mallocs,omitempty"`  // objects allocated until now
	Clock      float64 `json:"clock,omitempty"`    // seconds, since the process began to look
	CPU        float64 `json:"cpu,omitempty"`      // seconds, user and system, until now
	WakeUps    float64 `json:"wake-ups,omitempty"` // how often a thread has slept and gone on
}

// collections is how many garbage collections come before memory is counted: what
// lies in pools survives one, and a buffer may be let go by what is collected.
const collections = 3

// eye looks at its own process.
type eye struct {
	began time.Time
	// heap, if it is not nil, is told after each look at memory.
	heap func() error
}

func (e eye) look(what string) (s Stats, err error) {
	if what == atWork {
		s, err = usage()
		s.Clock = time.Since(e.began).Seconds()
		return s, err
	}
	for range collections {
		runtime.GC()
		time.Sleep(20 * time.Millisecond) // what finishes in the background has its turn
	}
	if e.heap != nil {
		err = e.heap()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Stats{
		Heap: float64(m.HeapAlloc), Stack: float64(m.StackInuse),
		Goroutines: float64(runtime.NumGoroutine()), Mallocs: float64(m.Mallocs),
	}, err
}
