package muxertest

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/muxer"
)

// send carries a Send out: the frame goes into the end's queue.
func (w *World) send(which uint8, event muxer.Event, effect muxer.Effect, room *int) error {
	e := w.ends[which]
	if event.Kind != muxer.Room {
		return errors.New("a frame is sent outside of Room")
	}
	l := e.lanes[effect.Stream]
	if l != nil && l.forgotten {
		return fmt.Errorf("a frame is sent for stream %v, which is forgotten", effect.Stream)
	}
	before := len(e.queue)
	e.queue = e.machine.AppendHead(e.queue, effect)
	if effect.N > 0 {
		switch {
		case l == nil:
			return fmt.Errorf("data is sent on stream %v, which is unknown", effect.Stream)
		case l.over():
			return fmt.Errorf("data is sent on stream %v after its end", effect.Stream)
		case effect.N > l.waiting():
			return fmt.Errorf("%d bytes are taken from stream %v, where %d wait", effect.N, effect.Stream, l.waiting())
		case effect.N > w.config.Limits.Frame:
			return fmt.Errorf("a frame of %d bytes is over the limit of %d", effect.N, w.config.Limits.Frame)
		}
		for range effect.N {
			e.queue = append(e.queue, outMark(which, l.id, l.taken))
			l.taken++
		}
	}
	if *room -= len(e.queue) - before; *room < 0 {
		return fmt.Errorf("the frames exceed the room by %d bytes", -*room)
	}
	return nil
}

// tell carries every other effect out.
func (w *World) tell(which uint8, event muxer.Event, effect muxer.Effect) error {
	e := w.ends[which]
	switch effect.Kind {
	case muxer.Opened:
		if event.Kind != muxer.Open || !effect.Stream.Opened() || e.away {
			return errors.New("a stream is opened that was not asked for")
		}
		_, err := e.begin(effect.Stream)
		return err
	case muxer.Refused:
		if event.Kind != muxer.Open || !w.leaves(which) && e.alive-e.inbound < w.config.Limits.Outbound {
			return errors.New("a stream is refused without a reason")
		}
		return nil
	case muxer.Accept:
		if effect.Stream.Opened() || e.away || e.inbound >= w.config.Limits.Inbound {
			return fmt.Errorf("stream %v is accepted against the rules", effect.Stream)
		}
		_, err := e.begin(effect.Stream)
		return err
	case muxer.Pause, muxer.Resume:
		if e.paused == (effect.Kind == muxer.Pause) {
			return errors.New("pause and resume do not alternate")
		}
		e.paused = !e.paused
		return nil
	case muxer.Drained:
		if !w.leaves(which) || e.drained || e.alive > 0 {
			return errors.New("drained, but it is not, or not for the first time")
		}
		e.drained = true
		return nil
	case muxer.Fatal:
		return fmt.Errorf("an honest remote is accused: %w", e.machine.Err())
	}
	l, err := e.live(effect.Stream)
	if err != nil {
		text := w.config.Lines.Effect(effect)
		effect.Data.Release()
		return fmt.Errorf("effect %q: %w", text, err)
	}
	peer := w.ends[1-which].lanes[mirror(effect.Stream)]
	switch effect.Kind {
	case muxer.Deliver:
		l.unread = append(l.unread, effect.Data)
		return w.delivered(which, event, l, peer, effect.Data.Bytes())
	case muxer.EOF:
		return ending(l, peer)
	case muxer.PeerReset:
		return w.reset(l, peer, effect)
	default: // Forget
		return e.forget(l)
	}
}

// leaves reports whether an end may refuse streams because the connection goes
// away.
func (w *World) leaves(which uint8) bool {
	return w.ends[which].away || w.config.Tells && w.ends[1-which].away
}

// delivered checks the bytes of a Deliver.
func (w *World) delivered(which uint8, event muxer.Event, l, peer *lane, p []byte) error {
	if l.readClosed || l.eof || l.over() {
		return fmt.Errorf("bytes are delivered to stream %v after its end", l.id)
	}
	if peer == nil || l.got+len(p) > peer.taken {
		return fmt.Errorf("stream %v got bytes that were never sent", l.id)
	}
	for i, b := range p {
		if want := inMark(which, l.id, l.got+i); b != want {
			return fmt.Errorf("stream %v, byte %d: delivered %02x, written %02x", l.id, l.got+i, b, want)
		}
	}
	l.got += len(p)
	bound := w.config.Limits.StreamBuffer
	if w.config.ExceedByRead {
		bound += event.Data.Len()
	}
	if l.got-l.read > bound {
		return fmt.Errorf("stream %v holds %d unread bytes, the bound is %d", l.id, l.got-l.read, bound)
	}
	return nil
}

// ending checks an EOF.
func ending(l, peer *lane) error {
	switch {
	case l.eof || l.over():
		return fmt.Errorf("stream %v ends after its end", l.id)
	case peer == nil || !peer.closeAsked || peer.waiting() > 0:
		return fmt.Errorf("stream %v ends before the other end closed it", l.id)
	case !l.readClosed && l.got != peer.written:
		return fmt.Errorf("stream %v ends after %d of %d bytes", l.id, l.got, peer.written)
	}
	l.eof = true
	return nil
}

// reset checks a PeerReset.
func (w *World) reset(l, peer *lane, effect muxer.Effect) error {
	switch {
	case l.over():
		return fmt.Errorf("stream %v is reset after its end", l.id)
	case effect.Local && w.config.ExceedByRead && l.got-l.read <= w.config.Limits.StreamBuffer/2:
		return fmt.Errorf("stream %v is reset, but its reader is not slow", l.id)
	case !effect.Local && peer != nil && !peer.resetAsked && !peer.local:
		return fmt.Errorf("stream %v is reset, but the other end did not", l.id)
	}
	l.gone, l.local = true, effect.Local
	l.discard()
	return nil
}

// forget checks a Forget.
func (e *end) forget(l *lane) error {
	if !l.resetAsked && !l.gone && (!l.eof || !l.closeAsked || l.waiting() > 0) {
		return fmt.Errorf("stream %v is forgotten before its end", l.id)
	}
	l.forgotten = true
	e.alive--
	if !l.id.Opened() {
		e.inbound--
	}
	return nil
}

// after checks what must hold between events.
func (w *World) after(e *end, event muxer.Event, pending bool, sends int) error {
	switch m := e.machine; {
	case event.Kind == muxer.Room && event.N >= muxer.MinRoom && pending != (sends > 0):
		return fmt.Errorf("pending was %v, and %d frames came", pending, sends)
	case event.Kind == muxer.Open && len(e.do) != 1:
		return fmt.Errorf("an open has %d answers", len(e.do))
	case m.Streams() != e.alive:
		return fmt.Errorf("the machine has %d streams, %d are alive", m.Streams(), e.alive)
	case e.paused && m.Deadline().IsZero():
		return errors.New("reading is paused without a deadline")
	case e.paused && m.Deadline().Sub(w.now) > w.config.Limits.SlowReader:
		return errors.New("reading is paused for longer than a slow reader is waited for")
	case e.away && !e.drained && e.alive == 0:
		return errors.New("the last stream is gone, and nothing says drained")
	}
	return nil
}
