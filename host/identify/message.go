package identify

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/host/identify/pb"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The protocols (libp2p specs, identify/README.md).
const (
	// ID: whoever opens the stream is told about the other end.
	ID negotiate.Protocol = "/ipfs/id/1.0.0"
	// PushID: whoever opens the stream tells about itself.
	PushID negotiate.Protocol = "/ipfs/id/push/1.0.0"
)

// ProtocolVersion is what this host says in the field of that name. Nobody
// decides by it; all implementations say the same (go-libp2p,
// p2p/protocol/identify/id.go).
const ProtocolVersion = "ipfs/0.1.0"

const (
	// maxSent is the most bytes of a message that is sent, and one message is
	// sent: rust-libp2p reads one of at most 4096 bytes (rust-libp2p,
	// protocols/identify/src/protocol.rs), the others read more.
	maxSent = 4096
	// observedRoom is what a message leaves free for the observed address, which
	// differs from connection to connection. A longer address is not sent.
	observedRoom = 128
	// maxSentAgent is the most bytes of the agent version that is sent.
	maxSentAgent = 128
)

// own is what this host says of itself, to everybody alike.
type own struct {
	key       peer.Key
	addrs     []ma.Multiaddr // the best first: they are left out from the end
	protocols []negotiate.Protocol
	agent     string
	seq       uint64 // of the record, greater than any before
}

// A speech is what this host says of itself as it goes out, but for the observed
// address. It is not changed any more, so that many handlers may read it.
type speech struct {
	own     own
	message *pb.Identify
	// How much had to be left out to fit one message.
	addrsLeftOut, protocolsLeftOut int
}

// compose makes the message that others will get: everything if that fits, and
// otherwise without some addresses, then without the record, then without some
// protocols. The list and the record always have the same addresses. Error: that
// of [peer.SealRecord].
func compose(s own) (*speech, error) {
	addrs, protocols := s.addrs[:min(len(s.addrs), peer.MaxRecordAddrs)], s.protocols
	sealed := true
	for {
		m := s.fields(addrs, protocols)
		if sealed {
			record, err := peer.SealRecord(s.key, peer.Record{ID: s.key.ID(), Seq: s.seq, Addrs: addrs})
			if err != nil {
				return nil, err
			}
			m.SignedPeerRecord = record
		}
		over := proto.Size(m) + observedRoom - maxSent
		switch {
		case over <= 0:
			return &speech{
				own: s, message: m,
				addrsLeftOut: len(s.addrs) - len(addrs), protocolsLeftOut: len(s.protocols) - len(protocols),
			}, nil
		case len(addrs) > 0:
			addrs = shorter(addrs, over, func(a ma.Multiaddr) int { return 2*len(a.Bytes()) + 12 })
		case sealed:
			sealed = false // without an address in it, it says nothing
		case len(protocols) > 0:
			protocols = shorter(protocols, over, func(p negotiate.Protocol) int { return len(p) + 3 })
		default:
			panic("identify: a key and two versions do not fill a message")
		}
	}
}

// shorter leaves out from the end what takes at least the given bytes, and at
// least one: cost is the most that one takes.
func shorter[T any](all []T, over int, cost func(T) int) []T {
	for over > 0 && len(all) > 0 {
		last := len(all) - 1
		over -= cost(all[last])
		all = all[:last]
	}
	return all
}

// fields is the message without the record.
func (s *own) fields(addrs []ma.Multiaddr, protocols []negotiate.Protocol) *pb.Identify {
	m := &pb.Identify{
		PublicKey:       s.key.Public().Marshal(),
		ProtocolVersion: proto.String(ProtocolVersion),
		AgentVersion:    proto.String(cut(s.agent, maxSentAgent)),
	}
	for _, a := range addrs {
		m.ListenAddrs = append(m.ListenAddrs, a.Bytes())
	}
	for _, p := range protocols {
		m.Protocols = append(m.Protocols, string(p))
	}
	return m
}

// marshal returns the bytes for one receiver, whom this host sees at the given
// address; nil says nothing about that.
func (s *speech) marshal(observed ma.Multiaddr) []byte {
	m := &pb.Identify{
		PublicKey: s.message.PublicKey, ListenAddrs: s.message.ListenAddrs, Protocols: s.message.Protocols,
		ProtocolVersion: s.message.ProtocolVersion, AgentVersion: s.message.AgentVersion,
		SignedPeerRecord: s.message.SignedPeerRecord,
	}
	if b := observed.Bytes(); len(b) > 0 && len(b) <= observedRoom-4 && !relayed(observed) {
		m.ObservedAddr = b
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("identify: " + err.Error()) // byte strings and ASCII: it cannot fail
	}
	return data
}

// sameAs reports whether the two say the same, but for the number of the record.
func (s *own) sameAs(o *own) bool {
	return s.agent == o.agent && slices.Equal(s.protocols, o.protocols) && slices.EqualFunc(s.addrs, o.addrs, ma.Multiaddr.Equal)
}
