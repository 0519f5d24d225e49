package main

import (
	"fmt"

	"github.com/troupe-p2p/troupe/cmd/interop/gopeer"
	"github.com/troupe-p2p/troupe/cmd/interop/jspeer"
	"github.com/troupe-p2p/troupe/cmd/interop/pypeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The names of the implementations.
const (
	implGo     = "go"     // go-libp2p
	implJS     = "js"     // js-libp2p
	implPy     = "py"     // py-libp2p
	implTroupe = "troupe" // this repository
)

// startPeer starts a peer of one of the implementations.
func startPeer(impl string, c talk.Config) (talk.Peer, error) {
	switch impl {
	case implGo:
		return gopeer.New(c)
	case implJS:
		return jspeer.New(c)
	case implPy:
		return pypeer.New(c)
	case implTroupe:
		return newTroupePeer(c)
	default:
		return nil, fmt.Errorf("implementation %q: %w", impl, talk.ErrUnknownChoice)
	}
}

// usualPairs are the pairs that run tries when none is given.
func usualPairs() []string {
	return []string{implTroupe + ":" + implGo, implGo + ":" + implTroupe}
}

// usualSecurities are the security channels that run tries when none is given.
// noise-early is noise with the muxer agreed inside the handshake.
func usualSecurities() []string { return []string{"noise", "noise-early", "plaintext", "tls"} }

// usualMuxers are the muxers of a whole run.
func usualMuxers() []string { return []string{"yamux", "mplex"} }
