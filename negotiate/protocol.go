package negotiate

import (
	"strings"
	"unicode/utf8"
)

// A Protocol is a protocol ID, as multistream-select compares it: byte by byte.
type Protocol string

// Check says whether p can be negotiated. It returns nil or a [*ProposalError]:
// an ID is valid UTF-8 (the specification's rule), fits a line, contains no
// newline (it would end the line for some implementations), and is none of the
// three words of multistream-select itself. A leading slash is not required, as
// in go and js; rust-libp2p requires one, so names should have it.
func (p Protocol) Check() error {
	switch {
	case p == "":
		return &ProposalError{Protocol: p, Rule: "a name is not empty"}
	case len(p) > MaxLine-1:
		return &ProposalError{Protocol: p, Rule: "a name and its newline fit a line of 1024 bytes"}
	case p == Header || p == NotAvailable || p == List:
		return &ProposalError{Protocol: p, Rule: "a name is no word of multistream-select itself"}
	case strings.IndexByte(string(p), '\n') >= 0:
		return &ProposalError{Protocol: p, Rule: "a name contains no newline"}
	case !utf8.ValidString(string(p)):
		return &ProposalError{Protocol: p, Rule: "a name is valid UTF-8"}
	}
	return nil
}

// A Role says which end of a connection or stream this is. The dialer proposes,
// the listener answers; a relayed or coordinated connection assigns the roles.
type Role uint8

const (
	// Dialer opened the connection or stream.
	Dialer Role = iota
	// Listener accepted it.
	Listener
)

// String returns "dialer" or "listener".
func (r Role) String() string {
	if r == Listener {
		return "listener"
	}
	return "dialer"
}

// Other returns the role of the remote end.
func (r Role) Other() Role { return 1 - r }
