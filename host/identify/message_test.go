package identify

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/host/identify/pb"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// specRecord is the envelope that go-libp2p v0.51.0 makes with the key of the
// specs for the number 1 and the address /ip4/127.0.0.1/tcp/4001.
const specRecord = `0a24080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e
	120203011a360a260024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e
	10011a0a0a08047f000001060fa12a404504e51a36806e8eba9344a743f2e1cbd0170d2632fb413f98101f6e3ff2
	6d3da91f4eedebf36383fa5819438bce1d7398117236e52d2d1dfce98196294ac60e`

func compose1(t testing.TB, s own) *speech {
	t.Helper()
	what, err := compose(s)
	if err != nil {
		t.Fatal(err)
	}
	return what
}

func TestAMessageHasTheBytesThatOthersExpect(t *testing.T) {
	what := compose1(t, own{
		key: specKey(), addrs: addrs("/ip4/127.0.0.1/tcp/4001"),
		protocols: []negotiate.Protocol{ID, "/ipfs/ping/1.0.0"}, agent: "troupe/1.2.3", seq: 1,
	})
	want := unhex(`0a 24 080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e
		12 08 047f000001060fa1
		1a 0e 2f697066732f69642f312e302e30
		1a 10 2f697066732f70696e672f312e302e30
		22 08 04c0000207 06 1f90
		2a 0a 697066732f302e312e30
		32 0c 74726f7570652f312e322e33
		42 a401 ` + specRecord)
	if diff := cmp.Diff(want, what.marshal(ma.StringCast("/ip4/192.0.2.7/tcp/8080"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnObservedAddressIsNotSentWhereItMeansNothing(t *testing.T) {
	what := compose1(t, own{key: specKey(), seq: 1})
	long := "/dns4/" + string(bytes.Repeat([]byte("a"), 200)) + "/tcp/1"
	relay := "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
	for _, observed := range append(addrs(long, relay), nil) {
		var m pb.Identify
		if err := proto.Unmarshal(what.marshal(observed), &m); err != nil {
			t.Fatal(err)
		}
		if m.ObservedAddr != nil {
			t.Errorf("%v was sent", observed)
		}
	}
}

// many returns n addresses and protocols of usual lengths.
func many(addresses, protocols int) (a []ma.Multiaddr, p []negotiate.Protocol) {
	for i := range addresses {
		a = append(a, ma.StringCast(fmt.Sprintf("/ip6/2001:db8::%x/udp/%d/quic-v1", i+1, 4000+i)))
	}
	for i := range protocols {
		p = append(p, negotiate.Protocol(fmt.Sprintf("/a-protocol-of-usual-length/%04d", i)))
	}
	return a, p
}

func TestAMessageNeverHasMoreThan4096BytesWhateverTheKey(t *testing.T) {
	observed := ma.StringCast("/ip6/2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/udp/65535/quic-v1")
	for name, key := range everyKey(t) {
		for _, n := range [][2]int{{0, 0}, {1, 1}, {30, 20}, {60, 40}, {500, 10}, {10, 110}, {3, 500}, {1000, 1000}} {
			a, p := many(n[0], n[1])
			what := compose1(t, own{key: key, addrs: a, protocols: p, agent: "troupe/1", seq: 7})
			data := what.marshal(observed)
			if len(data) > maxSent {
				t.Errorf("%s, %v: %d bytes", name, n, len(data))
			}
			m := what.message
			if len(m.ListenAddrs) != len(a)-what.addrsLeftOut || len(m.Protocols) != len(p)-what.protocolsLeftOut {
				t.Errorf("%s, %v: %d addresses and %d protocols are there, but %d and %d are said to be left out",
					name, n, len(m.ListenAddrs), len(m.Protocols), what.addrsLeftOut, what.protocolsLeftOut)
			}
			if len(m.ListenAddrs) > 0 && what.protocolsLeftOut > 0 {
				t.Errorf("%s, %v: %d protocols were left out before all addresses were", name, n, what.protocolsLeftOut)
			}
			if m.SignedPeerRecord == nil {
				continue
			}
			record, _, err := peer.OpenRecord(m.SignedPeerRecord)
			if err != nil || record.Seq != 7 {
				t.Fatalf("%s, %v: record %v, %v", name, n, record, err)
			}
			if diff := cmp.Diff(texts(a[:len(m.ListenAddrs)]), texts(record.Addrs)); diff != "" {
				t.Errorf("%s, %v: the record has other addresses than the list:\n%s", name, n, diff)
			}
		}
	}
}

func TestNothingIsLeftOutThatWouldHaveFitted(t *testing.T) {
	a, p := many(300, 20)
	s := own{key: specKey(), addrs: a, protocols: p, agent: "troupe/1", seq: 7}
	n := len(compose1(t, s).message.ListenAddrs)
	s.addrs = a[:n]
	if what := compose1(t, s); what.addrsLeftOut != 0 {
		t.Errorf("%d addresses do not fit alone", n)
	}
	s.addrs = a[:n+1]
	if what := compose1(t, s); what.addrsLeftOut == 0 {
		t.Errorf("%d addresses were sent where %d fit", n, n+1)
	}
}

func TestALongAgentIsCutAndMadePrintable(t *testing.T) {
	what := compose1(t, own{key: specKey(), agent: "evil\x1b[2J\xff" + string(bytes.Repeat([]byte("x"), 1000)), seq: 1})
	got := what.message.GetAgentVersion()
	if len(got) != maxSentAgent || got[:12] != "evil?[2J?xxx" {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestWhatIsSentComesBackAsItWas(t *testing.T) {
	key := specKey()
	a, p := many(5, 5)
	what := compose1(t, own{key: key, addrs: a, protocols: p, agent: "troupe/1.2.3", seq: 99})
	observed := ma.StringCast("/ip4/192.0.2.7/tcp/8080")
	info := understood(t, framed(what.marshal(observed)), key.Public())
	signed, err := peer.OpenSigned(what.message.SignedPeerRecord)
	if err != nil {
		t.Fatal(err)
	}
	want := &Info{
		Peer: key.ID(), Key: key.Public(), Protocols: p, Addrs: a, Record: signed, Seq: 99,
		Observed: observed, ProtocolVersion: "ipfs/0.1.0", AgentVersion: "troupe/1.2.3",
	}
	if diff := diffInfo(want, info); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
