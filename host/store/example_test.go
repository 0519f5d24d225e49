package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/store"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A host that starts again finds its friend by the peer ID alone.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	friend, err := host.New(ctx, host.Listen("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer friend.Close()

	// meet is one life of our host.
	meet := func(to peer.Info) error {
		s, err := store.Open(filepath.Join(dir, "peers"))
		if err != nil {
			return err
		}
		defer s.Close()
		h, err := host.New(ctx, host.NoListen(), host.Remember(s))
		if err != nil {
			return err
		}
		defer h.Close()
		return h.Connect(ctx, to)
	}
	fmt.Println("with its addresses:", meet(friend.Info()))
	fmt.Println("with its ID alone:", meet(peer.Info{ID: friend.ID()}))
	// Output:
	// with its addresses: <nil>
	// with its ID alone: <nil>
}
