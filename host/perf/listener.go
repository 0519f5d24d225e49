package perf

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// listener is what the handlers of one service share.
type listener struct {
	Options
	received, sent, refused atomic.Int64

	mu    sync.Mutex // never held over a wait
	total int
	of    map[peer.ID]int // streams that are served
}

// A refusal is why a listener resets a stream. It is no failure of the listener.
type refusal uint8

const (
	notAllowed refusal = iota
	peerBusy
	busy
	noCount
	uploadOver
	downloadOver
)

// Error is what is noted in the tree.
func (r refusal) Error() string {
	return [...]string{
		notAllowed:   "this peer may not use perf here",
		peerBusy:     "too many streams of this peer",
		busy:         "too many streams in all",
		noCount:      "the stream ended before its first 8 bytes had come",
		uploadOver:   "it uploads more than it may",
		downloadOver: "it asked for more than it may",
	}[r]
}

// code is what the dialer gets.
func (r refusal) code() uint32 {
	switch r {
	case notAllowed:
		return stream.CodeGated
	case noCount:
		return stream.CodeProtocolViolation
	default:
		return stream.CodeResourceLimit
	}
}

// enter counts one more stream of a peer, or says why there is no place for it.
func (l *listener) enter(id peer.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.of[id] >= l.PeerStreams:
		return peerBusy
	case l.total >= l.Streams:
		return busy
	}
	l.of[id]++
	l.total++
	return nil
}

func (l *listener) leave(id peer.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.of[id]--; l.of[id] == 0 {
		delete(l.of, id)
	}
}

// streams is how many are served.
func (l *listener) streams() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(l.total)
}

// serve is the handler of a stream.
func (l *listener) serve(self *actor.Self, s *stream.Stream) error {
	return l.ended(self, l.admit(self, s))
}

func (l *listener) admit(self *actor.Self, s *stream.Stream) error {
	if !l.Allow(s.Peer()) {
		return notAllowed
	}
	if err := l.enter(s.Peer()); err != nil {
		return err
	}
	defer l.leave(s.Peer())
	t := begin(self, s, paceMachine{period: l.Idle, least: blockSize, longest: l.Longest}, nil)
	defer t.end()
	err := l.listen(self, t)
	l.received.Add(int64(t.in))
	l.sent.Add(int64(t.out))
	return err
}

// listen is the listener's side of the protocol.
func (l *listener) listen(self *actor.Self, t *transfer) error {
	self.State("receiving")
	var header [headerSize]byte
	for got := 0; got < headerSize; {
		n, err := t.read(header[got:])
		if err == io.EOF {
			return noCount
		}
		if err != nil {
			return err
		}
		got += n
	}
	if err := t.drain(l.MaxUpload); err != nil {
		if err == errOver {
			return uploadOver
		}
		return err
	}
	self.State("sending")
	asked := binary.BigEndian.Uint64(header[:])
	if err := t.send(min(asked, l.MaxDownload)); err != nil {
		return err
	}
	if asked > l.MaxDownload {
		return downloadOver
	}
	return nil
}

// ended says how a stream is to end. What the remote does is no failure of this
// host.
func (l *listener) ended(self *actor.Self, err error) error {
	if err == nil || self.Err() != nil {
		return err
	}
	code := stream.CodeNone // the remote or the connection has ended the stream
	var r refusal
	switch {
	case errors.As(err, &r):
		code = r.code()
	case errors.Is(err, ErrSlow), errors.Is(err, errLong):
		code = stream.CodeGarbageCollected
	}
	if code != stream.CodeNone {
		l.refused.Add(1)
		self.Note("refused", err)
	}
	return stream.Refuse(code)
}
