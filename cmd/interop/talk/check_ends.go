package talk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Sizes and seeds that only the dialing side knows.
const (
	questionSeed, questionSize = 3, 100_000 // half-close: what the dialer sends
	lateSeed, lateSize         = 4, 100_000 // close-first: what the dialer sends after the listener closed
)

// strangerID is a peer ID that no peer here has: the Ed25519 example of the
// peer ID specification.
const strangerID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// silence is how long the deadline check listens to a peer that says nothing.
const silence = 200 * time.Millisecond

// halfClose sends a question, closes the write side, and reads an answer that
// the listener starts to write only afterwards.
func halfClose(ctx context.Context, p Peer, to Target) error {
	return converse(ctx, p, to, Want{Protocols: []string{HalfClose}}, func(s Stream) error {
		doingThis(ctx, "writing the question")
		var sent, back atomic.Int64
		if err := writePattern(s, questionSeed, questionSize, &sent); err != nil {
			return err
		}
		if _, err := s.Write([]byte{1}); err == nil {
			return errors.New("a write after the own close succeeded")
		}
		doing(ctx, func() string { return fmt.Sprintf("reading the answer: %d bytes so far", back.Load()) })
		got := make([]byte, sha256.Size)
		if _, err := io.ReadFull(s, got); err != nil {
			return fmt.Errorf("read the checksum: %w", err)
		}
		if sum := PatternSum(questionSeed, questionSize); !bytes.Equal(got, sum[:]) {
			return fmt.Errorf("the listener read %s…, sent was %s…", short(got), short(sum[:]))
		}
		return readPattern(s, answerSeed, answerSize, &back)
	})
}

// closeFirst reads to the listener's end, and writes only then.
func closeFirst(ctx context.Context, p Peer, to Target) error {
	return converse(ctx, p, to, Want{Protocols: []string{CloseFirst}}, func(s Stream) error {
		var back, sent atomic.Int64
		doing(ctx, func() string { return fmt.Sprintf("reading the greeting: %d bytes so far", back.Load()) })
		if err := readPattern(s, greetingSeed, greetingSize, &back); err != nil {
			return err
		}
		doing(ctx, func() string {
			return fmt.Sprintf("writing after the listener closed: %d of %d bytes", sent.Load(), lateSize)
		})
		return writePattern(s, lateSeed, lateSize, &sent)
	})
}

// closeFirstEnded wants everything that was written after the listener closed.
func closeFirstEnded(e Ending) error {
	sum := PatternSum(lateSeed, lateSize)
	if e.How != HowEnd || e.Bytes != lateSize || e.SHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("the listener should have read %d bytes to the end, but: %s", lateSize, e)
	}
	return nil
}

// resetByListener has the listener reset the stream and wants to see just that.
func resetByListener(ctx context.Context, p Peer, to Target) error {
	return converse(ctx, p, to, Want{Protocols: []string{Reset}, Eager: true}, func(s Stream) error {
		doingThis(ctx, "writing the byte that is answered with a reset")
		if _, err := s.Write([]byte{1}); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		doingThis(ctx, "waiting for the listener's reset")
		n, err := s.Read(make([]byte, 1))
		switch {
		case err == nil:
			return fmt.Errorf("a reset was to come, but %d bytes came", n)
		case !errors.Is(err, ErrReset):
			return fmt.Errorf("the reset is seen as: %w", err)
		}
		// The write side may learn of it a moment later, and may call it "closed":
		// go-mplex ends reading first.
		doingThis(ctx, "writing until the reset is noticed")
		for err = nil; err == nil; {
			_, err = s.Write([]byte{1})
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("writing goes on after the reset: %w", err)
		}
		return nil
	})
}

// resetByDialer resets a stream to a handler that only waits.
func resetByDialer(ctx context.Context, p Peer, to Target) error {
	return converse(ctx, p, to, Want{Protocols: []string{Wait}, Eager: true}, func(s Stream) error {
		if err := readWaiting(ctx, s); err != nil {
			return err
		}
		doingThis(ctx, "resetting the stream")
		if err := s.Reset(); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
		doingThis(ctx, "reading after the own reset")
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, ErrReset) {
			return fmt.Errorf("a read after the own reset gives: %w", orNil(err))
		}
		return nil
	})
}

// readWaiting reads the one byte that says that the handler waits.
func readWaiting(ctx context.Context, s Stream) error {
	doingThis(ctx, "reading the byte that says that the handler waits")
	got := make([]byte, 1)
	if _, err := io.ReadFull(s, got); err != nil {
		return fmt.Errorf("read the first byte: %w", err)
	}
	if got[0] != waiting {
		return fmt.Errorf("the first byte is %q and should be %q", got, waiting)
	}
	return nil
}

// endedByReset wants a handler that saw a reset.
func endedByReset(e Ending) error {
	if e.How != HowReset {
		return fmt.Errorf("the listener should have seen a reset, but: %s", e)
	}
	return nil
}

// endedInOrder wants a handler that saw the end of the dialer's bytes.
func endedInOrder(e Ending) error {
	if e.How != HowEnd {
		return fmt.Errorf("the listener should have seen the end of the bytes, but: %s", e)
	}
	return nil
}

// unknownProtocol asks eight times for a protocol that nobody speaks. Eight is
// more than the inbound buffers of go-mplex: a refusal that loses one is noticed.
func unknownProtocol(ctx context.Context, p Peer, to Target) error {
	for i := range 8 {
		doingThis(ctx, fmt.Sprintf("asking for an unknown protocol, time %d", i+1))
		s, err := p.Open(ctx, to.ID, Want{Protocols: []string{Unknown}})
		if err == nil {
			// A lazy dialer learns of the refusal with the first read.
			if t, ok := ctx.Deadline(); ok {
				_ = s.SetDeadline(t)
			}
			_, err = s.Read(make([]byte, 1))
			_ = s.Reset()
		}
		if !errors.Is(err, ErrRefused) {
			return fmt.Errorf("time %d: the refusal is seen as: %w", i+1, orNil(err))
		}
	}
	return nil
}

// secondChoice proposes a protocol that is refused and then one that is not, on
// one stream.
func secondChoice(ctx context.Context, p Peer, to Target) error {
	want := Want{Protocols: []string{Unknown, Echo}, Eager: true}
	return converse(ctx, p, to, want, func(s Stream) error {
		if s.Protocol() != Echo {
			return fmt.Errorf("agreed on %q instead of %q", s.Protocol(), Echo)
		}
		doingThis(ctx, "echoing over the second choice")
		var sent, back atomic.Int64
		return exchange(s, 5, 10_000, &sent, &back)
	})
}

// deadline reads from a peer that says nothing, with a deadline.
func deadline(ctx context.Context, p Peer, to Target) error {
	return converse(ctx, p, to, Want{Protocols: []string{Wait}, Eager: true}, func(s Stream) error {
		if err := readWaiting(ctx, s); err != nil {
			return err
		}
		if err := s.SetDeadline(time.Now().Add(silence)); err != nil {
			return fmt.Errorf("set the deadline: %w", err)
		}
		doingThis(ctx, "reading from a silent peer until the deadline")
		n, err := s.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("the deadline is seen as %d bytes and: %w", n, orNil(err))
		}
		return s.Reset()
	})
}

// wrongPeer dials the target's address and expects somebody else there.
func wrongPeer(ctx context.Context, p Peer, to Target) error {
	if len(to.Addrs) == 0 {
		return errors.New("the target has no address")
	}
	doingThis(ctx, "dialing with a wrong peer ID")
	addr, found := strings.CutSuffix(to.Addrs[0], "/p2p/"+to.ID)
	if !found {
		return fmt.Errorf("the address %s does not end in the peer ID", to.Addrs[0])
	}
	err := p.Connect(ctx, addr+"/p2p/"+strangerID)
	switch {
	case err == nil:
		return errors.New("a connection to the wrong peer was made")
	case ctx.Err() != nil:
		return fmt.Errorf("the wrong peer was not refused in time: %w", err)
	}
	return nil
}

// orNil makes an absent error printable with %w.
func orNil(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

var errNone = errors.New("no error at all")

// String is the ending in words, for error texts.
func (e Ending) String() string {
	text := fmt.Sprintf("the handler of %s read %d bytes and then saw %q", e.Protocol, e.Bytes, e.How)
	if e.Error != "" {
		text += ": " + e.Error
	}
	return text
}
