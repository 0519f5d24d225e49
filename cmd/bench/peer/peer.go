package peer

import (
	"context"
	"io"
)

// A Service is what the listening side does with a stream.
type Service string

// The services.
const (
	// Sink reads a number (8 bytes, big-endian) and that many bytes, answers with
	// the number of Reads that it took (8 bytes), and begins anew. Not every muxer can close one direction, so the
	// end is counted.
	Sink Service = "sink"
	// Echo sends back what comes, as it comes, until the end.
	Echo Service = "echo"
)

// Services are all of them. A muxer without protocols names one by its place
// here, in the first byte of a stream.
func Services() []Service { return []Service{Sink, Echo} }

// A Stream is one conversation.
type Stream interface {
	io.ReadWriteCloser
}

// A Session is one connection with streams on it.
type Session interface {
	// Open opens a stream to a service in the way that the implementation's users
	// do: where it can spare a round trip, it does.
	Open(ctx context.Context, s Service) (Stream, error)
	// Close ends the connection and waits until this side is rid of it.
	Close() error
}

// A Dialer is what makes sessions. For a whole host it is the host.
type Dialer interface {
	// Dial makes a session and waits until it is ready for use, which for a host
	// includes identify.
	Dial(ctx context.Context, addr string) (Session, error)
	Close() error
}

// A Listener serves the services at an address.
type Listener interface {
	Addr() string
	Close() error
}

// A Contender is one implementation that takes part.
type Contender struct {
	// Name as it is in tables, for example "go-libp2p noise+yamux".
	Name string
	// Listen starts the listening side on a free port of 127.0.0.1.
	Listen func(ctx context.Context) (Listener, error)
	// Dialer starts the dialing side.
	Dialer func(ctx context.Context) (Dialer, error)
}
