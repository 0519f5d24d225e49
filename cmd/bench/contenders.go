package main

import (
	"fmt"
	"slices"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"

	"github.com/troupe-p2p/troupe/cmd/bench/golibp2p"
	"github.com/troupe-p2p/troupe/cmd/bench/muxers"
	"github.com/troupe-p2p/troupe/cmd/bench/peer"
	"github.com/troupe-p2p/troupe/cmd/bench/raw"
	"github.com/troupe-p2p/troupe/cmd/bench/troupe"
)

// The names of the contenders, as they stand in tables and files.
const (
	troupeNoise, goNoise = "troupe noise", "go-libp2p noise"
	troupeTLS, goTLS     = "troupe tls", "go-libp2p tls"
	troupePlain, goPlain = "troupe plain", "go-libp2p plain"

	troupeYamux, troupeMplex = "troupe yamux", "troupe mplex"
	goYamux, goMplex         = "go-yamux", "go-mplex"
	hashicorpYamux, smux     = "hashicorp/yamux", "smux"

	rawTCP, rawRecords = "raw TCP", "raw TCP + ChaCha20-Poly1305"

	// Programs of their own.
	minimalTroupe, minimalGo = "troupe node", "go-libp2p node"
)

// contenders is everybody who runs in a copy of this program.
func contenders() []peer.Contender {
	all := []peer.Contender{
		troupe.Contender(troupeNoise, "noise"), golibp2p.Contender(goNoise, "noise"),
		troupe.Contender(troupeTLS, "tls"), golibp2p.Contender(goTLS, "tls"),
		troupe.Contender(troupePlain, "plain"), golibp2p.Contender(goPlain, "plain"),
	}
	for _, name := range []string{troupeYamux, troupeMplex} {
		all = append(all, muxers.Troupe(name, machines()[name]))
	}
	return append(all, muxers.GoYamux(goYamux), muxers.GoMplex(goMplex),
		muxers.HashicorpYamux(hashicorpYamux), muxers.Smux(smux),
		raw.Contender(rawTCP, false), raw.Contender(rawRecords, true))
}

// machines are those of Troupe's muxers.
func machines() map[string]muxer.Factory {
	return map[string]muxer.Factory{
		troupeYamux: yamux.Factory(yamux.Options{}),
		troupeMplex: mplex.Factory(mplex.PauseThenReset),
	}
}

// programs are the contenders that are programs of their own: the packages to
// build.
func programs() map[string]string {
	const module = "github.com/troupe-p2p/troupe/cmd/bench/minimal/"
	return map[string]string{minimalTroupe: module + "troupe", minimalGo: module + "golibp2p"}
}

func find(all []peer.Contender, name string) (peer.Contender, error) {
	i := slices.IndexFunc(all, func(c peer.Contender) bool { return c.Name == name })
	if i < 0 {
		return peer.Contender{}, fmt.Errorf("there is no contender %q; bench list shows them", name)
	}
	return all[i], nil
}
