package main

import "fmt"

// refusal is why one end of a transfer does not go on, as it is said on the
// wire. A code that is not known yet is a plain failure.
type refusal byte

const (
	refuseNotFound  refusal = 1 + iota // no such file is shared
	refuseForbidden                    // nothing is shared, or nothing is received here
	refuseName                         // such a name is never shared or received
	refuseExists                       // the file is there already and is not overwritten
	refuseBusy                         // somebody is sending it just now, or too many are
	refuseChanged                      // the source changed in the middle
	refuseRoom                         // the receiver has no room for it
	refuseSum                          // what arrived is not what was sent
	refuseBroken                       // the other end broke the protocol
	refuseFailed                       // the disk or the program failed
)

// String says it in a way that fits after "the peer refuses:".
func (r refusal) String() string {
	switch r {
	case refuseNotFound:
		return "it shares no such file"
	case refuseForbidden:
		return "it does not share or receive files"
	case refuseName:
		return "it does not take such a name"
	case refuseExists:
		return "it has a file of that name and overwrites none"
	case refuseBusy:
		return "it is receiving that file from somebody, or too many files at once"
	case refuseChanged:
		return "its file changed during the transfer"
	case refuseRoom:
		return "it has no room for it"
	case refuseSum:
		return "what arrived there is not what was sent: the SHA-256 sums differ"
	case refuseBroken:
		return "it says that we broke the protocol"
	case refuseFailed:
		return "its disk or program failed"
	}
	return fmt.Sprintf("code %d, which this version does not know", byte(r))
}
