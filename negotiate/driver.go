package negotiate

import (
	"errors"
	"io"
	"os"
)

// Dial negotiates as the dialer over rw and returns the first of want that the
// remote supports. It writes the header and the first proposal with one Write.
// It reads exactly the bytes of the negotiation: what follows the agreed line
// is left in rw.
//
// It blocks until the remote has answered. Only rw ends the wait: the caller
// sets its deadline before (go-libp2p allows 10 s for a stream, 60 s for a
// muxer) or closes it. A reader that is an [io.ByteReader] is read byte by byte
// through it. A write must reach the remote without a further call, and rw must
// take a few dozen bytes that nobody reads yet, as every socket does: over a
// [net.Pipe], which takes none, both ends can wait in Write for each other
// unless the listener reads through a buffer.
//
// Errors: [*RefusedError] when the remote supports none of want, [*ProtocolError] when
// the remote broke a rule, [*InterruptedError] when rw failed: close or reset
// rw after each of them. A second Dial over it is not portable, because go-libp2p
// takes a repeated header for a proposal. [*ProposalError] when want cannot be
// offered; then nothing was written.
func Dial(rw io.ReadWriter, want ...Protocol) (Protocol, error) {
	d := new(struct { // not on the stack, which may be small
		dialogue
		o Offer
	})
	if err := d.o.propose(want); err != nil {
		return "", err
	}
	d.start(rw, rw)
	if err := d.begin(&d.o); err != nil {
		return "", err
	}
	return d.offer(&d.o)
}

// Listen negotiates as the listener over rw and returns the protocol that the
// dialer proposed and supports accepts. supports is an exact lookup: it is
// called once for each proposal, must not block, and may see any bytes of at
// most 1023. list returns the names that "ls" is answered with; when it is nil
// "ls" is answered with "na".
//
// It reads exactly the bytes of the negotiation, as [Dial] does, and delivers
// its answer also to a dialer that has closed its writing side. Header and
// answer leave with one Write when rw has a method Buffered() int that says how
// many bytes can be read without waiting, as *bufio.Reader has, and it shows
// that the dialer's lines are there; otherwise the header leaves before the
// proposal is read. It blocks until there is an agreement; only rw ends the wait.
//
// Errors: [*ProtocolError] when the remote broke a rule, more than
// [MaxProposals] attempts included; [*InterruptedError] when rw failed, or with
// io.EOF as its cause when the dialer found nothing it wants and left. The
// caller closes rw after both.
func Listen(rw io.ReadWriter, supports func(Protocol) bool, list func() []Protocol) (Protocol, error) {
	var a Answer
	d := new(dialogue)
	d.start(rw, rw)
	for {
		stage := a.Stage()
		ev, cause := d.next("")
		if ev.Kind == Line {
			switch ev.Text {
			case Header, NotAvailable, SimultaneousConnect:
			case List:
				if list == nil {
					ev.Text = NotAvailable // counted and refused like any unknown name
				}
			default:
				ev.Supported = supports(Protocol(ev.Text))
			}
		}
		d.do = a.Step(ev, d.do[:0])
		for _, f := range d.do {
			switch f.Kind {
			case Write:
				d.out = AppendLine(d.out, f.Text)
			case WriteList:
				d.out = AppendList(d.out, list())
			case Agreed:
				if err := d.flush(); err != nil {
					return "", d.failure(Effect{Kind: Failed}, stage, nil, err)
				}
				return Protocol(f.Text), nil
			case Failed:
				return "", d.failure(f, stage, nil, cause)
			case Assumed, Refused:
				panic("negotiate: an answer machine had an effect of an offer machine")
			}
		}
	}
}

// begin writes what an offer opens with. A lazy offer's Assumed needs no deed:
// [OfferLazily] returns.
func (d *dialogue) begin(o *Offer) error {
	for _, f := range o.Step(Event{Kind: Begin}, d.do[:0]) {
		if f.Kind == Write {
			d.out = AppendLine(d.out, f.Text)
		}
	}
	if err := d.flush(); err != nil {
		return d.failure(Effect{Kind: Failed}, "sending the first proposal", o.Wanted(), err)
	}
	return nil
}

// offer reads lines for an offer that has begun until it ends. It writes each
// proposal before it reads on, even when the reader holds more: a remote that
// answers before it was asked must not keep the question from being sent.
func (d *dialogue) offer(o *Offer) (Protocol, error) {
	for {
		phase := o.phase
		ev, cause := d.next(o.proposal())
		if errors.Is(cause, os.ErrDeadlineExceeded) {
			// Not the end: the remote may still answer, see Confirm.
			return "", d.failure(Effect{Kind: Failed}, o.stage(phase), o.Wanted(), cause)
		}
		d.do = o.Step(ev, d.do[:0])
		for _, f := range d.do {
			switch f.Kind {
			case Write:
				d.out = AppendLine(d.out, f.Text)
			case Agreed:
				return Protocol(f.Text), nil
			case Refused:
				return "", &RefusedError{Wanted: o.Wanted(), Lazy: o.lazy}
			case Failed:
				return "", d.failure(f, o.stage(phase), o.Wanted(), cause)
			case Assumed, WriteList:
				panic("negotiate: an offer machine had an effect it cannot have here")
			}
		}
		if err := d.flush(); err != nil {
			return "", d.failure(Effect{Kind: Failed}, o.Stage(), o.Wanted(), err)
		}
	}
}
