// Command troupe is the smallest useful node of Troupe: TCP, Noise, yamux. It
// prints its address when it listens, and ends with its standard input. It is
// built to be weighed and timed.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func main() {
	h, err := host.New(context.Background(),
		host.Listen("/ip4/127.0.0.1/tcp/0"),
		host.Security(func(k peer.Key) negotiate.Security { return noise.New(k, noise.Muxers(yamux.ID)) }),
		host.Muxer(yamux.Factory(yamux.Options{})))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Multiaddrs()[0])
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is what is waited for
	if err := h.Close(); err != nil {
		log.Fatal(err)
	}
}
