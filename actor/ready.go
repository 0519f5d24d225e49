package actor

// SuperviseReady is [Self.Supervise] that waits until the child serves: f calls
// ready when it does. Incarnations after the first call it as well, to no effect.
//
// It returns nil then; why the first incarnation could not begin, and the child is
// told to stop for that reason ([ErrStopped] when it was told to end before, or
// its body panicked); the cause of this actor when that ends first; and a
// [*GoneError] when this actor is ending already.
func (s *Self) SuperviseReady(name string, r Restart, f func(self *Self, ready func()) error) error {
	begun := NewPromise(s, "the start of "+name)
	ref := s.Supervise(name, r, func(self *Self) error {
		self.OnEnd(func() { begun.Keep(ErrStopped) })
		err := f(self, func() { begun.Keep(nil) })
		if err != nil {
			begun.Keep(err)
		}
		return err
	})
	if err := ref.Err(); err != nil {
		return err
	}
	err := begun.Wait(s)
	if err != nil {
		ref.Stop(err)
	}
	return err
}
