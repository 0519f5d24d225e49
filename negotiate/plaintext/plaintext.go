package plaintext

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext/pb"
)

// ID is the protocol ID (libp2p specs, plaintext/README.md, "Protocol Id and
// Version History").
const ID negotiate.Protocol = "/plaintext/2.0.0"

// maxExchange bounds an Exchange, in bytes. The specs name no limit; the longest
// honest one, with an RSA key of 8192 bits, takes 1.2 kB.
const maxExchange = 16 << 10

// The stages of a handshake.
const (
	stageSend  = "sending the exchange"
	stageAwait = "awaiting the exchange"
)

// The rules of an exchange.
const (
	ruleLength   = "the length is a minimal varint and at most 16384"
	ruleExchange = "the exchange is an Exchange message"
	ruleKey      = "the exchange holds the sender's public key"
	ruleID       = "the id is made from the public key"
	rulePeer     = "the remote is the peer that was wanted"
)

// Plaintext is the channel of one host, for tests. It may be used by many
// connections at the same time. It is a [negotiate.Security].
type Plaintext struct {
	exchange []byte // with its length
}

// New returns the channel of the host whose identity is key. Of the key only the
// public half is used.
func New(key peer.Key) *Plaintext {
	id := key.ID()
	m := &pb.Exchange{Id: id.Bytes(), Pubkey: key.Public().Marshal()}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("plaintext: " + err.Error()) // two byte strings: it cannot fail
	}
	return &Plaintext{exchange: append(varint.ToUvarint(uint64(len(data))), data...)}
}

// Protocol returns [ID].
func (*Plaintext) Protocol() negotiate.Protocol { return ID }

// Secure exchanges IDs over raw; see [negotiate.Security]. It reads no byte
// beyond the exchange. It blocks until the exchange ends, raw fails, or ctx ends;
// then it sets the deadline of raw into the past, and the error's cause is that
// of ctx. Error: [*negotiate.HandshakeError], wrapping a [*peer.MismatchError]
// when the remote does not claim to be want.
func (p *Plaintext) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	if ctx.Err() != nil {
		return nil, failure(stageSend, "", context.Cause(ctx))
	}
	stop := actor.AfterDone(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	key, err := p.shake(raw, role, want)
	if !stop() {
		return nil, failure(stageAwait, "", context.Cause(ctx))
	}
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw, key: key}, nil
}

func (p *Plaintext) shake(raw net.Conn, role negotiate.Role, want peer.ID) (peer.PublicKey, error) {
	if role == negotiate.Dialer {
		if err := p.send(raw); err != nil {
			return nil, err
		}
		return receive(raw, want)
	}
	key, err := receive(raw, want)
	if err != nil {
		return nil, err
	}
	return key, p.send(raw)
}

func (p *Plaintext) send(w io.Writer) error {
	if _, err := w.Write(p.exchange); err != nil {
		return failure(stageSend, "", err)
	}
	return nil
}

// receive reads the remote's exchange and checks it.
func receive(r io.Reader, want peer.ID) (peer.PublicKey, error) {
	n, err := varint.ReadUvarint(byteReader{r})
	switch {
	case errors.Is(err, varint.ErrNotMinimal), errors.Is(err, varint.ErrOverflow):
		return nil, failure(stageAwait, ruleLength, err)
	case err != nil:
		return nil, failure(stageAwait, "", err)
	case n > maxExchange:
		return nil, failure(stageAwait, ruleLength, nil)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(data) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, failure(stageAwait, "", err)
	}
	return check(data, want)
}

// check reads an exchange (libp2p specs, plaintext/README.md, "Exchange").
func check(data []byte, want peer.ID) (peer.PublicKey, error) {
	m := new(pb.Exchange)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return nil, failure(stageAwait, ruleExchange, err)
	}
	key, err := peer.UnmarshalPublicKey(m.GetPubkey())
	if err != nil {
		return nil, failure(stageAwait, ruleKey, err)
	}
	got := key.ID()
	if string(m.GetId()) != string(got) {
		return nil, failure(stageAwait, ruleID, nil)
	}
	if want != "" && got != want {
		return nil, failure(stageAwait, rulePeer, &peer.MismatchError{Want: want, Got: got})
	}
	return key, nil
}

func failure(stage, rule string, cause error) error {
	return &negotiate.HandshakeError{Security: ID, Stage: stage, Rule: rule, Cause: cause}
}

// conn is the pipe as it was, with the name that the remote gave itself.
type conn struct {
	net.Conn
	key peer.PublicKey
}

// Peer is the ID that the remote claims.
func (c *conn) Peer() peer.ID { return c.key.ID() }

// Key is the public key that the remote claims to hold.
func (c *conn) Key() peer.PublicKey { return c.key }

// Muxer is empty: multistream-select chooses one.
func (c *conn) Muxer() negotiate.Protocol { return "" }

// WriteBuffers writes several pieces with as few calls of the pipe as it can.
func (c *conn) WriteBuffers(pieces [][]byte) (int64, error) {
	if pipe, ok := c.Conn.(interface {
		WriteBuffers([][]byte) (int64, error)
	}); ok {
		return pipe.WriteBuffers(pieces)
	}
	buffers := net.Buffers(pieces)
	return buffers.WriteTo(c.Conn)
}

// OnReadable says when there is something to read, if the pipe does.
func (c *conn) OnReadable(f func()) bool {
	pipe, can := c.Conn.(interface{ OnReadable(func()) bool })
	return can && pipe.OnReadable(f)
}

// A byteReader reads one byte at a time, so that nothing behind a length is taken.
type byteReader struct{ io.Reader }

// ReadByte reads one byte.
func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}
