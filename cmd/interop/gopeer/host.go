package gopeer

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/insecure"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// What this peer says about itself in identify.
const (
	agent           = "troupe-interop-go-libp2p/0.51.0"
	protocolVersion = "ipfs/0.1.0"
)

// listenAt is where every peer of the matrix listens.
const listenAt = "/ip4/127.0.0.1/tcp/0"

// newSecurity makes the security transport with a name. go-libp2p always tries to
// agree on the muxer inside the handshake ("noise-early"), and goes on without if
// the other side does not ("noise").
func newSecurity(name string, id peer.ID, key crypto.PrivKey, muxers []upgrader.StreamMuxer) (sec.SecureTransport, error) {
	switch name {
	case "noise", "noise-early":
		return noise.New(noise.ID, key, muxers)
	case "tls":
		return libp2ptls.New(libp2ptls.ID, key, muxers)
	case "plaintext":
		return insecure.NewWithIdentity(insecure.ID, id, key), nil
	default:
		return nil, fmt.Errorf("security %q: %w", name, talk.ErrUnknownChoice)
	}
}

// newMuxer makes the muxer with a name.
func newMuxer(name string) (upgrader.StreamMuxer, error) {
	switch name {
	case "mplex":
		return upgrader.StreamMuxer{ID: MplexID, Muxer: Mplex{}}, nil
	case "yamux":
		return upgrader.StreamMuxer{ID: protocol.ID(yamux.ID), Muxer: yamux.DefaultTransport}, nil
	default:
		return upgrader.StreamMuxer{}, fmt.Errorf("muxer %q: %w", name, talk.ErrUnknownChoice)
	}
}

// parts are a host and what must be looked at or closed besides it.
type parts struct {
	host   host.Host
	events event.Subscription
}

// serve registers the handlers.
func serve(h host.Host, handlers map[string]talk.Handler) {
	for name, handle := range handlers {
		h.SetStreamHandler(protocol.ID(name), func(s network.Stream) {
			if err := handle(&stream{Stream: s}); err != nil {
				_ = s.Reset()
				return
			}
			_ = s.Close()
		})
	}
}

// assemble puts a host together and lets it listen on a network. The subscription has every
// end of an identify exchange, from the first connection on.
func assemble(c talk.Config, on Net) (_ parts, err error) {
	var undo []func() error
	defer func() {
		if err != nil {
			for i := len(undo) - 1; i >= 0; i-- {
				err = errors.Join(err, undo[i]())
			}
		}
	}()

	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return parts{}, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return parts{}, err
	}
	muxer, err := newMuxer(c.Muxer)
	if err != nil {
		return parts{}, err
	}
	muxers := []upgrader.StreamMuxer{muxer}
	security, err := newSecurity(c.Security, id, key, muxers)
	if err != nil {
		return parts{}, err
	}

	book, err := pstoremem.NewPeerstore()
	if err != nil {
		return parts{}, err
	}
	undo = append(undo, book.Close)
	if err := errors.Join(book.AddPrivKey(id, key), book.AddPubKey(id, key.GetPublic())); err != nil {
		return parts{}, err
	}
	bus, unlimited := eventbus.NewBus(), &network.NullResourceManager{}
	net, err := swarm.NewSwarm(id, book, bus, swarm.WithResourceManager(unlimited))
	if err != nil {
		return parts{}, err
	}
	undo = append(undo, net.Close)

	up, err := upgrader.New([]sec.SecureTransport{security}, muxers, nil, unlimited, nil)
	if err != nil {
		return parts{}, err
	}
	transport, err := on.transport(up, unlimited)
	if err != nil {
		return parts{}, err
	}
	if err := net.AddTransport(transport); err != nil {
		return parts{}, err
	}

	h, err := basichost.NewHost(net, &basichost.HostOpts{
		EventBus:        bus,
		EnablePing:      true,
		UserAgent:       agent,
		ProtocolVersion: protocolVersion,
	})
	if err != nil {
		return parts{}, err
	}
	undo = []func() error{h.Close} // closes swarm and book too

	events, err := bus.Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerIdentificationFailed),
	}, eventbus.BufSize(64))
	if err != nil {
		return parts{}, err
	}
	undo = append(undo, events.Close)

	at, err := ma.NewMultiaddr(cmp.Or(on.At, listenAt))
	if err != nil {
		return parts{}, err
	}
	if err := net.Listen(at); err != nil {
		return parts{}, err
	}
	// Start takes the picture of this host that identify sends: the protocols
	// must be there before, and so must the addresses.
	serve(h, c.Handlers)
	h.Start()
	return parts{host: h, events: events}, nil
}
