package actor

import (
	"errors"
	"fmt"
	"testing"

	"github.com/troupe-p2p/troupe/actor/explore"
)

// A sleepWorld is an owner of a mailbox and its senders, each somewhere between
// two steps that nobody can come between: how [Mailbox.Recv] goes to sleep, and
// how a sender wakes it. The numbers of places are those of the comments below.
type sleepWorld struct {
	waiting int8 // messages in the channel, which holds two
	state   int32
	token   bool // a wake is in the slot
	owner   int8
	parked  bool // the owner's own note that it has said so
	senders [2]sleepSender
}

type sleepSender struct {
	place int8
	left  int8 // messages still to send
}

var errAsleep = errors.New("the owner sleeps, and messages wait")

func (w sleepWorld) check() error {
	if w.owner != 4 || w.token || w.waiting == 0 {
		return nil
	}
	for _, s := range w.senders {
		if s.place != 0 || (s.left > 0 && w.waiting < 2) {
			return nil // it will do something yet
		}
	}
	return errAsleep
}

// ownerSteps is the next step of Recv, called again and again.
func (w sleepWorld) ownerSteps(lookTwice bool) (string, sleepWorld, bool) {
	switch w.owner {
	case 0: // looks into the channel
		if w.waiting > 0 {
			w.waiting--
			w.owner = 5
			return "owner receives", w, true
		}
		w.owner = 1
		if w.parked {
			w.owner = 4
		}
		return "owner finds nothing", w, true
	case 1: // the first half of parks
		if w.state == boxRunning {
			w.state, w.owner = boxParked, 3
		} else {
			w.owner = 2
		}
		return "owner says that it sleeps", w, true
	case 2: // the second half, when it seems to be said already
		w.owner = 1
		if w.state == boxParked {
			w.owner = 3
		}
		return "owner finds it said", w, true
	case 3: // said
		w.parked, w.owner = true, 0
		if !lookTwice {
			w.owner = 4
		}
		return "owner goes on", w, true
	case 4: // sleeps
		if !w.token {
			return "", w, false
		}
		w.token, w.parked, w.owner = false, false, 0
		return "owner wakes", w, true
	case 5: // returns
		if w.parked && w.state == boxParked {
			w.state = boxRunning
		}
		w.parked, w.owner = false, 0
		return "owner returns", w, true
	}
	panic("unreachable")
}

// senderSteps is the next step of a sender.
func (w sleepWorld) senderSteps(i int, lookFirst bool) (string, sleepWorld, bool) {
	s := &w.senders[i]
	name := fmt.Sprintf("sender %d ", i)
	send := func() bool {
		if s.left == 0 || w.waiting == 2 {
			return false
		}
		w.waiting++
		s.left--
		return true
	}
	switch s.place {
	case 0: // sends, or, with the bug, looks
		if lookFirst {
			s.place = 4
			if w.state == boxParked {
				s.place = 5
			}
			return name + "looks", w, s.left > 0
		}
		s.place = 1
		return name + "sends", w, send()
	case 1: // looks whether the owner sleeps
		s.place = 0
		if w.state == boxParked {
			s.place = 2
		}
		return name + "looks", w, true
	case 2: // claims the wake
		s.place = 0
		if w.state == boxParked {
			w.state, s.place = boxRunning, 3
		}
		return name + "claims the wake", w, true
	case 3: // wakes
		w.token, s.place = true, 0
		return name + "wakes", w, true
	case 4:
		s.place = 0
		return name + "sends", w, send()
	case 5:
		s.place = 2
		return name + "sends", w, send()
	}
	panic("unreachable")
}

func exploreSleep(lookTwice, lookFirst bool) explore.Result {
	return explore.Model[sleepWorld]{
		Start: sleepWorld{senders: [2]sleepSender{{left: 3}, {left: 3}}},
		Check: sleepWorld.check,
		Next: func(w sleepWorld, visit func(string, sleepWorld)) {
			if action, after, ok := w.ownerSteps(lookTwice); ok {
				visit(action, after)
			}
			for i := range w.senders {
				if action, after, ok := w.senderSteps(i, lookFirst); ok {
					visit(action, after)
				}
			}
		},
	}.Explore()
}

func TestAnOwnerNeverSleepsWhileMessagesWait(t *testing.T) {
	if result := exploreSleep(true, false); result.Err != nil || result.Worlds < 500 {
		t.Errorf("%d worlds:\n%v", result.Worlds, result)
	}
	if result := exploreSleep(false, false); result.Err != errAsleep {
		t.Errorf("an owner that does not look again: %v", result)
	}
	if result := exploreSleep(true, true); result.Err != errAsleep {
		t.Errorf("a sender that looks before it sends: %v", result)
	}
}
