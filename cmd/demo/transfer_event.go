package main

import (
	"fmt"
	"time"
)

// transferIdle is how long the other end of a transfer may be silent.
const transferIdle = 30 * time.Second

// commitIdle is how long the receiver may take to bring the whole file to its
// disk, which it cannot interrupt to say busy.
const commitIdle = 2 * time.Minute

// A transferEvent is one thing that happens to a transfer.
type transferEvent struct {
	kind transferEventKind
	n    int64   // bytes
	size int64   // of the file
	sum  digest  // what the peer says, or what was measured
	ours digest  // our own, to compare with the peer's
	code refusal // of a refusal or a failed disk
}

type transferEventKind uint8

const (
	// From the driver.
	evOpen    transferEventKind = iota // the conversation begins
	evLooked                           // the disk holds n first bytes, with this sum
	evMoved                            // n bytes were taken, or given
	evSettled                          // the source is as it was at the beginning; sum of the whole
	evChanged                          // the source is not what it was at the beginning
	evStored                           // the file has its name
	evDisk                             // our disk failed, with the code for the peer
	evLost                             // the stream ended or broke
	evLate                             // the deadline passed
	evStop                             // we are told to end

	// What the peer said.
	evHave   // it holds n first bytes, with this sum
	evBegin  // it goes on after n bytes, of size in all
	evSum    // the sum of the whole; ours is of what arrived
	evDone   // it has the file
	evTold   // it refuses, with the code
	evBusy   // it has looked at n bytes of its disk
	evBroken // something that breaks the protocol
)

// A transferEffect is one thing that has to be done. A list of effects ends with
// one that brings the next event (look, hear, take, give, settle, store) or with
// over; a failure brings its event at once, and the rest of the list is dropped.
type transferEffect struct {
	kind transferEffectKind
	n    int64
	size int64
	sum  digest
	code refusal
	end  transferEnd
}

type transferEffectKind uint8

const (
	doLook    transferEffectKind = iota // look at the first n bytes on our disk (receiver: all there are)
	doSayPut                            // offer the file, of this size
	doSayHave                           // say that we hold n bytes with this sum, and want the rest
	doSayBegin
	doSaySum
	doSayDone
	doRefuse  // say that we do not go on, and why
	doHear    // wait for the peer's next word
	doRestart // begin again at the first byte
	doTake    // take up to n bytes from the peer to the disk
	doGive    // give up to n bytes from the disk to the peer
	doSettle  // see whether the source is still what it was, and sum it up
	doStore   // bring what arrived to the disk for good and give it its name
	doKeep    // leave what arrived for a later resume
	doDrop    // delete what arrived
	doOver    // nothing is left to do
)

// transferEnd is how a transfer ended.
type transferEnd uint8

const (
	endComplete transferEnd = iota
	endTold                 // the peer refused, with the code
	endOurs                 // we refused, with the code
	endBroken               // the peer broke the protocol
	endLost                 // the stream broke
	endLate                 // the peer was silent for too long
	endStopped              // we were told to end
)

func (e transferEnd) String() string {
	return [...]string{"complete", "told", "ours", "broken", "lost", "late", "stopped"}[e]
}

// patience is the deadline for the peer's next move. It is pushed only when that
// makes a difference, because each push sets a timer.
type patience struct {
	deadline time.Time
	progress int64 // of the disk that the peer says it is busy with
}

// push gives the peer d from now.
func (p *patience) push(now time.Time, d time.Duration) {
	if next := now.Add(d); next.Sub(p.deadline) > time.Second || next.Before(p.deadline) {
		p.deadline = next
	}
}

// busy accepts that the peer reads its disk, as long as that gets on.
func (p *patience) busy(now time.Time, n int64) bool {
	if n <= p.progress {
		return false
	}
	p.progress = n
	p.push(now, transferIdle)
	return true
}

func (e transferEffect) String() string {
	switch e.kind {
	case doLook:
		return fmt.Sprintf("look %d", e.n)
	case doSayPut:
		return fmt.Sprintf("say put %d", e.size)
	case doSayHave:
		return fmt.Sprintf("say have %d %x", e.n, e.sum[:2])
	case doSayBegin:
		return fmt.Sprintf("say begin %d of %d", e.n, e.size)
	case doSaySum:
		return fmt.Sprintf("say sum %x", e.sum[:2])
	case doSayDone:
		return "say done"
	case doRefuse:
		return fmt.Sprintf("refuse: %v", e.code)
	case doHear:
		return "hear"
	case doRestart:
		return "restart"
	case doTake:
		return fmt.Sprintf("take %d", e.n)
	case doGive:
		return fmt.Sprintf("give %d", e.n)
	case doSettle:
		return "settle"
	case doStore:
		return "store"
	case doKeep:
		return "keep"
	case doDrop:
		return "drop"
	case doOver:
		if e.code != 0 {
			return fmt.Sprintf("over: %v: %v", e.end, e.code)
		}
		return fmt.Sprintf("over: %v", e.end)
	}
	return "?"
}
