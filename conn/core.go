package conn

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// inboxLimit is how many messages may wait for the core; then their senders do.
// More buys no speed, fewer cost some where a hundred streams write at once, and a
// place costs 24 bytes on each idle connection.
const inboxLimit = 64

// core is the engine of an open connection: it owns the muxer's machine, the
// table of streams and the batches being filled. It waits in its mailbox and
// nowhere else.
type core struct {
	self    *actor.Self
	conn    *Conn
	machine muxer.Machine
	inbox   *actor.Mailbox[message]
	alarm   *actor.Alarm[message]
	table   map[muxer.StreamID]*muxed
	now     time.Time
	outside context.Context // of the streams
	inbound atomic.Int64    // actors of streams that the remote opened
	left    func()          // takes one of them away
	leftOut func()          // takes one of this end's away

	reader  *actor.Mailbox[*reading]
	resting []*reading // permits that are kept back
	paused  bool

	busy time.Time // when something happened last
	rest time.Time // when to see whether nothing has since; zero: it is so
	idle bool

	writing *actor.Ref             // the writer, from its start to its end
	writer  *actor.Mailbox[*batch] // while it takes batches
	free    []*batch               // permission to send
	filling *batch
	flying  int // batches at the writer
	pace    pace

	opening *openAsk      // the open that is being stepped
	news    *muxed        // and the stream it made
	later   []muxer.Event // to be stepped when this step is over

	back  int    // what the window of the stream that is being forgotten had grown by
	debts []debt // what is not given back yet

	part *actor.Ref // the reader

	ending   bool        // flush, then close
	silent   bool        // the last word has been given to the writer
	broken   *CloseError // writing has failed, and this is the reason so far
	over     bool
	messages []message
	do       []muxer.Effect
}

func newCore(self *actor.Self, c *Conn) *core {
	k := &core{
		self: self, conn: c, outside: actor.Outside(self),
		table:   make(map[muxer.StreamID]*muxed),
		free:    []*batch{newBatch(), newBatch()},
		resting: []*reading{{}, {}},
	}
	limits := c.config.Limits
	if limits.Lender != nil {
		limits.Lender = k
	}
	k.machine = c.upgraded.muxer.New(c.config.Role, limits)
	k.left = func() {
		k.inbound.Add(-1)
		c.config.Quota.Give(negotiate.Listener)
	}
	k.leftOut = func() { c.config.Quota.Give(negotiate.Dialer) }
	k.inbox = actor.NewMailbox(self, inboxLimit, actor.StopAs(message{kind: stop}))
	k.alarm = actor.NewAlarm(self, k.inbox, message{kind: tick})
	c.inbox = k.inbox
	return k
}

// run starts the core: the rest of its life are turns.
func (k *core) run() error {
	// The engine's panic leaves no stream waiting for ever.
	k.self.OnEnd(func() { k.conn.end = k.conclude() })
	k.part = k.self.Go("reader", k.read)
	k.conn.config.Up(k.conn)
	// A rest first gives the stack back that the upgrade needed.
	return k.inbox.Serve(actor.Rest, k.turn)
}

// turn serves a message and those that wait behind it. The reader may run it in
// the core's place, with what it has just read.
func (k *core) turn(first message) (actor.Next, error) {
	k.messages = k.inbox.Drain(append(k.messages[:0], first))
	k.serve()
	// Before it goes out alone, let those come who are about to say more: the user
	// of a stream that has just been opened, the handler of one that was accepted.
	for range yields {
		if k.flying > 0 || k.over || !k.machine.Pending() {
			break
		}
		k.self.Yield()
		if k.messages = k.inbox.Drain(k.messages[:0]); len(k.messages) == 0 {
			break
		}
		k.serve()
	}
	k.send()
	k.alarm.Set(earlier(k.machine.Deadline(), k.rest))
	switch {
	case k.over:
		return actor.Over, nil
	case k.idle:
		k.messages, k.do, k.later = nil, nil, nil // they were as large as was needed once
		for _, b := range k.free {
			b.trim()
		}
		return actor.Rest, nil
	}
	return actor.Stay, nil
}

// yields is how often in a row a core lets others come before it sends.
const yields = 3

// serve handles the messages that have come.
func (k *core) serve() {
	k.now = k.self.Now()
	if len(k.messages) > 1 || k.messages[0].kind != tick {
		k.busy, k.idle = k.now, false
		if k.rest.IsZero() {
			k.rest = k.now.Add(idleAfter)
		}
	}
	// Local work before remote work: what was read comes last.
	for _, m := range k.messages {
		if m.kind != received {
			k.handle(m)
		}
	}
	for _, m := range k.messages {
		if m.kind == received {
			k.received(m.ref.(*reading))
		}
	}
	clear(k.messages)
	k.repay()
}

// earlier is the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// handle serves everything but received bytes.
func (k *core) handle(m message) {
	switch m.kind {
	case joined:
		k.joined(m.ref)
	case spent:
		k.spent(m.ref.(*batch))
	case open:
		k.open(m.ref.(*openAsk))
	case ready:
		s := m.ref.(*muxed)
		k.stepFor(s, muxer.Event{Kind: muxer.Ready, N: s.out.Told()})
	case consumed:
		k.stepFor(m.ref.(*muxed), muxer.Event{Kind: muxer.Consumed, N: int(m.n)})
	case closeWrite:
		s := m.ref.(*muxed)
		k.stepFor(s, muxer.Event{Kind: muxer.CloseWrite, N: s.out.Len()})
	case closeRead:
		k.stepFor(m.ref.(*muxed), muxer.Event{Kind: muxer.CloseRead})
	case reset:
		k.stepFor(m.ref.(*muxed), muxer.Event{Kind: muxer.Reset, Code: m.n})
	case tick:
		k.alarm.Rearm()
		k.fallIdle()
		k.step(muxer.Event{Kind: muxer.Tick})
	case stop:
		k.stop()
	case drained:
		k.over = true
	case received:
	}
}

func (k *core) joined(ref any) {
	switch box := ref.(type) {
	case *actor.Mailbox[*reading]:
		k.reader = box
		k.permit()
	case *actor.Mailbox[*batch]:
		k.writer = box
	}
}

// received feeds one read to the machine and allows the next one.
func (k *core) received(r *reading) {
	n, err := r.n, r.err
	chunk := r.buf.View(0, n)
	*r = reading{}
	k.resting = append(k.resting, r)
	if n > 0 && !k.over {
		k.step(muxer.Event{Kind: muxer.Received, Data: chunk})
	}
	chunk.Release()
	if err != nil {
		k.lost(err)
		return
	}
	k.permit()
}

// permit lets the reader read, unless reading is paused: two reads at a time, so
// that the reader need not wait for the core, nor the core for the reader. There
// is always room for them in the reader's mailbox.
func (k *core) permit() {
	for !k.paused && !k.over && len(k.resting) > 0 {
		r := k.resting[len(k.resting)-1]
		if !k.reader.TryPut(r) {
			return // the reader has ended
		}
		k.resting = k.resting[:len(k.resting)-1]
	}
}

// lost ends the connection because its pipe has.
//
// A write that fails may only mean that the remote has left: when the reader then
// comes to the end of what it sent, that is the reason.
func (k *core) lost(err error) {
	if k.over {
		return
	}
	if k.broken != nil && errors.Is(err, io.EOF) {
		k.conn.replaceReason(k.broken, err)
	}
	k.conn.setReason(err)
	k.over = true
}

// stop begins the orderly end. The streams have ended before it comes.
func (k *core) stop() {
	k.conn.setReason(context.Cause(k.self))
	k.self.State("draining")
	k.step(muxer.Event{Kind: muxer.GoAway})
	k.flush(k.conn.config.Drain)
}

// flush lets what waits be sent, for a bounded time, and then ends the loop.
func (k *core) flush(limit time.Duration) {
	if !k.ending {
		k.ending = true
		actor.After(k.self, k.inbox, limit, message{kind: drained})
	}
}

func (k *core) open(ask *openAsk) {
	if k.ending {
		ask.Answer(nil, ErrGoingAway)
		return
	}
	if err := k.conn.config.Quota.Take(negotiate.Dialer); err != nil {
		ask.Answer(nil, err)
		return
	}
	k.opening, k.news = ask, nil
	k.step(muxer.Event{Kind: muxer.Open})
	k.opening = nil
	s := k.news
	if s == nil {
		k.leftOut()
		return
	}
	k.news = nil // or it would outlive its end
	k.stepFor(s, muxer.Event{Kind: muxer.Ready, N: s.out.Told()})
}

// stepFor steps an event of a stream, unless the stream is forgotten already.
func (k *core) stepFor(s *muxed, ev muxer.Event) {
	if s.forgotten {
		return
	}
	ev.Stream = s.id
	k.step(ev)
}

// step feeds the machine one event and carries out all its effects.
func (k *core) step(ev muxer.Event) {
	k.do = k.machine.Step(k.now, ev, k.do[:0])
	for i := range k.do {
		e := &k.do[i]
		switch e.Kind {
		case muxer.Opened:
			k.opened(e.Stream)
		case muxer.Refused:
			err := ErrTooManyStreams
			if k.ending || e.Code == muxer.CodeShutdown {
				err = ErrGoingAway
			}
			k.opening.Answer(nil, err)
		case muxer.Accept:
			k.accepted(e.Stream)
		case muxer.Deliver:
			if s := k.table[e.Stream]; s != nil {
				s.in.Put(e.Data)
			} else {
				e.Data.Release()
			}
		case muxer.EOF:
			if s := k.table[e.Stream]; s != nil {
				s.in.Close()
				s.stream.Notify(stream.Closed)
			}
		case muxer.PeerReset:
			k.peerReset(*e)
		case muxer.Send:
			k.addFrame(*e)
		case muxer.Pause:
			k.paused = true
			k.self.State("open, waiting for a slow reader")
		case muxer.Resume:
			k.resume()
		case muxer.Forget:
			k.forget(e.Stream)
		case muxer.Drained:
			if k.conn.Err() == nil { // the remote goes away, and the streams have ended
				k.conn.setReason(ErrRemoteClosed)
				k.flush(time.Second)
			}
		case muxer.Fatal:
			k.conn.setReason(k.machine.Err())
			k.flush(time.Second)
		}
	}
	clear(k.do)
	for len(k.later) > 0 {
		next := k.later[0]
		k.later = k.later[1:]
		k.step(next)
	}
}

func (k *core) resume() {
	k.paused = false
	k.self.State("open")
	k.permit()
}

// opened and accepted make the stream that the machine has just begun.
func (k *core) opened(id muxer.StreamID) {
	request := k.opening.Q
	s := k.newStream(id, stream.Config{Role: negotiate.Dialer, Want: request.want, Pending: request.pending})
	if s == nil {
		k.opening.Answer(nil, ErrGoingAway)
		return
	}
	k.news = s
	s.out.Add(request.first) // before the user can write
	k.opening.Answer(s.stream, nil)
}

func (k *core) accepted(id muxer.StreamID) {
	// A remote's reset frees its place in the machine at once, while the handler
	// may need a while to notice. Actors that still run count too.
	if k.inbound.Load() >= int64(2*k.conn.config.Limits.Inbound) {
		k.later = append(k.later, muxer.Event{Kind: muxer.Reset, Stream: id, Code: stream.CodeResourceLimit})
		return
	}
	if k.conn.config.Quota.Take(negotiate.Listener) != nil { // which counts it
		k.later = append(k.later, muxer.Event{Kind: muxer.Reset, Stream: id, Code: stream.CodeResourceLimit})
		return
	}
	k.inbound.Add(1)
	if k.newStream(id, stream.Config{Role: negotiate.Listener, Routes: k.conn.config.Routes}) == nil {
		k.left()
	}
}

// newStream makes a stream and starts its actor; nil when the connection is
// told to end already.
func (k *core) newStream(id muxer.StreamID, c stream.Config) *muxed {
	s := newMuxed(k, id)
	times := k.conn.config.Stream
	c.Body, c.Peer = s, k.conn.Peer()
	c.Local, c.Remote = k.conn.Local(), k.conn.Remote()
	c.Negotiate, c.Linger, c.Grace = times.Negotiate, times.Linger, times.Grace
	s.stream = stream.New(k.outside, c)
	k.table[id] = s
	k.conn.streams.Add(1)
	c.Ended = k.leftOut
	if c.Role == negotiate.Listener {
		c.Ended = k.left
	}
	ref := k.self.Supervise(s.name(), actor.Restart{Grace: c.Grace, Brief: true}, func(self *actor.Self) error {
		return s.stream.Run(self, &c)
	})
	var refused *actor.GoneError
	if errors.As(ref.Err(), &refused) {
		k.later = append(k.later, muxer.Event{Kind: muxer.Reset, Stream: id, Code: stream.CodeShutdown})
		return nil
	}
	return s
}

func (k *core) peerReset(e muxer.Effect) {
	s := k.table[e.Stream]
	if s == nil {
		return
	}
	err := &stream.ResetError{Code: e.Code, Remote: !e.Local}
	if e.Local {
		err.Rule = "nobody read what the remote sent, and its buffer is full"
	}
	s.in.Cut(err)
	s.out.Cut(err)
	s.stream.Notify(stream.Reset)
}

func (k *core) forget(id muxer.StreamID) {
	if s := k.table[id]; s != nil {
		s.forgotten = true
		s.in.Close()
		s.out.Cut(stream.ErrWriteClosed)
		delete(k.table, id)
		k.conn.streams.Add(-1)
		if k.back > 0 {
			k.debts = append(k.debts, debt{s.in, k.back})
		}
	}
	k.back = 0
}

// conclude tells the streams that the connection is over, and returns why it is.
func (k *core) conclude() error {
	reason := k.conn.setReason(orStopped(context.Cause(k.self)))
	ids := make([]muxer.StreamID, 0, len(k.table))
	for id := range k.table {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := k.table[id]
		s.in.End(reason)
		s.out.Cut(reason)
		s.stream.Notify(stream.Gone)
		s.stream.Abandon(reason)
	}
	k.part.Stop(reason)
	if k.writing != nil {
		k.writing.Stop(reason)
	}
	for _, b := range append(k.free, k.filling) {
		if b != nil {
			b.release()
		}
	}
	return reason
}

func orStopped(cause error) error {
	if cause == nil {
		return actor.ErrStopped
	}
	return cause
}
