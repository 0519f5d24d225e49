package stream

import "time"

// The life machine decides what the actor of one stream does. Its table, printed
// from the code, is in docs/machines-stream.md.
//
//	                     agreed                 handler over, both halves closed
//	negotiating ───────────────────▶ open ───────────────────────────────────▶ over
//	     │ failed: reset              │ reset here or there, connection gone      ▲
//	     └────────────────────────────┴──▶ handler told to end ───────────────────┘

// lifeEventKind says what happened to a stream.
type lifeEventKind uint8

const (
	lifeAgreed       lifeEventKind = iota // the protocol is agreed
	lifeFailed                            // negotiation failed; Code for the reset
	lifeCloseWrite                        // the holder has no more to write
	lifeCloseRead                         // the holder reads no more
	lifeReset                             // the holder gives up, with Code
	lifeRemoteClosed                      // the remote has no more to write
	lifeRemoteReset                       // the muxer ended the stream: the remote did, or its policy
	lifeGone                              // the connection has ended
	lifeHandlerOver                       // the handler returned: N is its outcome, Code its code
	lifeTick                              // the deadline has come
	lifeStop                              // the actor is told to end
)

// outcome is how a handler returned.
type outcome uint8

const (
	outcomeDone        outcome = iota // nil: the conversation is complete
	outcomeRefused                    // with a code
	outcomeFailed                     // an error or a panic
	outcomeInterrupted                // it was told to end in the middle
)

type lifeEvent struct {
	kind    lifeEventKind
	code    uint32
	outcome outcome
}

// lifeEffectKind says what is to be done.
type lifeEffectKind uint8

const (
	lifeStartHandler lifeEffectKind = iota
	lifeDoCloseWrite                // end the bytes to the remote
	lifeDoCloseRead                 // drop what still comes
	lifeDoReset                     // end both directions, with code
	lifeCutHandler                  // tell the handler to end
	lifeEnd                         // nothing is left: the actor returns
)

type lifeEffect struct {
	kind lifeEffectKind
	code uint32
}

// lifePhase is where a stream stands.
type lifePhase uint8

const (
	phaseNegotiating lifePhase = iota
	phaseOpen
	phaseOver // ended on the wire; at most the handler is left
	phaseDone
)

// lifeMachine is one stream's life. Times are bounded: a stream that is closed
// here and not there is reset after linger.
type lifeMachine struct {
	inbound bool // a handler serves it; otherwise whoever opened it holds it
	linger  time.Duration

	phase        lifePhase
	handler      bool // it runs
	writeClosed  bool
	readClosed   bool // here
	remoteClosed bool
	deadline     time.Time
}

// Deadline is when a half-closed stream is given up.
func (m *lifeMachine) Deadline() time.Time { return m.deadline }

// Step takes one event and appends its effects to do.
func (m *lifeMachine) Step(now time.Time, ev lifeEvent, do []lifeEffect) []lifeEffect {
	if m.phase == phaseDone {
		return do
	}
	switch ev.kind {
	case lifeAgreed:
		if m.phase == phaseNegotiating {
			m.phase = phaseOpen
			if m.inbound {
				m.handler = true
				do = append(do, lifeEffect{kind: lifeStartHandler})
			}
		}
	case lifeFailed:
		do = m.reset(ev.code, do)
	case lifeCloseWrite:
		do = m.closeWrite(do)
	case lifeCloseRead:
		do = m.closeRead(do)
	case lifeReset:
		do = m.reset(ev.code, do)
	case lifeRemoteClosed:
		m.remoteClosed = true
	case lifeRemoteReset, lifeGone:
		do = m.over(do)
	case lifeHandlerOver:
		do = m.handlerOver(ev, do)
	case lifeTick:
		if !m.deadline.IsZero() && !now.Before(m.deadline) {
			do = m.reset(CodeNone, do)
		}
	case lifeStop:
		if !m.writeClosed {
			do = m.reset(CodeShutdown, do)
		} else {
			do = m.over(do)
		}
		// The runtime has told the handler before: if it still runs it is late,
		// and named as such, and the stream does not wait for it.
		m.handler = false
	}
	return m.settle(now, do)
}

func (m *lifeMachine) closeWrite(do []lifeEffect) []lifeEffect {
	if m.writeClosed || m.phase >= phaseOver {
		return do
	}
	m.writeClosed = true
	return append(do, lifeEffect{kind: lifeDoCloseWrite})
}

func (m *lifeMachine) closeRead(do []lifeEffect) []lifeEffect {
	if m.readClosed || m.phase >= phaseOver {
		return do
	}
	m.readClosed = true
	return append(do, lifeEffect{kind: lifeDoCloseRead})
}

func (m *lifeMachine) reset(code uint32, do []lifeEffect) []lifeEffect {
	if m.phase >= phaseOver {
		return do
	}
	return m.over(append(do, lifeEffect{lifeDoReset, code}))
}

// over ends the stream on the wire; a handler that still runs is told.
func (m *lifeMachine) over(do []lifeEffect) []lifeEffect {
	if m.phase >= phaseOver {
		return do
	}
	m.phase = phaseOver
	if m.handler {
		do = append(do, lifeEffect{kind: lifeCutHandler})
	}
	return do
}

func (m *lifeMachine) handlerOver(ev lifeEvent, do []lifeEffect) []lifeEffect {
	m.handler = false
	switch ev.outcome {
	case outcomeDone:
		do = m.closeRead(m.closeWrite(do))
	case outcomeRefused:
		do = m.reset(ev.code, do)
	case outcomeFailed:
		do = m.reset(CodeNone, do)
	case outcomeInterrupted:
		do = m.reset(CodeShutdown, do)
	}
	return do
}

// settle ends the life when nothing is left of it, and sets the deadline.
func (m *lifeMachine) settle(now time.Time, do []lifeEffect) []lifeEffect {
	if m.writeClosed && m.remoteClosed && m.phase == phaseOpen {
		m.phase = phaseOver
	}
	if m.phase == phaseOver && !m.handler {
		m.phase = phaseDone
		m.deadline = time.Time{}
		return append(do, lifeEffect{kind: lifeEnd})
	}
	switch {
	case m.phase != phaseOpen || !m.writeClosed || !m.readClosed || m.handler:
		m.deadline = time.Time{}
	case m.deadline.IsZero():
		m.deadline = now.Add(m.linger)
	}
	return do
}
