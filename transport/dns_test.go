package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
)

// zone is a resolver with a fixed answer that notes what it was asked.
type zone struct {
	answer []string
	err    error
	asked  []string
}

func (z *zone) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	z.asked = append(z.asked, network+" "+host)
	var ips []netip.Addr
	for _, a := range z.answer {
		ips = append(ips, netip.MustParseAddr(a))
	}
	return ips, z.err
}

func resolved(t *testing.T, z *zone, text string) []string {
	t.Helper()
	addrs, err := Resolve(t.Context(), z, ma.StringCast(text))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func TestANameBecomesEachOfItsAddressesInOrder(t *testing.T) {
	z := &zone{answer: []string{"2001:db8::1", "192.0.2.9", "::ffff:192.0.2.7", "192.0.2.9", "fe80::1%eth0"}}
	for name, want := range map[string][]string{
		"/dns/example.org/tcp/4001" + somePeer: {
			"/ip6/2001:db8::1/tcp/4001" + somePeer, "/ip4/192.0.2.9/tcp/4001" + somePeer,
			"/ip4/192.0.2.7/tcp/4001" + somePeer, "/ip6zone/eth0/ip6/fe80::1/tcp/4001" + somePeer,
		},
		"/dns4/example.org/udp/1/quic-v1": {"/ip4/192.0.2.9/udp/1/quic-v1", "/ip4/192.0.2.7/udp/1/quic-v1"},
		"/dns6/example.org":               {"/ip6/2001:db8::1", "/ip6zone/eth0/ip6/fe80::1"},
	} {
		if diff := cmp.Diff(want, resolved(t, z, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheResolverIsAskedForTheFamilyOfTheAddress(t *testing.T) {
	for name, want := range map[string]string{"/dns/a/tcp/1": "ip a", "/dns4/b/tcp/1": "ip4 b", "/dns6/c/tcp/1": "ip6 c"} {
		z := &zone{answer: []string{"192.0.2.1", "2001:db8::1"}}
		resolved(t, z, name)
		if diff := cmp.Diff([]string{want}, z.asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnAddressWithoutANameInFrontIsNotTouched(t *testing.T) {
	for _, text := range []string{"/ip4/192.0.2.7/tcp/1", "/memory/7", "/dnsaddr/example.org", "/ip4/192.0.2.7/tcp/1" + somePeer + "/p2p-circuit/dns4/x/tcp/1"} {
		z := &zone{answer: []string{"192.0.2.1"}}
		if diff := cmp.Diff([]string{text}, resolved(t, z, text)); diff != "" || len(z.asked) > 0 {
			t.Errorf("asked %v (-want +got):\n%s", z.asked, diff)
		}
		if IsDNS(ma.StringCast(text)) {
			t.Errorf("%s is taken for a name", text)
		}
	}
}

func TestAnAnswerIsCutAtTheLimit(t *testing.T) {
	z := &zone{}
	for i := range 3 * MaxResolved {
		z.answer = append(z.answer, fmt.Sprintf("192.0.2.%d", i))
	}
	got := resolved(t, z, "/dns4/example.org/tcp/1")
	if len(got) != MaxResolved || got[MaxResolved-1] != fmt.Sprintf("/ip4/192.0.2.%d/tcp/1", MaxResolved-1) {
		t.Errorf("got %d addresses, the last is %s", len(got), got[len(got)-1])
	}
}

func TestANameThatCannotBeResolvedIsATypedError(t *testing.T) {
	addr := ma.StringCast("/dns6/example.org/tcp/1")
	noHost := &net.DNSError{Err: "no such host", Name: "example.org", IsNotFound: true}
	ended, end := context.WithCancelCause(t.Context())
	errBored := errors.New("bored")
	end(errBored)
	for _, c := range []struct {
		ctx  context.Context
		by   *zone
		want error
	}{
		{t.Context(), &zone{err: noHost}, noHost},
		{t.Context(), &zone{}, ErrNoAddress},
		{t.Context(), &zone{answer: []string{"192.0.2.1"}}, ErrNoAddress},
		{ended, &zone{err: context.Canceled}, errBored},
	} {
		_, err := Resolve(c.ctx, c.by, addr)
		var typed *ResolveError
		if !errors.As(err, &typed) || !typed.Addr.Equal(addr) || !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func TestTheMachinesOwnResolverIsTheDefault(t *testing.T) {
	got, err := Resolve(t.Context(), nil, ma.StringCast("/dns4/127.0.0.1/tcp/1"))
	if err != nil || len(got) != 1 || got[0].String() != "/ip4/127.0.0.1/tcp/1" {
		t.Errorf("got %v, %v", got, err)
	}
}
