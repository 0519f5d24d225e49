package host

import (
	"errors"

	"github.com/troupe-p2p/troupe/host/swarm"
)

// Remember has the host keep its address book in a store: it begins with what
// the store has kept and is still valid, and writes what it learns. Package
// host/store has one in a file. The store is the caller's: close it after the
// host. It serves one host at a time.
//
// A store that cannot be read keeps the host from starting ([swarm.StoreError]).
// One that cannot be written does not disturb it: the actor "store" in the tree
// says why, and tries again.
func Remember(s swarm.Store) Option {
	return func(o *options) {
		if s == nil {
			o.problems = append(o.problems, errors.New("host.Remember was given nil: leave it out to forget the address book"))
		}
		o.config.Store = s
	}
}
