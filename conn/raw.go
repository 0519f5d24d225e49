package conn

import (
	"net"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/transport"
)

// rawPipe is the link's pipe as the security channel has it. It lets the core
// write without waiting.
//
//	core ──▶ security channel ──▶ rawPipe ──▶ TryWrite       as much as there is room for
//	                                 │ kept: the rest, sealed already
//	writer ─▶ security channel ──▶ rawPipe ──▶ kept, then Write, which may wait
//
// A security channel must see all its bytes taken: what it has sealed cannot be
// sealed again. So what does not fit is kept here, and is bounded by what the core
// writes at once. The core and the writer take turns, see [core.flying].
type rawPipe struct {
	countingPipe
	trier   transport.TryWriter // nil: the pipe cannot
	instant bool                // the core writes: it must not wait
	kept    []byte
}

func newRawPipe(link net.Conn) *rawPipe {
	p := &rawPipe{countingPipe: countingPipe{Conn: link}}
	p.trier, _ = link.(transport.TryWriter)
	return p
}

// Write writes all of b, or in instant writing takes it.
func (p *rawPipe) Write(b []byte) (int, error) {
	if !p.instant {
		if err := p.flush(); err != nil {
			return 0, err
		}
		return p.Conn.Write(b)
	}
	n := 0
	if len(p.kept) == 0 {
		var err error
		if n, err = p.trier.TryWrite(b); err != nil {
			return n, err
		}
	}
	p.kept = append(p.kept, b[n:]...)
	return len(b), nil
}

// WriteBuffers writes several pieces with one system call where the pipe can.
func (p *rawPipe) WriteBuffers(pieces [][]byte) (n int64, err error) {
	if p.instant { // little enough to copy, which costs less than a second call of the pipe
		size := 0
		for _, piece := range pieces {
			size += len(piece)
		}
		whole := buf.Get(min(size, buf.MaxSize))
		defer whole.Release()
		all := whole.Bytes()[:0]
		for _, piece := range pieces {
			all = append(all, piece...)
		}
		k, err := p.Write(all)
		return int64(k), err
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	if together, can := p.Conn.(transport.Gatherer); can {
		return together.WriteBuffers(pieces)
	}
	buffers := net.Buffers(pieces)
	return buffers.WriteTo(p.Conn)
}

// OnReadable implements [transport.Notifier] for the security channel.
func (p *rawPipe) OnReadable(f func()) bool {
	below, can := p.Conn.(transport.Notifier)
	if can && f != nil && len(p.held) > 0 {
		f()
		return true
	}
	return can && below.OnReadable(f)
}

// flush writes what was kept, and may wait.
func (p *rawPipe) flush() error {
	if len(p.kept) == 0 {
		return nil
	}
	kept := p.kept
	p.kept = nil
	_, err := p.Conn.Write(kept)
	return err
}
