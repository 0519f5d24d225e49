package main

import "time"

// The two machines of a transfer. Which of them an end runs has nothing to do
// with who opened the stream: get and put differ in the first word only.
//
//	receiver   look ─▶ say have ─▶ hear begin ─▶ take … ─▶ hear sum ─▶ store ─▶ say done
//	sender     [say put] ─▶ hear have ─▶ look ─▶ say begin ─▶ give … ─▶ settle ─▶ say sum ─▶ hear done
//
// What arrived is kept whatever happens, for a later attempt, except when the
// sums differ: then nobody knows which bytes are wrong.

// receivePhase is where a receiver stands.
type receivePhase uint8

const (
	receiveNew  receivePhase = iota
	receiveLook              // at what is there already
	receiveAsk               // for the rest
	receiveTake              // bytes come
	receiveSum               // the sum comes
	receiveStore
	receiveOver
)

// receiveMachine decides what the end does that gets the file.
type receiveMachine struct {
	limit int64 // the most bytes that the file may have; below 0: any number

	phase receivePhase
	have  int64 // bytes that the disk held at the beginning
	from  int64 // where the sender begins
	got   int64 // bytes that the disk holds
	size  int64 // of the file
	wait  patience
}

// Deadline is when the peer has been silent for too long.
func (m *receiveMachine) Deadline() time.Time { return m.wait.deadline }

// Step takes one event and appends its effects to do.
func (m *receiveMachine) Step(now time.Time, ev transferEvent, do []transferEffect) []transferEffect {
	if m.phase == receiveOver {
		return do
	}
	switch ev.kind {
	case evLost:
		return m.end(do, endLost, 0)
	case evLate:
		return m.end(do, endLate, 0)
	case evTold:
		return m.end(do, endTold, ev.code)
	case evStop:
		return m.end(do, endStopped, 0)
	case evDisk:
		return m.end(append(do, transferEffect{kind: doRefuse, code: ev.code}), endOurs, ev.code)
	case evBusy:
		if m.wait.busy(now, ev.n) {
			return append(do, transferEffect{kind: doHear})
		}
		return m.broken(do)
	}
	switch {
	case m.phase == receiveNew && ev.kind == evOpen:
		m.phase = receiveLook
		return append(do, transferEffect{kind: doLook})
	case m.phase == receiveLook && ev.kind == evLooked:
		m.phase, m.have = receiveAsk, ev.n
		m.wait.push(now, transferIdle)
		return append(do, transferEffect{kind: doSayHave, n: ev.n, sum: ev.sum}, transferEffect{kind: doHear})
	case m.phase == receiveAsk && ev.kind == evBegin:
		return m.begin(now, ev, do)
	case m.phase == receiveTake && ev.kind == evMoved:
		m.got += ev.n
		return m.take(now, do)
	case m.phase == receiveSum && ev.kind == evSum:
		if ev.sum != ev.ours {
			do = append(do, transferEffect{kind: doDrop}, transferEffect{kind: doRefuse, code: refuseSum})
			m.phase = receiveOver
			return append(do, transferEffect{kind: doOver, end: endOurs, code: refuseSum})
		}
		m.phase = receiveStore
		return append(do, transferEffect{kind: doStore})
	case m.phase == receiveStore && ev.kind == evStored:
		m.phase = receiveOver
		return append(do, transferEffect{kind: doSayDone}, transferEffect{kind: doOver, end: endComplete})
	}
	return m.broken(do)
}

// begin looks at where the sender goes on: after what we have, or at the start.
func (m *receiveMachine) begin(now time.Time, ev transferEvent, do []transferEffect) []transferEffect {
	if ev.n > ev.size || ev.n != 0 && ev.n != m.have {
		return m.broken(do)
	}
	if m.limit >= 0 && ev.size > m.limit {
		return m.end(append(do, transferEffect{kind: doRefuse, code: refuseRoom}), endOurs, refuseRoom)
	}
	m.from, m.got, m.size = ev.n, ev.n, ev.size
	if ev.n == 0 && m.have > 0 {
		do = append(do, transferEffect{kind: doRestart})
	}
	m.phase = receiveTake
	return m.take(now, do)
}

// take asks for the bytes that are left, or for the sum.
func (m *receiveMachine) take(now time.Time, do []transferEffect) []transferEffect {
	m.wait.push(now, transferIdle)
	if m.got < m.size {
		return append(do, transferEffect{kind: doTake, n: m.size - m.got})
	}
	m.phase, m.wait.progress = receiveSum, 0
	return append(do, transferEffect{kind: doHear})
}

func (m *receiveMachine) broken(do []transferEffect) []transferEffect {
	return m.end(append(do, transferEffect{kind: doRefuse, code: refuseBroken}), endBroken, 0)
}

// end keeps what arrived and ends the transfer.
func (m *receiveMachine) end(do []transferEffect, end transferEnd, code refusal) []transferEffect {
	m.phase = receiveOver
	return append(do, transferEffect{kind: doKeep}, transferEffect{kind: doOver, end: end, code: code})
}

// sendPhase is where a sender stands.
type sendPhase uint8

const (
	sendNew   sendPhase = iota
	sendOffer           // the receiver says what it has
	sendLook            // whether our first bytes are the same
	sendGive            // bytes go
	sendSettle
	sendDone // the receiver says that it has the file
	sendOver
)

// sendMachine decides what the end does that has the file.
type sendMachine struct {
	size int64 // of the file

	phase sendPhase
	have  int64  // bytes that the receiver holds
	sum   digest // and theirs
	from  int64  // where we begin
	given int64  // bytes that the receiver has or that are on their way
	wait  patience
}

// Deadline is when the peer has been silent for too long.
func (m *sendMachine) Deadline() time.Time { return m.wait.deadline }

// Step takes one event and appends its effects to do.
func (m *sendMachine) Step(now time.Time, ev transferEvent, do []transferEffect) []transferEffect {
	if m.phase == sendOver {
		return do
	}
	switch ev.kind {
	case evLost:
		return m.end(do, endLost, 0)
	case evLate:
		return m.end(do, endLate, 0)
	case evTold:
		return m.end(do, endTold, ev.code)
	case evStop:
		return m.end(do, endStopped, 0)
	case evDisk:
		return m.refuse(do, ev.code, endOurs, ev.code)
	case evChanged:
		return m.refuse(do, refuseChanged, endOurs, refuseChanged)
	case evBusy:
		if m.wait.busy(now, ev.n) {
			return append(do, transferEffect{kind: doHear})
		}
		return m.refuse(do, refuseBroken, endBroken, 0)
	}
	switch {
	case m.phase == sendNew && ev.kind == evOpen:
		m.phase = sendOffer
		m.wait.push(now, transferIdle)
		return append(do, transferEffect{kind: doSayPut, size: m.size}, transferEffect{kind: doHear})
	case (m.phase == sendNew || m.phase == sendOffer) && ev.kind == evHave:
		if ev.n == 0 || ev.n > m.size {
			return m.begin(now, 0, do)
		}
		m.phase, m.have, m.sum = sendLook, ev.n, ev.sum
		return append(do, transferEffect{kind: doLook, n: ev.n})
	case m.phase == sendLook && ev.kind == evLooked:
		if ev.sum == m.sum {
			return m.begin(now, m.have, do)
		}
		return m.begin(now, 0, append(do, transferEffect{kind: doRestart}))
	case m.phase == sendGive && ev.kind == evMoved:
		m.given += ev.n
		return m.give(now, do)
	case m.phase == sendSettle && ev.kind == evSettled:
		m.phase, m.wait.progress = sendDone, 0
		m.wait.push(now, commitIdle)
		return append(do, transferEffect{kind: doSaySum, sum: ev.sum}, transferEffect{kind: doHear})
	case m.phase == sendDone && ev.kind == evDone:
		return m.end(do, endComplete, 0)
	}
	return m.refuse(do, refuseBroken, endBroken, 0)
}

func (m *sendMachine) begin(now time.Time, from int64, do []transferEffect) []transferEffect {
	m.phase, m.from, m.given = sendGive, from, from
	return m.give(now, append(do, transferEffect{kind: doSayBegin, n: from, size: m.size}))
}

// give gives the bytes that are left, and then looks at the source once more.
func (m *sendMachine) give(now time.Time, do []transferEffect) []transferEffect {
	m.wait.push(now, transferIdle)
	if m.given < m.size {
		return append(do, transferEffect{kind: doGive, n: m.size - m.given})
	}
	m.phase = sendSettle
	return append(do, transferEffect{kind: doSettle})
}

func (m *sendMachine) refuse(do []transferEffect, code refusal, end transferEnd, ours refusal) []transferEffect {
	return m.end(append(do, transferEffect{kind: doRefuse, code: code}), end, ours)
}

func (m *sendMachine) end(do []transferEffect, end transferEnd, code refusal) []transferEffect {
	m.phase = sendOver
	return append(do, transferEffect{kind: doOver, end: end, code: code})
}
