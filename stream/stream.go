package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A Stream is one conversation with a peer, as its user holds it: an
// io.ReadWriteCloser with half-close, reset and deadlines. Reads and writes may
// go on at the same time, in different goroutines.
type Stream struct {
	*conversation
	ctx context.Context // ends waits; the handler's own self on the listening side
}

// conversation is what all handles of one stream and its actor share.
type conversation struct {
	body   Body
	peer   peer.ID
	local  ma.Multiaddr
	remote ma.Multiaddr
	lazily negotiate.Protocol // of a lazy offer

	agreed   *actor.Promise     // kept with the outcome of the negotiation
	protocol negotiate.Protocol // which it is, once that is kept

	in, out     atomic.Int64 // bytes the user has read and written
	writeClosed atomic.Bool
	readClosed  atomic.Bool

	mu    sync.Mutex
	until time.Time // the read deadline; the body has it once that is agreed
	box   *actor.Mailbox[message]
	early []message // before the actor runs
	once  [messageKinds]bool
	role  negotiate.Role

	served bool // a handler runs: that the remote has closed is no news until it ends
	closed bool // the remote has closed, and the actor has not been told
	ended  bool // the actor has, so that nobody is left to be told
}

// settle says how the negotiation went; the first time counts. Only the stream's
// actor calls it.
func (c *conversation) settle(p negotiate.Protocol, err error) {
	if !c.agreed.Kept() {
		c.protocol = p
		c.agreed.Keep(err)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.body.SetReadDeadline(c.until) // instead of the negotiation's
	}
}

// readUntil is the read deadline, while the negotiation reads without one.
func (c *conversation) readUntil() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// serve says whether a handler runs. It reports, once, that the remote has closed
// and the actor has not been told.
func (c *conversation) serve(runs bool) (closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = runs
	closed, c.closed = c.closed, false
	return closed
}

// Peer is the remote end of the stream.
func (s *Stream) Peer() peer.ID { return s.peer }

// Role says whether this end opened the stream (dialer) or accepted it.
func (s *Stream) Role() negotiate.Role { return s.role }

// Local and Remote are the addresses of the connection that carries the stream,
// without /p2p. Nobody may change them.
func (s *Stream) Local() ma.Multiaddr { return s.local }

// Remote is where the remote end of the stream's connection is, as seen from here.
func (s *Stream) Remote() ma.Multiaddr { return s.remote }

// Protocol is the protocol the stream speaks. On a lazily opened stream it is
// the one that was proposed, before the remote has answered.
func (s *Stream) Protocol() negotiate.Protocol {
	if !s.agreed.Kept() {
		return s.lazily
	}
	return s.protocol
}

// Context ends with the stream on the listening side: it is the handler's own
// self. On the dialing side it is what WithContext was given.
func (s *Stream) Context() context.Context { return s.ctx }

// WithContext returns the same stream with a context that ends its waits.
func (s *Stream) WithContext(ctx context.Context) *Stream {
	return &Stream{conversation: s.conversation, ctx: ctx}
}

// Read waits for bytes and copies them into p. It returns io.EOF after the
// remote's last byte; a [*ResetError] after a reset by either end; a
// [*NegotiationError] when the remote refused the protocol of a lazily opened
// stream; [os.ErrDeadlineExceeded] at the deadline; [ErrReadClosed] after this
// end closed; the cause of the stream's context when that ends; and the reason
// of the connection when that ends.
func (s *Stream) Read(p []byte) (int, error) {
	if s.readClosed.Load() {
		return 0, ErrReadClosed
	}
	if !s.agreed.Kept() || s.agreed.Err() != nil {
		if err := s.agreed.WaitUntil(s.ctx, s.readUntil); err != nil {
			return 0, err
		}
	}
	n, err := s.body.Read(s.ctx, p)
	s.in.Add(int64(n))
	return n, err
}

// Write waits until p is taken over by the connection, which sends it as soon as
// it can; p may be used again afterwards. Its errors are those of Read, with
// [ErrWriteClosed] after CloseWrite. n says how much was taken over.
func (s *Stream) Write(p []byte) (n int, err error) {
	if s.writeClosed.Load() {
		return 0, ErrWriteClosed
	}
	n, err = s.body.Write(s.ctx, p)
	s.out.Add(int64(n))
	if err != nil && s.agreed.Err() != nil {
		err = s.agreed.Err()
	}
	return n, err
}

// CloseWrite says that this end has no more to write: the remote reads io.EOF
// after the bytes written before. Reading goes on. It does not wait.
func (s *Stream) CloseWrite() error {
	s.writeClosed.Store(true)
	s.post(message{kind: saidCloseWrite})
	return nil
}

// CloseRead says that this end reads no more: what still comes is dropped. The
// remote is not told. It does not wait.
func (s *Stream) CloseRead() error {
	s.readClosed.Store(true)
	s.post(message{kind: saidCloseRead})
	return nil
}

// Close closes both halves, and does not wait. If the remote does not close its
// half within the linger time, the stream is reset. Closing twice, or after a
// reset, does nothing.
func (s *Stream) Close() error {
	s.writeClosed.Store(true)
	s.readClosed.Store(true)
	s.post(message{kind: saidClose})
	return nil
}

// Reset ends the stream in both directions at once: what is on its way is lost,
// the remote's reads and writes fail. The code goes with it where the muxer
// carries one. It does not wait.
func (s *Stream) Reset(code uint32) {
	s.writeClosed.Store(true)
	s.body.Reset(code)
	s.post(message{kind: saidReset, code: code})
}

// SetDeadline sets both deadlines: a Read or Write that waits then, or begins
// later, returns [os.ErrDeadlineExceeded]. A zero time takes them away. The
// clock is that of the stream's actor, see [actor.Now].
func (s *Stream) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of Read. It does not end the negotiation of a
// lazily opened stream, which has a time limit of its own.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = t
	if s.agreed.Kept() {
		return s.body.SetReadDeadline(t)
	}
	s.agreed.Look()
	return nil
}

// SetWriteDeadline sets the deadline of Write.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.body.SetWriteDeadline(t) }

// BytesRead and BytesWritten count what the user has read and written so far.
func (s *Stream) BytesRead() int64 { return s.in.Load() }

// BytesWritten counts what the user has written so far.
func (s *Stream) BytesWritten() int64 { return s.out.Load() }

// Abandon says that nobody will work for the stream any more: its connection has
// ended, perhaps before the stream's actor began. Whoever waits for the protocol
// gets the reason. Only the connection calls it.
func (s *Stream) Abandon(reason error) {
	if !s.agreed.Kept() {
		s.agreed.Keep(reason)
	}
}

// Agreed waits until the remote has answered the proposal of the stream's
// protocol. It returns nil when it agreed and otherwise a [*NegotiationError]
// or what ended the stream; and the cause of ctx when that ends.
func (s *Stream) Agreed(ctx context.Context) error { return s.agreed.Wait(ctx) }

// post puts a message into the mailbox of the stream's actor. Each kind comes at
// most once, so the mailbox, which has a place for each, is never full. When both
// halves are closed the actor has ended, while there may be bytes to read; who
// closes then drops them himself.
func (c *conversation) post(m message) {
	if c.tell(m) && (m.kind == saidClose || m.kind == saidCloseRead) {
		c.drop()
	}
}

func (c *conversation) tell(m message) (late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.once[m.kind] {
		return c.ended
	}
	c.once[m.kind] = true
	switch {
	case m.kind == remoteClosed && c.served:
		c.closed = true
	case c.box == nil:
		c.early = append(c.early, m)
	default:
		c.box.TryPut(m)
	}
	return false
}

// end notes that the actor has ended.
func (c *conversation) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// drop gives back what nobody will read.
func (c *conversation) drop() {
	if b, ok := c.body.(interface{ Buffered() int }); ok && b.Buffered() > 0 {
		c.body.CloseRead()
	}
}
