package tls

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A Conn is a pipe after the handshake: a [negotiate.Secured] and a
// [negotiate.HalfCloser]. One goroutine may read while another writes; Close and
// the deadlines may be called by any. It has [Conn.WriteBuffers] besides.
//
// io.EOF says that the remote closed the session or that the pipe ended between
// two records, not which. Protocols above say goodbye themselves.
type Conn struct {
	session *tls.Conn
	pipe    *pipe
	key     peer.PublicKey
	muxer   negotiate.Protocol

	// unanswered: the listener has still to show that it took this dialer's
	// certificate. It belongs to the reading goroutine.
	unanswered bool
}

// Read fills p with plaintext, from one record at most, so with 16 KiB at most.
// It waits until a record with content is whole, the pipe ends or fails, or its
// read deadline passes. After a deadline nothing is lost: the next Read goes on
// where this one stood. To a broken record it answers with an alert, which waits
// for the pipe as a Write does.
//
// Errors: [*RecordError] when a record was changed or cut; io.EOF at the end;
// [*net.OpError] for an alert of the remote, inside of a
// [*negotiate.HandshakeError] when it comes before any data, because then the
// listener has refused this end's certificate; or the pipe's own, such as
// net.ErrClosed after Close. All but deadlines are final.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.session.Read(p)
	if n > 0 {
		c.unanswered = false
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	if below, ok := errors.AsType[*pipeError](err); ok {
		return n, below.err
	}
	switch {
	case err == io.ErrUnexpectedEOF:
		return n, &RecordError{Rule: string(ruleWhole), Cause: err}
	case alerted(err) && c.unanswered:
		return n, interrupted("awaiting the listener's first record", err)
	case alerted(err):
		return n, err
	}
	return n, &RecordError{Rule: string(ruleSealed), Cause: err}
}

// Write seals p into as few records as possible and hands them to the pipe, in
// one call for up to 64 KiB less 88 bytes. It waits until the pipe has taken
// them, fails, or its write deadline passes. The number of bytes is that of the
// calls that the pipe took whole.
//
// Errors: the pipe's own, such as net.ErrClosed after Close. All are final,
// deadlines too: what the pipe took of a record cannot be taken back.
func (c *Conn) Write(p []byte) (int, error) {
	n := 0
	for {
		size := portion(len(p) - n)
		m, err := c.write(p[n : n+size])
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// WriteBuffers is Write for pieces that lie in several places: they are sealed
// together, so that many small ones make one record and one call of the pipe.
// The pieces are only read and are the caller's again when it returns. It waits,
// counts and fails as [Conn.Write] does.
func (c *Conn) WriteBuffers(pieces [][]byte) (int64, error) {
	left := 0
	for _, p := range pieces {
		left += len(p)
	}
	var n int64
	at := 0 // in pieces[0], where the next portion begins
	for left > 0 {
		size := portion(left)
		var m int
		var err error
		if len(pieces[0])-at >= size {
			m, err = c.write(pieces[0][at : at+size]) // no copy
			at += size
		} else {
			b := buf.Get(size)
			plain := b.Bytes()[:size]
			at, pieces = buf.Collect(plain, at, pieces)
			m, err = c.write(plain)
			b.Release()
		}
		n += int64(m)
		if err != nil {
			return n, err
		}
		left -= size
	}
	return n, nil
}

// write seals a portion and hands it to the pipe in one call.
func (c *Conn) write(plain []byte) (int, error) {
	c.pipe.expect(records(len(plain)))
	n, err := c.session.Write(plain)
	if err == nil {
		return n, nil
	}
	c.pipe.drop()
	if below, ok := errors.AsType[*pipeError](err); ok {
		err = below.err
	}
	return 0, err
}

// CloseWrite tells the remote that nothing more comes (RFC 8446, 6.1,
// close_notify); its Read then ends with io.EOF. It waits for the pipe to take
// one record, at most five seconds of real time. Afterwards there is no Write.
// Error: the pipe's.
func (c *Conn) CloseWrite() error {
	err := c.session.CloseWrite()
	if below, ok := errors.AsType[*pipeError](err); ok {
		return below.err
	}
	return err
}

// Close closes the pipe and ends a Read or Write that waits. It does not wait,
// and so it says nothing to the remote: [Conn.CloseWrite] does, before. Error:
// the pipe's.
func (c *Conn) Close() error {
	err := c.pipe.Close()
	c.pipe.drop()
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
func (c *Conn) LocalAddr() net.Addr { return c.pipe.LocalAddr() }

// RemoteAddr returns the pipe's.
func (c *Conn) RemoteAddr() net.Addr { return c.pipe.RemoteAddr() }

// SetDeadline sets both deadlines of the pipe. Error: the pipe's.
func (c *Conn) SetDeadline(t time.Time) error { return c.pipe.SetDeadline(t) }

// SetReadDeadline sets when a waiting Read gives up; see [Conn.Read].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.pipe.SetReadDeadline(t) }

// SetWriteDeadline sets when a waiting Write gives up; see [Conn.Write].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.pipe.SetWriteDeadline(t) }

// Format names the connection's peer, the same for every verb and flag.
func (c *Conn) Format(f fmt.State, _ rune) { io.WriteString(f, string(ID)+" with "+c.Peer().String()) }
