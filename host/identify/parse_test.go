package identify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/host/identify/pb"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// far is the remote address of somebody on the internet.
var far = ma.StringCast("/ip4/1.2.3.4/tcp/1")

// framed is messages as they go over a stream.
// openAny checks every signature.
func openAny(_ peer.ID, data []byte) (*peer.SignedRecord, error) { return peer.OpenSigned(data) }

func framed(messages ...[]byte) []byte {
	var out []byte
	for _, m := range messages {
		out = append(out, varint.ToUvarint(uint64(len(m)))...)
		out = append(out, m...)
	}
	return out
}

func encode(t testing.TB, m *pb.Identify) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// understood reads what the owner of the key says and expects no fault in it.
func understood(t testing.TB, wire []byte, key peer.PublicKey) *Info {
	t.Helper()
	info, fault := heardFrom(t, wire, key, far)
	if fault != nil {
		t.Fatal(fault)
	}
	return info
}

func heardFrom(t testing.TB, wire []byte, key peer.PublicKey, remote ma.Multiaddr) (*Info, error) {
	t.Helper()
	m, err := receive(bytes.NewReader(wire), key.ID())
	if err != nil {
		t.Fatal(err)
	}
	info, fault, err := understand(m, key, remote, openAny)
	if err != nil {
		t.Fatal(err)
	}
	return info, fault
}

func diffInfo(want, got *Info) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b ma.Multiaddr) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b peer.PublicKey) bool { return a.ID() == b.ID() }))
}

func TestSeveralMessagesAreMergedAsProtobufMerges(t *testing.T) {
	key := specKey()
	one := encode(t, &pb.Identify{
		Protocols: []string{"/a/1"}, AgentVersion: proto.String("first"), ListenAddrs: [][]byte{ma.StringCast("/ip4/8.8.8.8/tcp/1").Bytes()},
	})
	two := encode(t, &pb.Identify{
		Protocols: []string{"/b/1"}, AgentVersion: proto.String("second"), ProtocolVersion: proto.String("x"),
	})
	three := encode(t, &pb.Identify{ListenAddrs: [][]byte{ma.StringCast("/ip4/8.8.4.4/tcp/2").Bytes()}})
	info := understood(t, framed(one, two, nil, three), key.Public())
	want := &Info{
		Peer: key.ID(), Key: key.Public(), Protocols: []negotiate.Protocol{"/a/1", "/b/1"},
		Addrs: addrs("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.4.4/tcp/2"), ProtocolVersion: "x", AgentVersion: "second",
	}
	if diff := diffInfo(want, info); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheSecondMessageOfGoLibp2pCarriesItsRecord(t *testing.T) {
	key := specKey()
	// go-libp2p moves the record into a message of its own when it has more than
	// 2 KiB to say.
	_, many := many(0, 100)
	first := &pb.Identify{PublicKey: key.Public().Marshal(), ListenAddrs: [][]byte{ma.StringCast("/ip4/9.9.9.9/tcp/9").Bytes()}}
	for _, p := range many {
		first.Protocols = append(first.Protocols, string(p))
	}
	second := &pb.Identify{SignedPeerRecord: unhex(specRecord)}
	info, fault := heardFrom(t, framed(encode(t, first), encode(t, second)), key.Public(), ma.StringCast("/ip4/127.0.0.1/tcp/1"))
	if fault != nil || len(info.Protocols) != 100 || info.Seq != 1 {
		t.Errorf("fault %v, %d protocols, record %d", fault, len(info.Protocols), info.Seq)
	}
	if diff := cmp.Diff([]string{"/ip4/127.0.0.1/tcp/4001"}, texts(info.Addrs)); diff != "" {
		t.Errorf("the record's addresses count (-want +got):\n%s", diff)
	}
}

func TestBadInputIsRefusedWithItsRule(t *testing.T) {
	empty := framed(nil)
	cases := map[string]struct {
		wire []byte
		rule error
	}{
		"nothing":                      {nil, ErrNothingSaid},
		"eleven messages":              {bytes.Repeat(empty, 11), ErrTooManyMessages},
		"one byte too many":            {framed(make([]byte, MaxMessageSize+1)), ErrNotAMessage},
		"a length of 2^62":             {varint.ToUvarint(1 << 62), ErrNotAMessage},
		"a length of 2^64":             {bytes.Repeat([]byte{0xff}, 10), ErrNotAMessage},
		"an endless varint":            {bytes.Repeat([]byte{0x80}, 4096), ErrNotAMessage},
		"a length that is not minimal": {[]byte{0x80, 0x00}, ErrNotAMessage},
		"half a length":                {[]byte{0x80}, ErrNotAMessage},
		"half a message":               {[]byte{5, 0x0a}, ErrNotAMessage},
		"garbage":                      {framed([]byte("this is no protobuf message at all")), ErrNotAMessage},
		"a field cut short":            {framed([]byte{0x12, 0x7f, 1}), ErrNotAMessage},
		"an open group":                {framed(bytes.Repeat([]byte{0x0b}, 4000)), ErrNotAMessage},
		"garbage after a good message": {slices.Concat(empty, framed([]byte{0xff})), ErrNotAMessage},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := receive(bytes.NewReader(c.wire), specKey().ID())
			var broken *MessageError
			if !errors.Is(err, c.rule) || !errors.As(err, &broken) || broken.Peer != specKey().ID() {
				t.Errorf("got %v, want the rule %v", err, c.rule)
			}
		})
	}
}

func TestTenMessagesOfTheGreatestSizeAreRead(t *testing.T) {
	m := &pb.Identify{AgentVersion: proto.String("")}
	m.AgentVersion = proto.String(strings.Repeat("x", MaxMessageSize-proto.Size(m)-1))
	one := encode(t, m)
	if len(one) != MaxMessageSize {
		t.Fatal(len(one))
	}
	info := understood(t, framed(slices.Repeat([][]byte{one}, MaxMessages)...), specKey().Public())
	if len(info.AgentVersion) != maxVersion {
		t.Errorf("%d bytes of the agent are kept", len(info.AgentVersion))
	}
}

func TestAnErrorOfTheStreamIsNotThePeersFault(t *testing.T) {
	boom := &stream.ResetError{Remote: true}
	_, err := receive(io.MultiReader(bytes.NewReader([]byte{9, 1}), failing{boom}), specKey().ID())
	var broken *MessageError
	if !errors.Is(err, boom) || errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestMoreProtocolsAndAddressesThanTheLimitsAreNotEvenDecoded(t *testing.T) {
	var c collector
	tiny := append(bytes.Repeat([]byte{0x1a, 0}, 2000), bytes.Repeat([]byte{0x12, 0}, 2000)...)
	for range MaxMessages {
		if err := c.add(slices.Clone(tiny)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.merged.Protocols) != MaxProtocols || len(c.merged.ListenAddrs) != MaxListenAddrs {
		t.Errorf("%d protocols and %d addresses were decoded", len(c.merged.Protocols), len(c.merged.ListenAddrs))
	}
}

func TestOnlyTheFirstOfManyAreKept(t *testing.T) {
	m := &pb.Identify{}
	var messages [][]byte
	a, p := many(0, 1100)
	for i := range 600 {
		a = append(a, ma.StringCast(fmt.Sprintf("/ip4/8.8.%d.%d/tcp/1", i/250, i%250)))
	}
	for i := range 1100 {
		m.Protocols = append(m.Protocols, string(p[i]))
		if i < len(a) {
			m.ListenAddrs = append(m.ListenAddrs, a[i].Bytes())
		}
		if proto.Size(m) > 6000 || i == 1099 {
			messages = append(messages, encode(t, m))
			m = &pb.Identify{}
		}
	}
	info := understood(t, framed(messages...), specKey().Public())
	if diff := cmp.Diff(p[:MaxProtocols], info.Protocols); diff != "" {
		t.Errorf("protocols (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(texts(a[:MaxAddrs]), texts(info.Addrs)); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeUsedIsLeftOut(t *testing.T) {
	key := specKey()
	me, other := key.ID().String(), otherKey(t, 1).ID().String()
	m := &pb.Identify{
		Protocols: []string{"", "/a/1", "/a/1", "na", "/has\nnewline", "/multistream/1.0.0", "\xff", strings.Repeat("x", 1024), "/b/1"},
		ListenAddrs: [][]byte{
			nil, {1, 2, 3}, bytes.Repeat([]byte{4}, 5000),
			ma.StringCast("/ip4/8.8.8.8/tcp/1").Bytes(),
			ma.StringCast("/ip4/8.8.8.8/tcp/1/p2p/" + me).Bytes(), // the same
			ma.StringCast("/ip4/8.8.8.8/tcp/2/p2p/" + me).Bytes(),
			ma.StringCast("/ip4/8.8.8.8/tcp/3/p2p/" + other).Bytes(), // somebody else's
			ma.StringCast("/p2p/" + me).Bytes(),
			ma.StringCast("/ip4/8.8.8.8/tcp/4/p2p/" + other + "/p2p-circuit").Bytes(),
			ma.StringCast("/ip4/0.0.0.0/tcp/5").Bytes(),
			ma.StringCast("/ip4/224.0.0.1/tcp/6").Bytes(),
			ma.StringCast("/dns4/example.com/tcp/7").Bytes(),
		},
		ObservedAddr:    ma.StringCast("/ip4/8.8.4.4/tcp/1/p2p/" + other).Bytes(), // as js sends it
		ProtocolVersion: proto.String("ipfs\x00\x07"), AgentVersion: proto.String("agent\n\x1b[31m"),
	}
	info := understood(t, framed(encode(t, m)), key.Public())
	want := &Info{
		Peer: key.ID(), Key: key.Public(), Protocols: []negotiate.Protocol{"/a/1", "/b/1"},
		Addrs: addrs("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/2", "/ip4/8.8.8.8/tcp/4/p2p/"+other+"/p2p-circuit",
			"/dns4/example.com/tcp/7"),
		Observed: ma.StringCast("/ip4/8.8.4.4/tcp/1"), ProtocolVersion: "ipfs??", AgentVersion: "agent??[31m",
	}
	if diff := diffInfo(want, info); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPeerFarAwayCannotSendThisHostToItsNeighbours(t *testing.T) {
	all := []string{
		"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/ip4/192.168.1.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/169.254.0.1/tcp/1",
		"/ip4/100.64.0.1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6/fd00::1/tcp/1", "/ip6zone/eth0/ip6/fe80::1/tcp/1",
		"/ip6/::ffff:127.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1", "/ip6/2600::1/tcp/1", "/dns/example.com/tcp/1", "/memory/7",
	}
	for from, want := range map[string][]string{
		"/ip4/127.0.0.1/tcp/9":    all,
		"/memory/1":               all,
		"/ip4/192.168.1.77/tcp/9": append(all[2:9:9], all[10:]...),
		"/ip4/1.2.3.4/tcp/9":      all[10:],
		"/ip6/2600::9/tcp/9":      all[10:],
	} {
		got := usable(addrs(all...), specKey().ID(), ma.StringCast(from))
		if diff := cmp.Diff(want, texts(got)); diff != "" {
			t.Errorf("from %s (-want +got):\n%s", from, diff)
		}
	}
}

func TestThePublicKeyMustBeThatOfTheConnection(t *testing.T) {
	key := specKey()
	for name, sent := range map[string][]byte{
		"another's": otherKey(t, 1).Public().Marshal(), "garbage": []byte("garbage"), "empty": {},
	} {
		_, _, err := understand(&pb.Identify{PublicKey: sent}, key.Public(), far, openAny)
		if !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := understand(&pb.Identify{PublicKey: key.Public().Marshal()}, key.Public(), far, openAny); err != nil {
		t.Errorf("its own: %v", err)
	}
	if _, _, err := understand(&pb.Identify{}, key.Public(), far, openAny); err != nil {
		t.Errorf("absent: %v", err)
	}
}

func TestARecordCountsOnlyIfItIsTheSendersOwnAndItsSignatureHolds(t *testing.T) {
	key, other := specKey(), otherKey(t, 1)
	public := addrs("/ip4/9.9.9.9/tcp/1")
	seal := func(k peer.Key) []byte {
		data, err := peer.SealRecord(k, peer.Record{ID: k.ID(), Seq: 5, Addrs: public})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	legacy, err := peer.Seal(key, "libp2p-routing-state", []byte("/libp2p/routing-state-record"),
		peer.Record{ID: key.ID(), Seq: 5, Addrs: public}.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	claim, err := peer.Seal(other, "libp2p-peer-record", []byte{3, 1}, peer.Record{ID: key.ID(), Seq: 5, Addrs: public}.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	wrongDomain, err := peer.Seal(key, "libp2p-routing-state", []byte{3, 1}, peer.Record{ID: key.ID(), Seq: 5, Addrs: public}.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	flipped := seal(key)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		record []byte
		good   bool
	}{
		"its own":                      {seal(key), true},
		"its own, in the RFC's form":   {legacy.Marshal(), true},
		"a stranger's":                 {seal(other), false},
		"about it, by a stranger":      {claim.Marshal(), false},
		"a bit of the signature wrong": {flipped, false},
		"signed for something else":    {wrongDomain.Marshal(), false},
		"garbage":                      {[]byte("garbage"), false},
		"empty":                        {[]byte{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &pb.Identify{SignedPeerRecord: c.record, ListenAddrs: [][]byte{ma.StringCast("/ip4/8.8.8.8/tcp/1").Bytes()}}
			info, fault := heardFrom(t, framed(encode(t, m)), key.Public(), far)
			if c.good {
				if fault != nil || info.Seq != 5 || !bytes.Equal(info.Record.Envelope(), c.record) || info.Addrs[0].String() != "/ip4/9.9.9.9/tcp/1" {
					t.Errorf("fault %v, %+v", fault, info)
				}
				return
			}
			if !errors.Is(fault, ErrWrongRecord) || info.Record != nil || info.Seq != 0 || info.Addrs[0].String() != "/ip4/8.8.8.8/tcp/1" {
				t.Errorf("fault %v, %+v", fault, info)
			}
		})
	}
}

func TestARecordNumberMayBeAnything(t *testing.T) {
	key := specKey()
	data, err := peer.SealRecord(key, peer.Record{ID: key.ID(), Seq: math.MaxUint64})
	if err != nil {
		t.Fatal(err)
	}
	info := understood(t, framed(encode(t, &pb.Identify{SignedPeerRecord: data})), key.Public())
	if info.Seq != math.MaxUint64 || info.Addrs == nil {
		t.Errorf("%+v", info)
	}
}

func TestARecordCoversTheAddressesThatAreInIt(t *testing.T) {
	id := specKey().ID()
	r := peer.Record{ID: id, Addrs: addrs("/ip4/1.2.3.4/tcp/1/p2p/"+id.String(), "/ip4/1.2.3.4/tcp/2")}
	for text, want := range map[string]bool{
		"": true, "/ip4/1.2.3.4/tcp/1": true, "/ip4/1.2.3.4/tcp/2": true, "/ip4/1.2.3.4/tcp/3": false,
	} {
		list := addrs("/ip4/1.2.3.4/tcp/2")
		if text != "" {
			list = append(list, addrs(text)...)
		}
		if covers(r, list) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
