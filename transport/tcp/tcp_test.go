package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/transporttest"
)

const loopback4, loopback6 = "/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"

// families are the loopback addresses that this machine has.
func families(t *testing.T) []string {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Logf("IPv6 loopback is absent, only IPv4 is tested: %v", err)
		return []string{loopback4}
	}
	l.Close()
	return []string{loopback4, loopback6}
}

func listen(t *testing.T, tr *Transport, at string) transport.Listener {
	t.Helper()
	l, err := tr.Listen(t.Context(), ma.StringCast(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestItIsATransport(t *testing.T) {
	for _, at := range families(t) {
		t.Run(at[1:4], func(t *testing.T) {
			transporttest.Run(t, func(*testing.T) (transport.Transport, ma.Multiaddr) { return New(), ma.StringCast(at) })
		})
	}
}

func TestOnlyAnIPAddressWithAPortIsUnderstood(t *testing.T) {
	const id = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	tr := New()
	for text, want := range map[string]bool{
		"/ip4/192.0.2.7/tcp/4001": true, "/ip6/2001:db8::1/tcp/4001": true, "/ip6zone/eth0/ip6/fe80::1/tcp/4001": true,
		"/ip4/192.0.2.7/tcp/4001" + id:                  true,
		"/ip4/192.0.2.7/tcp/4001/ws":                    false,
		"/ip4/192.0.2.7/tcp/443/tls":                    false,
		"/ip4/192.0.2.7/tcp/443/tls/ws":                 false,
		"/ip4/192.0.2.7/udp/1/quic-v1":                  false,
		"/dns4/example.org/tcp/4001":                    false,
		"/ip4/192.0.2.7/tcp/4001" + id + "/p2p-circuit": false,
	} {
		if addr := ma.StringCast(text); tr.CanDial(addr) != want || tr.CanListen(addr) != want {
			t.Errorf("%s: understood %v", text, !want)
		}
	}
}

func TestAPortInUseSaysWhatToDo(t *testing.T) {
	tr := New()
	at := listen(t, tr, loopback4).Addrs()[0]
	_, err := tr.Listen(t.Context(), at)
	if !errors.Is(err, transport.ErrInUse) || !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), "choose another port") || !strings.Contains(err.Error(), at.String()) {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressOfAnotherMachineCannotBeListenedAt(t *testing.T) {
	_, err := New().Listen(t.Context(), ma.StringCast("/ip4/192.0.2.1/tcp/0"))
	var typed *transport.ListenError
	if !errors.As(err, &typed) || !errors.Is(err, transport.ErrNotLocal) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnspecifiedAddressStandsForThoseOfTheInterfaces(t *testing.T) {
	interfaces := func() ([]net.Addr, error) {
		var out []net.Addr
		for _, text := range []string{"127.0.0.1/8", "192.0.2.7/24", "::1/128", "2001:db8::7/64", "fe80::1/64", "192.0.2.7/32", "169.254.1.1/16"} {
			ip, n, err := net.ParseCIDR(text)
			if err != nil {
				return nil, err
			}
			n.IP = ip
			out = append(out, n)
		}
		return append(out, &net.UnixAddr{}), nil
	}
	broken := func() ([]net.Addr, error) { return nil, errors.New("no such table") }
	for _, c := range []struct {
		at         string
		interfaces func() ([]net.Addr, error)
		want       []string
	}{
		{"0.0.0.0:80", interfaces, []string{"/ip4/127.0.0.1/tcp/80", "/ip4/192.0.2.7/tcp/80", "/ip4/169.254.1.1/tcp/80"}},
		{"[::]:80", interfaces, []string{"/ip6/::1/tcp/80", "/ip6/2001:db8::7/tcp/80"}},
		{"192.0.2.9:80", interfaces, []string{"/ip4/192.0.2.9/tcp/80"}},
		{"0.0.0.0:80", broken, []string{"/ip4/0.0.0.0/tcp/80"}},
	} {
		l := &listener{at: netip.MustParseAddrPort(c.at), interfaces: c.interfaces}
		var got []string
		for _, a := range l.Addrs() {
			got = append(got, a.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s stands for %v, want %v", c.at, got, c.want)
		}
	}
}

func TestEveryAddressOfAnUnspecifiedListenerIsReached(t *testing.T) {
	for _, at := range families(t) {
		tr := New()
		at = strings.NewReplacer("127.0.0.1", "0.0.0.0", "::1", "::").Replace(at)
		l := listen(t, tr, at)
		addrs := l.Addrs()
		if len(addrs) == 0 {
			t.Errorf("%s stands for no address", at)
		}
		for _, a := range addrs {
			here, err := tr.Dial(t.Context(), a, "")
			if err != nil {
				t.Error(err)
				continue
			}
			there, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !there.Local.Equal(a) || !there.Remote.Equal(here.Local) {
				t.Errorf("dialed %s from %s, accepted at %s from %s", a, here.Local, there.Local, there.Remote)
			}
			here.Close()
			there.Close()
		}
	}
}

func TestBothFamiliesCanShareAPort(t *testing.T) {
	if len(families(t)) < 2 {
		return
	}
	// Another program may take the port in between, so a few are tried.
	for range 10 {
		tr := New()
		l := listen(t, tr, "/ip6/::/tcp/0").(*listener)
		other, err := tr.Listen(t.Context(), ma.StringCast(fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", l.at.Port())))
		if err == nil {
			other.Close()
			return
		}
		t.Log(err)
	}
	t.Error("no port could be shared")
}

// watched is a context that tells when somebody begins to wait for its end.
type watched struct {
	context.Context
	begun chan struct{}
}

func (w watched) Done() <-chan struct{} {
	w.begun <- struct{}{}
	return w.Context.Done()
}

func TestAnAcceptOutlivesTheContextOfAnotherOne(t *testing.T) {
	tr := New()
	l := listen(t, tr, loopback4)
	errBored := errors.New("bored")
	ended := make(chan error)
	accepted := make(chan error)
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := watched{ctx, make(chan struct{}, 10)}
		go func() {
			_, err := l.Accept(w)
			ended <- err
		}()
		<-w.begun
		go func() {
			link, err := l.Accept(t.Context())
			if err == nil {
				link.Close()
			}
			accepted <- err
		}()
		cancel(errBored)
		if err := <-ended; !errors.Is(err, errBored) {
			t.Errorf("the one that was cancelled: %v", err)
		}
		link, err := tr.Dial(t.Context(), l.Addrs()[0], "")
		if err != nil {
			t.Fatal(err)
		}
		if err := <-accepted; err != nil {
			t.Errorf("the other one: %v", err)
		}
		link.Close()
	}
}

func TestAcceptErrorsTellWhetherToPause(t *testing.T) {
	l := listen(t, New(), loopback4).(*listener)
	for err, want := range map[error]bool{
		&net.OpError{Op: "accept", Err: exhausted()[0]}:         true,
		&net.OpError{Op: "accept", Err: syscall.Errno(1)}:       false,
		&net.OpError{Op: "accept", Err: errors.New("whatever")}: false,
	} {
		var typed *transport.AcceptError
		if got := l.failed(err); !errors.As(got, &typed) || typed.Exhausted != want || !errors.Is(got, err) || typed.At == nil {
			t.Errorf("%v became %v", err, got)
		}
	}
}
