package pypeer

import (
	"context"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/bridge"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// installLimit is how long an installation may take that nobody else limits.
const installLimit = 10 * time.Minute

// New starts a py-libp2p host that listens on 127.0.0.1 and serves the handlers
// given. If py-libp2p is not installed yet, that is done first, see [Install]. The
// error wraps [talk.ErrUnknownChoice] if py-libp2p does not have the security or
// the muxer, and [talk.ErrNotInstalled] if it cannot be installed.
func New(c talk.Config) (*bridge.Peer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	at, err := prepare(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	// -B: the cache is not written to; -E and -s: the user's own Python settings and
	// packages have no influence.
	return bridge.New(c, bridge.Adapter{
		Name:    "py-libp2p",
		Command: []string{at.python, "-B", "-E", "-s", at.adapter},
	})
}
