package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/store"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// peersFile is where the peer of a key keeps what it knows of others: beside the
// key.
func peersFile(keyFile string) string { return keyFile + ".peers" }

// keepPeers has a node keep its address book. done is called after the host has
// ended.
func (p *program) keepPeers(keyFile string) (opt host.Option, done func(), err error) {
	s, err := store.Open(peersFile(keyFile))
	if err != nil {
		return nil, nil, err
	}
	return host.Remember(s), func() {
		if err := s.Close(); err != nil {
			p.warn("what was learned of other peers last is lost: %s", sentence(err))
		}
	}, nil
}

// whom reads who is meant: an address, or the ID alone of a peer that the peer of
// the key file has met before.
func whom(text, keyFile string) (peer.Info, error) {
	if keyFile == "" {
		return parsePeer(text)
	}
	if id, err := peer.ParseID(text); err == nil {
		return peer.Info{ID: id}, nil
	}
	return peer.ParseInfo(text)
}

// reuse has a tool that is run with a key know whom that key's node and tools have
// met. When the node is running just now, the tool does without, unless it needs
// to know where its peer is.
func (p *program) reuse(to peer.Info, keyFile string) (opts []host.Option, done func(), err error) {
	if len(to.Addrs) == 0 {
		if _, err := os.Stat(peersFile(keyFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, &usageError{fmt.Sprintf("%s says who, but not where, and the peer of %s has met nobody yet: give a whole address once", to.ID, keyFile)}
		}
	}
	opt, done, err := p.keepPeers(keyFile)
	var inUse *store.InUseError
	if errors.As(err, &inUse) && len(to.Addrs) > 0 {
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return []host.Option{opt}, done, nil
}
