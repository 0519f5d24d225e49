package negotiate

// maxHeaders is how many headers one side may send: its own, and one more
// because py-libp2p starts its handshake again when a header crosses it.
const maxHeaders = 2

// An Answer is the listening side of multistream-select as a pure machine. It
// starts nothing, waits for nothing, reads no clock and allocates nothing. Its
// zero value is ready, and it is comparable: == compares whole states.
//
//	await header ──header: header──▶ await proposal ──a supported name: the name──▶ agreed
//	     │                              │   ▲  │
//	     │                              └───┘  └──too many, or the remote is gone──▶ failed
//	     │        an unknown name: na; ls: the list; the header once more: header
//	     └──any other line, or the remote is gone──▶ failed
//
// The listener does not send its header before it has seen the dialer's: then
// header and answer leave in one write when the dialer pipelines, and a scanner
// learns nothing. Dialers of all implementations allow that.
type Answer struct {
	headers  uint8 // headers seen from the remote
	attempts uint8 // proposals and lists answered
	phase    answerPhase
}

type answerPhase uint8

const (
	answerAwaitHeader answerPhase = iota
	answerAwaitProposal
	answerAgreed
	answerFailed
)

// Step appends the effects of one event to do and returns it. It is total:
// every event is allowed in every state. Begin, and anything after the end,
// does nothing.
func (a *Answer) Step(ev Event, do []Effect) []Effect {
	switch a.phase {
	case answerAwaitHeader:
		switch ev.Kind {
		case Begin:
			return do
		case Line:
			if ev.Text != Header {
				return a.fail(RuleHeader, ev.Text, do)
			}
			return a.header(do)
		case Gone:
			return a.fail(NoRule, "", do)
		}
	case answerAwaitProposal:
		switch ev.Kind {
		case Begin:
			return do
		case Line:
			if ev.Text == Header {
				return a.header(do)
			}
			return a.proposal(ev, do)
		case Gone:
			return a.fail(NoRule, "", do)
		}
	case answerAgreed, answerFailed:
		return do
	}
	panic("negotiate: an answer met an event of unknown kind")
}

// header answers a header with a header.
func (a *Answer) header(do []Effect) []Effect {
	if a.headers == maxHeaders {
		return a.fail(RuleRepeat, Header, do)
	}
	a.headers++
	a.phase = answerAwaitProposal
	return append(do, Effect{Kind: Write, Text: Header})
}

// proposal answers a name or "ls". Each counts: a list of 1024 bytes for 4 is
// too good a bargain to be given without end.
func (a *Answer) proposal(ev Event, do []Effect) []Effect {
	if a.attempts == MaxProposals {
		return a.fail(RuleAttempts, ev.Text, do)
	}
	a.attempts++
	switch {
	case ev.Text == List:
		return append(do, Effect{Kind: WriteList})
	case ev.Text == NotAvailable || ev.Text == SimultaneousConnect || !ev.Supported:
		return append(do, Effect{Kind: Write, Text: NotAvailable})
	}
	a.phase = answerAgreed
	return append(do, Effect{Kind: Write, Text: ev.Text}, Effect{Kind: Agreed, Text: ev.Text})
}

func (a *Answer) fail(rule Rule, text string, do []Effect) []Effect {
	a.phase = answerFailed
	return append(do, Effect{Kind: Failed, Rule: rule, Text: text})
}

// Stage says in words what the machine is waiting for, for errors and the tree.
func (a *Answer) Stage() string {
	switch a.phase {
	case answerAwaitHeader:
		return "awaiting the dialer's header"
	case answerAwaitProposal:
		if a.attempts > 0 {
			return "awaiting another proposal"
		}
		return "awaiting a proposal"
	case answerAgreed:
		return "agreed"
	case answerFailed:
		return "failed"
	}
	panic("negotiate: an answer is in an unknown phase")
}
