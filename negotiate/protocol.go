package negotiate

// A Protocol is a protocol ID, as multistream-select compares it: byte by byte.
type Protocol string

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
