package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// systemError takes the error of a transport or a pipe out of its envelope, and
// says with the operating system's words what the network said with
// its own: other libraries look for those. call is the system call that it
// would be.
func systemError(call string, err error) error {
	for _, e := range []struct {
		ours   error
		theirs syscall.Errno
	}{
		{transport.ErrRefused, syscall.ECONNREFUSED},
		{transport.ErrInUse, syscall.EADDRINUSE},
		{transport.ErrNotLocal, syscall.EADDRNOTAVAIL},
		{mem.ErrReset, syscall.ECONNRESET},
		{io.ErrClosedPipe, syscall.EPIPE},
	} {
		if errors.Is(err, e.ours) {
			return os.NewSyscallError(call, e.theirs)
		}
	}
	var dial *transport.DialError
	if errors.As(err, &dial) {
		return dial.Cause
	}
	return err
}

// A netStream is a connection as package net has them.
type netStream struct {
	pipe  mem.Conn
	net   *Net
	abort atomic.Bool // a Close is a reset
}

// stream makes a connection of a link, which the Net then watches over.
func (n *Net) stream(link transport.Link) *netStream {
	c := &netStream{pipe: link.Pipe.(mem.Conn), net: n}
	n.opened(c, fmt.Sprintf("the connection of %s to %s", c.LocalAddr(), c.RemoteAddr()))
	return c
}

func (c *netStream) Read(p []byte) (int, error) {
	n, err := c.pipe.Read(p)
	return n, c.explained("read", err)
}

func (c *netStream) Write(p []byte) (int, error) {
	n, err := c.pipe.Write(p)
	return n, c.explained("write", err)
}

// Close closes the connection; the other end reads what was sent and then io.EOF,
// or after SetLinger(0) a reset.
func (c *netStream) Close() error {
	c.net.gone(c)
	if c.abort.Load() {
		return c.pipe.Reset()
	}
	return c.pipe.Close()
}

// CloseWrite says that no more will be written; reading goes on.
func (c *netStream) CloseWrite() error { return c.explained("close", c.pipe.CloseWrite()) }

// SetLinger has Close reset the connection (0), or close it in order (anything
// else). In no case does Close wait.
func (c *netStream) SetLinger(sec int) error {
	c.abort.Store(sec == 0)
	return nil
}

// What a socket can be told besides makes no difference here.

func (c *netStream) SetNoDelay(bool) error                  { return nil }
func (c *netStream) SetKeepAlive(bool) error                { return nil }
func (c *netStream) SetKeepAlivePeriod(time.Duration) error { return nil }
func (c *netStream) LocalAddr() net.Addr                    { return c.pipe.LocalAddr() }
func (c *netStream) RemoteAddr() net.Addr                   { return c.pipe.RemoteAddr() }
func (c *netStream) SetDeadline(t time.Time) error          { return c.pipe.SetDeadline(t) }
func (c *netStream) SetReadDeadline(t time.Time) error      { return c.pipe.SetReadDeadline(t) }
func (c *netStream) SetWriteDeadline(t time.Time) error     { return c.pipe.SetWriteDeadline(t) }

// explained puts the system's error into that of the pipe.
func (c *netStream) explained(call string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		op.Err = systemError(call, op.Err)
	}
	return err
}

// A netListener is a listener as package net has them.
type netListener struct {
	inner transport.Listener
	net   *Net
	addr  *net.TCPAddr
}

func (n *Net) listener(inner transport.Listener) *netListener {
	at, _ := transport.TCP(inner.Addrs()[0])
	l := &netListener{inner, n, net.TCPAddrFromAddrPort(at)}
	n.opened(l, fmt.Sprintf("the listener at %s", l.addr))
	return l
}

// Accept waits for the next connection until the listener is closed.
func (l *netListener) Accept() (net.Conn, error) {
	link, err := l.inner.Accept(context.Background())
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: err}
	}
	return l.net.stream(link), nil
}

// Close ends Accept; connections that nobody has accepted are closed.
func (l *netListener) Close() error {
	l.net.gone(l)
	return l.inner.Close()
}

// Addr is where it really listens.
func (l *netListener) Addr() net.Addr { return l.addr }
