package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/troupe-p2p/troupe/transport"
)

// option reads a socket option of a link.
func option(t *testing.T, link transport.Link, level, name int) (value int) {
	t.Helper()
	raw, err := link.Pipe.(*pipe).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { value, failed = syscall.GetsockoptInt(int(fd), level, name) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

func TestBothEndsSendAtOnceAndKeepTheLinkAlive(t *testing.T) {
	for _, c := range []struct {
		tr    *Transport
		alive int
	}{
		{New(), 1},
		{New(KeepAlive(net.KeepAliveConfig{})), 0},
		{New(KeepAlive(net.KeepAliveConfig{Enable: true, Idle: 77e9})), 77},
	} {
		l := listen(t, c.tr, loopback4)
		here, err := c.tr.Dial(t.Context(), l.Addrs()[0], "")
		if err != nil {
			t.Fatal(err)
		}
		there, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range []transport.Link{here, there} {
			if option(t, link, syscall.IPPROTO_TCP, syscall.TCP_NODELAY) != 1 {
				t.Error("small writes wait for more")
			}
			if alive := option(t, link, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); alive != min(c.alive, 1) {
				t.Errorf("keep-alive is %d, want %d", alive, c.alive)
			}
			if idle := option(t, link, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE); c.alive > 1 && idle != c.alive {
				t.Errorf("the first probe comes after %d s, want %d", idle, c.alive)
			}
			link.Close()
		}
	}
}

func TestAcceptingWithoutDescriptorsIsAnErrorThatPasses(t *testing.T) {
	tr := New()
	l := listen(t, tr, loopback4)
	link, err := tr.Dial(t.Context(), l.Addrs()[0], "")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Accept(t.Context())
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var typed *transport.AcceptError
	if !errors.As(err, &typed) || !typed.Exhausted || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("got %v", err)
	}
	there, err := l.Accept(t.Context())
	if err != nil {
		t.Fatalf("after the pause: %v", err)
	}
	there.Close()
}

// A listening socket whose backlog is full makes the kernel drop what comes: a
// dial then waits for an answer as if the network were slow.
func TestADialWithoutAnAnswerEndsWithItsContext(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := name.(*syscall.SockaddrInet4)
	to := transport.FromTCP(netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)))

	errBored := errors.New("bored")
	ctx, cancel := context.WithCancelCause(t.Context())
	const dials = 8 // more than fit, however the kernel rounds the backlog
	results := make(chan error, dials)
	links := make(chan transport.Link, dials)
	for range dials {
		go func() {
			link, err := New().Dial(ctx, to, "")
			if err == nil {
				links <- link
			}
			results <- err
		}()
	}
	// One fits; it tells that the others are on their way.
	open := <-links
	open.Close()
	cancel(errBored)
	waited := 0
	for range dials {
		err := <-results
		var typed *transport.DialError
		if err != nil {
			waited++
			if !errors.As(err, &typed) || !errors.Is(err, errBored) {
				t.Errorf("got %v", err)
			}
		}
	}
	close(links)
	for link := range links {
		link.Close()
	}
	if waited == 0 {
		t.Error("no dial had to wait")
	}
}
