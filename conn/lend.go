package conn

import (
	"slices"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// A debt is what the window of a forgotten stream had grown by, whose reader has
// not read everything yet: the memory is still taken.
type debt struct {
	lane *buf.Lane
	n    int
}

// Lend implements muxer.Lender for the machine. What comes back is kept until the
// stream's bytes are read: a Forget follows in the same step.
func (k *core) Lend(n int) bool {
	if n < 0 {
		k.back -= n
		return true
	}
	return k.conn.config.Limits.Lender.Lend(n)
}

// repay gives back what is not needed any more. It is called in every turn, and a
// read of what remains brings one.
func (k *core) repay() {
	if len(k.debts) == 0 {
		return
	}
	k.debts = slices.DeleteFunc(k.debts, func(d debt) bool {
		if d.lane.Len() > 0 {
			return false
		}
		return k.conn.config.Limits.Lender.Lend(-d.n)
	})
}
