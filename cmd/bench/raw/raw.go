// Package raw is what the machine itself can do: TCP with nothing on it, and TCP
// with encrypted records. A stream is a connection of its own.
package raw

import (
	"context"
	"net"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// Contender is raw TCP, or with records TCP with ChaCha20-Poly1305 records.
func Contender(name string, records bool) peer.Contender {
	return peer.Contender{
		Name: name,
		Listen: func(context.Context) (peer.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			go serve(l, records)
			return listener{l}, nil
		},
		Dialer: func(context.Context) (peer.Dialer, error) { return dialer{records}, nil },
	}
}

type listener struct{ net.Listener }

func (l listener) Addr() string { return l.Listener.Addr().String() }

// serve accepts until the listener is closed.
func serve(l net.Listener, records bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			s := open(c, records)
			var first [1]byte
			if _, err := s.Read(first[:]); err != nil || int(first[0]) >= len(peer.Services()) {
				return
			}
			_ = peer.Serve(peer.Services()[first[0]], s) // the dialer counts what was lost
		}()
	}
}

func open(c net.Conn, records bool) peer.Stream {
	if records {
		return newRecords(c.(*net.TCPConn))
	}
	return c.(*net.TCPConn)
}

type dialer struct{ records bool }

func (d dialer) Dial(_ context.Context, addr string) (peer.Session, error) {
	return session{addr, d.records}, nil
}

func (dialer) Close() error { return nil }

type session struct {
	addr    string
	records bool
}

func (s session) Open(ctx context.Context, service peer.Service) (peer.Stream, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	st := open(c, s.records)
	for i, known := range peer.Services() {
		if known == service {
			if _, err := st.Write([]byte{byte(i)}); err != nil {
				return nil, err
			}
		}
	}
	return st, nil
}

func (session) Close() error { return nil }
