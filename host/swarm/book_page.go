package swarm

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A bookPage is what the book shows of one peer. It is never changed once it is
// shown: a change makes a new one.
type bookPage struct {
	id     peer.ID
	lines  []bookLine  // those learned first first; never empty
	record *bookRecord // nil: none
}

// A bookLine is one address. It stands as long as one of its sources holds.
type bookLine struct {
	addr      ma.Multiaddr
	size      int
	until     [sources]time.Time // how long each source holds; zero: it does not
	certified bool               // it is in the record

	failures int
	retryAt  time.Time
	lastErr  error
}

// bookRecord is a signed record whose signature and owner are checked.
type bookRecord struct {
	envelope  []byte
	seq       uint64
	statement [32]byte // a hash of what it says, without the signature
	until     time.Time
}

// newRecord makes a record of an envelope that was opened.
func newRecord(envelope []byte, r peer.Record) *bookRecord {
	return &bookRecord{envelope: bytes.Clone(envelope), seq: r.Seq, statement: sha256.Sum256(r.Marshal())}
}

// What a line takes in memory besides the bytes of its address, about.
const (
	lineSize = 256
	partSize = 64 // each part of an address
)

func sizeOf(addr ma.Multiaddr) int {
	size := lineSize
	for i := range addr {
		size += partSize + len(addr[i].Bytes())
	}
	return size
}

// source is the best one that the line has; false: none.
func (l *bookLine) source() (Source, bool) {
	for s := sources; s > 0; s-- {
		if !l.until[s-1].IsZero() {
			return s - 1, true
		}
	}
	return Heard, false
}

// end is when the last of its sources ceases to hold.
func (l *bookLine) end() time.Time {
	var end time.Time
	for _, t := range l.until {
		end = later(end, t)
	}
	return end
}

// hold has a source hold until at least the given time.
func (l *bookLine) hold(s Source, until time.Time) { l.until[s] = later(l.until[s], until) }

// expire takes away the sources that have ceased to hold.
func (l *bookLine) expire(now time.Time) {
	for s, t := range l.until {
		if t.Before(now) {
			l.until[s] = time.Time{}
		}
	}
}

// withdrawn takes away what rested on the peer's word.
func (l *bookLine) withdrawn() {
	l.until[Heard], l.until[Said], l.certified = time.Time{}, time.Time{}, false
}

// worse orders the lines of a peer: the worst is the first to make room.
func (l *bookLine) worse(than *bookLine) bool {
	a, _ := l.source()
	b, _ := than.source()
	switch {
	case a != b:
		return a < b
	case l.certified != than.certified:
		return than.certified
	}
	return l.end().Before(than.end())
}

func (l *bookLine) entry() BookEntry {
	s, _ := l.source()
	return BookEntry{
		Addr: l.addr, Source: s, Certified: l.certified, Until: l.end(),
		Failures: l.failures, RetryAt: l.retryAt, LastErr: l.lastErr,
	}
}

// find is the place of an address among lines; negative: it is not there.
func find(lines []bookLine, addr ma.Multiaddr) int {
	return slices.IndexFunc(lines, func(l bookLine) bool { return l.addr.Equal(addr) })
}

// place adds a line, and takes away worse ones when the limits of a peer say so.
// When only better ones are left, it is not added.
func place(lines []bookLine, l bookLine) []bookLine {
	size := l.size + sizeOfLines(lines)
	for len(lines) == MaxAddrsPerPeer || size > MaxPeerSize && len(lines) > 0 {
		worst := 0
		for i := range lines {
			if lines[i].worse(&lines[worst]) {
				worst = i
			}
		}
		if l.worse(&lines[worst]) {
			return lines
		}
		size -= lines[worst].size
		lines = slices.Delete(lines, worst, worst+1)
	}
	if size > MaxPeerSize {
		return lines // one address alone
	}
	return append(lines, l)
}

func sizeOfLines(lines []bookLine) int {
	size := 0
	for i := range lines {
		size += lines[i].size
	}
	return size
}

// standing takes away the lines that no source holds.
func standing(lines []bookLine) []bookLine {
	return slices.DeleteFunc(lines, func(l bookLine) bool {
		_, ok := l.source()
		return !ok
	})
}

// rank is the best source of any of the lines.
func rank(lines []bookLine) Source {
	best := Heard
	for i := range lines {
		if s, ok := lines[i].source(); ok {
			best = max(best, s)
		}
	}
	return best
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
