package actor

import "time"

// After delivers v to the actor's own mailbox once, d from now: a timer is a
// message to oneself. Stop the timer when it is no longer wanted; a message that
// is already in the mailbox still comes.
func After[M any](self *Self, m *Mailbox[M], d time.Duration, v M) Timer {
	return Timer{self.node.system.carrier.after(d, func() { m.push(v) })}
}

// Watch has the end of another actor delivered to this actor's mailbox, as the
// message that as makes of its reason (nil after a normal end or a stop). If the
// actor has ended already, the message comes at once.
func Watch[M any](m *Mailbox[M], who *Ref, as func(err error) M) (forget func()) {
	return who.node.onEnded(func() { m.push(as(who.Err())) })
}

// A Timer is a message or a call that comes later.
type Timer struct{ timer timer }

// Stop prevents the timer from firing and reports whether it came in time.
func (t Timer) Stop() bool { return t.timer != nil && t.timer.Stop() }

// An Alarm is one timer of an actor that is set again and again: to a machine's
// deadline.
type Alarm[M any] struct {
	self  *Self
	timer timer
	m     *Mailbox[M]
	v     M
	at    time.Time
}

// NewAlarm makes an alarm that delivers v to the mailbox when it goes off.
func NewAlarm[M any](self *Self, m *Mailbox[M], v M) *Alarm[M] {
	a := &Alarm[M]{self: self, m: m, v: v}
	self.OnEnd(func() { a.Set(time.Time{}) })
	return a
}

// Set has the alarm go off at the given time and not at any other; the zero time
// switches it off. Setting it to the time it has already costs nothing.
func (a *Alarm[M]) Set(at time.Time) {
	if at.Equal(a.at) {
		return
	}
	a.at = at
	if at.IsZero() {
		a.timer.Stop()
		return
	}
	d := at.Sub(a.self.Now())
	if a.timer == nil {
		a.timer = a.self.node.system.carrier.after(d, func() { a.m.push(a.v) })
		return
	}
	a.timer.Reset(d)
}

// Rearm forgets the time the alarm was set to, after it went off.
func (a *Alarm[M]) Rearm() { a.at = time.Time{} }
