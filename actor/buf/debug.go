//go:build bufdebug

package buf

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Debug reports whether this is the debug build; see the package's description.
// In that build buffers are allocated, so nobody may count allocations.
const Debug = true

const (
	// fresh and poison are what memory holds before its first use and after its
	// last one.
	fresh, poison = 0xCB, 0xDB
	// depth is how many callers of a release are known.
	depth = 16
	// keptReleases is how many of a buffer's releases are known, the last ones.
	keptReleases = 4
	// quarantineBytes bounds the released memory that is watched for writes.
	quarantineBytes = 1 << 20
)

// take makes a buffer that was never used.
func take(class int) *Buf {
	return &Buf{class: int8(class), data: bytes.Repeat([]byte{fresh}, classes[class])}
}

// quarantine is the memory that was released last, oldest first. It is looked at
// in turns, a buffer with each release, and leaves when there is too much of it.
var quarantine struct {
	mu    sync.Mutex // guards the rest
	held  []*Buf
	bytes int
	turn  int
}

// give poisons a buffer without references and puts it into quarantine.
func give(b *Buf) {
	for i := range b.data {
		b.data[i] = poison
	}
	q := &quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn++
	if len(q.held) > 0 {
		q.held[q.turn%len(q.held)].unwritten()
	}
	q.held = append(q.held, b)
	q.bytes += len(b.data)
	for q.bytes > quarantineBytes {
		q.held[0].unwritten()
		q.bytes -= len(q.held[0].data)
		q.held[0] = nil
		q.held = q.held[1:]
	}
}

// inspect looks at everything in quarantine.
func inspect() {
	quarantine.mu.Lock()
	defer quarantine.mu.Unlock()
	for _, b := range quarantine.held {
		b.unwritten()
	}
}

// unwritten panics when somebody has written into the buffer since its release.
func (b *Buf) unwritten() {
	if bytes.Count(b.data, []byte{poison}) == len(b.data) {
		return
	}
	at := 0
	for b.data[at] == poison {
		at++
	}
	panic(misuse(fmt.Sprintf("memory of %d bytes was written after its release, at byte %d: %#x%s", len(b.data), at, b.data[at], b.track.releases())))
}

// bufTrack is who has released references to a buffer.
type bufTrack struct {
	mu   sync.Mutex // guards the rest
	last []stack
}

func (t *bufTrack) releases() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	for _, s := range t.last {
		fmt.Fprintf(&text, "\n\na reference was released by\n%v", s)
	}
	return text.String()
}

// used panics when nobody has a reference to the buffer any more.
func (b *Buf) used(how string) {
	if b.refs.Load() <= 0 {
		panic(misuse(fmt.Sprintf("a buffer is %s after its last release, by\n%v%s", how, callers(), b.track.releases())))
	}
}

// releasing notes who releases, before the count changes.
func (t *bufTrack) releasing(b *Buf, by stack) {
	if b.refs.Load() <= 0 {
		b.releasedTwice(by)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == keptReleases {
		t.last = t.last[1:]
	}
	t.last = append(t.last, by)
}

func (b *Buf) releasedTwice(by stack) {
	panic(misuse(fmt.Sprintf("a buffer is released twice, now by\n%v%s", by, b.track.releases())))
}

// chunkTrack knows one reference, however often the chunk that owns it is
// copied. A chunk without a buffer has none.
type chunkTrack struct{ of *reference }

type reference struct{ released atomic.Pointer[stack] }

func newChunkTrack() chunkTrack { return chunkTrack{&reference{}} }

// used panics when the reference was released.
func (t chunkTrack) used(how string) {
	if t.of == nil {
		return
	}
	if s := t.of.released.Load(); s != nil {
		panic(misuse(fmt.Sprintf("a chunk is %s after its release, by\n%v\n\nit was released by\n%v", how, callers(), *s)))
	}
}

// release notes who releases the reference; only one may.
func (t chunkTrack) release(by stack) {
	if before := t.of.released.Swap(&by); before != nil {
		panic(misuse(fmt.Sprintf("a chunk is released twice, now by\n%v\n\nand before by\n%v", by, *before)))
	}
}

// A misuse is the value of the panics of the debug build.
type misuse string

func (m misuse) Error() string { return "buf: " + string(m) }

// Uncontained says that no actor may survive the panic: who broke the rule is
// perhaps another one, and whose bytes are wrong is not known.
func (misuse) Uncontained() {}

// A stack is the callers of a function of this package.
type stack []uintptr

func callers() stack {
	s := make(stack, depth)
	return s[:runtime.Callers(3, s)]
}

func (s stack) String() string {
	var text strings.Builder
	frames := runtime.CallersFrames(s)
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&text, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
