package securitytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func bothEndsNameEachOther(w *world) error {
	secured, close, err := w.secured()
	if err != nil {
		return err
	}
	defer close()
	return w.agreed(secured)
}

// agreed checks what two ends of a connection say about each other.
func (w *world) agreed(secured [2]negotiate.Secured) error {
	for role, s := range secured {
		want := w.keys[negotiate.Role(role).Other()]
		if s.Peer() != want.ID() {
			return fmt.Errorf("%s: the peer is %s, want %s", negotiate.Role(role), s.Peer(), want.ID())
		}
		if s.Key() == nil || !bytes.Equal(s.Key().Marshal(), want.Public().Marshal()) {
			return fmt.Errorf("%s: the key is %v, want %v", negotiate.Role(role), s.Key(), want.Public())
		}
	}
	if d, l := secured[negotiate.Dialer].Muxer(), secured[negotiate.Listener].Muxer(); d != l {
		return fmt.Errorf("the dialer's muxer is %q, the listener's %q", d, l)
	}
	return nil
}

func aDialerMayWantAnybody(w *world) error {
	sides, close, err := w.connect(patience)
	if err != nil {
		return err
	}
	defer close()
	sides[negotiate.Dialer].want = ""
	secured, err := w.secureBoth(sides)
	if err != nil {
		return err
	}
	return w.agreed(secured)
}

func oneChannelServesMany(w *world) error {
	var bodies []func(context.Context) error
	var all [8][2]negotiate.Secured
	for i := range all {
		sides, close, err := w.connect(patience)
		if err != nil {
			return err
		}
		defer close()
		for role, s := range sides {
			bodies = append(bodies, func(ctx context.Context) (err error) {
				all[i][role], err = w.secure(ctx, s)
				return err
			})
		}
	}
	if err := w.all(bodies...); err != nil {
		return err
	}
	for _, secured := range all {
		if err := w.agreed(secured); err != nil {
			return err
		}
	}
	return nil
}

func aWrongPeerIsAMismatch(w *world) error {
	sides, close, err := w.connect(patience)
	if err != nil {
		return err
	}
	defer close()
	dialer := sides[negotiate.Dialer]
	dialer.want = w.stranger.ID()
	return w.all(
		func(ctx context.Context) error {
			_, err := w.secure(ctx, dialer)
			// The contract leaves the pipe to the caller.
			if open := dialer.raw.SetDeadline(time.Time{}); open != nil {
				return fmt.Errorf("dialer: after the error the pipe is of no more use: %w", open)
			}
			dialer.raw.Close()
			if err := w.typed(negotiate.Dialer, err); err != nil {
				return err
			}
			mismatch, ok := errors.AsType[*peer.MismatchError](err)
			if !ok {
				return fmt.Errorf("dialer: there is no *peer.MismatchError in %w", err)
			}
			if want := (peer.MismatchError{Want: w.stranger.ID(), Got: w.keys[negotiate.Listener].ID()}); *mismatch != want {
				return fmt.Errorf("dialer: the mismatch is %v, want %v", mismatch, &want)
			}
			return nil
		},
		func(ctx context.Context) error {
			// The listener may learn of it in the handshake, or when it reads.
			s, err := w.secure(ctx, sides[negotiate.Listener])
			if err != nil {
				return w.typed(negotiate.Listener, err)
			}
			if n, err := s.Read(make([]byte, 1)); n != 0 || err == nil {
				return errors.New("listener: it read from a dialer that had refused it")
			}
			return nil
		},
	)
}

func closingEndsAHandshake(w *world) error {
	return w.interrupt(func(_ context.CancelFunc, local, _ side) { local.raw.Close() }, func(role negotiate.Role, err error) error {
		return w.typed(role, err)
	})
}

func leavingEndsAHandshake(w *world) error {
	return w.interrupt(func(_ context.CancelFunc, _, remote side) { remote.raw.Close() }, func(role negotiate.Role, err error) error {
		return w.typed(role, err)
	})
}

func theContextEndsAHandshake(w *world) error {
	ended := func(role negotiate.Role, err error) error {
		if err := w.typed(role, err); err != nil {
			return err
		}
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: the end of the context is not in the error: %w", role, err)
		}
		return nil
	}
	if err := w.interrupt(func(cancel context.CancelFunc, _, _ side) { cancel() }, ended); err != nil {
		return err
	}
	// A context that has ended before.
	for role := range w.security {
		sides, close, err := w.connect(patience)
		if err != nil {
			return err
		}
		err = w.all(func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := w.secure(ctx, sides[role])
			return ended(negotiate.Role(role), err)
		})
		close()
		if err != nil {
			return err
		}
	}
	return nil
}

// interrupt lets each role wait for a remote that reads everything and says
// nothing, does something about it once the handshake has begun, and checks
// that it ended because of that and not because of the deadline.
func (w *world) interrupt(do func(cancel context.CancelFunc, local, remote side), check func(negotiate.Role, error) error) error {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		sides, close, err := w.connect(patience)
		if err != nil {
			return err
		}
		local, remote := sides[role], sides[role.Other()]
		err = w.all(func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return w.all(
				func(context.Context) error {
					_, err := w.secure(ctx, local)
					if err := check(role, err); err != nil {
						return err
					}
					return w.early(role, err)
				},
				func(context.Context) error {
					// A dialer is waiting when it has spoken; a listener from
					// the beginning.
					if role == negotiate.Dialer {
						if _, err := remote.raw.Read(make([]byte, 1<<10)); err != nil {
							return fmt.Errorf("the dialer did not speak first: %w", err)
						}
					}
					do(cancel, local, remote)
					return nil
				},
			)
		})
		close()
		if err != nil {
			return err
		}
	}
	return nil
}
