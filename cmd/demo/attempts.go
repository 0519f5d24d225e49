package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// attempts transfers a file, and tries again when the connection breaks. It runs
// in the actor of a command.
type attempts struct {
	console *console
	h       *host.Host
	to      peer.Info
	retries int
	name    string // of the file, for messages
	verb    string // what the peer is asked to do: "give" or "take"

	// once makes one attempt over an open connection.
	once func(self *actor.Self) (outcome, error)
	// kept says what is there of the file after an attempt that broke off; nil
	// where that is not ours to say.
	kept func() string
}

// retryNotice tells programs that an attempt has failed and another will come.
type retryNotice struct {
	Event   string  `json:"event"` // "retry"
	Attempt int     `json:"attempt"`
	Of      int     `json:"of"`
	Seconds float64 `json:"in_seconds"`
	Why     string  `json:"why"`
}

// run returns the outcome of the attempt that succeeded, and how many bytes all
// of them moved.
func (a *attempts) run(self *actor.Self) (out outcome, moved int64, err error) {
	if err := a.h.Connect(self, a.to); err != nil {
		return out, 0, a.broken(self, err)
	}
	retry := retryMachine{max: a.retries, first: 500 * time.Millisecond, most: 15 * time.Second}
	for {
		out, err := a.attempt(self)
		moved += out.moved
		if err == nil || !retriable(out) {
			return out, moved, a.broken(self, err)
		}
		if a.h.Swarm().Connected(a.to.ID) && out.end == endLate {
			a.h.Disconnect(a.to.ID) // a connection without life: the next attempt makes a new one
		}
		do := retry.Step(self.Now(), retryEvent{moved: out.moved, chance: self.Rand().Float64()}, nil)
		if do[0].kind == retryGiveUp && out.end == endTold {
			return out, moved, err
		}
		if do[0].kind == retryGiveUp {
			return out, moved, &lostError{kept: a.keptText(), tries: a.retries, cause: err}
		}
		a.console.say("%s", a.console.look(lookYellow, fmt.Sprintf("%s; trying again in %s (%d of %d)",
			reason(err), timeText(do[0].pause), do[0].attempt, a.retries)))
		a.console.emit(retryNotice{"retry", do[0].attempt, a.retries, do[0].pause.Seconds(), reason(err)})
		for do[0].kind == retryWait {
			if err := self.Sleep(retry.Deadline().Sub(self.Now())); err != nil {
				return out, moved, a.broken(self, err)
			}
			if next := retry.Step(self.Now(), retryEvent{tick: true}, nil); len(next) > 0 {
				do = next
			}
		}
	}
}

// attempt connects, if need be, and makes one attempt.
func (a *attempts) attempt(self *actor.Self) (outcome, error) {
	lost := outcome{end: endLost, from: -1}
	if err := a.h.Connect(self, a.to); err != nil {
		lost.cause = err
		return lost, err
	}
	out, err := a.once(self)
	if err != nil {
		return out, err
	}
	if out.cause == nil {
		out.cause = &wireError{"it came at the wrong time"}
	}
	switch out.end {
	case endTold:
		if out.code == refuseSum {
			return out, &checksumError{a.name}
		}
		return out, &refusedError{code: out.code, what: a.verb + " " + a.name, fix: refusalFix(out.code)}
	case endOurs:
		if out.code == refuseSum {
			return out, &checksumError{a.name}
		}
		if out.code == refuseChanged {
			return out, errors.New("the file changed while it was being sent: run the command again when it is complete")
		}
		return out, out.cause
	case endBroken:
		return out, fmt.Errorf("%w (the peer runs another version, or is not what it says)", out.cause)
	case endLost, endLate, endStopped:
		return out, out.cause
	}
	return out, nil
}

// refusalFix says what to do about a refusal.
func refusalFix(code refusal) string {
	switch code {
	case refuseNotFound:
		return "ls lists what it shares"
	case refuseForbidden:
		return "start the node there with --share DIR --allow-receive"
	case refuseExists:
		return "choose another name with --as"
	case refuseBusy:
		return "try again later"
	}
	return ""
}

// retriable reports whether another attempt may end better.
func retriable(out outcome) bool {
	var protocol *negotiate.RefusedError
	switch out.end {
	case endLost, endLate:
		return !errors.As(out.cause, &protocol)
	case endTold:
		// Busy may be an earlier attempt of ours, whose end has not reached the
		// peer yet.
		return out.code == refuseChanged || out.code == refuseBusy
	}
	return false
}

// broken makes the error of a stop say what is kept.
func (a *attempts) broken(self *actor.Self, err error) error {
	if err != nil && self.Err() != nil {
		return &interruptedError{kept: a.keptText()}
	}
	return err
}

func (a *attempts) keptText() string {
	if a.kept == nil {
		return ""
	}
	return a.kept()
}
