package securitytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
)

// sizes are the writes of a round trip: tiny, around the limits of records and
// lengths in use, and large.
var sizes = []int{1, 2, 15, 16, 17, 255, 256, 4095, 4096, 16383, 16384, 65518, 65519, 65520, 65535, 65536, 65537, 1<<20 + 1}

// bytesArriveAsTheyWereSent writes and reads at both ends at the same time,
// from the moment the handshake ends, and compares checksums.
func bytesArriveAsTheyWereSent(w *world) error {
	sides, close, err := w.connect(patience)
	if err != nil {
		return err
	}
	defer close()
	var sums [2]struct{ sent, received hash.Hash }
	for role := range sums {
		sums[role].sent, sums[role].received = sha256.New(), sha256.New()
	}
	total := 0
	for _, size := range sizes {
		total += size
	}
	err = w.together(func(ctx context.Context, role negotiate.Role) error {
		s, err := w.secure(ctx, sides[role])
		if err != nil {
			return err
		}
		return w.all(
			func(context.Context) error { return send(s, sums[role].sent, uint64(role)) },
			func(context.Context) error { return receive(s, sums[role].received, total, uint64(role)) },
		)
	})
	if err != nil {
		return err
	}
	for role := range sums {
		if !bytes.Equal(sums[role].sent.Sum(nil), sums[1-role].received.Sum(nil)) {
			return fmt.Errorf("%s: other bytes arrived than it sent", negotiate.Role(role))
		}
	}
	return nil
}

// send writes one buffer of each size.
func send(to io.Writer, sum hash.Hash, seed uint64) error {
	random := rand.NewChaCha8([32]byte{2, byte(seed)})
	for _, size := range sizes {
		p := make([]byte, size)
		random.Read(p)
		sum.Write(p)
		before := sha256.Sum256(p)
		if n, err := to.Write(p); n != size || err != nil {
			return fmt.Errorf("writing %d bytes wrote %d: %w", size, n, err)
		}
		if sha256.Sum256(p) != before {
			return fmt.Errorf("writing %d bytes changed them", size)
		}
	}
	return nil
}

// receive reads total bytes with buffers of all sizes.
func receive(from io.Reader, sum hash.Hash, total int, seed uint64) error {
	random := rand.New(rand.NewPCG(3, seed))
	for got := 0; got < total; {
		p := make([]byte, min(total-got, 1+random.IntN(1<<(random.IntN(17)))))
		n, err := from.Read(p)
		if n < 0 || n > len(p) {
			return fmt.Errorf("reading into %d bytes gave %d", len(p), n)
		}
		sum.Write(p[:n])
		if got += n; err != nil && got < total {
			return fmt.Errorf("reading ended after %d of %d bytes: %w", got, total, err)
		}
	}
	return nil
}

// bytesBehindTheHandshakeAreKept lets the first data of the remote arrive in one
// piece with the end of its handshake.
func bytesBehindTheHandshakeAreKept(w *world) error {
	for _, holding := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		sides, close, err := w.connect(patience)
		if err != nil {
			return err
		}
		sides[holding].raw = &holder{Conn: sides[holding].raw}
		err = w.together(func(ctx context.Context, role negotiate.Role) error {
			s, err := w.secure(ctx, sides[role])
			if err != nil {
				return err
			}
			if role == holding {
				if _, err := s.Write([]byte("question")); err != nil {
					return err
				}
				return expect(s, "answer")
			}
			if err := expect(s, "question"); err != nil {
				return err
			}
			_, err = s.Write([]byte("answer"))
			return err
		})
		close()
		if err != nil {
			return fmt.Errorf("the %s's first data came with its handshake: %w", holding, err)
		}
	}
	return nil
}

// expect reads a text.
func expect(from io.Reader, want string) error {
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); err != nil {
		return fmt.Errorf("read %q, want %q: %w", got[:n], want, err)
	}
	if string(got) != want {
		return fmt.Errorf("read %q, want %q", got, want)
	}
	return nil
}

func aWriteOfNoBytesSendsNone(w *world) error {
	secured, close, err := w.secured()
	if err != nil {
		return err
	}
	defer close()
	return w.together(func(_ context.Context, role negotiate.Role) error {
		s := secured[role]
		return w.all(
			func(context.Context) error {
				for _, p := range [][]byte{nil, {}, []byte("a"), {}, nil, []byte("b"), {}} {
					if n, err := s.Write(p); n != len(p) || err != nil {
						return fmt.Errorf("writing %q wrote %d: %w", p, n, err)
					}
				}
				return nil
			},
			func(context.Context) error {
				// One reader for all of it: over net.Pipe an empty write may
				// wait for a read.
				var got []byte
				for len(got) < 2 {
					p := make([]byte, 8)
					n, err := s.Read(p)
					if got = append(got, p[:n]...); err != nil {
						return fmt.Errorf("after %q: %w", got, err)
					}
				}
				if string(got) != "ab" {
					return fmt.Errorf("read %q, want ab", got)
				}
				return w.nothingFollows(s)
			},
		)
	})
}

// nothingFollows says what a read gives until its deadline, if it gives anything.
func (w *world) nothingFollows(s negotiate.Secured) error {
	if err := s.SetReadDeadline(actor.Now(w.ctx).Add(w.kind.silence)); err != nil {
		return err
	}
	for {
		n, err := s.Read(make([]byte, 8))
		switch {
		case n != 0:
			return fmt.Errorf("%d bytes came that nobody wrote", n)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return s.SetReadDeadline(actor.Now(w.ctx).Add(patience))
		case err != nil:
			return fmt.Errorf("instead of the deadline: %w", err)
		}
	}
}

// aDeadlineLosesNothing lets reads run into their deadline while a large write
// arrives piece by piece.
func aDeadlineLosesNothing(w *world) error {
	secured, close, err := w.secured()
	if err != nil {
		return err
	}
	defer close()
	message := bytes.Repeat([]byte("0123456789"), 20000)
	return w.together(func(_ context.Context, role negotiate.Role) error {
		s := secured[role]
		if role == negotiate.Dialer {
			_, err := s.Write(message)
			return err
		}
		var got []byte
		for late := 0; len(got) < len(message); {
			// Every other read has no time at all.
			deadline := time.Unix(1, 0)
			if late++; late%2 == 0 {
				deadline = actor.Now(w.ctx).Add(patience)
			}
			if err := s.SetReadDeadline(deadline); err != nil {
				return err
			}
			p := make([]byte, 1000)
			n, err := s.Read(p)
			if got = append(got, p[:n]...); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("after %d of %d bytes: %w", len(got), len(message), err)
			}
			if late%2 == 0 && err != nil {
				return fmt.Errorf("after a deadline was lifted it still ended a read: %w", err)
			}
		}
		if !bytes.Equal(got, message) {
			return errors.New("other bytes arrived than were sent")
		}
		return nil
	})
}

func closingEndsARead(w *world) error {
	for _, closer := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		secured, close, err := w.secured()
		if err != nil {
			return err
		}
		err = w.all(
			func(context.Context) error {
				return named("the end that closes", ended(secured[closer]))
			},
			func(context.Context) error {
				return named("the other end", ended(secured[closer.Other()]))
			},
			func(context.Context) error { return secured[closer].Close() },
		)
		close()
		if err != nil {
			return fmt.Errorf("the %s closes: %w", closer, err)
		}
	}
	return nil
}

// ended reads and wants an end that is not the deadline's.
func ended(s negotiate.Secured) error {
	n, err := s.Read(make([]byte, 1))
	switch {
	case n != 0:
		return errors.New("a byte came that nobody wrote")
	case err == nil:
		return errors.New("the read ended without an error")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("only the deadline ended the read: %w", err)
	}
	return nil
}

func addressesAreThoseOfThePipe(w *world) error {
	sides, close, err := w.connect(patience)
	if err != nil {
		return err
	}
	defer close()
	secured, err := w.secureBoth(sides)
	if err != nil {
		return err
	}
	for role, s := range secured {
		raw := sides[role].raw
		if got, want := s.LocalAddr().String(), raw.LocalAddr().String(); got != want {
			return fmt.Errorf("%s: the local address is %s, want %s", negotiate.Role(role), got, want)
		}
		if got, want := s.RemoteAddr().String(), raw.RemoteAddr().String(); got != want {
			return fmt.Errorf("%s: the remote address is %s, want %s", negotiate.Role(role), got, want)
		}
	}
	return nil
}
