package securitytest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toy is a small security channel without any security: each end sends its
// public key and its signature over a fixed text. bugs are what it does wrong.
type toy struct {
	key  peer.Key
	bugs bugs
	busy atomic.Bool
}

type bugs struct {
	anyPeer, swapped, untyped, noStage, accuses, closes, ownKey, believes, unsigned, early bool
	overreads, noContext, hour, refuses, muxer, oneAtATime                                 bool
	cuts, changes, emptyByte, keepsOpen, address                                           bool
}

const toyID negotiate.Protocol = "/toy/1.0.0"

func (s *toy) Protocol() negotiate.Protocol { return toyID }

func (s *toy) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	if s.bugs.hour {
		raw.SetDeadline(time.Now().Add(time.Hour))
	}
	if !s.bugs.noContext {
		if ctx.Err() != nil {
			return nil, &negotiate.HandshakeError{Security: toyID, Stage: "before the start", Cause: context.Cause(ctx)}
		}
		stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	c, err := s.exchange(raw, role, want)
	switch {
	case err == nil:
		return c, nil
	case s.bugs.closes:
		raw.Close()
	}
	if ctx.Err() != nil && !s.bugs.noContext {
		err = context.Cause(ctx)
	}
	if s.bugs.untyped {
		return nil, err
	}
	e := &negotiate.HandshakeError{Security: toyID, Stage: "the exchange", Cause: err}
	if s.bugs.noStage {
		e.Stage = ""
	}
	if s.bugs.accuses {
		e.Rule = "speak"
	}
	return nil, e
}

func (s *toy) exchange(raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	if s.bugs.oneAtATime {
		if s.busy.Swap(true) {
			return nil, errors.New("there is a handshake already")
		}
		defer s.busy.Store(false)
	}
	c := &toyConn{Conn: raw, bugs: s.bugs, r: raw}
	if s.bugs.overreads {
		c.lost = bufio.NewReader(raw)
	}
	if role == negotiate.Dialer || s.bugs.early {
		if err := s.send(raw); err != nil {
			return nil, err
		}
	}
	key, err := s.receive(c)
	if err != nil && s.bugs.believes {
		c.key = s.key.Public()
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if s.bugs.ownKey {
		key = s.key.Public()
	}
	if id := key.ID(); want != "" && want != id && !s.bugs.anyPeer {
		if s.bugs.swapped {
			return nil, &peer.MismatchError{Want: id, Got: want}
		}
		return nil, &peer.MismatchError{Want: want, Got: id}
	}
	if role == negotiate.Listener && !s.bugs.early {
		if err := s.send(raw); err != nil {
			return nil, err
		}
	}
	c.key = key
	if s.bugs.muxer {
		c.muxer = negotiate.Protocol("/" + role.String())
	}
	return c, nil
}

func (s *toy) send(w io.Writer) error {
	sig, err := s.key.Sign([]byte("toy"))
	if err != nil {
		return err
	}
	key := s.key.Public().Marshal()
	b := binary.BigEndian.AppendUint16(nil, uint16(len(key)))
	_, err = w.Write(append(append(b, key...), sig...))
	return err
}

func (s *toy) receive(c *toyConn) (peer.PublicKey, error) {
	var r io.Reader = c.r
	if c.lost != nil {
		r = c.lost
	}
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(head[:]))
	if size > 100 {
		return nil, errors.New("too long")
	}
	message := make([]byte, size+64)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	key, err := peer.UnmarshalPublicKey(message[:size])
	if err != nil {
		return nil, err
	}
	if s.bugs.unsigned {
		return key, nil
	}
	return key, key.Verify([]byte("toy"), message[size:])
}

type toyConn struct {
	net.Conn
	bugs  bugs
	r     io.Reader
	lost  *bufio.Reader
	key   peer.PublicKey
	muxer negotiate.Protocol
	timed bool
}

func (c *toyConn) Peer() peer.ID             { return c.key.ID() }
func (c *toyConn) Key() peer.PublicKey       { return c.key }
func (c *toyConn) Muxer() negotiate.Protocol { return c.muxer }

func (c *toyConn) Write(p []byte) (int, error) {
	switch {
	case c.bugs.cuts && len(p) > 65535:
		c.Conn.Write(p[:65535])
		return len(p), nil
	case c.bugs.changes && len(p) > 0:
		spoil(p)
	case c.bugs.emptyByte && len(p) == 0:
		c.Conn.Write([]byte{0})
		return 0, nil
	}
	return c.Conn.Write(p)
}

func (c *toyConn) Read(p []byte) (int, error) {
	if c.bugs.refuses && c.timed {
		return 0, errors.New("it is too late")
	}
	n, err := c.Conn.Read(p)
	c.timed = c.timed || errors.Is(err, context.DeadlineExceeded) || err != nil && n == 0
	return n, err
}

// spoil changes a byte that is somebody else's.
func spoil(p []byte) { p[0]++ }

func (c *toyConn) Close() error {
	if c.bugs.keepsOpen {
		return nil
	}
	return c.Conn.Close()
}

func (c *toyConn) LocalAddr() net.Addr {
	if c.bugs.address {
		return &net.UnixAddr{Name: "elsewhere"}
	}
	return c.Conn.LocalAddr()
}

func TestAChannelThatKeepsTheContractPasses(t *testing.T) {
	Run(t, func(key peer.Key) negotiate.Security { return &toy{key: key} })
}

// A suite that finds nothing may be blind: each bug must fail the check that is
// there for it, over the pipe named.
func TestTheSuiteFindsPlantedBugs(t *testing.T) {
	for _, bug := range []struct {
		name  string
		bugs  bugs
		check string
	}{
		{"names its own key", bugs{ownKey: true}, "a dialer that wants anybody gets whoever is there"},
		{"agrees on two muxers", bugs{muxer: true}, "both ends name each other"},
		{"takes any peer", bugs{anyPeer: true}, "a wrong peer is a mismatch"},
		{"swaps the peers of a mismatch", bugs{swapped: true}, "a wrong peer is a mismatch"},
		{"closes the pipe on an error", bugs{closes: true}, "a wrong peer is a mismatch"},
		{"returns bare errors", bugs{untyped: true}, "garbage ends with a typed error"},
		{"returns bare errors of the pipe", bugs{untyped: true}, "closing the pipe ends a handshake that waits"},
		{"names no stage", bugs{noStage: true}, "half a handshake ends with a typed error"},
		{"accuses the silent", bugs{accuses: true}, "a silent remote ends by the deadline"},
		{"moves the deadline", bugs{hour: true}, "a silent remote ends by the deadline"},
		{"moves the deadline and ends late on garbage", bugs{hour: true}, "garbage ends with a typed error"},
		{"takes silence for itself", bugs{believes: true}, "half a handshake ends with a typed error"},
		{"takes an end for itself", bugs{believes: true}, "the remote leaving ends a handshake that waits"},
		{"serves one connection at a time", bugs{oneAtATime: true}, "one channel serves many connections at once"},
		{"does not look at the signature", bugs{unsigned: true}, "a flipped bit never passes for another peer"},
		{"does not look at the context", bugs{noContext: true}, "the end of the context ends a handshake"},
		{"both ends write first", bugs{early: true}, "both ends name each other"},
		{"reads beyond the handshake", bugs{overreads: true}, "bytes right behind the handshake are kept"},
		{"cuts long writes", bugs{cuts: true}, "bytes arrive as they were sent"},
		{"changes what is written", bugs{changes: true}, "bytes arrive as they were sent"},
		{"sends a byte for an empty write", bugs{emptyByte: true}, "a write of no bytes sends none"},
		{"is of no use after a deadline", bugs{refuses: true}, "a deadline loses nothing"},
		{"does not close", bugs{keepsOpen: true}, "closing ends a read that waits"},
		{"has another address", bugs{address: true}, "addresses are those of the pipe"},
	} {
		t.Run(bug.name, func(t *testing.T) {
			found, err := false, error(nil)
			for _, c := range checks {
				if c.name == bug.check {
					found = true
					err = kinds[0].run(t, c, func(key peer.Key) negotiate.Security { return &toy{key: key, bugs: bug.bugs} })
				}
			}
			if !found || err == nil {
				t.Fatalf("the check %q (there is one: %v) did not find it", bug.check, found)
			}
			t.Log(err)
		})
	}
}
