package transport

import (
	"net/netip"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

const somePeer = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

func TestAnIPAddressWithATCPPortIsReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"/ip4/192.0.2.7/tcp/4001":                 "192.0.2.7:4001",
		"/ip4/0.0.0.0/tcp/0":                      "0.0.0.0:0",
		"/ip6/2001:db8::1/tcp/65535":              "[2001:db8::1]:65535",
		"/ip6/::/tcp/80":                          "[::]:80",
		"/ip6zone/eth0/ip6/fe80::1/tcp/80":        "[fe80::1%eth0]:80",
		"/ip4/192.0.2.7/tcp/4001" + somePeer:      "192.0.2.7:4001",
		"/ip6zone/0/ip6/fe80::1/tcp/1" + somePeer: "[fe80::1%0]:1",
	} {
		addr := ma.StringCast(text)
		got, ok := TCP(addr)
		if !ok || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s was read as %s (%v), want %s", text, got, ok, want)
			continue
		}
		if back := FromTCP(got); back.String()+somePeer != text && back.String() != text {
			t.Errorf("%s was written as %s", text, back)
		}
	}
}

func TestAnAddressWithMoreOrLessThanIPAndTCPIsNone(t *testing.T) {
	for _, text := range []string{
		"/ip4/192.0.2.7", "/tcp/4001", "/dns4/example.org/tcp/4001", "/ip4/192.0.2.7/udp/4001",
		"/ip4/192.0.2.7/tcp/4001/ws", "/ip4/192.0.2.7/tcp/4001/tls/ws", "/ip4/192.0.2.7/tcp/4001/tls" + somePeer,
		"/ip4/192.0.2.7/tcp/4001" + somePeer + "/p2p-circuit", "/ip4/192.0.2.7/tcp/4001" + somePeer + somePeer,
		"/ip6zone/eth0/ip4/192.0.2.7/tcp/1", "/ip6/::ffff:192.0.2.7/tcp/4001", "/memory/7", somePeer,
	} {
		if got, ok := TCP(ma.StringCast(text)); ok {
			t.Errorf("%s was read as %s", text, got)
		}
	}
	if got, ok := TCP(nil); ok {
		t.Errorf("no address was read as %s", got)
	}
}

func TestAnIPv4AddressInIPv6FormIsWrittenAsIPv4(t *testing.T) {
	got := FromTCP(netip.MustParseAddrPort("[::ffff:192.0.2.7]:80"))
	if got.String() != "/ip4/192.0.2.7/tcp/80" {
		t.Errorf("got %s", got)
	}
	if got := FromTCP(netip.AddrPort{}); got != nil {
		t.Errorf("the zero address was written as %s", got)
	}
}

// What TCP understands, FromTCP writes back, byte for byte.
func FuzzTCP(f *testing.F) {
	for _, text := range []string{"/ip4/192.0.2.7/tcp/4001", "/ip6zone/eth0/ip6/fe80::1/tcp/80", "/ip6/::1/tcp/0" + somePeer, "/dns/x/tcp/1", "/memory/1"} {
		f.Add(ma.StringCast(text).Bytes())
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		addr, err := ma.NewMultiaddrBytes(p)
		if err != nil {
			return
		}
		a, ok := TCP(addr)
		if !ok {
			return
		}
		back := FromTCP(a)
		again, ok := TCP(back)
		if !ok || again != a {
			t.Errorf("%s was read as %s, written as %s and read as %s", addr, a, back, again)
		}
	})
}
