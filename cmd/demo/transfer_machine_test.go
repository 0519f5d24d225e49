package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
)

var dawn = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// transferStepper is what both machines of a transfer are.
type transferStepper interface {
	Step(now time.Time, ev transferEvent, do []transferEffect) []transferEffect
	Deadline() time.Time
}

// sumOf makes a sum that prints as the given byte.
func sumOf(b byte) (d digest) {
	d[0] = b
	return d
}

// parseTransferEvent reads an event of a script.
func parseTransferEvent(t *testing.T, line string) transferEvent {
	var n, size int64
	var a, b byte
	scan := func(format string, into ...any) bool {
		k, err := fmt.Sscanf(line, format, into...)
		return err == nil && k == len(into)
	}
	word, _, _ := strings.Cut(line, " ")
	plain := map[string]transferEventKind{"open": evOpen, "stored": evStored, "changed": evChanged, "done": evDone,
		"lost": evLost, "late": evLate, "stop": evStop, "broken": evBroken}
	if kind, ok := plain[line]; ok {
		return transferEvent{kind: kind}
	}
	switch {
	case word == "looked" && scan("looked %d %x", &n, &a):
		return transferEvent{kind: evLooked, n: n, sum: sumOf(a)}
	case word == "have" && scan("have %d %x", &n, &a):
		return transferEvent{kind: evHave, n: n, sum: sumOf(a)}
	case word == "begin" && scan("begin %d of %d", &n, &size):
		return transferEvent{kind: evBegin, n: n, size: size}
	case word == "moved" && scan("moved %d", &n):
		return transferEvent{kind: evMoved, n: n}
	case word == "busy" && scan("busy %d", &n):
		return transferEvent{kind: evBusy, n: n}
	case word == "settled" && scan("settled %x", &a):
		return transferEvent{kind: evSettled, sum: sumOf(a)}
	case word == "sum" && scan("sum %x ours %x", &a, &b):
		return transferEvent{kind: evSum, sum: sumOf(a), ours: sumOf(b)}
	case word == "told" && scan("told %d", &n):
		return transferEvent{kind: evTold, code: refusal(n)}
	case word == "disk" && scan("disk %d", &n):
		return transferEvent{kind: evDisk, code: refusal(n)}
	}
	t.Fatalf("no such event: %q", line)
	return transferEvent{}
}

// transferScript plays a script: "wait 5s" lets time pass, everything else is an
// event. A deadline is printed when it moves.
func transferScript(m transferStepper) golden.Step {
	now, last := dawn, time.Time{}
	return func(t *testing.T, line string) []string {
		if after, ok := strings.CutPrefix(line, "wait "); ok {
			d, err := time.ParseDuration(after)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
			return nil
		}
		var out []string
		for _, e := range m.Step(now, parseTransferEvent(t, line), nil) {
			out = append(out, e.String())
		}
		if d := m.Deadline(); !d.Equal(last) {
			last = d
			out = append(out, fmt.Sprint("deadline in ", d.Sub(now)))
		}
		return out
	}
}

func TestTheReceiverFollowsItsGoldenTraces(t *testing.T) {
	golden.Run(t, "testdata/receive/*.txt", func(t *testing.T) golden.Step {
		return transferScript(&receiveMachine{limit: 1000})
	})
}

func TestTheSenderFollowsItsGoldenTraces(t *testing.T) {
	golden.Run(t, "testdata/send/*.txt", func(t *testing.T) golden.Step {
		return transferScript(&sendMachine{size: 300})
	})
}

// allTransferEvents is every event in a few sizes.
func allTransferEvents() []transferEvent {
	var all []transferEvent
	for kind := evOpen; kind <= evBroken; kind++ {
		for _, n := range []int64{0, 1, 2, 3} {
			for _, b := range []byte{1, 2} {
				all = append(all, transferEvent{kind: kind, n: n, size: 3, sum: sumOf(b), ours: sumOf(1), code: refuseFailed})
			}
		}
	}
	return all
}

// transferFault says what is wrong with one step: every list ends with what
// brings the next event, the end comes once, and a receiver keeps or drops what
// it has.
func transferFault(receiver, over bool, do []transferEffect) string {
	if over {
		if len(do) > 0 {
			return "an effect after the end"
		}
		return ""
	}
	if len(do) == 0 {
		return "nothing is done, and nothing will happen any more"
	}
	asking := []transferEffectKind{doLook, doHear, doTake, doGive, doSettle, doStore, doOver}
	for i, e := range do {
		if last := i == len(do)-1; slices.Contains(asking, e.kind) != last {
			return "what brings the next event is not last, or comes before the last"
		}
	}
	if do[len(do)-1].kind == doOver && receiver && do[len(do)-1].end != endComplete {
		kept := 0
		for _, e := range do {
			if e.kind == doKeep || e.kind == doDrop {
				kept++
			}
		}
		if kept != 1 {
			return "what arrived is neither kept nor dropped, or both"
		}
	}
	return ""
}

func TestNoReachableStateOfAReceiverBreaksARule(t *testing.T) {
	type state = receiveMachine
	seen, queue, steps := map[state]bool{{limit: 3}: true}, []state{{limit: 3}}, 0
	for ; len(queue) > 0; queue = queue[1:] {
		for _, ev := range allTransferEvents() {
			m := queue[0]
			if ev.kind == evMoved && (ev.n == 0 || ev.n > m.size-m.got || m.phase != receiveTake) {
				continue // the driver takes no more than it was told to
			}
			do := m.Step(dawn, ev, nil)
			steps++
			if fault := transferFault(true, queue[0].phase == receiveOver, do); fault != "" {
				t.Fatalf("%+v, %+v: %s: %v", queue[0], ev, fault, do)
			}
			if m.got > m.size || m.size > 3 {
				t.Fatalf("%+v, %+v: more bytes than there may be", queue[0], ev)
			}
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	if len(seen) < 20 || steps < 1000 {
		t.Errorf("only %d states in %d steps", len(seen), steps)
	}
}

func TestNoReachableStateOfASenderBreaksARule(t *testing.T) {
	type state = sendMachine
	seen, queue, steps := map[state]bool{{size: 3}: true}, []state{{size: 3}}, 0
	for ; len(queue) > 0; queue = queue[1:] {
		for _, ev := range allTransferEvents() {
			m := queue[0]
			if ev.kind == evMoved && (ev.n == 0 || ev.n > m.size-m.given || m.phase != sendGive) {
				continue
			}
			do := m.Step(dawn, ev, nil)
			steps++
			if fault := transferFault(false, queue[0].phase == sendOver, do); fault != "" {
				t.Fatalf("%+v, %+v: %s: %v", queue[0], ev, fault, do)
			}
			if m.given > m.size {
				t.Fatalf("%+v, %+v: more bytes than there are", queue[0], ev)
			}
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	if len(seen) < 15 || steps < 1000 {
		t.Errorf("only %d states in %d steps", len(seen), steps)
	}
}

// A paperWorld is a sender and a receiver without a network or a disk: bytes in
// memory, messages handed over. It breaks where it is told to.
type paperWorld struct {
	chance *rand.Rand
	source []byte
	disk   []byte // of the receiver
	sent   int64  // bytes that went over
	cut    int64  // the attempt breaks after so many bytes; -1: not
	change func() // called in the middle, when not nil
}

// attempt plays one transfer and returns how both ended.
func (w *paperWorld) attempt() (receiver, sender transferEnd) {
	r, s := receiveMachine{limit: -1}, sendMachine{size: int64(len(w.source))}
	started := w.source
	at := int64(0)    // of the sender
	var wire []byte   // bytes on their way
	var words []any   // and words, to the receiver
	var back []any    // and to the sender
	moved := int64(0) // in this attempt
	toR, toS := []transferEvent{{kind: evOpen}}, []transferEvent(nil)
	var endR, endS *transferEnd
	broken := false
	for endR == nil || endS == nil {
		if endR == nil && len(toR) > 0 {
			ev := toR[0]
			toR = toR[1:]
			for _, e := range r.Step(dawn, ev, nil) {
				switch e.kind {
				case doLook:
					toR = append(toR, transferEvent{kind: evLooked, n: int64(len(w.disk)), sum: sha256.Sum256(w.disk)})
				case doSayHave:
					back = append(back, transferEvent{kind: evHave, n: e.n, sum: e.sum})
				case doRestart:
					w.disk = nil
				case doSayDone:
					back = append(back, transferEvent{kind: evDone})
				case doRefuse:
					back = append(back, transferEvent{kind: evTold, code: e.code})
				case doDrop:
					w.disk = nil
				case doStore:
					toR = append(toR, transferEvent{kind: evStored})
				case doTake:
					words = append(words, e.n)
				case doHear:
					words = append(words, "hear")
				case doOver:
					endR = &e.end
				}
			}
		}
		if endS == nil && len(toS) == 0 && len(back) > 0 {
			toS = append(toS, back[0].(transferEvent))
			back = back[1:]
		}
		if endS == nil && len(toS) > 0 {
			ev := toS[0]
			toS = toS[1:]
			for _, e := range s.Step(dawn, ev, nil) {
				switch e.kind {
				case doLook:
					toS = append(toS, transferEvent{kind: evLooked, n: e.n, sum: sha256.Sum256(w.source[:e.n])})
				case doSayBegin:
					at = e.n
					toR = append(toR, transferEvent{kind: evBegin, n: e.n, size: e.size})
				case doGive:
					n := min(e.n, 1+w.chance.Int64N(5))
					if w.change != nil && w.chance.IntN(4) == 0 {
						w.change()
						w.change = nil
					}
					if at+n > int64(len(w.source)) {
						toS = append(toS, transferEvent{kind: evChanged})
						continue
					}
					wire = append(wire, w.source[at:at+n]...)
					at += n
					moved += n
					toS = append(toS, transferEvent{kind: evMoved, n: n})
				case doSettle:
					if bytes.Equal(started, w.source) {
						toS = append(toS, transferEvent{kind: evSettled, sum: sha256.Sum256(w.source)})
					} else {
						toS = append(toS, transferEvent{kind: evChanged})
					}
				case doSaySum:
					toR = append(toR, transferEvent{kind: evSum, sum: e.sum})
				case doRefuse:
					toR = append(toR, transferEvent{kind: evTold, code: e.code})
				case doOver:
					endS = &e.end
				}
			}
		}
		if w.cut >= 0 && moved >= w.cut && !broken {
			broken = true
			keep := w.chance.IntN(len(wire) + 1) // what was on its way may be lost
			w.disk = append(w.disk, wire[:keep]...)
			w.sent += int64(keep)
			return endLost, endLost
		}
		// Bytes arrive before the words behind them.
		if endR == nil && len(words) > 0 {
			if n, ok := words[0].(int64); ok && len(wire) > 0 {
				k := min(n, int64(len(wire)))
				w.disk = append(w.disk, wire[:k]...)
				w.sent += k
				wire = wire[k:]
				words = words[1:]
				toR = slices.Insert(toR, 0, transferEvent{kind: evMoved, n: k})
			} else if len(toR) > 0 && !ok {
				words = words[1:]
			}
		}
		for i := range toR {
			if toR[i].kind == evSum {
				toR[i].ours = sha256.Sum256(w.disk)
			}
		}
		if endS != nil && endR == nil && len(toR) == 0 && len(wire) == 0 {
			toR = append(toR, transferEvent{kind: evLost})
		}
	}
	return *endR, *endS
}

func TestAnyBreaksAndChangesEndWithTheWholeFile(t *testing.T) {
	for seed := range uint64(400) {
		chance := rand.New(rand.NewPCG(seed, 7))
		w := &paperWorld{chance: chance, source: make([]byte, chance.IntN(60))}
		for i := range w.source {
			w.source[i] = byte(chance.IntN(3))
		}
		breaks, changes := chance.IntN(4), 0
		for range breaks {
			w.cut = chance.Int64N(int64(len(w.source)) + 1)
			if chance.IntN(3) == 0 {
				changes++
				w.source = append([]byte{9}, w.source[:chance.IntN(len(w.source)+1)]...)
			}
			w.attempt()
		}
		w.cut = -1
		r, s := w.attempt()
		if r != endComplete || s != endComplete || !bytes.Equal(w.disk, w.source) {
			t.Fatalf("seed %d: receiver %v, sender %v, %d of %d bytes", seed, r, s, len(w.disk), len(w.source))
		}
		if most := int64((breaks + 1) * 61); w.sent > most {
			t.Errorf("seed %d: %d bytes went over in %d attempts", seed, w.sent, breaks+1)
		}
		if changes == 0 && w.sent != int64(len(w.source)) {
			t.Errorf("seed %d: %d bytes were sent, of a file of %d that never changed", seed, w.sent, len(w.source))
		}
	}
}

func TestASourceThatChangesInTheMiddleIsNeverTakenForWhole(t *testing.T) {
	changed := 0
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 8))
		w := &paperWorld{chance: chance, source: bytes.Repeat([]byte{1}, 20+chance.IntN(40)), cut: -1}
		w.change = func() {
			changed++
			w.source = append(slices.Clone(w.source[:len(w.source)/2]), 7)
		}
		r, _ := w.attempt()
		if w.change == nil && r == endComplete {
			t.Fatalf("seed %d: a file that changed is complete", seed)
		}
	}
	if changed < 50 {
		t.Errorf("the source changed in %d of 200 runs only", changed)
	}
}
