package swarm

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

func TestADialErrorSaysWhatHappenedAndWhatToDo(t *testing.T) {
	id, err := peer.ParseID("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
	if err != nil {
		t.Fatal(err)
	}
	tcp := ma.StringCast("/ip4/192.0.2.7/tcp/4001")
	refused := &transport.DialError{Addr: tcp, Cause: transport.ErrRefused}
	silent := &conn.UpgradeError{Stage: conn.StageNegotiateSecurity, Remote: tcp, Cause: os.ErrDeadlineExceeded}
	chatty := &conn.UpgradeError{Stage: conn.StageSecure, Remote: tcp, Received: 20, Cause: errBoom}
	other := &peer.MismatchError{Want: "x", Got: id}
	none := NoTransport(ma.StringCast("/ip4/192.0.2.7/udp/1/quic-v1"), []transport.Transport{mem.NewNetwork().Transport()})
	held := func(n int) error {
		return &BackoffError{Until: began, Left: 9 * time.Second, Failures: n, Last: refused}
	}
	for _, c := range []struct {
		cause    error
		attempts []Attempt
		want     string
	}{
		{ErrSelf, nil, "connect to 12D3…AJU5SA: this is the host's own peer ID: give it the ID of somebody else"},
		{ErrNoAddresses, nil, "connect to 12D3…AJU5SA: no address of the peer is known: connect with one, or teach the address book"},
		{
			ErrUnreachable, []Attempt{{tcp, StageDial, 1499 * time.Microsecond, refused}},
			"connect to 12D3…AJU5SA: no address worked: /ip4/192.0.2.7/tcp/4001: open the link (1ms): nobody listens there (is the node running, and are address and port right?)",
		},
		{
			ErrUnreachable, []Attempt{
				{tcp, StageSecure, 0, chatty},
				{tcp, StageNegotiateSecurity, 5 * time.Second, silent},
				{none.Addr, StageNotTried, 0, none},
				{tcp, StageResolve, 0, &transport.ResolveError{Addr: tcp, Cause: transport.ErrNoAddress}},
			},
			"connect to 12D3…AJU5SA: no address worked" +
				"\n  - /ip4/192.0.2.7/tcp/4001: security handshake: boom" +
				"\n  - /ip4/192.0.2.7/tcp/4001: negotiate the security channel (5s): the remote never sent a byte (is it a libp2p node?)" +
				"\n  - /ip4/192.0.2.7/udp/1/quic-v1: not tried: none of this host's transports understands it: it has mem" +
				"\n  - /ip4/192.0.2.7/tcp/4001: resolve the name: the name has no address of this kind: try /dns, which takes both IPv4 and IPv6",
		},
		{
			ErrDialTimeout, []Attempt{{tcp, StageDial, 15 * time.Second, context.DeadlineExceeded}, {tcp, StageNotTried, 0, ErrDialTimeout}},
			"connect to 12D3…AJU5SA: the time for the dial was over before an address worked" +
				"\n  - /ip4/192.0.2.7/tcp/4001: open the link (15s): no answer" +
				"\n  - /ip4/192.0.2.7/tcp/4001: not tried: the time for the dial was over before an address worked",
		},
		{
			ErrDialTimeout, []Attempt{{tcp, StageDial, 15 * time.Second, context.DeadlineExceeded}},
			"connect to 12D3…AJU5SA: the time for the dial was over before an address worked: /ip4/192.0.2.7/tcp/4001: open the link (15s): no answer" +
				" (nobody answered: is the node running, and does a firewall let it be reached?)",
		},
		{
			ErrUnreachable, []Attempt{{tcp, StageSecure, 0, other}},
			"connect to 12D3…AJU5SA: no address worked: /ip4/192.0.2.7/tcp/4001: security handshake: the peer there is " + id.String() +
				" (somebody else answers there: is the peer ID right, or has the node got a new key?)",
		},
		{
			ErrUnreachable, []Attempt{{tcp, StageNotTried, 0, held(1)}, {tcp, StageNotTried, 0, held(3)}},
			"connect to 12D3…AJU5SA: no address worked" +
				"\n  - /ip4/192.0.2.7/tcp/4001: not tried: it failed a moment ago and is left alone for 9s more; the last time: nobody listens there" +
				"\n  - /ip4/192.0.2.7/tcp/4001: not tried: it failed 3 times in a row and is left alone for 9s more; the last time: nobody listens there" +
				"\n  (connect with an address to try at once)",
		},
		{
			ErrUnreachable, []Attempt{{none.Addr, StageNotTried, 0, &NoTransportError{Addr: none.Addr}}},
			"connect to 12D3…AJU5SA: no address worked: /ip4/192.0.2.7/udp/1/quic-v1: not tried: this host has no transports at all" +
				" (give the host one of these transports, or dial another address)",
		},
	} {
		e := &DialError{Peer: id, Cause: c.cause, Attempts: c.attempts}
		if diff := cmp.Diff(c.want, e.Error()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, a := range append(c.attempts, Attempt{Err: c.cause}) {
			if !errors.Is(e, a.Err) {
				t.Errorf("%v cannot be found in %v", a.Err, e)
			}
		}
	}
}

func TestAddressesAreClassifiedByWhereTheyLead(t *testing.T) {
	relay := "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
	for text, want := range map[string]target{
		"/dns4/example.org/tcp/1":             {reach: named},
		"/ip4/127.0.0.1/tcp/1":                {reach: local},
		"/ip4/192.168.1.1/tcp/1":              {reach: local},
		"/ip4/169.254.1.1/tcp/1":              {reach: local},
		"/ip6/::1/tcp/1":                      {reach: local, six: true},
		"/ip6/fd00::1/tcp/1":                  {reach: local, six: true},
		"/ip6zone/eth0/ip6/fe80::1/tcp/1":     {reach: local, six: true},
		"/memory/1":                           {reach: local},
		"/ip4/192.0.2.7/tcp/1":                {reach: public},
		"/ip6/2001:db8::1/udp/1/quic-v1":      {reach: public, six: true},
		"/ip4/192.0.2.7/tcp/1" + relay:        {reach: relayed},
		"/ip4/10.0.0.1/tcp/1/ws" + relay:      {reach: relayed},
		"/unix/a%2Fb":                         {reach: public},
		"/ip6zone/eth0/ip6/2001:db8::2/tcp/1": {reach: public, six: true},
	} {
		if got := classify(ma.StringCast(text)); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestLinksAreCountedAgainstWhoeverOwnsTheAddress(t *testing.T) {
	for text, want := range map[string]string{
		"/ip4/192.0.2.7/tcp/1":            "192.0.2.7",
		"/ip4/192.0.2.7/tcp/2":            "192.0.2.7",
		"/ip6/2001:db8:1:2:3::1/tcp/1":    "2001:db8:1:2::/64",
		"/ip6/2001:db8:1:2:4::9/tcp/1":    "2001:db8:1:2::/64",
		"/ip6zone/eth0/ip6/fe80::1/tcp/1": "fe80::/64",
		"/ip6/::ffff:192.0.2.7/tcp/1":     "192.0.2.7",
		"/memory/5":                       "/memory/5",
	} {
		if got := originOf(ma.StringCast(text)).source; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestAListenerThatStartsAgainKeepsItsPort(t *testing.T) {
	for _, c := range [][3]string{
		{"/ip4/0.0.0.0/tcp/0", "/ip4/192.0.2.7/tcp/4001", "/ip4/0.0.0.0/tcp/4001"},
		{"/ip4/0.0.0.0/tcp/80", "/ip4/192.0.2.7/tcp/4001", "/ip4/0.0.0.0/tcp/80"},
		{"/ip6/::/udp/0/quic-v1", "/ip6/::1/udp/9/quic-v1", "/ip6/::/udp/9/quic-v1"},
		{"/memory/0", "/memory/77", "/memory/77"},
	} {
		if got := withPort(ma.StringCast(c[0]), ma.StringCast(c[1])); got.String() != c[2] {
			t.Errorf("%s found at %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
