package negotiate

import (
	"errors"
	"io"
	"os"
)

// A Pending is a lazy offer whose answer nobody has read yet. It belongs to one
// goroutine at a time.
type Pending struct {
	offer    Offer
	dialogue dialogue
	done     bool
	err      error
}

// OfferLazily writes the header and the proposal of p to w with one Write and
// returns without waiting for the remote: data of p may follow at once, which
// saves a round trip. It is for a remote that is known to support p, from
// identify for example. Whoever reads the stream first calls [Pending.Confirm].
//
// It blocks only in w. Errors: [*ProposalError] when p cannot be proposed, and
// [*InterruptedError] when w failed.
func OfferLazily(w io.Writer, p Protocol) (*Pending, error) {
	o, err := NewLazyOffer(p)
	if err != nil {
		return nil, err
	}
	l := &Pending{offer: o}
	l.dialogue.start(nil, w)
	if err := l.dialogue.begin(&l.offer); err != nil {
		return nil, err
	}
	return l, nil
}

// Protocol returns the protocol that was proposed.
func (l *Pending) Protocol() Protocol { return l.offer.want[0] }

// Confirm reads the remote's answer from r, and not a byte beyond it. It blocks
// until the answer is there or r fails; r's deadline and its end bound the
// wait. Called again it returns the same result without reading, except after a
// deadline: then it goes on where it stood, as a Read does.
//
// It returns nil when the remote agreed. Errors: [*RefusedError] with Lazy set,
// [*ProtocolError] and [*InterruptedError]. Unless errors.Is finds
// os.ErrDeadlineExceeded in it, the stream must be reset and not used again.
func (l *Pending) Confirm(r io.Reader) error {
	if l.done {
		return l.err
	}
	l.dialogue.attach(r, nil)
	_, err := l.dialogue.offer(&l.offer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	l.dialogue = dialogue{} // keeps neither r nor room
	l.done, l.err = true, err
	return err
}
