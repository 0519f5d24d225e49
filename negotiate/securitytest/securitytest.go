package securitytest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// Run checks a security channel. newSecurity makes the channel of the host with
// the given identity; it is called for several identities.
func Run(t *testing.T, newSecurity func(key peer.Key) negotiate.Security) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) {
					if err := k.run(t, c, newSecurity); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// A check is one thing that a channel must do. Its error says what it does
// instead.
type check struct {
	name string
	run  func(w *world) error
}

// checks are all of them.
var checks = []check{
	{"both ends name each other", bothEndsNameEachOther},
	{"a dialer that wants anybody gets whoever is there", aDialerMayWantAnybody},
	{"one channel serves many connections at once", oneChannelServesMany},
	{"a wrong peer is a mismatch", aWrongPeerIsAMismatch},
	{"a silent remote ends by the deadline", aSilentRemoteEndsByTheDeadline},
	{"garbage ends with a typed error", garbageEndsWithATypedError},
	{"half a handshake ends with a typed error", halfAHandshakeEndsWithATypedError},
	{"a flipped bit never passes for another peer", aFlippedBitNeverPasses},
	{"closing the pipe ends a handshake that waits", closingEndsAHandshake},
	{"the remote leaving ends a handshake that waits", leavingEndsAHandshake},
	{"the end of the context ends a handshake", theContextEndsAHandshake},
	{"bytes arrive as they were sent", bytesArriveAsTheyWereSent},
	{"bytes right behind the handshake are kept", bytesBehindTheHandshakeAreKept},
	{"a write of no bytes sends none", aWriteOfNoBytesSendsNone},
	{"a deadline loses nothing", aDeadlineLosesNothing},
	{"closing ends a read that waits", closingEndsARead},
	{"addresses are those of the pipe", addressesAreThoseOfThePipe},
}

// A kind is a kind of pipe to run checks over.
type kind struct {
	name    string
	virtual bool // time is virtual
	connect func() (dialer, listener net.Conn, err error)
	// silence is how long a handshake with a remote that does not answer may
	// wait: the deadline that the checks set.
	silence time.Duration
}

var kinds = []kind{
	{name: "pipe", virtual: true, connect: pipe, silence: time.Minute},
	{name: "tcp", connect: tcp, silence: 50 * time.Millisecond},
}

// patience is the deadline of what should succeed.
const patience = time.Minute

// run runs a check over a kind of pipe.
func (k kind) run(t *testing.T, c check, newSecurity func(key peer.Key) negotiate.Security) (err error) {
	body := func(ctx context.Context) error {
		w, err := newWorld(ctx, k, newSecurity)
		if err != nil {
			return err
		}
		return c.run(w)
	}
	if !k.virtual {
		return body(t.Context())
	}
	synctest.Test(t, func(t *testing.T) { err = body(t.Context()) })
	return err
}

func pipe() (dialer, listener net.Conn, err error) {
	dialer, listener = net.Pipe()
	return dialer, listener, nil
}

func tcp() (dialer, listener net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	dialer, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	listener, err = l.Accept()
	if err != nil {
		return nil, nil, errors.Join(err, dialer.Close())
	}
	return dialer, listener, nil
}

// A world is two hosts with a security channel each.
type world struct {
	ctx      context.Context
	kind     kind
	keys     [2]peer.Key // by role
	stranger peer.Key
	security [2]negotiate.Security // by role
	random   *rand.Rand            // of the check itself; actors have their own
}

func newWorld(ctx context.Context, k kind, newSecurity func(key peer.Key) negotiate.Security) (*world, error) {
	source := rand.NewChaCha8([32]byte{1})
	w := &world{ctx: ctx, kind: k, random: rand.New(source)}
	for i := range 3 {
		key, err := peer.Generate(source)
		if err != nil {
			return nil, err
		}
		if i == 2 {
			w.stranger = key
			break
		}
		w.keys[i], w.security[i] = key, newSecurity(key)
	}
	for _, s := range w.security {
		if err := s.Protocol().Check(); err != nil {
			return nil, fmt.Errorf("its protocol ID: %w", err)
		}
	}
	return w, nil
}

// A side is one end of a pipe in a check.
type side struct {
	role negotiate.Role
	raw  net.Conn
	want peer.ID
}

// connect makes a pipe with a deadline on both ends. The dialer wants the
// listener. close ends it.
func (w *world) connect(deadline time.Duration) (sides [2]side, close func(), err error) {
	d, l, err := w.kind.connect()
	if err != nil {
		return sides, nil, err
	}
	at := actor.Now(w.ctx).Add(deadline)
	err = errors.Join(d.SetDeadline(at), l.SetDeadline(at))
	sides[negotiate.Dialer] = side{role: negotiate.Dialer, raw: d, want: w.keys[negotiate.Listener].ID()}
	sides[negotiate.Listener] = side{role: negotiate.Listener, raw: l}
	return sides, func() { d.Close(); l.Close() }, err
}

// secure runs the handshake of one side.
func (w *world) secure(ctx context.Context, s side) (negotiate.Secured, error) {
	return w.security[s.role].Secure(ctx, s.raw, s.role, s.want)
}

// secureBoth runs the handshake of both sides and wants it to succeed.
func (w *world) secureBoth(sides [2]side) (secured [2]negotiate.Secured, err error) {
	err = w.together(func(ctx context.Context, role negotiate.Role) (err error) {
		secured[role], err = w.secure(ctx, sides[role])
		return err
	})
	return secured, err
}

// secured makes a pipe and runs the handshake of both sides.
func (w *world) secured() (secured [2]negotiate.Secured, close func(), err error) {
	sides, close, err := w.connect(patience)
	if err != nil {
		return secured, nil, err
	}
	if secured, err = w.secureBoth(sides); err != nil {
		close()
	}
	return secured, close, err
}

// together runs body for both roles as two actors and waits for both.
func (w *world) together(body func(ctx context.Context, role negotiate.Role) error) error {
	return w.all(
		func(ctx context.Context) error { return named("dialer", body(ctx, negotiate.Dialer)) },
		func(ctx context.Context) error { return named("listener", body(ctx, negotiate.Listener)) },
	)
}

// all runs bodies as actors and waits for all of them. It returns their errors
// joined; a body that fails does not stop the others.
func (w *world) all(bodies ...func(ctx context.Context) error) error {
	errs := make([]error, len(bodies)+1)
	errs[len(bodies)] = actor.Run(w.ctx, "securitytest", func(self *actor.Self) error {
		var started []*actor.Ref
		for i, body := range bodies {
			started = append(started, self.Go(fmt.Sprint(i), func(self *actor.Self) error {
				errs[i] = body(self)
				return nil
			}))
		}
		for _, ref := range started {
			if err := ref.Wait(self); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(errs...)
}

func named(who string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", who, err)
}

// typed says what an error of Secure lacks; nil when it is as the contract says.
func (w *world) typed(role negotiate.Role, err error) error {
	handshake, ok := errors.AsType[*negotiate.HandshakeError](err)
	switch {
	case err == nil:
		return fmt.Errorf("%s: the handshake succeeded", role)
	case !ok:
		return fmt.Errorf("%s: the error is no *negotiate.HandshakeError but %T: %w", role, err, err)
	case handshake.Security != w.security[role].Protocol():
		return fmt.Errorf("%s: the error names the protocol %q: %w", role, handshake.Security, err)
	case handshake.Stage == "":
		return fmt.Errorf("%s: the error names no stage: %w", role, err)
	case handshake.Rule == "" && handshake.Cause == nil:
		return fmt.Errorf("%s: the error says neither which rule was broken nor what failed: %w", role, err)
	}
	return nil
}
