package identify

import (
	"bytes"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// FuzzReceive feeds what a stream may carry: whatever it is, what is made of it
// keeps to the limits.
func FuzzReceive(f *testing.F) {
	key := specKey()
	what, err := compose(own{key: key, addrs: addrs("/ip4/8.8.8.8/tcp/1"), protocols: []negotiate.Protocol{ID}, agent: "a", seq: 1})
	if err != nil {
		f.Fatal(err)
	}
	good := what.marshal(ma.StringCast("/ip4/1.2.3.4/tcp/5"))
	f.Add(framed(good))
	f.Add(framed(good, good, nil))
	f.Add(framed(unhex(specRecord)))
	f.Add(framed(bytes.Repeat([]byte{0x1a, 0}, 2000)))
	f.Add(framed(bytes.Repeat([]byte{0x12, 1, 4}, 600)))
	f.Add(framed([]byte{0x0b, 0x0b, 0x0c, 0x0c}))
	f.Add([]byte{0x80, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := receive(bytes.NewReader(wire), key.ID())
		if err != nil {
			return
		}
		info, fault, err := understand(m, key.Public(), far, openAny)
		if err != nil {
			return
		}
		if len(info.Protocols) > MaxProtocols || len(info.Addrs) > MaxAddrs {
			t.Errorf("%d protocols, %d addresses", len(info.Protocols), len(info.Addrs))
		}
		for _, p := range info.Protocols {
			if p.Check() != nil {
				t.Errorf("the protocol %q cannot be negotiated", p)
			}
		}
		for _, a := range info.Addrs {
			if s := scopeOf(a); s != public && s != elsewhere {
				t.Errorf("%s was taken from somebody far away", a)
			}
			if _, id := peer.SplitAddr(a); id == key.ID() || len(a.Bytes()) > maxAddrSize {
				t.Errorf("%s is not as it is kept", a)
			}
		}
		if len(info.AgentVersion) > maxVersion || len(info.ProtocolVersion) > maxVersion {
			t.Errorf("versions of %d and %d bytes", len(info.AgentVersion), len(info.ProtocolVersion))
		}
		if info.Record != nil {
			if record, err := ownRecord(info.Record.Envelope(), key.ID(), openAny); err != nil || record.Record().Seq != info.Seq || fault != nil {
				t.Errorf("a record that does not hold was kept: %v, fault %v", err, fault)
			}
		}
	})
}

// FuzzCompose says any number of addresses and protocols of any length: the
// message keeps to its limit and comes back as it was sent.
func FuzzCompose(f *testing.F) {
	f.Add([]byte{3, 3, 10, 20, 30, 1, 2, 3}, "troupe/1")
	f.Add(bytes.Repeat([]byte{255}, 300), "x")
	f.Add([]byte{200, 0}, "")
	f.Fuzz(func(t *testing.T, sizes []byte, agent string) {
		s := own{key: specKey(), agent: agent, seq: 1}
		for i, n := range sizes {
			name := string(bytes.Repeat([]byte{'a' + byte(i%26)}, int(n)+1))
			if i%2 == 0 {
				s.protocols = append(s.protocols, negotiate.Protocol(name))
			} else if a, err := ma.NewMultiaddr("/dns4/" + name + "/tcp/1"); err == nil {
				s.addrs = append(s.addrs, a)
			}
		}
		what, err := compose(s)
		if err != nil {
			t.Fatal(err)
		}
		data := what.marshal(ma.StringCast("/ip6/2001:db8::1/tcp/65535"))
		if len(data) > maxSent {
			t.Fatalf("%d bytes", len(data))
		}
		m, err := receive(bytes.NewReader(framed(data)), s.key.ID())
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Protocols) != len(s.protocols)-what.protocolsLeftOut || len(m.ListenAddrs) != len(s.addrs)-what.addrsLeftOut {
			t.Errorf("%d of %d protocols and %d of %d addresses arrived; %d and %d were left out",
				len(m.Protocols), len(s.protocols), len(m.ListenAddrs), len(s.addrs), what.protocolsLeftOut, what.addrsLeftOut)
		}
		if again, err := proto.Marshal(m); err != nil || proto.Size(m) != len(again) || len(again) != len(data) {
			t.Errorf("%d bytes arrived of %d: %v", len(again), len(data), err)
		}
	})
}
