package muxers

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	troupepeer "github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport/tcp"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// Troupe is one of Troupe's muxers with all its actors: a connection, reader and
// writer, an actor for each stream and its handler, and a protocol negotiated
// lazily on each stream, which the others here do without.
func Troupe(name string, m muxer.Factory) peer.Contender {
	return peer.Contender{
		Name: name,
		Listen: func(ctx context.Context) (peer.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = start(ctx, c, negotiate.Listener, m) // the dialer notices
				}
			}()
			return listener{l}, nil
		},
		Dialer: func(context.Context) (peer.Dialer, error) { return troupeDialer{m}, nil },
	}
}

type troupeDialer struct{ muxer muxer.Factory }

func (troupeDialer) Close() error { return nil }

func (d troupeDialer) Dial(ctx context.Context, addr string) (peer.Session, error) {
	var n net.Dialer
	c, err := n.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return start(context.WithoutCancel(ctx), c, negotiate.Dialer, d.muxer)
}

// start makes a connection that is a tree of its own, and waits until it is up.
func start(ctx context.Context, pipe net.Conn, role negotiate.Role, m muxer.Factory) (*troupeSession, error) {
	const many = 1 << 20
	link, err := tcp.LinkOf(pipe.(*net.TCPConn))
	if err != nil {
		return nil, err
	}
	up, down := make(chan *conn.Conn, 1), make(chan error, 1)
	config := conn.Config{
		Link: link, Role: role,
		Security: []negotiate.Security{open{}}, Muxers: []muxer.Factory{m},
		Routes: services{}, Limits: muxer.Limits{Inbound: many, Outbound: many},
		Up:   func(c *conn.Conn) { up <- c },
		Down: func(err error) { down <- err },
	}
	tree := actor.Start(ctx, "root", func(self *actor.Self) error {
		return conn.Start(self, "conn", config).Wait(self)
	})
	select {
	case c := <-up:
		return &troupeSession{c, tree}, nil
	case err := <-down:
		return nil, errors.Join(err, tree.Join())
	}
}

type troupeSession struct {
	conn *conn.Conn
	tree *actor.Ref
}

func (s *troupeSession) Open(ctx context.Context, service peer.Service) (peer.Stream, error) {
	return s.conn.Open(ctx, true, protocol(service))
}

func (s *troupeSession) Close() error {
	s.conn.Close(nil)
	return s.tree.Join()
}

func protocol(s peer.Service) negotiate.Protocol { return negotiate.Protocol("/" + s) }

// services is a handler for each service.
type services struct{}

func (services) Protocols() []negotiate.Protocol { return nil }

func (services) Find(p negotiate.Protocol) *stream.Route {
	service := peer.Service(strings.TrimPrefix(string(p), "/"))
	return &stream.Route{Protocol: p, Handler: func(self *actor.Self, s *stream.Stream) error {
		return peer.Serve(service, s)
	}}
}

// open is a security channel that secures nothing: muxers alone are compared.
type open struct{}

func (open) Protocol() negotiate.Protocol { return "/open" }

func (open) Secure(_ context.Context, raw net.Conn, _ negotiate.Role, _ troupepeer.ID) (negotiate.Secured, error) {
	return opened{raw}, nil
}

type opened struct{ net.Conn }

func (opened) Peer() troupepeer.ID       { return "nobody" }
func (opened) Key() troupepeer.PublicKey { return nil }
func (opened) Muxer() negotiate.Protocol { return "" }

// WriteBuffers writes several pieces with one system call, as the pipe below can.
func (o opened) WriteBuffers(pieces [][]byte) (int64, error) {
	return o.Conn.(interface {
		WriteBuffers([][]byte) (int64, error)
	}).WriteBuffers(pieces)
}
