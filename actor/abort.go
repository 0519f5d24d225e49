package actor

// Abort tells the actor and everything below it to end, all at once and in no
// order, and returns at once: what a supervisor does with a fate group that has
// failed, here for a reason from outside ([ErrStopped] if cause is nil). Nobody
// gets to say goodbye to anybody. Who is late is named in the tree as after
// [Ref.Stop]. It is no failure; Erlang/OTP calls it a brutal kill, but a
// goroutine cannot be killed: it is told.
//
// Package sim ends hosts with it that crash. A restarted actor is not started
// again.
func (r *Ref) Abort(cause error) {
	if cause == nil {
		cause = ErrStopped
	}
	r.node.tell(cause)
	if s := r.node.self.Load(); s != nil {
		s.abort(cause)
		s.watchAborted()
	}
}
