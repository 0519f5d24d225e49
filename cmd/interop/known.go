package main

// A Limit is something that another implementation is known not to do, whoever
// is at the other end: it fails between two peers of that implementation, or of
// that implementation and go-libp2p, as well. The empty text means "any".
//
// A check with a limit is run all the same. If it fails, its status is "cannot"
// and not "failed"; if it passes, it has passed, and the report says that the
// limit did not show.
type Limit struct {
	Peer     string `json:"peer"`               // the implementation that cannot
	Role     string `json:"role,omitempty"`     // the side that it is on: roleDialer or roleListener
	Security string `json:"security,omitempty"` // as in Cell
	Muxer    string `json:"muxer,omitempty"`    // as in Cell
	Check    string `json:"check,omitempty"`    // a label; empty: the whole cell, as when the security is not there
	// Reason says in a sentence what it cannot do, why, and where that is written.
	Reason string `json:"reason"`
	// Untried keeps a check from being run: because it takes its whole time limit
	// to fail, or takes the process with it.
	Untried bool `json:"untried,omitempty"`
}

// The values of Limit.Role.
const (
	roleDialer   = "dialer"
	roleListener = "listener"
)

// knownLimits are the limits of the implementations. The first that applies to a
// check is the one that is reported.
func knownLimits() []Limit {
	return []Limit{
		{Peer: implGo, Role: roleDialer, Muxer: "yamux", Check: "killed-listener-download",
			Reason: "a read may show a lost connection as the end of the stream: after the last bytes go-yamux 5.1.0 returns " +
				"the error of its window update, which is the io.EOF of the connection (stream.go, Read; session.go, recvLoop)"},
		{Peer: implPy, Security: "noise-early",
			Reason: "py-libp2p 0.8.1 negotiates the muxer by multistream-select after every handshake, whatever was agreed in it"},
		{Peer: implPy, Role: roleDialer, Muxer: "yamux", Check: "killed-listener-download", Reason: pyCutFrame},
		{Peer: implPy, Role: roleListener, Muxer: "yamux", Check: "killed-dialer-upload", Reason: pyCutFrame},
	}
}

// pyCutFrame depends on where the bytes happened to be cut, and on how many of
// them had been read.
const pyCutFrame = "py-libp2p 0.8.1 takes a connection that is lost in the middle of a yamux frame for the end of the frame's " +
	"stream (yamux.py, handle_incoming: IncompleteReadError sets recv_closed), and throws away what was received and not yet " +
	"read, which may be everything (_cleanup_on_error: stream_buffers.clear)"

// String says what the limit is about: "go as the dialer, yamux, ping".
func (l Limit) String() string {
	text := l.Peer
	if l.Role != "" {
		text += " as the " + l.Role
	}
	for _, part := range []string{l.Security, l.Muxer, l.Check} {
		if part != "" {
			text += ", " + part
		}
	}
	return text
}

// applies says whether the limit is one of a check in a cell. The label "" asks
// for the whole cell.
func (l Limit) applies(cell Cell, check string) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	at := func(role, impl string) bool { return is(l.Role, role) && l.Peer == impl }
	return is(l.Security, cell.Security) && is(l.Muxer, cell.Muxer) && is(l.Check, check) &&
		(at(roleDialer, cell.Dialer) || at(roleListener, cell.Listener))
}

// limitOf finds the limit that applies to a check in a cell, nil if none does.
func limitOf(limits []Limit, cell Cell, check string) *Limit {
	for i := range limits {
		if limits[i].applies(cell, check) {
			return &limits[i]
		}
	}
	return nil
}
