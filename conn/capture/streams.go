package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// routes has a handler for each protocol that this end agreed to in the
// recording. The handlers of one protocol play its conversations in their order.
type routes struct {
	replay  *replay
	waiting map[negotiate.Protocol][]*conversation
	routes  map[negotiate.Protocol]*stream.Route
	playing int
}

func newRoutes(recorded *talk) *routes {
	r := &routes{waiting: map[negotiate.Protocol][]*conversation{}, routes: map[negotiate.Protocol]*stream.Route{}}
	for _, id := range recorded.order {
		v := recorded.streams[id]
		p := negotiate.Protocol(v.agreement.agreed)
		if id.opener != Peer || p == "" {
			continue
		}
		r.waiting[p] = append(r.waiting[p], v)
		if r.routes[p] == nil {
			r.routes[p] = &stream.Route{Protocol: p, Handler: func(self *actor.Self, s *stream.Stream) error { return r.serve(self, s, p) }}
		}
	}
	return r
}

// Find returns the route of a protocol that was agreed on.
func (r *routes) Find(p negotiate.Protocol) *stream.Route { return r.routes[p] }

// Protocols returns nothing: nobody asks in a recording.
func (r *routes) Protocols() []negotiate.Protocol { return nil }

// serve plays the next conversation of a protocol.
func (r *routes) serve(self *actor.Self, s *stream.Stream, p negotiate.Protocol) error {
	if len(r.waiting[p]) == 0 {
		r.replay.problem(fmt.Errorf("a stream of %s was agreed on that is not in the recording", p))
		return stream.Refuse(stream.CodeNone)
	}
	v := r.waiting[p][0]
	r.waiting[p] = r.waiting[p][1:]
	r.playing++
	err := play(self, s, v)
	r.playing--
	if err != nil {
		r.replay.problem(fmt.Errorf("%s, %s: %w", v.id, p, err))
	}
	if _, ended := v.has(closes); !ended && err == nil {
		actor.NewSignal(self, "the end of the recording").Wait(self, time.Time{})
	}
	return nil
}

// unused says which recorded conversations did not happen, or have not ended.
func (r *routes) unused() error {
	var problems []error
	for p, left := range r.waiting {
		for _, v := range left {
			problems = append(problems, fmt.Errorf("%s, %s: it never came to its handler", v.id, p))
		}
	}
	if r.playing > 0 {
		problems = append(problems, fmt.Errorf("%d handlers have not come to their ends", r.playing))
	}
	return errors.Join(problems...)
}

// open opens the streams that this end opened, each at its place.
func (r *replay) open(self *actor.Self) error {
	if err := r.up.Wait(self, time.Time{}); err != nil || r.conn == nil {
		r.problem(errors.New("there is no connection"))
		return nil
	}
	for i, id := range r.recorded.order {
		if id.opener != Troupe {
			continue
		}
		v := r.recorded.streams[id]
		self.Go(fmt.Sprint("opener-", id.number), func(self *actor.Self) error {
			if err := r.until(self, v.at, offset+time.Duration(i)*turn); err != nil {
				return nil
			}
			if err := r.converse(self, v); err != nil {
				r.problem(fmt.Errorf("%s, %q: %w", id, v.agreement.offers, err))
			}
			return nil
		})
	}
	return nil
}

// converse opens one stream and plays its conversation.
func (r *replay) converse(self *actor.Self, v *conversation) error {
	want := make([]negotiate.Protocol, len(v.agreement.offers))
	for i, p := range v.agreement.offers {
		want[i] = negotiate.Protocol(p)
	}
	s, err := r.conn.Open(self, v.agreement.lazy, want...)
	var no *negotiate.RefusedError
	switch {
	case v.agreement.refused() && !v.agreement.lazy:
		if !errors.As(err, &no) {
			return fmt.Errorf("the peer refused, but the end was: %w", orNone(err))
		}
		return nil
	case err != nil:
		return err
	case !v.agreement.lazy && string(s.Protocol()) != v.agreement.agreed:
		return fmt.Errorf("agreed on %s instead of %s", s.Protocol(), v.agreement.agreed)
	}
	if err := play(self, s.WithContext(self), v); err != nil {
		s.Reset(stream.CodeNone)
		return err
	}
	if _, ended := v.has(closes); ended {
		return s.Close()
	}
	return nil
}

// play does on a stream what this end did in the recording, and wants to see
// what the peer did.
func play(self *actor.Self, s *stream.Stream, v *conversation) error {
	for i, step := range v.steps {
		if err := playStep(self, s, v, i); err != nil {
			return fmt.Errorf("%s: %w", step.kind, err)
		}
		if v.agreement.lazy && v.agreement.refused() && step.kind == writes {
			return readRefusal(s)
		}
	}
	return nil
}

// String is a step in words.
func (k stepKind) String() string {
	return [...]string{"reading", "writing", "reading to the end", "closing", "resetting", "seeing a reset"}[k]
}

func playStep(self *actor.Self, s *stream.Stream, v *conversation, i int) error {
	step := v.steps[i]
	switch step.kind {
	case reads:
		if i+1 < len(v.steps) && v.steps[i+1].kind == broken {
			return nil // a reset drops what was not read
		}
		got := make([]byte, len(step.data))
		if n, err := io.ReadFull(s, got); err != nil {
			return fmt.Errorf("%d of %d bytes: %w", n, len(got), err)
		}
		if !bytes.Equal(got, step.data) {
			return fmt.Errorf("other bytes than the peer's: %x", got[:min(len(got), 32)])
		}
	case writes:
		if _, err := s.Write(step.data); err != nil {
			return err
		}
	case sees:
		if n, err := s.Read(make([]byte, 1)); err != io.EOF {
			return fmt.Errorf("%d bytes and: %w", n, orNone(err))
		}
	case closes:
		return s.CloseWrite()
	case breaks:
		if err := self.Sleep(settle); err != nil {
			return err
		}
		s.Reset(step.code)
	case broken:
		return readReset(s, step.code)
	}
	return nil
}

// readReset reads to the peer's reset.
func readReset(s *stream.Stream, code uint32) error {
	var err error
	for buffer := make([]byte, 1024); err == nil; {
		_, err = s.Read(buffer)
	}
	var reset *stream.ResetError
	if !errors.As(err, &reset) || !reset.Remote || reset.Code != code {
		return fmt.Errorf("instead of the code %#x: %w", code, err)
	}
	return nil
}

// readRefusal reads to the peer's refusal of what was offered lazily.
func readRefusal(s *stream.Stream) error {
	n, err := s.Read(make([]byte, 1))
	var no *negotiate.RefusedError
	if !errors.As(err, &no) {
		return fmt.Errorf("reading the peer's refusal: %d bytes and: %w", n, orNone(err))
	}
	return nil
}
