package securitytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
)

// early says that a handshake waited for its deadline though it had a reason to
// end before.
func (w *world) early(role negotiate.Role, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s: only the deadline ended the handshake: %w", role, err)
	}
	return nil
}

// against runs the handshake of one role against a remote that does what it
// likes with its end of the pipe, under a deadline. The pipe is closed when the
// handshake has ended.
func (w *world) against(role negotiate.Role, deadline time.Duration, remote func(ctx context.Context, raw net.Conn) error,
	check func(s negotiate.Secured, err error) error) error {
	sides, close, err := w.connect(deadline)
	if err != nil {
		return err
	}
	defer close()
	local := sides[role]
	until := actor.Now(w.ctx).Add(deadline)
	return w.all(
		func(ctx context.Context) error {
			defer close()
			s, err := w.secure(ctx, local)
			if late := actor.Now(ctx).Sub(until); w.kind.virtual && late > 0 {
				return fmt.Errorf("%s: the handshake ended %v after its deadline with %v", role, late, err)
			}
			return check(s, err)
		},
		func(ctx context.Context) error { return remote(ctx, sides[role.Other()].raw) },
	)
}

// drain reads until the pipe ends.
func drain(raw net.Conn) { io.Copy(io.Discard, raw) }

func aSilentRemoteEndsByTheDeadline(w *world) error {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		err := w.against(role, w.kind.silence,
			func(_ context.Context, raw net.Conn) error { drain(raw); return nil },
			func(_ negotiate.Secured, err error) error {
				if err := w.typed(role, err); err != nil {
					return err
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					return fmt.Errorf("%s: the deadline is not in the error: %w", role, err)
				}
				if e, _ := errors.AsType[*negotiate.HandshakeError](err); e.Rule != "" {
					return fmt.Errorf("%s: a remote that was only silent is accused: %w", role, err)
				}
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

func garbageEndsWithATypedError(w *world) error {
	noise := make([]byte, 96<<10)
	for i := range noise {
		noise[i] = byte(w.random.Uint32())
	}
	for _, garbage := range []struct{ name, bytes string }{
		{"random bytes", string(noise)},
		{"zeros", strings.Repeat("\x00", 96<<10)},
		{"ones", strings.Repeat("\xff", 96<<10)},
		{"a long varint", strings.Repeat("\x80", 96<<10)},
		{"a short message", "\x00\x01x\x01x"},
		{"an HTTP request", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"multistream", "\x13/multistream/1.0.0\n\x07/noise\n"},
		{"a TLS hello", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"},
		{"a large promise", "\xff\xff\x7f\x00"},
		{"half of a length", "\x00"},
	} {
		for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
			err := w.against(role, w.kind.silence,
				func(ctx context.Context, raw net.Conn) error {
					return w.all(
						func(context.Context) error { io.WriteString(raw, garbage.bytes); return nil },
						func(context.Context) error { drain(raw); return nil },
					)
				},
				func(_ negotiate.Secured, err error) error { return w.typed(role, err) })
			if err != nil {
				return fmt.Errorf("%s: %w", garbage.name, err)
			}
		}
	}
	return nil
}

// lengths returns how many bytes each role sends in an honest handshake.
func (w *world) lengths() (sent [2]int, err error) {
	sides, close, err := w.connect(patience)
	if err != nil {
		return sent, err
	}
	defer close()
	var tampers [2]*tamper
	for role := range sides {
		tampers[role] = &tamper{Conn: sides[role].raw, pass: -1, flip: -1}
		sides[role].raw = tampers[role]
	}
	_, err = w.secureBoth(sides)
	return [2]int{tampers[0].sent, tampers[1].sent}, err
}

// places are about as many places among n as want, the first and last included.
func places(n, want int) []int {
	var all []int
	for i := 0; i < n; i += max(1, n/want) {
		all = append(all, i)
	}
	if n > 0 && all[len(all)-1] != n-1 {
		all = append(all, n-1)
	}
	return all
}

// atMost is in how many places a handshake is cut or changed. Over TCP silence
// costs real time, so there are fewer.
func (w *world) atMost() int {
	if w.kind.virtual {
		return 24
	}
	return 4
}

func halfAHandshakeEndsWithATypedError(w *world) error {
	sent, err := w.lengths()
	if err != nil {
		return err
	}
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		for _, pass := range places(sent[role.Other()], w.atMost()) {
			for _, then := range []ending{silence, closing} {
				err := w.tampered(role, tamper{pass: pass, flip: -1, then: then})
				if err != nil {
					return fmt.Errorf("a remote %s after %d of %d bytes: %w", then, pass, sent[role.Other()], err)
				}
			}
		}
	}
	return nil
}

func aFlippedBitNeverPasses(w *world) error {
	sent, err := w.lengths()
	if err != nil {
		return err
	}
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		for _, at := range places(sent[role.Other()], w.atMost()) {
			bit := byte(1) << w.random.IntN(8)
			if err := w.tampered(role, tamper{pass: -1, flip: at, bit: bit}); err != nil {
				return fmt.Errorf("bit %#x of byte %d of %d flipped: %w", bit, at, sent[role.Other()], err)
			}
		}
	}
	return nil
}

// tampered runs an honest handshake whose remote's bytes are tampered with. It
// must end by its deadline: with a typed error, or, when nothing that matters
// was touched, with the right peer. A remote that sent nothing proved nothing.
func (w *world) tampered(role negotiate.Role, how tamper) error {
	deadline := w.kind.silence
	if how.then == closing {
		deadline = patience // nobody waits for it
	}
	return w.against(role, deadline,
		func(ctx context.Context, raw net.Conn) error {
			how.Conn = raw
			remote := side{role: role.Other(), raw: &how}
			if remote.role == negotiate.Dialer {
				remote.want = w.keys[role].ID()
			}
			// What the remote thinks of it is not looked at. It keeps its end
			// open and reads, so that silence is silence.
			w.secure(ctx, remote)
			drain(raw)
			return nil
		},
		func(s negotiate.Secured, err error) error {
			if err != nil {
				if err := w.typed(role, err); err != nil {
					return err
				}
				if how.then == closing {
					return w.early(role, err)
				}
				return nil
			}
			if how.pass == 0 {
				return fmt.Errorf("%s: the handshake succeeded with a remote that said nothing", role)
			}
			if want := w.keys[role.Other()].ID(); s.Peer() != want || s.Key().ID() != want {
				return fmt.Errorf("%s: the handshake ended with peer %s, want %s", role, s.Peer(), want)
			}
			return nil
		})
}
