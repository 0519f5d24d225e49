package main

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A tap notes what goes over one pipe: what is written when its writing begins,
// what is read when it has come. So nothing stands before what it answers.
type tap struct {
	mu     sync.Mutex
	began  time.Time
	used   bool
	ended  bool
	chunks []capture.Chunk
	key    []byte
	early  bool
	over   chan struct{} // closed at the end
}

func newTap() *tap { return &tap{over: make(chan struct{})} }

// mergeLimit is how large the chunks are that small ones become which follow each
// other at once: multistream-select is read byte by byte.
const mergeLimit = 512

// note adds a chunk. After the end nothing is added.
func (t *tap) note(from capture.Side, data []byte, end bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || len(data) == 0 && !end {
		return
	}
	if t.began.IsZero() {
		t.began = time.Now()
	}
	at := time.Since(t.began).Round(10 * time.Microsecond)
	if n := len(t.chunks); n > 0 && !end {
		last := &t.chunks[n-1]
		if last.From == from && at-last.At < time.Millisecond && len(last.Data)+len(data) < mergeLimit {
			last.Data = append(last.Data, data...)
			return
		}
	}
	t.chunks = append(t.chunks, capture.Chunk{From: from, At: at, Data: bytes.Clone(data), End: end})
	if end {
		t.ended = true
		close(t.over)
	}
}

// claim reports whether the caller is the first: one connection is recorded.
func (t *tap) claim() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.used
	t.used = true
	return first
}

// tapped is a security channel with a tap above it.
type tapped struct {
	negotiate.Security
	tap *tap
}

// Secure lets the channel do it and taps what it returns.
func (s *tapped) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	c, err := s.Security.Secure(ctx, raw, role, want)
	if err != nil || !s.tap.claim() {
		return c, err
	}
	s.tap.key, s.tap.early = c.Key().Marshal(), c.Muxer() != ""
	return &tappedConn{c, tappedPipe{c, s.tap}}, nil
}

// tappedConn is a secured pipe with a tap.
type tappedConn struct {
	negotiate.Secured
	pipe tappedPipe
}

func (c *tappedConn) Read(p []byte) (int, error)  { return c.pipe.Read(p) }
func (c *tappedConn) Write(p []byte) (int, error) { return c.pipe.Write(p) }
func (c *tappedConn) Close() error                { return c.pipe.Close() }

// WriteBuffers writes several pieces as one chunk.
func (c *tappedConn) WriteBuffers(pieces [][]byte) (int64, error) {
	n, err := c.pipe.Write(slices.Concat(pieces...))
	return int64(n), err
}

// tappedPipe is a pipe with a tap.
type tappedPipe struct {
	net.Conn
	tap *tap
}

func (p tappedPipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.tap.note(capture.Peer, b[:n], false)
	if err != nil {
		p.tap.note(capture.Peer, nil, true)
	}
	return n, err
}

func (p tappedPipe) Write(b []byte) (int, error) {
	p.tap.note(capture.Troupe, b, false)
	return p.Conn.Write(b)
}

func (p tappedPipe) Close() error {
	p.tap.note(capture.Troupe, nil, true)
	return p.Conn.Close()
}
