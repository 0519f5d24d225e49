package sim

import (
	"io"
	"net"
	"syscall"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// An end is one end of a connection, at one host: what TCP keeps of it. Its
// host's lock guards it. The two ends know each other only as where packets go.
//
//	Write ─▶ window ─▶ link ═══ bytes ═══▶ chunks ─▶ Read
//	           ▲                                      │
//	           └──────────── credit ══════════════════┘
type end struct {
	host          *Transport
	link          *link // to the other host
	other         *end  // nil until the answer to a dial has come
	local, remote *net.TCPAddr
	place         int // in the host's list; -1: not there any more

	dialing bool  // no answer yet
	closed  bool  // here
	halved  bool  // closed for writing here
	ended   bool  // it is known that the other end writes no more
	gone    bool  // it is known that the other end is closed
	over    error // why there is no connection any more
	dead    bool  // who sends to it learns that

	// Of what is sent.
	window   int         // bytes that may be on their way or unread
	under    int         // are
	turns    []uint64    // of the Writes under way: the first one's bytes go out, together
	turn     uint64      // the last one given
	held     []buf.Chunk // taken over while nothing gets through
	owesEnd  bool        // the other end must be told
	owesGone bool
	latest   time.Time // nothing arrives before what was sent before it
	vanished patientSender
	timer    actor.Timer // flush is called
	writers  mem.Crowd
	writeEnd time.Time

	// Of what is received.
	chunks   []buf.Chunk
	unread   int
	owed     int // bytes that were read and the other end does not know of
	theirs   int // the other end's window
	landing  time.Time
	readers  mem.Crowd
	readable func() // see OnReadable
	readEnd  time.Time
	missing  bool // something came while the host had no power

	twin *end // of a dial: what the other host made of it; that host's lock guards it
}

// newEnd makes an end of the host. The caller holds the host's lock.
func (t *Transport) newEnd(local, remote *net.TCPAddr, l *link) *end {
	e := &end{
		host: t, link: l, local: local, remote: remote, place: len(t.ends),
		window:  l.machine.config.Window,
		readers: mem.NewCrowd(t.ctx, "bytes of a connection"),
		writers: mem.NewCrowd(t.ctx, "room in a connection"),
	}
	t.ends = append(t.ends, e)
	return e
}

// later calls flush at a time.
func (e *end) later(at time.Time) {
	e.timer.Stop()
	e.timer = actor.AfterFunc(e.host.ctx, at.Sub(e.host.now()), func() {
		e.host.mu.Lock()
		defer e.host.mu.Unlock()
		e.flush()
	})
}

// flush sends what could not be sent before.
func (e *end) flush() {
	switch {
	case e.over != nil:
		return
	case e.dialing:
		e.dial()
		return
	}
	if e.sendHeld() && e.sendCredit() && e.sendEnd() {
		e.vanished.through()
	}
	e.writers.Wake()
}

// stalled reports whether what was sent last got lost, so that more has to wait.
func (e *end) stalled() bool { return !e.vanished.since.IsZero() }

// stall waits for a better time, or gives up if there is something to lose.
func (e *end) stall() {
	again := e.vanished.vanished(e.host.now(), e.link.machine.timeout())
	if !again && (len(e.held) > 0 || e.owesEnd || e.owesGone) {
		e.fail(syscall.ETIMEDOUT)
		return
	}
	e.later(e.vanished.next)
}

// send gives up to n bytes to the link: taken of them go, and take makes the
// packet. When the link is full, again is when to try once more; when nothing
// gets through, the end is stalled.
func (e *end) send(n int, take func(n int) buf.Chunk) (taken int, again time.Time) {
	do := e.link.step(linkEvent{kind: linkSend, n: n})
	switch f := do[len(do)-1]; f.kind {
	case linkFull:
		return 0, f.at
	case linkLost:
		e.stall()
	case linkArrive:
		c := take(f.n)
		e.link.flip(c.Bytes(), f.flip)
		e.shipInOrder(&packet{kind: packetBytes, bytes: c}, f.at)
		return f.n, time.Time{}
	}
	return 0, time.Time{}
}

// flip changes one bit.
func (l *link) flip(p []byte, bit uint64) {
	if bit == 0 || len(p) == 0 {
		return
	}
	p[(bit-1)/8] ^= 1 << ((bit - 1) % 8)
	l.sent.Flipped++
}

// shipInOrder sends a packet that must not overtake earlier ones.
func (e *end) shipInOrder(p *packet, at time.Time) {
	e.latest = later(e.latest, at)
	p.from, p.to = e, e.other
	e.host.ship(e.link, p, e.latest)
}

// inOrder is when a packet may be handed over that is through the downlink at a
// time: the order of a connection outlives changes of the downlink.
func (e *end) inOrder(at time.Time) time.Time {
	e.landing = later(e.landing, at)
	return e.landing
}

// sendHeld sends what was taken over during a stall.
func (e *end) sendHeld() bool {
	for len(e.held) > 0 {
		first := &e.held[0]
		n, again := e.send(first.Len(), first.Split)
		switch {
		case n > 0 && first.Len() == 0:
			first.Release()
			e.held = append(e.held[:0], e.held[1:]...)
		case !again.IsZero():
			e.vanished.through()
			e.later(again)
			return false
		case n == 0:
			return false
		}
	}
	return true
}

// sendCredit tells the other end how much was read, a quarter of the window at a
// time.
func (e *end) sendCredit() bool {
	if e.gone || e.closed || e.other == nil || e.owed < max(e.theirs/4, 1) {
		return true
	}
	f, ok := e.link.signal()
	if !ok {
		e.stall()
		return false
	}
	e.host.ship(e.link, &packet{kind: packetCredit, from: e, to: e.other, n: e.owed}, f.at)
	e.owed = 0
	return true
}

// sendEnd tells the other end that this one writes no more, or is closed.
func (e *end) sendEnd() bool {
	if !e.owesEnd && !e.owesGone {
		return true
	}
	f, ok := e.link.signal()
	if !ok {
		e.stall()
		return false
	}
	kind := packetEnd
	if e.owesGone {
		kind = packetGone
		e.host.remove(e)
	}
	e.shipInOrder(&packet{kind: kind}, f.at)
	e.owesEnd, e.owesGone = false, false
	return true
}

// sendReset tells another end that there is no connection. Nobody sends it again.
func (e *end) sendReset(to *end) {
	if to == nil {
		return
	}
	if f, ok := e.link.signal(); ok {
		e.latest = later(e.latest, f.at)
		e.host.ship(e.link, &packet{kind: packetReset, from: e, to: to}, e.latest)
	}
}

// receive takes a packet and reports whether it keeps its bytes.
func (e *end) receive(p *packet) (kept bool) {
	if e.dead {
		if p.kind != packetReset && p.kind != packetCredit && p.kind != packetRefusal {
			e.sendReset(p.from)
		}
		return false
	}
	if e.dialing && p.kind != packetReset && p.kind != packetRefusal {
		e.answered(p)
	}
	switch p.kind {
	case packetBytes:
		if e.closed {
			return false
		}
		e.chunks = append(e.chunks, p.bytes)
		e.unread += p.bytes.Len()
		e.wakeReaders()
		return true
	case packetCredit:
		e.under -= p.n
		e.writers.Wake()
	case packetEnd:
		e.ended = true
		e.wakeReaders()
	case packetGone:
		e.ended, e.gone = true, true
		e.drop(&e.held)
		e.wake()
	case packetReset:
		e.fail(mem.ErrReset)
	case packetRefusal:
		e.fail(transport.ErrRefused)
	}
	return false
}

// missed notes that a packet came to a host without power. Who sent it sends it
// again and so hears of the loss when the host is back.
func (e *end) missed(p *packet) {
	if p.kind == packetBytes || p.kind == packetEnd || p.kind == packetGone {
		e.missing = true
	}
}

// fail ends the connection here, silently.
func (e *end) fail(err error) {
	if e.over == nil {
		e.over = err
	}
	e.dead, e.dialing, e.owesEnd, e.owesGone = true, false, false, false
	e.drop(&e.held)
	e.timer.Stop()
	e.host.remove(e)
	e.wake()
}

// wakeReaders lets those look again who wait for bytes.
func (e *end) wakeReaders() {
	e.readers.Wake()
	if f := e.readable; f != nil {
		e.readable = nil
		f()
	}
}

func (e *end) wake() {
	e.wakeReaders()
	e.writers.Wake()
}

func (e *end) drop(chunks *[]buf.Chunk) {
	for _, c := range *chunks {
		c.Release()
	}
	*chunks = nil
}

// failure says why nothing more can be written.
func (e *end) failure() error {
	switch {
	case e.over != nil:
		return e.over
	case e.gone || e.halved:
		return io.ErrClosedPipe
	}
	return nil
}
