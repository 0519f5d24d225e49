package main

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/stream"
)

// receiving carries out what a receiveMachine decides: the end of a transfer
// that gets the file. It runs in the actor of the stream's handler, or in that
// of a command.
type receiving struct {
	talk
	part *partial
	news transferNews

	// Where we opened the stream: how to do so, and the name to ask for. It is
	// opened when the disk has been looked at, so that the peer does not wait.
	open func() (*stream.Stream, error)
	name string

	blocks bool // we are in the blocks
	block  int  // bytes left of the current one
	buffer []byte
}

// run transfers the file and returns how that ended. The partial data stays
// open.
func (r *receiving) run(self *actor.Self, m receiveMachine) outcome {
	r.self = self
	out := outcome{from: -1}
	ev := transferEvent{kind: evOpen}
	var do []transferEffect
	for {
		do = m.Step(self.Now(), ev, do[:0])
		if ev.kind == evBegin && m.phase > receiveAsk && m.phase < receiveOver && out.from < 0 {
			out.from, out.size = m.from, m.size
			r.news.begin(m.from, m.size)
		}
		for _, e := range do {
			if e.kind == doOver {
				out.end, out.code, out.cause = e.end, e.code, r.cause
				if e.end == endComplete {
					out.sum, out.cause = r.part.sum(), nil
				}
				return out
			}
			var more bool
			if ev, more = r.carryOut(e, &m); more {
				break
			}
		}
		if ev.kind == evMoved {
			out.moved += ev.n
			r.news.move(ev.n)
		}
	}
}

// carryOut does one thing. more says that it brought an event.
func (r *receiving) carryOut(e transferEffect, m *receiveMachine) (ev transferEvent, more bool) {
	var err error
	switch e.kind {
	case doLook:
		n, sum, err := r.part.look(r.self, func(done, of int64) {
			r.busy(done, of)
			r.news.check(done, of)
		})
		if err != nil {
			return r.failed(err), true
		}
		return transferEvent{kind: evLooked, n: n, sum: sum}, true
	case doSayHave:
		first := fileMessage{kind: sayHave, offset: e.n, sum: e.sum}
		if r.open != nil {
			first.kind, first.name = sayGet, r.name
			if r.s, err = r.open(); err != nil {
				return r.failed(err), true
			}
		}
		r.writeBy(m.Deadline())
		err = say(r.s, first)
	case doHear:
		r.readBy(m.Deadline())
		return r.hear(), true
	case doRestart:
		err = r.part.restart()
	case doTake:
		r.readBy(m.Deadline())
		return r.take(e.n), true
	case doStore:
		if err = r.part.store(); err == nil {
			return transferEvent{kind: evStored}, true
		}
	case doSayDone:
		r.writeBy(r.self.Now().Add(refuseWait))
		_ = say(r.s, fileMessage{kind: sayDone}) // the file is here, whether the peer hears of it or not
	case doRefuse:
		r.refuse(e.code)
	case doKeep:
		_ = r.part.keep() // the next attempt looks at what is really there
	case doDrop:
		_ = r.part.drop()
	}
	if err != nil {
		return r.failed(err), true
	}
	return transferEvent{}, false
}

// hear waits for the peer's next word. After begin come the blocks, and no word
// before their end.
func (r *receiving) hear() transferEvent {
	if r.blocks {
		if n, err := r.header(); err != nil {
			return r.failed(err)
		} else if n > 0 {
			return r.failed(&wireError{"more bytes come than the file has"})
		}
		r.blocks = false
	}
	msg, err := hear(r.s)
	if err != nil {
		return r.failed(err)
	}
	ev := heard(msg)
	switch ev.kind {
	case evBegin:
		r.blocks = true
	case evSum:
		ev.ours = r.part.sum()
	case evBroken:
		r.cause = &wireError{fmt.Sprintf("%v comes where it has no place", msg.kind)}
	}
	return ev
}

// header reads the length of the next block.
func (r *receiving) header() (int, error) {
	var p [blockHead]byte
	if _, err := io.ReadFull(r.s, p[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(p[:])
	if n > blockLimit {
		return 0, &wireError{fmt.Sprintf("a block has %d bytes, and %d are allowed", n, blockLimit)}
	}
	return int(n), nil
}

// take moves what is there of the next block to the disk, at most n bytes.
func (r *receiving) take(n int64) transferEvent {
	if r.block == 0 {
		size, err := r.header()
		switch {
		case err != nil:
			return r.failed(err)
		case size == 0: // the sender stops in the middle, and says why
			r.blocks = false
			return r.hear()
		case int64(size) > n:
			return r.failed(&wireError{"more bytes come than the file has"})
		}
		r.block = size
	}
	if r.buffer == nil {
		r.buffer = make([]byte, blockLimit)
	}
	k, err := r.s.Read(r.buffer[:r.block])
	if werr := r.part.write(r.buffer[:k]); werr != nil {
		return r.failed(werr)
	}
	r.block -= k
	if err != nil {
		return r.failed(err)
	}
	return transferEvent{kind: evMoved, n: int64(k)}
}
