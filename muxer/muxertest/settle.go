package muxertest

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/muxer"
)

// Settle brings the world to its end in two parts. First nobody closes: the
// users read all there is and all bytes are carried, after which no byte may be
// left anywhere. Then both users close every stream, after which every stream
// must be forgotten at both ends and both machines idle. Settle ends within a
// bounded number of rounds or tells that the world hangs. No time passes.
func (w *World) Settle() error {
	if err := w.rest(false); err != nil {
		return err
	}
	for i, e := range w.ends {
		for _, l := range e.order {
			peer := w.ends[1-i].lanes[mirror(l.id)]
			switch {
			case l.over():
			case w.held(l, peer):
			case l.waiting() > 0:
				return fmt.Errorf("settled, end %c: %d bytes of stream %v were never sent", 'a'+i, l.waiting(), l.id)
			case peer != nil && !peer.over() && !l.readClosed && l.read != peer.written:
				return fmt.Errorf("settled, end %c: stream %v: %d bytes were written and %d read", 'a'+i, l.id, peer.written, l.read)
			}
		}
	}
	if err := w.rest(true); err != nil {
		return err
	}
	for i, e := range w.ends {
		for _, l := range e.order {
			if err := settled(l, w.ends[1-i].lanes[mirror(l.id)]); err != nil {
				return fmt.Errorf("settled, end %c: %w", 'a'+i, err)
			}
		}
		switch m := e.machine; {
		case m.Streams() != 0:
			return fmt.Errorf("settled: end %c has %d streams", 'a'+i, m.Streams())
		case m.Pending(), len(e.queue) > 0:
			return fmt.Errorf("settled: end %c has something to send", 'a'+i)
		case e.paused, !w.config.Keeps && !m.Deadline().IsZero():
			return fmt.Errorf("settled: end %c still waits for a reader", 'a'+i)
		}
	}
	return nil
}

// rest goes on until nothing more can be done.
func (w *World) rest(closing bool) error {
	for range 10_000 {
		if moved, err := w.round(closing); err != nil {
			return fmt.Errorf("settling: %w", err)
		} else if !moved {
			return nil
		}
	}
	return errors.New("settling: the world never comes to rest")
}

// held reports whether what waits on a stream waits for a window that the other
// end, whose user reads no more, does not open.
func (w *World) held(l, peer *lane) bool {
	return w.config.Windows && l.waiting() > 0 && peer != nil && peer.readClosed
}

// round does once whatever can be done at each end, and reports whether there
// was anything.
func (w *World) round(closing bool) (moved bool, err error) {
	try := func(op Op) {
		if err != nil {
			return
		}
		var done bool
		done, err = w.Do(op)
		moved = moved || done
	}
	for i, e := range w.ends {
		which := uint8(i)
		for k, l := range e.order {
			if closing && !l.over() && !l.closeAsked {
				try(Op{Kind: CloseWrite, End: which, Stream: k})
			}
			if peer := w.ends[1-i].lanes[mirror(l.id)]; closing && !l.over() && peer != nil && w.held(peer, l) {
				try(Op{Kind: Reset, End: which, Stream: k})
			}
			try(Op{Kind: Consume, End: which, Stream: k, N: l.got - l.read})
		}
		if e.machine.Pending() {
			try(Op{Kind: Room, End: which, N: 1 << 16})
		}
		try(Op{Kind: Carry, End: which, N: 1 << 16})
	}
	return moved, err
}

// settled checks one stream after all is done; peer is its other end.
func settled(l, peer *lane) error {
	if !l.forgotten {
		return fmt.Errorf("stream %v is not forgotten", l.id)
	}
	if peer == nil || l.resetAsked || l.gone || peer.resetAsked || peer.gone {
		return nil
	}
	if !l.eof {
		return fmt.Errorf("stream %v was never told its end", l.id)
	}
	if !l.readClosed && l.read != peer.written {
		return fmt.Errorf("stream %v: %d bytes were written and %d read", l.id, peer.written, l.read)
	}
	return nil
}

// AppendKey appends all of the world's state but the machines' own, which the
// caller adds for each machine, so that equal keys mean equal worlds.
func (w *World) AppendKey(dst []byte, machine func(dst []byte, m muxer.Machine) []byte) []byte {
	for _, e := range w.ends {
		for _, l := range e.order {
			dst = fmt.Appendf(dst, "%d %d %d %d %d %t%t%t%t%t%t%t,", l.id, l.written, l.taken, l.got, l.read,
				l.closeAsked, l.readClosed, l.eof, l.resetAsked, l.gone, l.local, l.forgotten)
		}
		dst = fmt.Appendf(dst, ";%x %t%t%t;", e.queue, e.paused, e.away, e.drained)
		dst = machine(dst, e.machine)
	}
	return dst
}
