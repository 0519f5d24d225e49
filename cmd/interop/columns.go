package main

import (
	"context"
	"io"

	"github.com/troupe-p2p/troupe/cmd/interop/jspeer"
	"github.com/troupe-p2p/troupe/cmd/interop/pypeer"
)

// usualPeers are the implementations that Troupe talks to when none is named.
func usualPeers() []string { return []string{implGo, implJS, implPy} }

// installPeer puts an implementation on this machine, if it is not there yet. It
// tells log what it does. If that cannot be done, the error is
// talk.ErrNotInstalled.
func installPeer(ctx context.Context, impl string, log io.Writer) error {
	switch impl {
	case implJS:
		return jspeer.Install(ctx, log)
	case implPy:
		return pypeer.Install(ctx, log)
	default:
		return nil // part of this program
	}
}
