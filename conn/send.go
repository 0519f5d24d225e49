package conn

import (
	"io"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// send fills batches while the machine has something to send and the writer can
// take it. While it cannot, bytes gather in the lanes by themselves.
func (k *core) send() {
	for k.machine.Pending() && len(k.free) > 0 && !k.silent && !k.over && k.canWrite() {
		b := k.free[len(k.free)-1]
		b.limit = k.pace.limit()
		k.filling = b
		for k.machine.Pending() && b.room() >= muxer.MinRoom {
			before := b.size
			k.step(muxer.Event{Kind: muxer.Room, N: b.room()})
			if b.size == before {
				break
			}
		}
		k.filling = nil
		if b.frames == 0 {
			break
		}
		b.closeOpen()
		k.fly(b)
	}
	joinsOrFailed := k.writing != nil && k.writer == nil
	if k.ending && !k.silent && !joinsOrFailed && k.flying == 0 && !k.machine.Pending() && !k.unsent() {
		k.finish()
	}
}

// writerRest is how long a writer that has nothing to do is kept: an idle
// connection has none, and its core rests. The sooner they give their stacks back,
// the fewer spans of the heap hold nothing but the stack of one reader.
const writerRest = time.Second / 4

// canWrite reports whether there is a writer to take a batch. Where there is none
// it starts one, which joins with a message of its own. One that has failed is
// not replaced.
func (k *core) canWrite() bool {
	if k.writing == nil {
		k.writing = k.self.Go("writer", k.write)
	}
	return k.writer != nil
}

// restWriter ends a writer that has had nothing to do for a while.
func (k *core) restWriter() {
	switch {
	case k.rest.IsZero() || k.now.Before(k.rest):
	case k.flying > 0 || k.writer == nil || k.silent:
		k.rest = k.now.Add(writerRest)
	case k.now.Sub(k.flew) < writerRest:
		k.rest = k.flew.Add(writerRest)
	default:
		k.writing.Stop(nil)
		k.writing, k.writer, k.rest = nil, nil, time.Time{}
	}
}

// fly hands the last of the free batches to the writer.
func (k *core) fly(b *batch) {
	k.free = k.free[:len(k.free)-1]
	k.flying++
	k.flew = k.now
	if k.rest.IsZero() {
		k.rest = k.now.Add(writerRest)
	}
	if !k.writer.TryPut(b) {
		// The writer has ended; why is in a message that is on its way.
		k.writer = nil
		k.spent(b)
	}
}

// finish ends the loop when everything is sent. Where the pipe has a word for
// the end, the writer says that first; for how long is bounded, see flush.
func (k *core) finish() {
	if _, can := k.conn.upgraded.pipe.(negotiate.HalfCloser); !can {
		k.over = true
		return
	}
	if !k.canWrite() {
		return // until it has joined
	}
	k.silent = true
	b := k.free[len(k.free)-1]
	b.last = true
	k.fly(b)
}

// unsent reports whether a stream's bytes wait for the remote to make room for
// them. After the machine's end nothing more is sent.
func (k *core) unsent() bool {
	if k.machine.Err() != nil {
		return false
	}
	for _, s := range k.table {
		if s.out.Len() > 0 {
			return true
		}
	}
	return false
}

// addFrame puts one frame into the batch that is being filled.
func (k *core) addFrame(e muxer.Effect) {
	var lane *buf.Lane
	if s := k.table[e.Stream]; s != nil {
		lane = s.out
	}
	k.filling.add(k.machine, e, lane)
}

// spent takes a written batch back.
func (k *core) spent(b *batch) {
	k.flying--
	err := b.err
	k.over = k.over || b.last
	k.conn.sent.Add(int64(b.size))
	k.pace.note(b.size, b.took)
	b.release()
	k.free = append(k.free, b)
	if err != nil {
		// Nothing can be sent any more, but what the remote sent before it left
		// can still be read: the reader says when that is over.
		k.broken = k.conn.setReason(err)
		k.writer = nil
		k.flush(time.Second)
	}
}

const (
	// idleRead is the buffer that an idle connection waits with, in bytes.
	idleRead = 512
	// fewBytes is the size of a read after which a connection may be falling idle.
	fewBytes = 2 << 10
	// busyRead is the size from which two reads may be under way at a time.
	busyRead = 16 << 10
)

// read is the reader's body: it owns the read half of the pipe. An empty buffer
// in its mailbox is the permission to read once. It ends with the pipe.
func (k *core) read(self *actor.Self) error {
	permits := actor.NewMailbox[*reading](self, 2)
	if k.inbox.Put(self, message{kind: joined, ref: permits}) != nil {
		return nil
	}
	self.State("reading")
	pipe := k.conn.upgraded.pipe
	for {
		r, ok := permits.Recv()
		if !ok {
			return nil
		}
		r.n, r.err = pipe.Read(r.buf.Bytes())
		if r.n < 0 || r.n > r.buf.Cap() {
			r.n, r.err = 0, errCount
		}
		k.conn.received.Add(int64(r.n))
		failed := r.err != nil // it is the core's from here on
		if k.inbox.Put(self, message{kind: received, ref: r}) != nil {
			r.release()
			return nil
		}
		if failed {
			return nil
		}
	}
}

// gatherer is a pipe that writes several pieces at once.
type gatherer interface {
	WriteBuffers(pieces [][]byte) (int64, error)
}

// write is the writer's body: it owns the write half of the pipe.
func (k *core) write(self *actor.Self) error {
	batches := actor.NewMailbox[*batch](self, 2)
	if k.inbox.Put(self, message{kind: joined, ref: batches}) != nil {
		return nil
	}
	self.State("writing")
	pipe := k.conn.upgraded.pipe
	together, gathers := pipe.(gatherer)
	for b := range batches.All() {
		var n int64
		began := self.Now()
		switch {
		case b.last:
			// When it fails the remote has left, which is no news any more.
			_ = pipe.(negotiate.HalfCloser).CloseWrite()
		case gathers && len(b.pieces) > 1:
			n, b.err = together.WriteBuffers(b.pieces)
		default:
			n, b.err = writeWhole(pipe, b)
		}
		b.took = self.Now().Sub(began)
		switch {
		case b.err != nil:
		case n < int64(b.size):
			b.err = io.ErrShortWrite
		case n > int64(b.size):
			b.err = errCount
		}
		failed := b.err != nil
		if k.inbox.Put(self, message{kind: spent, ref: b}) != nil {
			b.release()
			return nil
		}
		if failed {
			return nil
		}
	}
	return nil
}
