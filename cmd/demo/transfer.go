package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/stream"
)

// transferNews is told how a transfer gets on. It is called by the actor of the
// transfer and must not wait; any of its functions may be nil.
type transferNews struct {
	checking func(done, of int64)   // bytes that are there already are summed up
	began    func(from, size int64) // the first from bytes of size are there already
	moved    func(n int64)          // n more bytes
}

func (w transferNews) check(done, of int64) {
	if w.checking != nil {
		w.checking(done, of)
	}
}

func (w transferNews) begin(from, size int64) {
	if w.began != nil {
		w.began(from, size)
	}
}

func (w transferNews) move(n int64) {
	if w.moved != nil {
		w.moved(n)
	}
}

// outcome is how a transfer ended.
type outcome struct {
	end   transferEnd
	code  refusal // with endTold and endOurs
	cause error   // the error behind it, nil with endComplete and endTold
	from  int64   // where it began, -1 if it did not
	size  int64   // of the whole file
	moved int64   // bytes that went over the stream
	sum   digest  // of the whole file, with endComplete
}

// talk is a stream as both ends of a transfer use it: its errors become events.
type talk struct {
	self  *actor.Self
	s     *stream.Stream
	cause error // the last error

	reading, writing time.Time // the stream's deadlines
}

// readBy and writeBy set the stream's deadlines where they change.
func (t *talk) readBy(at time.Time) {
	if !at.Equal(t.reading) {
		t.reading = at
		t.s.SetReadDeadline(at)
	}
}

func (t *talk) writeBy(at time.Time) {
	if !at.Equal(t.writing) {
		t.writing = at
		t.s.SetWriteDeadline(at)
	}
}

// failed is the event that an error of the stream or of our disk stands for.
func (t *talk) failed(err error) transferEvent {
	t.cause = err
	var disk *diskError
	var broken *wireError
	switch {
	case t.self.Err() != nil:
		return transferEvent{kind: evStop}
	case errors.As(err, &disk):
		return transferEvent{kind: evDisk, code: disk.code()}
	case errors.As(err, &broken):
		return transferEvent{kind: evBroken}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return transferEvent{kind: evLate}
	}
	return transferEvent{kind: evLost}
}

// heard is the event that a message of the peer stands for.
func heard(m fileMessage) transferEvent {
	switch m.kind {
	case sayHave, sayGet:
		return transferEvent{kind: evHave, n: m.offset, sum: m.sum}
	case sayBegin:
		return transferEvent{kind: evBegin, n: m.offset, size: m.size}
	case saySum:
		return transferEvent{kind: evSum, sum: m.sum}
	case sayDone:
		return transferEvent{kind: evDone}
	case sayRefused:
		return transferEvent{kind: evTold, code: m.code}
	case sayBusy:
		return transferEvent{kind: evBusy, n: m.offset}
	}
	return transferEvent{kind: evBroken}
}

// refuseWait is how long the last word to a peer may take.
const refuseWait = 5 * time.Second

// refuse says why we do not go on. If the peer cannot be told, it finds out by
// the end of the stream.
func (t *talk) refuse(code refusal) {
	if t.s == nil {
		return
	}
	t.writeBy(t.self.Now().Add(refuseWait))
	_ = say(t.s, fileMessage{kind: sayRefused, code: code})
}

// farewell ends a stream that we opened. After a transfer that came to an end it
// waits a little until the peer has closed its half: then it has heard our last
// word.
func farewell(self *actor.Self, s *stream.Stream, end transferEnd) {
	switch end {
	case endLost, endLate, endStopped:
		s.Reset(stream.CodeNone)
		return
	}
	s.CloseWrite()
	s.SetReadDeadline(self.Now().Add(refuseWait))
	_, _ = io.Copy(io.Discard, s)
	s.Close()
}

// busy tells the peer that our disk is being read.
func (t *talk) busy(done, of int64) {
	if t.s == nil {
		return
	}
	t.writeBy(t.self.Now().Add(transferIdle))
	_ = say(t.s, fileMessage{kind: sayBusy, offset: done, size: of})
}
