package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/stream"
)

// sending carries out what a sendMachine decides: the end of a transfer that has
// the file. It runs in the actor of the stream's handler, or in that of a
// command; a child of that actor listens meanwhile, because the receiver may
// refuse at any time.
type sending struct {
	talk
	from   *source
	name   string // to offer, where we opened the stream
	news   transferNews
	ear    ear
	blocks bool // we are in the blocks
	buffer []byte
}

// run transfers the file and returns how that ended. first is what the peer has
// said already: nil where we opened the stream. The source stays open.
func (t *sending) run(self *actor.Self, first *fileMessage) outcome {
	t.self = self
	t.ear = ear{s: t.s, signal: actor.NewSignal(self, "the receiver's word")}
	t.ear.listen(self)
	m := sendMachine{size: t.from.size()}
	out := outcome{from: -1, size: m.size}
	ev := transferEvent{kind: evOpen}
	if first != nil {
		ev = heard(*first)
	}
	var do []transferEffect
	for {
		do = m.Step(self.Now(), ev, do[:0])
		for _, e := range do {
			if e.kind == doSayBegin {
				out.from = e.n
				t.news.begin(e.n, e.size)
			}
			if e.kind == doOver {
				out.end, out.code, out.cause = e.end, e.code, t.cause
				if e.end == endComplete {
					out.sum, out.cause = t.from.sum(), nil
				}
				return out
			}
			var more bool
			if ev, more = t.carryOut(e, &m); more {
				break
			}
		}
		if ev.kind == evMoved {
			out.moved += ev.n
			t.news.move(ev.n)
		}
	}
}

// carryOut does one thing. more says that it brought an event.
func (t *sending) carryOut(e transferEffect, m *sendMachine) (ev transferEvent, more bool) {
	var err error
	t.writeBy(m.Deadline())
	switch e.kind {
	case doSayPut:
		err = say(t.s, fileMessage{kind: sayPut, size: e.size, name: t.name})
	case doLook:
		sum, err := t.from.look(t.self, e.n, func(done int64) {
			t.busy(done, e.n)
			t.news.check(done, e.n)
		})
		if errors.Is(err, errShrunk) {
			return transferEvent{kind: evChanged}, true
		}
		if err != nil {
			return t.failed(err), true
		}
		return transferEvent{kind: evLooked, n: e.n, sum: sum}, true
	case doRestart:
		err = t.from.restart()
	case doSayBegin:
		t.blocks = true
		err = say(t.s, fileMessage{kind: sayBegin, offset: e.n, size: e.size})
	case doGive:
		return t.give(e.n), true
	case doSettle:
		return t.settle(), true
	case doSaySum:
		if err = t.endBlocks(); err == nil {
			err = say(t.s, fileMessage{kind: saySum, sum: e.sum})
		}
	case doHear:
		return t.hear(m.Deadline()), true
	case doRefuse:
		t.writeBy(t.self.Now().Add(refuseWait))
		if t.endBlocks() == nil {
			t.refuse(e.code)
		}
	}
	if err != nil {
		return t.failed(err), true
	}
	return transferEvent{}, false
}

// give moves one block from the disk to the peer, at most n bytes, unless the
// peer has said something.
func (t *sending) give(n int64) transferEvent {
	if t.ear.heard.Load() != nil {
		return t.hear(time.Time{})
	}
	if t.buffer == nil {
		t.buffer = make([]byte, blockHead+blockLimit)
	}
	block := t.buffer[:blockHead+min(n, blockLimit)]
	binary.BigEndian.PutUint32(block, uint32(len(block)-blockHead))
	err := t.from.read(block[blockHead:])
	if errors.Is(err, errShrunk) {
		return transferEvent{kind: evChanged}
	}
	if err == nil {
		_, err = t.s.Write(block)
	}
	if err != nil {
		return t.failed(err)
	}
	return transferEvent{kind: evMoved, n: int64(len(block) - blockHead)}
}

// settle looks once more at the source, whose bytes are all on their way.
func (t *sending) settle() transferEvent {
	changed, err := t.from.changed()
	switch {
	case err != nil:
		return t.failed(err)
	case changed:
		return transferEvent{kind: evChanged}
	}
	return transferEvent{kind: evSettled, sum: t.from.sum()}
}

// endBlocks says that no more blocks come, if any could.
func (t *sending) endBlocks() error {
	if !t.blocks {
		return nil
	}
	t.blocks = false
	_, err := t.s.Write(make([]byte, blockHead))
	return err
}

// hear waits for the peer's next word until the given time.
func (t *sending) hear(until time.Time) transferEvent {
	t.readBy(until)
	m, err := t.ear.next(t.self)
	if err != nil {
		return t.failed(err)
	}
	t.readBy(time.Time{}) // while we give, the peer need not say anything
	t.ear.listen(t.self)
	ev := heard(m)
	if ev.kind == evBroken {
		t.cause = &wireError{fmt.Sprintf("%v comes where it has no place", m.kind)}
	}
	return ev
}

// ear hears one message of the peer beside the actor that gives bytes.
type ear struct {
	s      *stream.Stream
	signal actor.Signal
	heard  atomic.Pointer[word]
}

type word struct {
	message fileMessage
	err     error
}

// listen starts a child of self that hears one message.
func (e *ear) listen(self *actor.Self) {
	self.Go("ear", func(me *actor.Self) error {
		m, err := hear(e.s.WithContext(me))
		e.heard.Store(&word{m, err})
		e.signal.Set()
		return nil
	})
}

// next waits for the message.
func (e *ear) next(self *actor.Self) (fileMessage, error) {
	for {
		if w := e.heard.Swap(nil); w != nil {
			return w.message, w.err
		}
		if err := e.signal.Wait(self, time.Time{}); err != nil {
			return fileMessage{}, err
		}
	}
}
