package peer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	edText  = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"
	shaText = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
)

func mustAddr(t testing.TB, text string) ma.Multiaddr {
	t.Helper()
	addr, err := ma.NewMultiaddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// texts prints addresses.
func texts(addrs []ma.Multiaddr) []string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func TestAnAddressSplitsIntoTransportAndPeer(t *testing.T) {
	for text, want := range map[string][2]string{
		"/ip4/1.2.3.4/tcp/4001":                 {"/ip4/1.2.3.4/tcp/4001", ""},
		"/ip4/1.2.3.4/tcp/4001/p2p/" + edText:   {"/ip4/1.2.3.4/tcp/4001", edText},
		"/ip4/1.2.3.4/tcp/4001/ipfs/" + shaText: {"/ip4/1.2.3.4/tcp/4001", shaText},
		"/dns4/example.com/tcp/4001/p2p/bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6": {"/dns4/example.com/tcp/4001", edText},
		"/p2p/" + edText: {"", edText},
		"/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit":                 {"/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit", ""},
		"/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit/p2p/" + shaText:  {"/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit", shaText},
		"/ip4/1.2.3.4/udp/1/quic-v1/p2p/" + shaText + "/p2p-circuit/webrtc": {"/ip4/1.2.3.4/udp/1/quic-v1/p2p/" + shaText + "/p2p-circuit/webrtc", ""},
		"/ip6/::1/udp/4001/quic-v1/p2p/" + edText:                           {"/ip6/::1/udp/4001/quic-v1", edText},
	} {
		transport, id := SplitAddr(mustAddr(t, text))
		if diff := cmp.Diff(want, [2]string{transport.String(), id.String()}); diff != "" {
			// An address of no parts prints as "/" or as nothing.
			if !(want[0] == "" && len(transport) == 0 && id.String() == want[1]) {
				t.Errorf("%s: %s", text, diff)
			}
		}
	}
	if transport, id := SplitAddr(nil); len(transport) != 0 || id != "" {
		t.Errorf("nothing splits into %v and %s", transport, id)
	}
}

func TestAnAddressWithABadIDStaysWhole(t *testing.T) {
	// go-multiaddr takes an identity hash of any length; 43 bytes are no ID.
	long := append([]byte{0, 43}, make([]byte, 43)...)
	addr, err := ma.NewMultiaddrBytes(append([]byte{0xa5, 0x03, byte(len(long))}, long...))
	if err != nil {
		t.Fatal(err)
	}
	transport, id := SplitAddr(addr)
	if id != "" || !transport.Equal(addr) {
		t.Errorf("split into %s and %x", transport, string(id))
	}
}

func TestAPeerReadsFromAnAddress(t *testing.T) {
	info, err := ParseInfo("/ip4/1.2.3.4/tcp/4001/p2p/" + edText)
	if err != nil {
		t.Fatal(err)
	}
	if info.ID.String() != edText {
		t.Errorf("ID %s", info.ID)
	}
	if diff := cmp.Diff([]string{"/ip4/1.2.3.4/tcp/4001"}, texts(info.Addrs)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/ip4/1.2.3.4/tcp/4001/p2p/" + edText}, texts(info.Multiaddrs())); diff != "" {
		t.Error(diff)
	}
	bare, err := ParseInfo("/p2p/" + shaText)
	if err != nil {
		t.Fatal(err)
	}
	if bare.ID.String() != shaText || bare.Addrs != nil {
		t.Errorf("an ID alone gives %v", bare)
	}
	if diff := cmp.Diff([]string{"/p2p/" + shaText}, texts(bare.Multiaddrs())); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnknownPeerKeepsItsAddressesAsTheyAre(t *testing.T) {
	addrs := []ma.Multiaddr{mustAddr(t, "/ip4/1.2.3.4/tcp/1"), mustAddr(t, "/ip4/1.2.3.4/tcp/2")}
	got := Info{Addrs: addrs}.Multiaddrs()
	if diff := cmp.Diff(texts(addrs), texts(got)); diff != "" {
		t.Error(diff)
	}
	if got := (Info{}).Multiaddrs(); len(got) != 0 {
		t.Errorf("nothing gives %v", got)
	}
}

func TestAddingThePeerDoesNotTouchTheAddresses(t *testing.T) {
	id, err := ParseID(edText)
	if err != nil {
		t.Fatal(err)
	}
	roomy := append(make(ma.Multiaddr, 0, 8), mustAddr(t, "/ip4/1.2.3.4/tcp/1")...)
	info := Info{ID: id, Addrs: []ma.Multiaddr{roomy, roomy[:1]}}
	want := []string{"/ip4/1.2.3.4/tcp/1/p2p/" + edText, "/ip4/1.2.3.4/p2p/" + edText}
	if diff := cmp.Diff(want, texts(info.Multiaddrs())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4"}, texts(info.Addrs)); diff != "" {
		t.Error(diff)
	}
}

func TestATextThatIsNoPeerAddressIsRefusedWithAnExample(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                   "",
		"a slash":                 "/",
		"an ID alone":             edText,
		"host and port":           "example.com:4001",
		"no ID":                   "/ip4/1.2.3.4/tcp/4001",
		"p2p without ID":          "/ip4/1.2.3.4/tcp/4001/p2p",
		"an ID that is none":      "/ip4/1.2.3.4/tcp/4001/p2p/nobody",
		"an unknown protocol":     "/ip9/1.2.3.4/tcp/4001/p2p/" + edText,
		"a port too high":         "/ip4/1.2.3.4/tcp/70000/p2p/" + edText,
		"the relay, not the peer": "/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit",
		"very long":               "/dns4/" + strings.Repeat("a", 1<<20) + "/p2p/" + edText,
	} {
		var wrong *AddrError
		info, err := ParseInfo(text)
		if !errors.As(err, &wrong) || info.ID != "" || info.Addrs != nil {
			t.Errorf("%s: %v, %v", name, info, err)
			continue
		}
		if !strings.Contains(wrong.Rule, exampleAddr) || len(err.Error()) > 1000 {
			t.Errorf("%s: the error shows no example or is long: %v", name, err)
		}
	}
	if _, err := ParseInfo(exampleAddr); err != nil {
		t.Errorf("the example itself: %v", err)
	}
}
