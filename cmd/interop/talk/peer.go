package talk

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors that every implementation's own errors are translated to. They are
// wrapped: the implementation's text stays readable.
var (
	// ErrReset says that a stream was reset, by either side.
	ErrReset = errors.New("stream reset")
	// ErrRefused says that the remote speaks none of the wanted protocols.
	ErrRefused = errors.New("protocol refused")
	// ErrConnEnded says that a stream ended because its connection did, and not
	// in good order.
	ErrConnEnded = errors.New("connection ended")
)

// Stream is one conversation. A read or write that runs past the deadline
// fails with [os.ErrDeadlineExceeded]; one on a reset stream with [ErrReset]; one
// on a stream whose connection was lost with [ErrConnEnded] or [ErrReset].
type Stream interface {
	io.ReadWriter
	// Protocol is the protocol that was agreed on, or the only one that was
	// proposed when the answer has not been read yet.
	Protocol() string
	// CloseWrite ends the outgoing direction; reading goes on.
	CloseWrite() error
	// Close ends both directions in good order. It is harmless after Reset.
	Close() error
	// Reset ends both directions at once and tells the other side.
	Reset() error
	SetDeadline(t time.Time) error
}

// Handler serves one inbound stream. When it returns nil the stream is closed,
// when it returns an error the stream is reset.
type Handler func(s Stream) error

// Want says which stream to open.
type Want struct {
	// Protocols in the order of preference.
	Protocols []string
	// Eager asks for the end of the negotiation before Open returns. Without it
	// the implementation does what it always does, which may be to send the
	// proposal with the first data and to read the answer with the first read.
	Eager bool
}

// Identity is what one peer learned about another by /ipfs/id/1.0.0.
type Identity struct {
	Agent           string
	ProtocolVersion string
	Protocols       []string
	// Listen has the addresses the other peer says it listens on.
	Listen []string
	// Observed is this peer's address as the other one sees it.
	Observed string
	// Local is this peer's own end of the connection, to compare Observed with.
	Local string
}

// Peer is one host of one implementation. Peers are named by the text of their
// peer ID, addresses are multiaddrs that end in /p2p/ID.
//
// Open, Ping and Identify use the connection that is there, whoever dialed it,
// and never dial: so a connection that was lost on the way is seen.
type Peer interface {
	ID() string
	Addrs() []string
	// Agent is the agent version that this peer sends in identify.
	Agent() string
	// Connect dials addr, and fails if the peer there has another ID.
	Connect(ctx context.Context, addr string) error
	// Disconnect ends all connections with the peer; none is no error.
	Disconnect(ctx context.Context, id string) error
	// Connected says whether a connection with the peer is in this peer's list. One
	// that has ended may be there for a moment longer.
	Connected(ctx context.Context, id string) (bool, error)
	Open(ctx context.Context, id string, want Want) (Stream, error)
	// Ping measures n round trips, one after the other, over one stream of
	// /ipfs/ping/1.0.0: a peer need not serve more than two at a time (libp2p
	// specs, ping/ping.md).
	Ping(ctx context.Context, id string, n int) ([]time.Duration, error)
	// Identify waits for the identify exchange of the connection.
	Identify(ctx context.Context, id string) (Identity, error)
	Close() error
}

// Versioned is a Peer that says of which releases it is made: a package, a tool
// or a language ("libp2p", "node") and its version.
type Versioned interface{ Versions() map[string]string }

// Config describes a peer to be started. It listens on /ip4/127.0.0.1/tcp/0.
type Config struct {
	Security string // "noise", "noise-early", "plaintext", "tls"
	Muxer    string // "mplex", "yamux"
	Handlers map[string]Handler
}

// ErrUnknownChoice is returned by an implementation that does not have the
// security or the muxer it was asked for.
var ErrUnknownChoice = errors.New("the implementation does not have this choice")

// ErrNotInstalled is returned when an implementation cannot be had on this
// machine: its language or its packages are not there and cannot be fetched.
var ErrNotInstalled = errors.New("the implementation is not installed here")
