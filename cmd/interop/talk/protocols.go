package talk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// The test protocols. What each does is written in the package comment.
const (
	Echo       = "/troupe/echo/1.0.0"
	Discard    = "/troupe/discard/1.0.0"
	Source     = "/troupe/source/1.0.0"
	HalfClose  = "/troupe/half-close/1.0.0"
	CloseFirst = "/troupe/close-first/1.0.0"
	Reset      = "/troupe/reset/1.0.0"
	Wait       = "/troupe/wait/1.0.0"

	// Unknown is spoken by nobody.
	Unknown = "/troupe/nobody-speaks-this/1.0.0"

	// Ping and Identify are libp2p's own, served by the implementations.
	Ping     = "/ipfs/ping/1.0.0"
	Identify = "/ipfs/id/1.0.0"
)

// Seeds and sizes that both sides of a protocol know.
const (
	answerSeed, answerSize     = 1, 64 << 10 // half-close: what the listener adds to the checksum
	greetingSeed, greetingSize = 2, 32 << 10 // close-first: what the listener sends before it closes
	maxSource                  = 1 << 40     // source: a number above this is refused; nobody waits for so many
	waiting                    = 'w'         // wait: the one byte that the listener sends
)

// An Ending says how a handler's conversation ended.
type Ending struct {
	Protocol string `json:"protocol"`
	How      string `json:"how"` // "end", "reset", "lost" or "error"
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"` // of the bytes read
	Error    string `json:"error,omitempty"`
}

// The values of Ending.How.
const (
	HowEnd   = "end"   // the other side closed its write side
	HowReset = "reset" // the stream was reset
	HowLost  = "lost"  // the connection ended
	HowError = "error" // anything else, see Ending.Error
)

// A Recorder is the listening side of the test protocols. It remembers how each
// conversation ended, for the checks whose outcome only the listener can see.
type Recorder struct {
	endings map[string]chan Ending
}

// NewRecorder makes a Recorder. It keeps up to 256 endings of each protocol and
// drops later ones.
func NewRecorder() *Recorder {
	r := &Recorder{endings: map[string]chan Ending{}}
	for p := range handlers() {
		r.endings[p] = make(chan Ending, 256)
	}
	return r
}

// Await takes the next ending of a protocol. It waits until there is one or ctx
// ends.
func (r *Recorder) Await(ctx context.Context, protocol string) (Ending, error) {
	box, ok := r.endings[protocol]
	if !ok {
		return Ending{}, fmt.Errorf("%s is not one of the test protocols", protocol)
	}
	select {
	case e := <-box:
		return e, nil
	case <-ctx.Done():
		return Ending{}, fmt.Errorf("no handler of %s has ended: %w", protocol, context.Cause(ctx))
	}
}

// Handlers has a handler for each test protocol.
func (r *Recorder) Handlers() map[string]Handler {
	all := map[string]Handler{}
	for name, serve := range handlers() {
		all[name] = func(s Stream) error {
			in := &tally{r: s, sum: sha256.New()}
			err := serve(in, s)
			r.record(name, in, err)
			return err
		}
	}
	return all
}

func (r *Recorder) record(protocol string, in *tally, err error) {
	e := Ending{Protocol: protocol, How: HowEnd, Bytes: in.n, SHA256: hex.EncodeToString(in.sum.Sum(nil))}
	switch {
	case errors.Is(err, ErrReset):
		e.How = HowReset
	case errors.Is(err, ErrConnEnded):
		e.How = HowLost
	case err != nil:
		e.How, e.Error = HowError, err.Error()
	}
	select {
	case r.endings[protocol] <- e:
	default:
	}
}

// tally counts and sums what is read through it.
type tally struct {
	r   io.Reader
	n   int64
	sum hash.Hash
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	t.sum.Write(p[:n])
	return n, err
}

// handlers are the listening sides. in reads from s and keeps count.
func handlers() map[string]func(in *tally, s Stream) error {
	return map[string]func(in *tally, s Stream) error{
		Echo:       serveEcho,
		Discard:    serveDiscard,
		Source:     serveSource,
		HalfClose:  serveHalfClose,
		CloseFirst: serveCloseFirst,
		Reset:      serveReset,
		Wait:       serveWait,
	}
}

func serveEcho(in *tally, s Stream) error {
	if _, err := io.CopyBuffer(onlyWriter{s}, in, make([]byte, 64<<10)); err != nil {
		return err
	}
	return s.CloseWrite()
}

func serveDiscard(in *tally, s Stream) error {
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if _, err := s.Write(in.sum.Sum(nil)); err != nil {
		return err
	}
	return s.CloseWrite()
}

func serveSource(in *tally, s Stream) error {
	asked, err := io.ReadAll(io.LimitReader(in, 9))
	if err != nil {
		return err
	}
	if len(asked) != 8 {
		return fmt.Errorf("the number of bytes wanted has 8 bytes, got %d", len(asked))
	}
	n := binary.BigEndian.Uint64(asked)
	if n > maxSource {
		return fmt.Errorf("asked for %d bytes, at most %d are sent", n, maxSource)
	}
	if _, err := io.CopyBuffer(onlyWriter{s}, io.LimitReader(Pattern(n), int64(n)), make([]byte, 64<<10)); err != nil {
		return err
	}
	return s.CloseWrite()
}

func serveHalfClose(in *tally, s Stream) error {
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if _, err := s.Write(in.sum.Sum(nil)); err != nil {
		return err
	}
	if _, err := io.Copy(onlyWriter{s}, io.LimitReader(Pattern(answerSeed), answerSize)); err != nil {
		return err
	}
	return s.CloseWrite()
}

func serveCloseFirst(in *tally, s Stream) error {
	if _, err := io.Copy(onlyWriter{s}, io.LimitReader(Pattern(greetingSeed), greetingSize)); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

func serveReset(in *tally, s Stream) error {
	if _, err := io.ReadFull(in, make([]byte, 1)); err != nil {
		return err
	}
	return s.Reset()
}

// serveWait says one byte, so that the other side knows that it has begun: a
// stream that is reset before need not come to its handler at all.
func serveWait(in *tally, s Stream) error {
	if _, err := s.Write([]byte{waiting}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// onlyWriter hides every method but Write, so that io.Copy uses the buffer it
// is given and not a shortcut of the stream.
type onlyWriter struct{ io.Writer }
