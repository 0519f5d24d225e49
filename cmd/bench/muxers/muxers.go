// Package muxers has muxers alone over TCP, without security and protocols: the
// first byte of a stream names its service.
package muxers

import (
	"context"
	"errors"
	"net"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// session is one muxed connection of any muxer.
type session interface {
	open(ctx context.Context) (peer.Stream, error)
	accept() (peer.Stream, error)
	Close() error
}

// contender makes a contender of a muxer's two constructors.
func contender(name string, dial, listen func(c net.Conn) (session, error)) peer.Contender {
	return peer.Contender{
		Name: name,
		Listen: func(context.Context) (peer.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			go acceptAll(l, listen)
			return listener{l}, nil
		},
		Dialer: func(context.Context) (peer.Dialer, error) { return dialer{dial}, nil },
	}
}

type listener struct{ net.Listener }

func (l listener) Addr() string { return l.Listener.Addr().String() }

// acceptAll serves connections until the listener is closed.
func acceptAll(l net.Listener, listen func(c net.Conn) (session, error)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			s, err := listen(c)
			if err != nil {
				c.Close()
				return
			}
			defer s.Close()
			for {
				st, err := s.accept()
				if err != nil {
					return
				}
				go serve(st)
			}
		}()
	}
}

func serve(s peer.Stream) {
	defer s.Close()
	var first [1]byte
	if _, err := s.Read(first[:]); err != nil || int(first[0]) >= len(peer.Services()) {
		return
	}
	_ = peer.Serve(peer.Services()[first[0]], s) // the dialer notices what is missing
}

type dialer struct {
	dial func(c net.Conn) (session, error)
}

func (d dialer) Dial(ctx context.Context, addr string) (peer.Session, error) {
	var n net.Dialer
	c, err := n.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s, err := d.dial(c)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return muxed{s}, nil
}

func (dialer) Close() error { return nil }

type muxed struct{ session }

// Open sends the service's byte together with the first write, as a protocol
// would be proposed lazily.
func (m muxed) Open(ctx context.Context, service peer.Service) (peer.Stream, error) {
	s, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	for i, known := range peer.Services() {
		if known == service {
			return &named{Stream: s, first: byte(i)}, nil
		}
	}
	return nil, errors.New("there is no service " + string(service))
}

// named is a stream whose first byte is still to be sent.
type named struct {
	peer.Stream
	first byte
	sent  bool
}

func (n *named) Write(p []byte) (int, error) {
	if n.sent {
		return n.Stream.Write(p)
	}
	n.sent = true
	if _, err := n.Stream.Write(append([]byte{n.first}, p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
