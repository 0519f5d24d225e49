package conn

import (
	"io"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// instantBytes is how much the core writes itself at most: little enough to be
// sealed in a few microseconds. More is the writer's, so that the core can go on.
const instantBytes = 2 << 10

// send fills batches while the machine has something to send and somebody can
// take it: the pipe at once, or the writer. While nobody can, bytes gather in the
// lanes by themselves.
func (k *core) send() {
	for first := true; k.machine.Pending() && len(k.free) > 0 && !k.silent && !k.over; first = false {
		instant := k.canWriteNow() && (first || k.writer != nil)
		if !instant && !k.canWrite() {
			break
		}
		b := k.free[len(k.free)-1]
		b.limit = k.pace.limit()
		if k.writer == nil {
			b.limit = instantBytes // what does not fit is for a writer
		}
		k.fill(b)
		if b.frames == 0 {
			break
		}
		if instant && b.size <= instantBytes {
			k.writeNow(b)
		} else {
			k.fly(b)
		}
	}
	if k.keeps() && k.canWrite() {
		k.fly(k.free[len(k.free)-1]) // empty: the writer writes what was kept
	}
	if k.ending && !k.silent && k.broken == nil && !k.joins() && k.flying == 0 && !k.keeps() && !k.machine.Pending() && !k.unsent() {
		k.finish()
	}
}

// fill fills a batch with what the machine has to send.
func (k *core) fill(b *batch) {
	k.filling = b
	for k.machine.Pending() && b.room() >= muxer.MinRoom {
		before := b.size
		k.step(muxer.Event{Kind: muxer.Room, N: b.room()})
		if b.size == before {
			break
		}
	}
	k.filling = nil
	b.closeOpen()
}

// canWriteNow reports whether the core may write to the pipe: nobody else does,
// and nothing waits there. A large turn is left to the writer, which is started
// for it.
func (k *core) canWriteNow() bool {
	raw := k.conn.upgraded.raw
	return raw.trier != nil && k.flying == 0 && len(raw.kept) == 0 && k.broken == nil
}

// keeps reports whether sealed bytes wait for room in the pipe, with nobody at
// work on them.
func (k *core) keeps() bool {
	return k.flying == 0 && k.broken == nil && len(k.conn.upgraded.raw.kept) > 0
}

// writeNow writes a small batch to the pipe without waiting. It saves the way to
// the writer and back, which is most of what a small message costs.
func (k *core) writeNow(b *batch) {
	raw := k.conn.upgraded.raw
	raw.instant = true
	n, err := writePieces(k.conn.upgraded.pipe, b)
	raw.instant = false
	b.judge(n, err)
	k.free = k.free[:len(k.free)-1]
	k.flying++
	k.spent(b)
}

// idleAfter is how long nothing must have happened for a connection to be idle: it
// has no writer then, and its core rests. The sooner they give their stacks back,
// the fewer spans of the heap hold nothing but the stack of one reader.
const idleAfter = time.Second / 4

// canWrite reports whether there is a writer to take a batch. Where there is none
// it starts one, which joins with a message of its own. One that has failed is
// not replaced.
func (k *core) canWrite() bool {
	if k.writing == nil && k.broken == nil {
		k.writing = k.self.Go("writer", k.write)
	}
	return k.writer != nil
}

// joins reports whether a writer was started that takes no batches: not yet, or,
// when it has failed, not any more.
func (k *core) joins() bool { return k.writing != nil && k.writer == nil }

// fallIdle sees whether nothing has happened for a while. Then the writer ends and
// the core rests, so that nobody but the reader waits.
func (k *core) fallIdle() {
	switch {
	case k.rest.IsZero() || k.now.Before(k.rest):
	case k.flying > 0 || k.silent || k.keeps() || k.joins():
		k.rest = k.now.Add(idleAfter)
	case k.now.Sub(k.busy) < idleAfter:
		k.rest = k.busy.Add(idleAfter)
	default:
		if k.writer != nil {
			k.writing.Stop(nil)
			k.writing, k.writer = nil, nil
		}
		k.rest, k.idle = time.Time{}, true
	}
}

// fly hands the last of the free batches to the writer.
func (k *core) fly(b *batch) {
	k.free = k.free[:len(k.free)-1]
	k.flying++
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
)

// read is the reader's body: it owns the read half of the pipe. What is in its
// mailbox is the permission to read once; it takes a buffer for it. It ends with
// the pipe.
func (k *core) read(self *actor.Self) error {
	permits := actor.NewMailbox[*reading](self, 3)
	if k.inbox.Put(self, message{kind: joined, ref: permits}) != nil {
		return nil
	}
	self.State("reading")
	pipe := k.conn.upgraded.pipe
	if l := k.lookout(self, permits); l != nil {
		return permits.Serve(actor.Rest, l.turn)
	}
	size := idleRead
	for {
		r, ok := permits.Recv()
		if !ok || !k.readOnce(self, pipe, r, &size) {
			return nil
		}
	}
}

// readOnce waits for bytes and delivers them. It returns false when there are no
// more to come, or nobody to take them.
func (k *core) readOnce(self *actor.Self, pipe io.Reader, r *reading, size *int) bool {
	r.buf = buf.Get(*size)
	r.n, r.err = pipe.Read(r.buf.Bytes())
	if r.n < 0 || r.n > r.buf.Cap() {
		r.n, r.err = 0, errCount
	}
	k.conn.received.Add(int64(r.n))
	*size = nextRead(r.n, *size)
	failed := r.err != nil // it is the core's from here on
	if k.inbox.Deliver(self, message{kind: received, ref: r}) != nil {
		r.release()
		return false
	}
	return !failed
}

// nextRead chooses the size of the next read: a full one after one that came back
// full, and otherwise twice what has come, or next to nothing when that was
// little: the connection may be falling idle.
func nextRead(got, size int) int {
	switch {
	case got == size:
		return buf.MaxSize
	case got <= fewBytes:
		return idleRead
	}
	return min(2*got, buf.MaxSize)
}

// write is the writer's body: it owns the write half of the pipe.
func (k *core) write(self *actor.Self) error {
	batches := actor.NewMailbox[*batch](self, 2)
	if k.inbox.Put(self, message{kind: joined, ref: batches}) != nil {
		return nil
	}
	self.State("writing")
	pipe := k.conn.upgraded.pipe
	for b := range batches.All() {
		began := self.Now()
		switch {
		case b.last:
			// When it fails the remote has left, which is no news any more.
			_ = pipe.(negotiate.HalfCloser).CloseWrite()
		case b.frames == 0:
			b.err = k.conn.upgraded.raw.flush()
		default:
			n, err := writePieces(pipe, b)
			b.judge(n, err)
		}
		b.took = self.Now().Sub(began)
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
