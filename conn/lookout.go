package conn

import (
	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

// A lookout is a reader of a pipe that says when there is something to read
// ([transport.Notifier]). It waits for that in its mailbox, where it rests, and not
// in Read, where it would keep a stack for each idle connection.
//
//	core ──permit──▶ mailbox ◀──nil: there is something── pipe
//	                    │ both
//	                    ▼
//	                  Read ──▶ core
//
// A Read may still wait when only a part of what was sealed together has come.
type lookout struct {
	core    *core
	self    *actor.Self
	pipe    transport.Notifier
	seen    func()
	ready   bool
	permits []*reading
	size    int
}

// lookout returns one for the pipe, or nil if the pipe does not say anything.
//
//go:noinline
func (k *core) lookout(self *actor.Self, box *actor.Mailbox[*reading]) *lookout {
	pipe, can := k.conn.upgraded.pipe.(transport.Notifier)
	if !can || !pipe.OnReadable(nil) {
		return nil
	}
	l := &lookout{core: k, self: self, pipe: pipe, size: idleRead}
	l.seen = func() { box.TryPut(nil) } // there is room for it next to the permits
	pipe.OnReadable(l.seen)
	return l
}

// turn serves a permit, or nil from the pipe.
func (l *lookout) turn(permit *reading) (actor.Next, error) {
	if permit == nil {
		l.ready = true
	} else {
		l.permits = append(l.permits, permit)
	}
	if last := len(l.permits) - 1; l.ready && last >= 0 {
		permit, l.permits = l.permits[last], l.permits[:last]
		if !l.core.readOnce(l.self, l.core.conn.upgraded.pipe, permit, &l.size) {
			return actor.Over, nil
		}
		l.ready = false
		l.pipe.OnReadable(l.seen)
	}
	return actor.Rest, nil
}
