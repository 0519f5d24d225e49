package identify

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/host/identify/pb"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// The limits on what is read. What goes beyond the first two breaks a rule; what
// goes beyond the others is left out, and the rest stands.
const (
	// MaxMessages is how many messages a peer may send on one stream: go-libp2p
	// sends two when it has much to say (go-libp2p,
	// p2p/protocol/identify/id.go), and it and js-libp2p read 10.
	MaxMessages = 10
	// MaxMessageSize is the most bytes of one of them: what go and js read.
	MaxMessageSize = 8 << 10
	// MaxProtocols is how many protocols of one peer are looked at, as in
	// go-libp2p (pull request 3501).
	MaxProtocols = 1024
	// MaxListenAddrs is how many of its addresses are looked at.
	MaxListenAddrs = 500
	// MaxAddrs is how many of those are kept, as in go-libp2p's peerstore.
	MaxAddrs = 64
	// maxAddrSize is the most bytes of an address, as in a peer record: printing
	// one costs the square of its length.
	maxAddrSize = 1 << 10
	// maxVersion is the most bytes that are kept of a version.
	maxVersion = 128
)

// Info is what a peer has said of itself on one connection. Nothing in it can be
// relied on but the Key and a Record; Info is not changed once it is made.
type Info struct {
	Peer peer.ID
	// Key is the peer's public key, from the connection.
	Key peer.PublicKey
	// Protocols are those it says it supports, in its order; nil when it has
	// said nothing about that.
	Protocols []negotiate.Protocol
	// Addrs are where it says it can be reached, without its own /p2p at the end,
	// and without those that make no sense from here (a loopback address of
	// somebody who is far away); nil when it has said nothing about that.
	Addrs []ma.Multiaddr
	// Record is the newest peer record that the peer has signed, to be passed on to
	// others in its envelope; nil when it sent none of its own. Seq is its number.
	Record *peer.SignedRecord
	Seq    uint64
	// Observed is where the peer sees this host; nil when it has not said.
	Observed ma.Multiaddr
	// ProtocolVersion and AgentVersion name its software, as printable text.
	ProtocolVersion, AgentVersion string
}

// A collector merges the messages of one stream into one, as protobuf merges:
// lists grow, and of single fields the last one stands.
type collector struct {
	merged           pb.Identify
	messages         int
	protocols, addrs int // looked at
}

// add takes in one message.
func (c *collector) add(data []byte) error {
	data, err := c.withinLimits(data)
	if err != nil {
		return err
	}
	c.messages++
	return proto.UnmarshalOptions{Merge: true, DiscardUnknown: true}.Unmarshal(data, &c.merged)
}

// The numbers of the two lists (identify.proto).
const (
	listenAddrsField = 2
	protocolsField   = 3
)

// withinLimits leaves out what goes beyond MaxProtocols and MaxListenAddrs before
// it is decoded: an entry of two bytes makes 24 of memory.
func (c *collector) withinLimits(data []byte) ([]byte, error) {
	kept := data[:0]
	for len(data) > 0 {
		number, _, n := protowire.ConsumeField(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		keep := true
		switch number {
		case listenAddrsField:
			c.addrs++
			keep = c.addrs <= MaxListenAddrs
		case protocolsField:
			c.protocols++
			keep = c.protocols <= MaxProtocols
		}
		if keep {
			kept = append(kept, data[:n]...) // never beyond what was read
		}
		data = data[n:]
	}
	return kept, nil
}

// receive reads what a peer says until it closes its end of the stream. It blocks
// as r does. Error: *[MessageError] where the peer broke a rule, and otherwise
// the error of r.
func receive(r io.Reader, from peer.ID) (*pb.Identify, error) {
	broken := func(rule, err error) (*pb.Identify, error) {
		return nil, &MessageError{Peer: from, Rule: rule, Err: err}
	}
	var c collector
	for {
		data, err := stream.ReadMessage(r, MaxMessageSize)
		switch {
		case err == io.EOF && c.messages == 0:
			return broken(ErrNothingSaid, nil)
		case err == io.EOF:
			return &c.merged, nil
		case err != nil && framing(err):
			return broken(ErrNotAMessage, err)
		case err != nil:
			return nil, err
		case c.messages == MaxMessages:
			return broken(ErrTooManyMessages, nil)
		}
		if err := c.add(data); err != nil {
			return broken(ErrNotAMessage, err)
		}
	}
}

// framing reports whether an error of [stream.ReadMessage] is about what the
// remote sent, and not about the stream.
func framing(err error) bool {
	var size *stream.SizeError
	return errors.As(err, &size) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, varint.ErrNotMinimal) || errors.Is(err, varint.ErrOverflow)
}

// understand makes of a message what it means on a connection with the given key
// and remote address. open opens the record. The faults are what was left out although it should not
// have been sent: they cost the peer nothing but that. Error: *[MessageError].
func understand(m *pb.Identify, key peer.PublicKey, remote ma.Multiaddr, open opener) (info *Info, fault error, err error) {
	from := key.ID()
	if m.PublicKey != nil && !bytes.Equal(m.PublicKey, key.Marshal()) {
		return nil, nil, &MessageError{Peer: from, Rule: ErrWrongKey}
	}
	info = &Info{
		Peer: from, Key: key,
		Protocols:       parseProtocols(m.Protocols),
		Observed:        parseObserved(m.ObservedAddr),
		ProtocolVersion: cut(m.GetProtocolVersion(), maxVersion),
		AgentVersion:    cut(m.GetAgentVersion(), maxVersion),
	}
	var addrs []ma.Multiaddr
	if m.SignedPeerRecord != nil {
		signed, err := ownRecord(m.SignedPeerRecord, from, open)
		if err != nil {
			fault = &MessageError{Peer: from, Rule: ErrWrongRecord, Err: err}
		} else {
			info.Record, info.Seq = signed, signed.Record().Seq
			addrs = signed.Record().Addrs
		}
	}
	if info.Record == nil {
		addrs = parseAddrs(m.ListenAddrs)
	}
	if info.Record != nil || len(m.ListenAddrs) > 0 {
		info.Addrs = usable(addrs, from, remote)
	}
	return info, fault, nil
}

// An opener checks the signature of a record that ought to be the given peer's, as
// [swarm.Book.OpenRecord] does.
type opener func(peer.ID, []byte) (*peer.SignedRecord, error)

// ownRecord opens a record and checks that it is about the peer that sent it: one
// of somebody else would make this host keep what strangers want it to keep
// (CVE-2023-40583).
func ownRecord(data []byte, from peer.ID, open opener) (*peer.SignedRecord, error) {
	signed, err := open(from, data)
	if err != nil {
		return nil, err
	}
	if id := signed.Record().ID; id != from {
		return nil, &peer.MismatchError{Want: from, Got: id}
	}
	return signed, nil
}

// parseProtocols returns the names that can be negotiated, each once. A name that cannot
// is of no use to anybody.
func parseProtocols(names []string) []negotiate.Protocol {
	var out []negotiate.Protocol
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		p := negotiate.Protocol(name)
		if !seen[name] && p.Check() == nil {
			seen[name] = true
			out = append(out, p)
		}
	}
	return out
}

// parseAddrs reads what can be read.
func parseAddrs(list [][]byte) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, data := range list {
		if a := parseAddr(data); a != nil {
			out = append(out, a)
		}
	}
	return out
}

// parseAddr returns nil for what is no address, or longer than any.
func parseAddr(data []byte) ma.Multiaddr {
	if len(data) == 0 || len(data) > maxAddrSize {
		return nil
	}
	a, err := ma.NewMultiaddrBytes(data)
	if err != nil || len(a) == 0 {
		return nil
	}
	return a
}

// parseObserved reads the address that the remote sees, without the /p2p that
// js-libp2p puts behind it.
func parseObserved(data []byte) ma.Multiaddr {
	a := parseAddr(data)
	if a == nil {
		return nil
	}
	a, _ = peer.SplitAddr(a)
	return a
}

// cut makes a remote's text safe to print and short.
func cut(text string, most int) string {
	text = text[:min(len(text), most)]
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// usable are the addresses that make sense for a peer whose link comes from the
// given remote address: each once, without the peer's own /p2p, none that ends in
// another peer's, and at most [MaxAddrs].
func usable(addrs []ma.Multiaddr, of peer.ID, remote ma.Multiaddr) []ma.Multiaddr {
	out := make([]ma.Multiaddr, 0, min(len(addrs), MaxAddrs))
	from := scopeOf(remote)
	for _, a := range addrs {
		a, id := peer.SplitAddr(a)
		if len(a) == 0 || (id != "" && id != of) || !from.reaches(scopeOf(a)) {
			continue
		}
		if slices.ContainsFunc(out, a.Equal) {
			continue
		}
		if out = append(out, a); len(out) == MaxAddrs {
			break
		}
	}
	return out
}
