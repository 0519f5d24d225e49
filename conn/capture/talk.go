package capture

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// startWindow is what each end of a stream of yamux may send at first (libp2p
// specs, yamux/README.md), and maxWindow is as far as go and js let it grow.
const (
	startWindow = 256 << 10
	maxWindow   = 16 << 20
)

// A stepKind says what happens on a stream, as Troupe's end sees it.
type stepKind uint8

const (
	reads  stepKind = iota // the peer's bytes
	writes                 // Troupe's bytes
	sees                   // the peer closed its half
	closes                 // Troupe closes its half
	breaks                 // Troupe resets, with a code
	broken                 // the peer resets, with a code
)

// A step is one thing that happens on a stream after multistream-select.
type step struct {
	kind stepKind
	data []byte
	code uint32
}

// A conversation is what went over one stream.
type conversation struct {
	id        streamID
	at        int // how many chunks of the peer came before it began
	agreement agreement
	steps     []step
	wrote     int  // bytes of the steps that write
	acked     bool // yamux: the other end has accepted it

	carried  [2]int64 // bytes sent by each side, multistream-select included
	granted  [2]int64 // bytes that each side let the other send
	finished [2]bool  // the side closed its half or reset
	reset    bool
}

// add appends a step; bytes that follow bytes are one step.
func (v *conversation) add(s step) {
	if s.kind == writes {
		v.wrote += len(s.data)
	}
	if n := len(v.steps); n > 0 && len(s.data) > 0 && v.steps[n-1].kind == s.kind {
		v.steps[n-1].data = append(v.steps[n-1].data, s.data...)
		return
	}
	s.data = slices.Clone(s.data)
	v.steps = append(v.steps, s)
}

// written is everything that Troupe wrote after multistream-select.
func (v *conversation) written() []byte {
	var all []byte
	for _, s := range v.steps {
		if s.kind == writes {
			all = append(all, s.data...)
		}
	}
	return all
}

// has reports whether there is a step of a kind, and its code.
func (v *conversation) has(kind stepKind) (code uint32, ok bool) {
	for _, s := range v.steps {
		if s.kind == kind {
			return s.code, true
		}
	}
	return 0, false
}

// A talk follows a session from outside: both directions, in the order in which
// they are fed.
type talk struct {
	dialer  Side
	decode  decoder
	windows bool       // the muxer has them
	muxer   *agreement // nil when it was agreed inside the handshake
	heard   int        // chunks of the peer so far
	rest    [2][]byte
	open    [2]frame // the last frame, when some of its bytes are to come
	streams map[streamID]*conversation
	order   []streamID
	asked   [2][]uint32 // values of pings by each side, not yet answered
	away    [2][]uint32 // codes of go-aways by each side
	cuts    [2][]cut
	fed     [2]int
}

// newTalk begins to follow the session of a capture.
func newTalk(c *Capture) (*talk, error) {
	decode, err := decoderOf(c.Muxer, c.Dialer)
	if err != nil {
		return nil, err
	}
	t := &talk{dialer: c.Dialer, decode: decode, windows: c.Muxer == yamuxID, streams: map[streamID]*conversation{}}
	if !c.Early {
		t.muxer = &agreement{dialer: c.Dialer}
	}
	return t, nil
}

// follow feeds a whole capture.
func follow(c *Capture) (*talk, error) {
	t, err := newTalk(c)
	if err != nil {
		return nil, err
	}
	for _, chunk := range c.Chunks {
		if err := t.take(chunk.From, chunk.Data); err != nil {
			return t, fmt.Errorf("the chunk at line %d: %w", chunk.Line, err)
		}
		if chunk.From == Peer {
			t.heard++
		}
	}
	return t, t.whole(Troupe)
}

// whole says whether a side's bytes ended within something.
func (t *talk) whole(side Side) error {
	if f := t.open[side]; f.left > 0 {
		return fmt.Errorf("%s ends within a frame: %s: %d bytes are missing", side, f.note, f.left)
	}
	if len(t.rest[side]) > 0 {
		return fmt.Errorf("%s ends within a frame: % x", side, t.rest[side][:min(len(t.rest[side]), 16)])
	}
	return nil
}

// take feeds what one side has sent.
func (t *talk) take(from Side, data []byte) error {
	if t.muxer != nil {
		var err error
		before := len(data)
		if data, err = t.muxer.take(from, data); err != nil {
			return err
		}
		t.fed[from] += before - len(data)
	}
	data = append(t.rest[from], data...)
	t.rest[from] = nil
	for len(data) > 0 {
		f := t.open[from]
		if f.left > 0 {
			f = f.rest(data)
		} else {
			var ok bool
			var err error
			if f, ok, err = t.decode(from, data); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			if !ok {
				t.rest[from] = slices.Clone(data)
				return nil
			}
			t.cuts[from] = append(t.cuts[from], cut{at: t.fed[from], head: f.head, note: f.note})
		}
		t.open[from] = f
		t.fed[from] += f.size()
		if err := t.frame(from, f); err != nil {
			return fmt.Errorf("%s: %s: %w", from, f.note, err)
		}
		data = data[f.size():]
	}
	return nil
}

// frame carries out one frame.
func (t *talk) frame(from Side, f frame) error {
	for _, d := range f.now() {
		switch d {
		case pings:
			t.asked[from] = append(t.asked[from], f.n)
			continue
		case answers:
			other := from.Other()
			if i := slices.Index(t.asked[other], f.n); i >= 0 {
				t.asked[other] = slices.Delete(t.asked[other], i, i+1)
			} else if from == Troupe {
				return errors.New("nobody asked for that")
			}
			continue
		case goesAway:
			t.away[from] = append(t.away[from], f.n)
			continue
		case begins:
			if f.stream.opener != from {
				return errors.New("the stream's number belongs to the other end")
			}
			if t.streams[f.stream] != nil {
				return errors.New("the stream was opened before")
			}
			v := &conversation{id: f.stream, at: t.heard, agreement: agreement{dialer: from}}
			t.streams[f.stream], t.order = v, append(t.order, f.stream)
			continue
		}
		v := t.streams[f.stream]
		if v == nil {
			return errors.New("nobody opened the stream")
		}
		if d == accepts {
			v.acked = v.acked || from != f.stream.opener
			continue
		}
		if err := t.deed(from, f, d, v); err != nil {
			return err
		}
	}
	return nil
}

// deed carries out what a frame does to a stream.
func (t *talk) deed(from Side, f frame, d deed, v *conversation) error {
	if v.finished[from] && (d == carries && len(f.body) > 0 || d == ends) && from == Troupe {
		return errors.New("it comes after the end of the sender's half")
	}
	switch d {
	case carries:
		v.carried[from] += int64(len(f.body))
		if from == Troupe && t.windows && v.carried[from] > startWindow+v.granted[from.Other()] {
			return fmt.Errorf("%d bytes were sent, %d are allowed", v.carried[from], startWindow+v.granted[from.Other()])
		}
		if v.reset {
			return nil // it was on its way
		}
		rest, err := v.agreement.take(from, f.body)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			v.add(step{kind: pick(from, writes, reads), data: rest})
		}
	case grants:
		v.granted[from] += int64(f.n)
		if ahead := startWindow + v.granted[from] - v.carried[from.Other()]; from == Troupe && ahead > maxWindow {
			return fmt.Errorf("the other end may now send %d bytes", ahead)
		}
	case ends:
		v.finished[from] = true
		if !v.reset {
			v.add(step{kind: pick(from, closes, sees)})
		}
	case resets:
		v.finished[from] = true
		if !v.reset {
			v.add(step{kind: pick(from, breaks, broken), code: f.n})
		}
		v.reset = true
	}
	return nil
}

// pick returns what is meant for the side.
func pick(from Side, troupe, peer stepKind) stepKind {
	if from == Troupe {
		return troupe
	}
	return peer
}

// covers says what recorded has from Troupe's end that t has not.
func (t *talk) covers(recorded *talk) error {
	var missing []error
	miss := func(format string, args ...any) { missing = append(missing, fmt.Errorf(format, args...)) }
	if m := recorded.muxer; m != nil && t.muxer.sent(Troupe) < m.sent(Troupe) {
		miss("multistream-select for the muxer stands at %q, %q", t.muxer.offers, t.muxer.replies)
	}
	for _, id := range recorded.order {
		want, got := recorded.streams[id], t.streams[id]
		switch {
		case got == nil && id.opener == Troupe:
			miss("%s is not open", id)
			continue
		case got == nil:
			continue // the peer has yet to open it
		}
		if id.opener == Peer && want.acked && !got.acked {
			miss("%s has no answer", id)
		}
		if want.agreement.sent(Troupe) > got.agreement.sent(Troupe) {
			miss("%s: its protocol: %q, %q instead of %q, %q", id,
				got.agreement.offers, got.agreement.replies, want.agreement.offers, want.agreement.replies)
		}
		if got.wrote < want.wrote {
			miss("%s: %d of %d bytes were written", id, got.wrote, want.wrote)
		}
		for _, end := range ownEnds() {
			_, wants := want.has(end.kind)
			if _, has := got.has(end.kind); wants && !has {
				miss("%s is not %s", id, end.name)
			}
		}
	}
	if len(t.asked[Peer]) > len(recorded.asked[Peer]) {
		miss("the pings %d have no answer", t.asked[Peer])
	}
	return errors.Join(missing...)
}

// sent is how many lines a side has sent.
func (a *agreement) sent(side Side) int {
	n := len(a.replies)
	if side == a.dialer {
		n = len(a.offers)
	}
	if a.headed[side] {
		n++
	}
	return n
}

// differs says where what Troupe's end said in t is not what it said in recorded.
func (t *talk) differs(recorded *talk) error {
	problems := []error{t.covers(recorded)}
	for _, id := range t.order {
		got, want := t.streams[id], recorded.streams[id]
		if want == nil {
			problems = append(problems, fmt.Errorf("%s was never opened in the recording", id))
			continue
		}
		problems = append(problems, got.differs(want))
	}
	if m := recorded.muxer; m != nil && (!slices.Equal(m.offers, t.muxer.offers) || !slices.Equal(m.replies, t.muxer.replies)) {
		problems = append(problems, fmt.Errorf("multistream-select for the muxer was %q, %q instead of %q, %q",
			t.muxer.offers, t.muxer.replies, m.offers, m.replies))
	}
	return errors.Join(problems...)
}

// differs says where what Troupe's end said on a stream is not what it said in
// the recording.
func (v *conversation) differs(want *conversation) error {
	var problems []error
	differ := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(v.id.String()+": "+format, args...))
	}
	a, b := &v.agreement, &want.agreement
	if !slices.Equal(a.offers, b.offers) || !slices.Equal(a.replies, b.replies) {
		differ("its protocol: %q, %q instead of %q, %q", a.offers, a.replies, b.offers, b.replies)
	}
	if !bytes.Equal(v.written(), want.written()) {
		differ("%d bytes were written that are not the %d of the recording", v.wrote, want.wrote)
	}
	for _, end := range ownEnds() {
		code, has := v.has(end.kind)
		wanted, wants := want.has(end.kind)
		// Of a stream that was refused, its actor and whoever opened it both say
		// that it is reset, one with a code and one without: the first is heard.
		either := b.refused() && (code == 0 || wanted == 0)
		if has != wants || code != wanted && !either {
			differ("%s: %t with code %#x instead of %t with code %#x", end.name, has, code, wants, wanted)
		}
	}
	return errors.Join(problems...)
}

// ownEnds are the ways in which Troupe's end ends a stream.
func ownEnds() []struct {
	kind stepKind
	name string
} {
	return []struct {
		kind stepKind
		name string
	}{{closes, "closed"}, {breaks, "reset"}}
}
