package noise

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A Conn is a pipe after the handshake. It is a [negotiate.Secured]. One
// goroutine may read while another writes; Close and the deadlines may be called
// by any. It has [Conn.WriteBuffers] besides.
//
// The end of the pipe is not sealed: io.EOF after a whole record says that the
// pipe ended, not that the remote wanted it. Protocols above say goodbye
// themselves.
type Conn struct {
	raw   net.Conn
	key   peer.PublicKey
	muxer negotiate.Protocol

	in  reader // belongs to the reading goroutine
	out writer // belongs to the writing goroutine
}

// newConn takes over the session; its keys are wiped.
func newConn(raw net.Conn, s *session, records uint64) *Conn {
	c := &Conn{raw: raw, key: s.key, muxer: s.muxer}
	c.in.sealing = newSealing(&s.receive, records)
	c.out.sealing = newSealing(&s.send, records)
	s.wipe()
	return c
}

// Read fills p with plaintext: everything that has arrived and fits, from as
// many records as that is. It waits only when it has nothing to give, until a
// record with content is whole, the pipe ends or fails, or its read deadline
// passes. After a deadline nothing is lost: the next Read goes on where this one
// stood. It uses all of p as working space.
//
// A record that fits p is opened right into p, and a large one is received there
// too: a slice of 64 KiB is best.
//
// Errors: [*RecordError] when a record was changed or cut, [ErrExhausted],
// [ErrConcurrentUse], io.EOF at the end of the pipe, net.ErrClosed after Close,
// or the pipe's own. All but deadlines and ErrConcurrentUse are final.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.in.enter(); err != nil {
		return 0, err
	}
	n, err := c.in.read(c.raw, p)
	if c.in.leave() {
		c.in.drop()
	}
	return n, err
}

// OnReadable has f called once, when Read has something to give or the pipe below
// has more for it, if that says so; otherwise it returns false. Then Read waits
// for the rest of a record of which only a part has come. It is called by whoever
// reads, between two Reads. With a nil f it only returns whether the pipe can.
func (c *Conn) OnReadable(f func()) bool {
	pipe, can := c.raw.(interface{ OnReadable(func()) bool })
	if !can || f == nil {
		return can && pipe.OnReadable(nil)
	}
	has := true // an error
	if c.in.enter() == nil {
		has = c.in.has()
		if c.in.leave() {
			c.in.drop()
		}
	}
	if has {
		f()
		return true
	}
	return pipe.OnReadable(f)
}

// Write seals p into as few records as possible and hands them to the pipe, in
// one call for up to 64 KiB less 18 bytes. It waits until the pipe has taken
// them, fails, or its write deadline passes.
//
// After a deadline the number of bytes returned counts all that was sealed; what
// the pipe did not take of it is kept and goes first in the next Write, which may
// be one of no bytes. Bytes that were not sealed are the caller's, as always.
//
// Errors: [ErrExhausted], [ErrConcurrentUse], net.ErrClosed after Close, or the
// pipe's own. All but deadlines and ErrConcurrentUse are final.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.out.enter(); err != nil {
		return 0, err
	}
	c.out.one[0] = p
	n, err := c.out.write(c.raw, c.out.one[:])
	c.out.one[0] = nil
	if c.out.leave() {
		c.out.drop()
	}
	return int(n), err
}

// WriteBuffers is Write for pieces that lie in several places: they are sealed
// together, so that many small ones make one record and one call of the pipe.
// The pieces are only read and are the caller's again when it returns. It waits,
// counts and fails as [Conn.Write] does.
func (c *Conn) WriteBuffers(pieces [][]byte) (int64, error) {
	if err := c.out.enter(); err != nil {
		return 0, err
	}
	n, err := c.out.write(c.raw, pieces)
	if c.out.leave() {
		c.out.drop()
	}
	return n, err
}

// Close closes the pipe and ends a Read or Write that waits. What a Write could
// not hand over before its deadline is dropped. It does not wait. Error: the
// pipe's.
func (c *Conn) Close() error {
	err := c.raw.Close()
	if c.in.shut() {
		c.in.drop()
	}
	if c.out.shut() {
		c.out.drop()
	}
	return err
}

// Peer is the proven ID of the remote end.
func (c *Conn) Peer() peer.ID { return c.key.ID() }

// Key is the public key that the remote end has proved to hold.
func (c *Conn) Key() peer.PublicKey { return c.key }

// Muxer is the muxer agreed in the handshake; empty when multistream-select has
// still to choose one. See [Muxers].
func (c *Conn) Muxer() negotiate.Protocol { return c.muxer }

// LocalAddr returns the pipe's.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr returns the pipe's.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline sets both deadlines of the pipe. Error: the pipe's.
func (c *Conn) SetDeadline(t time.Time) error { return c.raw.SetDeadline(t) }

// SetReadDeadline sets when a waiting Read gives up; see [Conn.Read].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.raw.SetReadDeadline(t) }

// SetWriteDeadline sets when a waiting Write gives up; see [Conn.Write].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.raw.SetWriteDeadline(t) }

// Format names the connection's peer, the same for every verb and flag.
func (c *Conn) Format(f fmt.State, _ rune) { io.WriteString(f, string(ID)+" with "+c.Peer().String()) }
