package swarm

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A LimitError is why something was refused: which limit is reached, and by whom.
// The limits follow from the budget of the host, and each can be set by its name.
type LimitError struct {
	Limit   string   // its name
	Value   int      // what it is set to
	Held    int      // how much of it is taken
	Of      string   // whom it is counted for: a peer, an address or a subnet; empty: all
	Holders []Holder // who has most of it, at most three; only where the refusal is this host's own
}

// A Holder is somebody who takes up places of a limit.
type Holder struct {
	Who string // a peer, an address or a subnet
	N   int
}

func (e *LimitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the limit %s is reached: %d of %d are taken", e.Limit, e.Held, e.Value)
	if e.Of != "" {
		b.WriteString(" by " + e.Of)
	}
	for i, h := range e.Holders {
		sep := ", "
		if i == 0 {
			sep = "; most are held by "
		}
		fmt.Fprintf(&b, "%s%s (%d)", sep, h.Who, h.N)
	}
	fmt.Fprintf(&b, " (close some, give the host a larger budget, or set the limit %s)", e.Limit)
	return b.String()
}

// A Refusal says how often a limit was in somebody's way.
type Refusal struct {
	Limit string
	Count int64
	Last  *LimitError
}

// refusals counts by limit. There are as many as limits.
type refusals struct {
	mu  sync.Mutex // never held over a wait
	all []Refusal
}

func (r *refusals) note(err *LimitError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.IndexFunc(r.all, func(known Refusal) bool { return known.Limit == err.Limit })
	if at < 0 {
		at = len(r.all)
		r.all = append(r.all, Refusal{Limit: err.Limit})
	}
	r.all[at].Count++
	r.all[at].Last = err
}

// Refusals are the limits that were in somebody's way, in the order of the first
// time.
func (s *Swarm) Refusals() []Refusal {
	s.refusals.mu.Lock()
	defer s.refusals.mu.Unlock()
	return slices.Clone(s.refusals.all)
}
