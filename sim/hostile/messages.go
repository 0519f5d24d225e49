package hostile

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

const (
	identifySpec = "identify/README.md"
	pushName     = "/ipfs/id/push/1.0.0"
	idName       = "/ipfs/id/1.0.0"
)

// The fields of the message Identify (identify/README.md).
const (
	idKey, idListen, idProtocols, idRecord = 1, 2, 3, 8
)

// field is a field of a protobuf message that holds bytes.
func field(number int, value []byte) []byte {
	p := binary.AppendUvarint(nil, uint64(number)<<3|2)
	return append(binary.AppendUvarint(p, uint64(len(value))), value...)
}

// framed is a message with its length.
func framed(message []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(message))), message...)
}

// number is i in two bytes, for names that differ.
func number(i int) []byte {
	return []byte{'a' + byte(i>>6)&63%26, 'a' + byte(i)%26, '0' + byte(i/26)%10}
}

// A lie is what an attacker says of itself, made with keys of its own.
type lie struct {
	name   string
	class  byte
	breaks string
	spec   string
	// says is what is sent on one stream after the choice of the protocol.
	says func(strangers []peer.Key) ([]byte, error)
}

// plainly is a lie that needs no keys.
func plainly(p ...[]byte) func([]peer.Key) ([]byte, error) {
	return func([]peer.Key) ([]byte, error) { return slices.Concat(p...), nil }
}

// lies are what identify has to bear: each costs a stream at most.
func lies() []lie {
	protocols, addrs := []byte{}, []byte{}
	for i := range 1200 {
		protocols = append(protocols, field(idProtocols, append([]byte("/"), number(i)...))...)
	}
	for i := range 700 {
		a := ma.StringCast("/ip4/198.51.100.7/tcp/4001").Bytes()
		binary.BigEndian.PutUint16(a[len(a)-2:], uint16(1000+i))
		addrs = append(addrs, field(idListen, a)...)
	}
	addrs = addrs[:len(addrs)/700*550] // whole ones, as many as a message holds
	long := field(idListen, bytes.Repeat(ma.StringCast("/ip4/198.51.100.7/tcp/1").Bytes(), 600))
	return []lie{
		{"nothing", 'L', "a peer says something", identifySpec, plainly()},
		{"garbage", 'D', "a message is an Identify", identifySpec, plainly([]byte("\x20GET / HTTP/1.1\r\nHost: me\r\n\r\n\r\n\r\n"))},
		{"length-claim", 'A', "a message has at most 8 KiB", "package host/identify", plainly(claim(1 << 30))},
		{"endless-varint", 'A', "a length is a varint of at most 9 bytes", "multiformats, unsigned-varint", plainly(endless()[:1000])},
		{"oversize", 'A', "a message has at most 8 KiB", "package host/identify", plainly(framed(make([]byte, 9<<10)))},
		{"endless-messages", 'B', "at most 10 messages", "package host/identify", plainly(bytes.Repeat([]byte{0}, 1000))},
		{"protocols", 'M', "1024 protocols are looked at", "package host/identify", plainly(framed(protocols))},
		{"protocols-in-chunks", 'B', "1024 protocols are looked at", "package host/identify", plainly(bytes.Repeat(framed(protocols), 10))},
		{"addresses", 'B', "500 addresses are looked at, 64 kept", "package host/identify", plainly(framed(addrs))},
		{"addresses-in-chunks", 'B', "500 addresses are looked at, 64 kept", "package host/identify", plainly(bytes.Repeat(framed(addrs), 10))},
		{"gigantic-address", 'M', "an address is short", "package host/identify", plainly(framed(long))},
		{"half-a-message", 'L', "a message is sent whole", identifySpec, plainly(framed(protocols)[:100])},
		{"another's-key", 'G', "the key is that of the connection", identifySpec, func(k []peer.Key) ([]byte, error) {
			return framed(field(idKey, k[0].Public().Marshal())), nil
		}},
		{"strangers'-records", 'G', "a record is the sender's own", "RFC/0003", func(k []peer.Key) (all []byte, err error) {
			for i, key := range k {
				r := peer.Record{ID: key.ID(), Seq: uint64(1 + i), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/198.51.100.9/tcp/9")}}
				envelope, err := peer.SealRecord(key, r)
				if err != nil {
					return nil, err
				}
				all = append(all, framed(field(idRecord, envelope))...)
			}
			return all, nil
		}},
	}
}

// tell makes a lie's bytes with fresh keys.
func (a *attack) tell(l lie) ([]byte, error) {
	keys := make([]peer.Key, 8)
	for i := range keys {
		var err error
		if keys[i], err = peer.Generate(actor.Entropy(a)); err != nil {
			return nil, err
		}
	}
	return l.says(keys)
}

// messages are the attacks on identify: as answers to the host's own question, and
// as pushes.
func messages() (all []Case) {
	for _, m := range muxIDs() {
		f := framerOf(m)
		for _, l := range lies() {
			c := Case{Class: l.class, Breaks: l.breaks, Spec: l.spec, Muxer: m, Good: Verdict{Does: Bounded, Within: soon}}
			c.Name = prefixOf(m) + "identify-" + l.name
			c.play = func(a *attack) error {
				says, err := a.tell(l)
				if err != nil {
					return err
				}
				return a.answer(idName, says)
			}
			all = append(all, c)
			c.Name = prefixOf(m) + "push-" + l.name
			c.play = func(a *attack) error {
				says, err := a.tell(l)
				a.read()
				a.say(push(f, 0, says)...)
				return err
			}
			all = append(all, c)
		}
		all = append(all, calm(prefixOf(m)+"push-flood", 'K', "10 pushes, and one more every 6 s", "package host/identify", Bounded, func(a *attack) {
			a.read()
			a.flood(aFlood/8, func(i int) []byte { return push(f, i, framed(field(idProtocols, number(i)))) })
		}), calm(prefixOf(m)+"identify-silence", 'L', "a peer answers within 5 s", "package host/identify", Bounded, func(a *attack) {
			a.read()
			_ = a.Sleep(7 * time.Second)
		}))
	}
	return all
}

// push is a stream for a push, with all that is said on it.
func push(f framer, stream int, says []byte) []byte {
	chosen := slices.Concat(header(), line(pushName), says)
	return slices.Concat(f.open(stream), f.data(stream, chosen), f.end(stream))
}

// answer answers the first question of the host, whatever it is: it is what a host
// asks everybody.
func (a *attack) answer(p negotiate.Protocol, says []byte) error {
	a.read()
	if err := a.reads.some.Wait(a); err != nil {
		return err
	}
	a.say(a.frames.answer(0, slices.Concat(header(), line(string(p)), says))...)
	return nil
}
