package muxertest

import (
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// A Config says what a world is made of.
type Config struct {
	// New makes the machine of end 0 or 1.
	New func(end uint8) muxer.Machine
	// Lines prints the trace.
	Lines Lines
	// Limits are those of the machines, as their New got them.
	Limits muxer.Limits
	// ExceedByRead says that unread bytes may exceed Limits.StreamBuffer by the
	// read that exceeded it; else they may not exceed it at all.
	ExceedByRead bool
	// Windows says that the machines have flow control: whoever reads no more on
	// a stream may hold back what the other end writes, until it resets.
	Windows bool
	// Keeps says that the machines keep the connection alive: an idle one has a
	// deadline.
	Keeps bool
	// Tells says that a machine that goes away tells the other one, which then
	// opens no streams either.
	Tells bool
	// Rude also lets users act on streams that have ended, and close twice, as
	// events that race with effects do.
	Rude bool
	// MaxOpens and MaxWritten bound the streams an end opens and the bytes it
	// writes on each, for small worlds; 0 is no bound.
	MaxOpens, MaxWritten int
	// Log, when set, gets each operation, event and effect as a line.
	Log func(line string)
}

// A World is two machines joined by two queues of bytes.
type World struct {
	config Config
	ends   [2]*end
	now    time.Time
}

// NewWorld makes a world. Close gives its memory back.
func NewWorld(config Config) *World {
	config.Limits = config.Limits.WithDefaults()
	w := &World{config: config, now: Start}
	for i := range w.ends {
		w.ends[i] = &end{machine: config.New(uint8(i)), lanes: map[muxer.StreamID]*lane{}}
	}
	return w
}

// Close gives back the buffers that the users have not read.
func (w *World) Close() {
	for _, e := range w.ends {
		for _, l := range e.order {
			l.discard()
		}
	}
}

// Machine returns the machine of an end.
func (w *World) Machine(end uint8) muxer.Machine { return w.ends[end].machine }

// Now returns the time in the world.
func (w *World) Now() time.Time { return w.now }

// Do carries out one operation and checks everything. done is false when the
// operation is not possible now, and nothing happened. An error tells what is
// wrong with a machine.
func (w *World) Do(op Op) (done bool, err error) {
	e := w.ends[op.End]
	switch op.Kind {
	case Open:
		if w.config.MaxOpens > 0 && e.opened >= w.config.MaxOpens {
			return false, nil
		}
		return true, w.step(op, muxer.Event{Kind: muxer.Open})
	case Room:
		if !e.machine.Pending() && !w.config.Rude {
			return false, nil
		}
		return true, w.step(op, muxer.Event{Kind: muxer.Room, N: op.N})
	case Carry:
		return w.carry(op)
	case GoAway:
		if e.away && !w.config.Rude {
			return false, nil
		}
		e.away = true
		return true, w.step(op, muxer.Event{Kind: muxer.GoAway})
	case Pass:
		return w.pass(op)
	}
	if op.Stream < 0 {
		op.Stream += len(e.order)
	}
	if op.Stream < 0 || op.Stream >= len(e.order) {
		return false, nil
	}
	l := e.order[op.Stream]
	// What was delivered may be read after the end as well.
	if l.over() && op.Kind != Consume && !w.config.Rude {
		return false, nil
	}
	return w.use(op, e, l)
}

// use carries out what a user does with a stream.
func (w *World) use(op Op, e *end, l *lane) (done bool, err error) {
	event := muxer.Event{Stream: l.id}
	switch op.Kind {
	case Write:
		n := op.N
		if w.config.MaxWritten > 0 {
			n = min(n, w.config.MaxWritten-l.written)
		}
		if l.closeAsked || n == 0 {
			return false, nil
		}
		if !l.over() {
			l.written += n
		}
		event.Kind, event.N = muxer.Ready, max(n, l.waiting())
	case Consume:
		n := min(op.N, l.got-l.read)
		if l.readClosed || n == 0 {
			return false, nil
		}
		if err := e.consume(op.End, l, n); err != nil {
			return true, w.wrong(op, err)
		}
		event.Kind, event.N = muxer.Consumed, n
	case CloseWrite:
		if l.closeAsked && !w.config.Rude {
			return false, nil
		}
		l.closeAsked = l.closeAsked || !l.over()
		event.Kind, event.N = muxer.CloseWrite, l.waiting()
	case CloseRead:
		if l.readClosed && !w.config.Rude {
			return false, nil
		}
		l.readClosed = true
		l.discard()
		event.Kind = muxer.CloseRead
	case Reset:
		if !l.gone && !l.forgotten {
			l.resetAsked = true
			l.discard()
		}
		event.Kind, event.Code = muxer.Reset, 7
	}
	return true, w.step(op, event)
}

// carry brings bytes from the other end, as one read.
func (w *World) carry(op Op) (done bool, err error) {
	e, from := w.ends[op.End], w.ends[1-op.End]
	n := min(op.N, len(from.queue), buf.MaxSize)
	if e.paused || n == 0 {
		return false, nil
	}
	b := buf.Get(n)
	copy(b.Bytes(), from.queue[:n])
	from.queue = from.queue[:copy(from.queue, from.queue[n:])]
	c := b.View(0, n)
	defer c.Release()
	return true, w.step(op, muxer.Event{Kind: muxer.Received, Data: c})
}

// pass lets time go by and ticks the machines whose deadline has come.
func (w *World) pass(op Op) (done bool, err error) {
	w.now = w.now.Add(time.Duration(op.N) * time.Millisecond)
	for i, e := range w.ends {
		if d := e.machine.Deadline(); d.IsZero() || d.After(w.now) {
			continue
		}
		done = true
		op.End = uint8(i)
		if err := w.step(op, muxer.Event{Kind: muxer.Tick}); err != nil {
			return true, err
		}
		if d := e.machine.Deadline(); !d.IsZero() && !d.After(w.now) {
			return true, w.wrong(op, fmt.Errorf("the deadline of the past stays after its tick"))
		}
	}
	return done, nil
}

// step feeds one event to a machine, carries its effects out and checks them.
func (w *World) step(op Op, event muxer.Event) error {
	e := w.ends[op.End]
	if w.config.Log != nil {
		w.config.Log(fmt.Sprintf("%-32v %s", op, w.config.Lines.Event(event)))
	}
	pending := e.machine.Pending()
	e.do = e.machine.Step(w.now, event, e.do[:0])
	room, sends := event.N, 0
	var wrong error
	for _, effect := range e.do {
		if w.config.Log != nil {
			w.config.Log("  > " + w.config.Lines.Effect(effect))
		}
		if wrong != nil {
			effect.Data.Release()
			continue
		}
		switch effect.Kind {
		case muxer.Send:
			sends++
			wrong = w.send(op.End, event, effect, &room)
		default:
			wrong = w.tell(op.End, event, effect)
		}
	}
	if wrong == nil {
		wrong = w.after(e, event, pending, sends)
	}
	if wrong != nil {
		return w.wrong(op, wrong)
	}
	return nil
}

func (w *World) wrong(op Op, err error) error {
	return fmt.Errorf("%v: %w", op, err)
}
