package transporttest

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// faulty is a transport with one thing wrong; what is nil is right.
type faulty struct {
	transport.Transport
	can    func(ma.Multiaddr) bool
	dial   func(ctx context.Context, next transport.Transport, to ma.Multiaddr) (transport.Link, error)
	listen func(ctx context.Context, next transport.Transport, at ma.Multiaddr) (transport.Listener, error)
	accept func(ctx context.Context, next transport.Listener) (transport.Link, error)
	closes func(next transport.Listener, links []transport.Link) error
	link   func(transport.Link) transport.Link
}

func (f *faulty) CanDial(to ma.Multiaddr) bool {
	return f.can != nil && f.can(to) || f.Transport.CanDial(to)
}

func (f *faulty) Dial(ctx context.Context, to ma.Multiaddr, want peer.ID) (transport.Link, error) {
	link, err := transport.Link{}, error(nil)
	if f.dial != nil {
		link, err = f.dial(ctx, f.Transport, to)
	} else {
		link, err = f.Transport.Dial(ctx, to, want)
	}
	if err == nil && f.link != nil {
		link = f.link(link)
	}
	return link, err
}

func (f *faulty) Listen(ctx context.Context, at ma.Multiaddr) (l transport.Listener, err error) {
	if f.listen != nil {
		l, err = f.listen(ctx, f.Transport, at)
	} else {
		l, err = f.Transport.Listen(ctx, at)
	}
	return &faultyListener{Listener: l, f: f}, err
}

type faultyListener struct {
	transport.Listener
	f     *faulty
	links []transport.Link
}

func (l *faultyListener) Accept(ctx context.Context) (link transport.Link, err error) {
	if l.f.accept != nil {
		link, err = l.f.accept(ctx, l.Listener)
	} else {
		link, err = l.Listener.Accept(ctx)
	}
	if err == nil && l.f.link != nil {
		link = l.f.link(link)
	}
	l.links = append(l.links, link)
	return link, err
}

func (l *faultyListener) Close() error {
	if l.f.closes != nil {
		return l.f.closes(l.Listener, l.links)
	}
	return l.Listener.Close()
}

// pipe is a conn with one thing wrong.
type pipe struct {
	net.Conn
	read     func(next net.Conn, p []byte) (int, error)
	write    func(next net.Conn, p []byte) (int, error)
	deadline func(next func(time.Time) error, t time.Time) error
}

func (c pipe) Read(p []byte) (int, error) {
	if c.read != nil {
		return c.read(c.Conn, p)
	}
	return c.Conn.Read(p)
}

func (c pipe) Write(p []byte) (int, error) {
	if c.write != nil {
		return c.write(c.Conn, p)
	}
	return c.Conn.Write(p)
}

func (c pipe) set(next func(time.Time) error, t time.Time) error {
	if c.deadline != nil {
		return c.deadline(next, t)
	}
	return next(t)
}

func (c pipe) SetDeadline(t time.Time) error      { return c.set(c.Conn.SetDeadline, t) }
func (c pipe) SetReadDeadline(t time.Time) error  { return c.set(c.Conn.SetReadDeadline, t) }
func (c pipe) SetWriteDeadline(t time.Time) error { return c.set(c.Conn.SetWriteDeadline, t) }

// with makes a transport whose pipes have the fault.
func with(p pipe) faulty {
	return faulty{link: func(l transport.Link) transport.Link {
		p := p
		p.Conn, l.Pipe = l.Pipe, nil
		l.Pipe = p
		return l
	}}
}

func faults() map[string]faulty {
	return map[string]faulty{
		"nothing is refused": {dial: func(ctx context.Context, next transport.Transport, to ma.Multiaddr) (transport.Link, error) {
			link, err := next.Dial(ctx, to, "")
			if errors.Is(err, transport.ErrRefused) {
				a, _ := mem.Pipe(ctx, mem.Options{})
				return transport.Link{Pipe: a}, nil
			}
			return link, err
		}},
		"the error of a dial has no type": {dial: func(ctx context.Context, next transport.Transport, to ma.Multiaddr) (transport.Link, error) {
			link, err := next.Dial(ctx, to, "")
			return link, errors.Unwrap(err)
		}},
		"a dial ignores its context": {dial: func(ctx context.Context, next transport.Transport, to ma.Multiaddr) (transport.Link, error) {
			return next.Dial(context.WithoutCancel(ctx), to, "")
		}},
		"a dial forgets the cause": {dial: func(ctx context.Context, next transport.Transport, to ma.Multiaddr) (transport.Link, error) {
			link, err := next.Dial(ctx, to, "")
			if ctx.Err() != nil {
				err = &transport.DialError{Addr: to, Cause: ctx.Err()}
			}
			return link, err
		}},
		"all addresses are understood": {can: func(ma.Multiaddr) bool { return true }},
		"an address can be listened at twice": {listen: func(ctx context.Context, next transport.Transport, at ma.Multiaddr) (transport.Listener, error) {
			l, err := next.Listen(ctx, at)
			if err != nil {
				return next.Listen(ctx, ma.StringCast("/memory/0"))
			}
			return l, nil
		}},
		"an accept ignores its context": {accept: func(ctx context.Context, next transport.Listener) (transport.Link, error) {
			return next.Accept(context.WithoutCancel(ctx))
		}},
		"an accept takes the listener down": {accept: func(ctx context.Context, next transport.Listener) (transport.Link, error) {
			link, err := next.Accept(ctx)
			if ctx.Err() != nil {
				next.Close()
			}
			return link, err
		}},
		"a listener never closes": {closes: func(transport.Listener, []transport.Link) error { return nil }},
		"a listener takes its links along": {closes: func(next transport.Listener, links []transport.Link) error {
			for _, link := range links {
				link.Close()
			}
			return next.Close()
		}},
		"the addresses are swapped": {link: func(l transport.Link) transport.Link { l.Local, l.Remote = l.Remote, l.Local; return l }},
		"the local address is missing": {link: func(l transport.Link) transport.Link {
			l.Local = nil
			return l
		}},
		"a link is no pipe": {link: func(l transport.Link) transport.Link { l.Pipe.Close(); l.Pipe = nil; return l }},
		"a byte is changed": with(pipe{write: func(next net.Conn, p []byte) (int, error) {
			if len(p) > 1000 {
				p = append([]byte(nil), p...)
				p[1000] ^= 1
			}
			return next.Write(p)
		}}),
		"a byte is lost": with(pipe{write: func(next net.Conn, p []byte) (int, error) {
			if len(p) < 1000 {
				return next.Write(p)
			}
			n, err := next.Write(p[1:])
			return n + 1, err
		}}),
		"a write is torn": with(pipe{write: func(next net.Conn, p []byte) (int, error) {
			n, err := next.Write(p[:len(p)/2])
			if err != nil {
				return n, err
			}
			k, err := next.Write(p[len(p)/2:])
			return n + k, err
		}}),
		"the count of a cut write is wrong": with(pipe{write: func(next net.Conn, p []byte) (int, error) {
			n, err := next.Write(p)
			if err != nil {
				return 0, err
			}
			return n, nil
		}}),
		"the end comes as an error": with(pipe{read: func(next net.Conn, p []byte) (int, error) {
			n, err := next.Read(p)
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}}),
		"a read after the close is the end": with(pipe{read: func(next net.Conn, p []byte) (int, error) {
			n, err := next.Read(p)
			if errors.Is(err, net.ErrClosed) {
				err = io.EOF
			}
			return n, err
		}}),
		"deadlines are ignored": with(pipe{deadline: func(func(time.Time) error, time.Time) error { return nil }}),
		"deadlines come early":  with(pipe{deadline: early(-time.Millisecond)}),
		"a deadline cannot be taken away": with(pipe{deadline: func(next func(time.Time) error, t time.Time) error {
			if t.IsZero() {
				return nil
			}
			return next(t)
		}}),
		"a deadline has another error": with(pipe{read: func(next net.Conn, p []byte) (int, error) {
			n, err := next.Read(p)
			if isTimeout(err) {
				err = errors.New("too late")
			}
			return n, err
		}}),
	}
}

func early(d time.Duration) func(func(time.Time) error, time.Time) error {
	return func(next func(time.Time) error, t time.Time) error {
		if !t.IsZero() {
			t = t.Add(d)
		}
		return next(t)
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			for _, c := range checks() {
				err := c.in(t, Scheduler(1, nil), func(*testing.T) (transport.Transport, ma.Multiaddr) {
					f := f
					f.Transport = mem.NewNetwork().Transport()
					return &f, ma.StringCast("/memory/0")
				})
				if err != nil {
					t.Logf("%s: %v", c.name, err)
					return
				}
			}
			t.Error("no check has found it")
		})
	}
}
