package negotiate

// MaxProposals is how many proposals one negotiation may hold: a dialer offers
// at most so many, and a listener answers at most so many (counting "ls"). The
// specification names no limit, and no other implementation has one besides
// time; without it a remote could make a listener answer for ever.
const MaxProposals = 16

// An Offer is the dialing side of multistream-select as a pure machine. It
// starts nothing, waits for nothing and reads no clock; it allocates nothing
// after its construction. It is comparable: == compares whole states.
//
//	fresh ──begin: header + first proposal──▶ await header ──header──▶ await answer
//	                                                                     │  │  ▲
//	      agreed ◀──the proposal comes back──────────────────────────────┘  └──┘ na: next proposal
//	     refused ◀──na to the last one                                     (a crossing header: nothing)
//	      failed ◀──any other line, or the remote is gone
//
// A lazy offer is the same machine with one proposal: it tells at once that the
// protocol may be spoken (Assumed) and whether that was right later (Agreed or
// Refused).
type Offer struct {
	want    [MaxProposals]Protocol
	count   uint8 // how many of want are used
	next    uint8 // the proposal that is sent and not answered
	headers uint8 // headers seen from the remote
	lazy    bool
	phase   offerPhase
}

type offerPhase uint8

const (
	offerFresh offerPhase = iota
	offerAwaitHeader
	offerAwaitAnswer
	offerAgreed
	offerRefused
	offerFailed
)

// NewOffer returns the machine that proposes each of want in order, until one
// is accepted. It returns a [*ProposalError] when there is none, when there are
// more than [MaxProposals], or when a name does not pass [Protocol.Check].
func NewOffer(want ...Protocol) (o Offer, err error) {
	err = o.propose(want)
	return o, err
}

// propose gives a new offer its proposals.
func (o *Offer) propose(want []Protocol) error {
	switch {
	case len(want) == 0:
		return &ProposalError{Rule: "at least one protocol"}
	case len(want) > MaxProposals:
		return &ProposalError{Rule: "at most 16 protocols"}
	}
	for _, p := range want {
		if err := p.Check(); err != nil {
			return err
		}
	}
	o.count = uint8(len(want))
	copy(o.want[:], want)
	return nil
}

// NewLazyOffer returns the machine that proposes p and assumes that the remote
// agrees. There is no lazy offer of several protocols: after a refusal the
// remote reads the dialer's data as proposals, so a second try is not sound
// (multiformats/go-multistream#20). It returns a [*ProposalError] when p does
// not pass [Protocol.Check].
func NewLazyOffer(p Protocol) (Offer, error) {
	o, err := NewOffer(p)
	if err != nil {
		return Offer{}, err
	}
	o.lazy = true
	return o, nil
}

// Step appends the effects of one event to do and returns it. It is total:
// every event is allowed in every state. After the end, and for a second Begin,
// it does nothing.
func (o *Offer) Step(ev Event, do []Effect) []Effect {
	switch o.phase {
	case offerFresh:
		switch ev.Kind {
		case Begin:
			return o.begin(do)
		case Line:
			// The header of an eager listener may be read before this end has
			// begun: either side may speak first.
			return o.header(ev.Text, offerFresh, do)
		case Gone:
			return o.fail(NoRule, "", do)
		}
	case offerAwaitHeader:
		switch ev.Kind {
		case Begin:
			return do
		case Line:
			return o.header(ev.Text, offerAwaitAnswer, do)
		case Gone:
			return o.fail(NoRule, "", do)
		}
	case offerAwaitAnswer:
		switch ev.Kind {
		case Begin:
			return do
		case Line:
			return o.answer(ev.Text, do)
		case Gone:
			return o.fail(NoRule, "", do)
		}
	case offerAgreed, offerRefused, offerFailed:
		return do
	}
	panic("negotiate: an offer met an event of unknown kind")
}

// begin pipelines the header with the first proposal, as the specification
// recommends: it saves a round trip.
func (o *Offer) begin(do []Effect) []Effect {
	first := string(o.want[0])
	do = append(do, Effect{Kind: Write, Text: Header}, Effect{Kind: Write, Text: first})
	if o.lazy {
		do = append(do, Effect{Kind: Assumed, Text: first})
	}
	o.phase = offerAwaitHeader
	if o.headers > 0 {
		o.phase = offerAwaitAnswer
	}
	return do
}

// header takes a line that can only be the remote's header.
func (o *Offer) header(text string, then offerPhase, do []Effect) []Effect {
	if text != Header {
		return o.fail(RuleHeader, text, do)
	}
	if o.headers == maxHeaders {
		return o.fail(RuleRepeat, text, do)
	}
	o.headers++
	o.phase = then
	return do
}

// answer takes a line that should answer the proposal. A header never does: a
// listener that starts its handshake again sends a second one.
func (o *Offer) answer(text string, do []Effect) []Effect {
	switch text {
	case string(o.want[o.next]):
		o.phase = offerAgreed
		return append(do, Effect{Kind: Agreed, Text: string(o.want[o.next])})
	case NotAvailable:
		if o.next+1 == o.count {
			o.phase = offerRefused
			return append(do, Effect{Kind: Refused})
		}
		o.next++
		return append(do, Effect{Kind: Write, Text: string(o.want[o.next])})
	case Header:
		return o.header(text, offerAwaitAnswer, do)
	}
	return o.fail(RuleAnswer, text, do)
}

func (o *Offer) fail(rule Rule, text string, do []Effect) []Effect {
	o.phase = offerFailed
	return append(do, Effect{Kind: Failed, Rule: rule, Text: text})
}

// proposal is the name that the machine proposed last.
func (o *Offer) proposal() string { return string(o.want[o.next]) }

// Wanted returns a copy of what the machine offers.
func (o *Offer) Wanted() []Protocol {
	return append([]Protocol(nil), o.want[:o.count]...)
}

// Stage says in words what the machine is waiting for, for errors and the tree.
func (o *Offer) Stage() string { return o.stage(o.phase) }

func (o *Offer) stage(phase offerPhase) string {
	switch phase {
	case offerFresh:
		return "not begun"
	case offerAwaitHeader:
		return "awaiting the remote's header"
	case offerAwaitAnswer:
		return "awaiting an answer to " + string(o.want[o.next])
	case offerAgreed:
		return "agreed on " + string(o.want[o.next])
	case offerRefused:
		return "refused"
	case offerFailed:
		return "failed"
	}
	panic("negotiate: an offer is in an unknown phase")
}
