package noise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestBothEndsKnowEachOtherAfterTheHandshake(t *testing.T) {
	dialer, listener := New(newKey(t, 1)), New(newKey(t, 2))
	for name, pair := range map[string]func() (net.Conn, net.Conn){
		"tcp":  func() (net.Conn, net.Conn) { a, b := tcp(t); return a, b },
		"pipe": net.Pipe,
	} {
		a, b := pair()
		d, l := secure(context.Background(), dialer, listener, a, b, newKey(t, 2).ID())
		if d.err != nil || l.err != nil {
			t.Fatalf("%s: dialer: %v; listener: %v", name, d.err, l.err)
		}
		if d.conn.Peer() != newKey(t, 2).ID() || l.conn.Peer() != newKey(t, 1).ID() {
			t.Errorf("%s: the dialer met %s, the listener %s", name, d.conn.Peer(), l.conn.Peer())
		}
		if d.conn.Key().ID() != d.conn.Peer() || d.conn.Muxer() != "" {
			t.Errorf("%s: key of %s, muxer %q", name, d.conn.Key().ID(), d.conn.Muxer())
		}
		if d.conn.LocalAddr() != a.LocalAddr() || d.conn.RemoteAddr() != a.RemoteAddr() {
			t.Errorf("%s: the addresses are not the pipe's", name)
		}
		go d.conn.Write([]byte("ask"))
		got := make([]byte, 9)
		if n, err := l.conn.Read(got); err != nil || string(got[:n]) != "ask" {
			t.Errorf("%s: %q, %v", name, got[:n], err)
		}
		d.conn.Close()
		l.conn.Close()
	}
}

func TestTheMuxersOfTheOptionsAreAgreedOn(t *testing.T) {
	mplex, yamux := negotiate.Protocol("/mplex/6.7.0"), negotiate.Protocol("/yamux/1.0.0")
	for _, test := range []struct {
		dialer, listener []Option
		want             negotiate.Protocol
		fails            bool
	}{
		{[]Option{Muxers(yamux, mplex)}, []Option{Muxers(mplex, yamux)}, yamux, false},
		{[]Option{Muxers(yamux)}, nil, "", false},
		{[]Option{Muxers(yamux)}, []Option{Muxers(mplex)}, "", true},
		{[]Option{Muxers(yamux), NegotiateWithoutOverlap()}, []Option{Muxers(mplex), NegotiateWithoutOverlap()}, "", false},
	} {
		a, b := net.Pipe()
		d, l := secure(context.Background(), New(newKey(t, 1), test.dialer...), New(newKey(t, 2), test.listener...), a, b, "")
		if (d.err != nil || l.err != nil) != test.fails {
			t.Fatalf("%v; %v", d.err, l.err)
		}
		if !test.fails && (d.conn.Muxer() != test.want || l.conn.Muxer() != test.want) {
			t.Errorf("dialer %q, listener %q, want %q", d.conn.Muxer(), l.conn.Muxer(), test.want)
		}
		a.Close()
		b.Close()
	}
}

func TestMoreMuxersThanAnyPeerTakesAreAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("101 muxers were taken")
		}
	}()
	Muxers(make([]negotiate.Protocol, 101)...)
}

func TestTheDialerRefusesAnotherPeerAndKeepsItsNameToItself(t *testing.T) {
	a, b := net.Pipe()
	want, got := newKey(t, 3).ID(), newKey(t, 2).ID()
	d, l := secure(context.Background(), New(newKey(t, 1)), New(newKey(t, 2)), a, b, want)
	var wrong *peer.MismatchError
	if !errors.As(d.err, &wrong) || *wrong != (peer.MismatchError{Want: want, Got: got}) {
		t.Errorf("the dialer says %v", d.err)
	}
	var failed *negotiate.HandshakeError
	if !errors.As(d.err, &failed) || failed.Security != ID || failed.Stage != "awaiting message 2" {
		t.Errorf("the dialer says %#v", failed)
	}
	if !errors.As(l.err, &failed) || failed.Rule != "" || !errors.Is(l.err, io.EOF) {
		t.Errorf("the listener says %v", l.err)
	}
}

func TestTheEndOfTheContextEndsTheHandshakeWithItsCause(t *testing.T) {
	reason := errors.New("enough")
	for _, role := range roles {
		ctx, cancel := context.WithCancelCause(context.Background())
		a, b := net.Pipe()
		end := make(chan error, 1)
		go func() {
			_, err := New(newKey(t, 1)).Secure(ctx, a, role, "")
			end <- err
		}()
		if role == negotiate.Dialer {
			if _, err := io.ReadFull(b, make([]byte, headSize+firstSize)); err != nil {
				t.Fatal(err)
			}
		}
		cancel(reason)
		err := <-end
		var failed *negotiate.HandshakeError
		if !errors.Is(err, reason) || !errors.As(err, &failed) || failed.Rule != "" {
			t.Errorf("%s: %v", role, err)
		}
		// The pipe is left to the caller, not closed.
		a.SetDeadline(time.Time{})
		go b.Write([]byte("x"))
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("%s: the pipe was closed: %v", role, err)
		}
		a.Close()
		b.Close()
	}
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := new(pipe)
	if _, err := New(newKey(t, 1)).Secure(ctx, p, negotiate.Dialer, ""); !errors.Is(err, context.Canceled) || p.calls > 0 {
		t.Errorf("%v, %d writes", err, p.calls)
	}
}

func TestWhatEndsThePipeEndsTheHandshake(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		role  negotiate.Role
		pipe  *pipe
		want  error
		stage string
	}{
		{"the end before a message", negotiate.Listener, &pipe{}, io.EOF, "awaiting message 1"},
		{"the end inside a head", negotiate.Dialer, &pipe{reads: []read{{data: []byte{0}}}}, io.ErrUnexpectedEOF, "awaiting message 2"},
		{"the end before a body", negotiate.Listener, &pipe{reads: []read{{data: []byte{0, 32}}}}, io.ErrUnexpectedEOF, "awaiting message 1"},
		{"the end inside a body", negotiate.Dialer, &pipe{reads: []read{{data: append([]byte{4, 0}, make([]byte, 700)...)}}},
			io.ErrUnexpectedEOF, "awaiting message 2"},
		{"a deadline", negotiate.Dialer, &pipe{reads: []read{late}}, os.ErrDeadlineExceeded, "awaiting message 2"},
		{"a failure to write", negotiate.Dialer, &pipe{writes: func() take { return take{err: broken} }}, broken, "sending message 1"},
		{"a listener's failure to write", negotiate.Listener, &pipe{
			reads:  []read{{data: append([]byte{0, 32}, ephemeral(t, 5).PublicKey().Bytes()...)}},
			writes: func() take { return take{err: broken} },
		}, broken, "sending message 2"},
	} {
		_, err := New(newKey(t, 1)).Secure(context.Background(), test.pipe, test.role, "")
		var failed *negotiate.HandshakeError
		if !errors.Is(err, test.want) || !errors.As(err, &failed) || failed.Rule != "" || failed.Stage != test.stage {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.pipe.closed {
			t.Errorf("%s: the pipe was closed", test.name)
		}
	}
}

func TestAHandshakeReadsNoByteBeyondItself(t *testing.T) {
	// The listener's pipe holds message 1; the rest is added when it has spoken.
	a := newActual(t, negotiate.Dialer, 9)
	frame := func(data []byte) []byte {
		var b bytes.Buffer
		if err := writeMessage(&b, data); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first, _, _ := a.write(t, nil)
	p := &pipe{reads: []read{{data: frame(first)}}}
	p.writes = func() take { return take{n: 1 << 20} }
	listening := &answering{pipe: p, answer: func(second []byte) []byte {
		a.read(t, second[headSize:])
		third, one, _ := a.write(t, a.claim(t, newKey(t, 9)).encode())
		record, err := one.Encrypt(nil, nil, []byte("first record"))
		if err != nil {
			t.Fatal(err)
		}
		return append(frame(third), frame(record)...)
	}}
	s, err := New(newKey(t, 1)).Secure(context.Background(), listening, negotiate.Listener, "")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	if n, err := s.Read(got); err != nil || string(got[:n]) != "first record" {
		t.Errorf("%q, %v", got[:n], err)
	}
}

// answering adds an answer to what a pipe reads when it is written to.
type answering struct {
	*pipe
	answer func(sent []byte) []byte
}

func (a *answering) Write(b []byte) (int, error) {
	a.reads = append(a.reads, read{data: a.answer(b)})
	return a.pipe.Write(b)
}

func TestOneStaticKeyServesAllConnectionsOfAHostAndNoOther(t *testing.T) {
	host := New(newKey(t, 1))
	static := func(n *Noise) string {
		a := newActual(t, negotiate.Dialer, 9)
		first, _, _ := a.write(t, nil)
		p := &pipe{reads: []read{{data: append([]byte{0, 32}, first...)}}}
		if _, err := n.Secure(context.Background(), p, negotiate.Listener, ""); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		a.read(t, p.taken[headSize:])
		return string(a.state.PeerStatic())
	}
	one := static(host)
	if static(host) != one {
		t.Error("the host made a second static key")
	}
	if static(New(newKey(t, 1))) == one {
		t.Error("two hosts have the same static key")
	}
}

func TestTheSeedOfASimulationDecidesEveryByteOfAHandshake(t *testing.T) {
	a := newActual(t, negotiate.Dialer, 9)
	first, _, _ := a.write(t, nil)
	second := func(seed uint64) string {
		p := &pipe{reads: []read{{data: append([]byte{0, 32}, first...)}}}
		err := actor.NewScheduler(seed, nil).Run(context.Background(), "host", func(self *actor.Self) error {
			if _, err := New(newKey(t, 1)).Secure(self, p, negotiate.Listener, ""); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(p.taken)
	}
	one := second(1)
	if len(one) != headSize+200 {
		t.Fatalf("message 2 has %d bytes", len(one)-headSize)
	}
	if second(1) != one {
		t.Error("the same seed made another message 2")
	}
	if second(2) == one {
		t.Error("another seed made the same message 2")
	}
}

// silent is a key that cannot sign.
type silent struct{ peer.Key }

var errSilent = errors.New("cannot sign")

func (silent) Sign([]byte) ([]byte, error) { return nil, errSilent }

func TestAKeyThatCannotSignFailsTheHandshakeAndNotTheNextOne(t *testing.T) {
	n := New(silent{newKey(t, 1)})
	for range 2 {
		_, err := n.Secure(context.Background(), new(pipe), negotiate.Dialer, "")
		var failed *negotiate.HandshakeError
		if !errors.Is(err, errSilent) || !errors.As(err, &failed) || failed.Stage != "making the static key" {
			t.Error(err)
		}
	}
	n.key = newKey(t, 1)
	if _, err := n.Secure(context.Background(), new(pipe), negotiate.Dialer, ""); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestNoKeyIsEverPrinted(t *testing.T) {
	n := New(newKey(t, 1))
	own, err := n.identity(chance(50))
	if err != nil {
		t.Fatal(err)
	}
	eph := ephemeral(t, 1)
	secrets := map[string][]byte{
		"identity key":  newKey(t, 1).Marshal()[4 : 4+32],
		"static key":    own.static.Bytes(),
		"ephemeral key": eph.Bytes(),
	}
	with := setup{role: negotiate.Dialer, identity: own, ephemeral: eph}
	machine := newMachine(with)
	machine.Step(event{kind: begin}, nil)
	s := &session{key: newKey(t, 2).Public()}
	copy(s.send[:], text(keySize))
	copy(s.receive[:], text(2 * keySize)[keySize:])
	secrets["key to send"], secrets["key to receive"] = bytes.Clone(s.send[:]), bytes.Clone(s.receive[:])
	other := *s
	conn := newConn(new(pipe), &other, lastRecord)
	if other.send != [keySize]byte{} || other.receive != [keySize]byte{} {
		t.Error("the session keeps its keys when a connection has taken it over")
	}
	closed := fault("awaiting message 2", ruleOpens, errors.New("no"))

	for _, value := range []any{
		n, own, with, machine, s, conn, effect{kind: done, session: s}, []any{n, conn, s},
		struct {
			n *Noise
			c *Conn
			m any
		}{n, conn, machine},
		*machine.keys, closed, &RecordError{Record: 3, Rule: string(ruleSealed)},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			printed := fmt.Sprintf(verb, value)
			for name, secret := range secrets {
				for _, form := range forms(secret) {
					if strings.Contains(printed, form) {
						t.Errorf("%T with %s shows the %s", value, verb, name)
					}
				}
			}
		}
		if text, err := json.Marshal(value); err == nil {
			for name, secret := range secrets {
				for _, form := range forms(secret) {
					if bytes.Contains(text, []byte(form)) {
						t.Errorf("%T in JSON shows the %s", value, name)
					}
				}
			}
		}
	}
	if got := fmt.Sprintf("%v %+v", n, conn); !strings.Contains(got, n.key.ID().String()) || !strings.Contains(got, conn.Peer().String()) {
		t.Errorf("%q does not name the peers", got)
	}
}

// forms are the ways in which bytes get printed; a part is enough to know them by.
func forms(secret []byte) []string {
	part := secret[8:16]
	return []string{
		string(part), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), fmt.Sprintf("% x", part),
		strings.Trim(fmt.Sprint(part), "[]"), strings.Trim(fmt.Sprintf("%#v", part), "[]byte{}"),
	}
}

func TestTheFormsOfASecretAreFoundWhenItIsPrinted(t *testing.T) {
	secret := ephemeral(t, 3).Bytes()
	for _, verb := range []string{"%v", "%#v", "%x", "%X", "%s", "% x"} {
		printed, found := fmt.Sprintf(verb, secret), false
		for _, form := range forms(secret) {
			found = found || strings.Contains(printed, form)
		}
		if !found {
			t.Errorf("%s prints %s and no form is in it", verb, printed)
		}
	}
}

func TestTheSessionOfAFinishedHandshakeLeavesNoKeysBehind(t *testing.T) {
	d := newMachine(setup{role: negotiate.Dialer, identity: newIdentity(t, 1), ephemeral: ephemeral(t, 1)})
	a := newActual(t, negotiate.Listener, 9)
	a.read(t, d.Step(event{kind: begin}, nil)[0].data)
	second, _, _ := a.write(t, a.claim(t, newKey(t, 9)).encode())
	do := arrive(d, second)
	if do[1].kind != done {
		t.Fatal(do[1].err)
	}
	if *d.keys != (curve{}) || d.state.LocalEphemeral().Private != nil || d.state.PeerStatic() != nil {
		t.Error("the machine still holds keys")
	}
	do[1].session.wipe()
	if do[1].session.send != [keySize]byte{} {
		t.Error("wipe leaves a key")
	}
}
