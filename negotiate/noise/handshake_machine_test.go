package noise

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"testing"

	flynn "github.com/flynn/noise"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// An actual is a remote end made of flynn/noise alone, with its own X25519, that
// sends whatever payload it is told to.
type actual struct {
	state  *flynn.HandshakeState
	static flynn.DHKey
}

func newActual(t testing.TB, role negotiate.Role, seed byte) *actual {
	t.Helper()
	return newActualWith(t, role, seed, nil)
}

// newActualWith is newActual with another prologue than libp2p's, which is empty.
func newActualWith(t testing.TB, role negotiate.Role, seed byte, prologue []byte) *actual {
	t.Helper()
	random := chance(seed)
	static, err := flynn.DH25519.GenerateKeypair(random)
	if err != nil {
		t.Fatal(err)
	}
	state, err := flynn.NewHandshakeState(flynn.Config{
		CipherSuite:   flynn.NewCipherSuite(flynn.DH25519, flynn.CipherChaChaPoly, flynn.HashSHA256),
		Random:        random,
		Pattern:       flynn.HandshakeXX,
		Initiator:     role == negotiate.Dialer,
		Prologue:      prologue,
		StaticKeypair: static,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &actual{state: state, static: static}
}

func (a *actual) write(t testing.TB, payload []byte) ([]byte, *flynn.CipherState, *flynn.CipherState) {
	t.Helper()
	out, one, two, err := a.state.WriteMessage(nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	return out, one, two
}

func (a *actual) read(t testing.TB, data []byte) []byte {
	t.Helper()
	payload, _, _, err := a.state.ReadMessage(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// claim is the honest claim of the host that key belongs to.
func (a *actual) claim(t testing.TB, key peer.Key) claim {
	t.Helper()
	sig, err := key.Sign([]byte("noise-libp2p-static-key:" + string(a.static.Public)))
	if err != nil {
		t.Fatal(err)
	}
	return claim{key: key.Public().Marshal(), sig: sig}
}

// arrive feeds a whole message to a machine.
func arrive(m *machine, data []byte) []effect {
	if do := m.Step(event{kind: announced, n: len(data)}, nil); len(do) > 0 {
		return do
	}
	return m.Step(event{kind: message, data: data}, nil)
}

// meet runs one of our machines against an actual end that sends payload, and
// returns the machine's last effect and the payload it sent, nil if it sent none.
func meet(t testing.TB, with setup, a *actual, payload []byte) (effect, []byte) {
	t.Helper()
	m := newMachine(with)
	if with.role == negotiate.Listener {
		first, _, _ := a.write(t, nil)
		do := arrive(m, first)
		ours := a.read(t, do[0].data)
		third, _, _ := a.write(t, payload)
		do = arrive(m, third)
		return do[len(do)-1], ours
	}
	a.read(t, m.Step(event{kind: begin}, nil)[0].data)
	second, _, _ := a.write(t, payload)
	do := arrive(m, second)
	var ours []byte
	if do[0].kind == send {
		ours = a.read(t, do[0].data)
	}
	return do[len(do)-1], ours
}

var roles = []negotiate.Role{negotiate.Dialer, negotiate.Listener}

func ours(t testing.TB, role negotiate.Role) setup {
	return setup{role: role, identity: newIdentity(t, 1), ephemeral: ephemeral(t, 1)}
}

func TestAnEndMadeOfTheLibraryAloneAgreesWithTheMachine(t *testing.T) {
	for _, role := range roles {
		t.Run(role.String(), func(t *testing.T) {
			a, key := newActual(t, role.Other(), 9), newKey(t, 9)
			last, payload := meet(t, ours(t, role), a, a.claim(t, key).encode())
			if last.kind != done {
				t.Fatalf("the machine says %v", last.err)
			}
			if got := last.session.key.ID(); got != key.ID() {
				t.Errorf("it met %s, want %s", got, key.ID())
			}
			got, err := decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			met, broken, err := got.prove(a.state.PeerStatic(), false)
			if err != nil {
				t.Fatalf("%s: %v", broken, err)
			}
			if want := newKey(t, 1).ID(); met.ID() != want {
				t.Errorf("it said that it is %s, want %s", met.ID(), want)
			}
		})
	}
}

func TestAWrongPeerIsNamedByBothRoles(t *testing.T) {
	for _, role := range roles {
		with := ours(t, role)
		with.want = newKey(t, 7).ID()
		a := newActual(t, role.Other(), 9)
		last, payload := meet(t, with, a, a.claim(t, newKey(t, 9)).encode())
		if last.kind != fail {
			t.Fatalf("%s: the handshake succeeded", role)
		}
		var wrong *peer.MismatchError
		if !errors.As(last.err, &wrong) || wrong.Want != with.want || wrong.Got != newKey(t, 9).ID() {
			t.Errorf("%s: %v, want a mismatch of the two", role, last.err)
		}
		if role == negotiate.Dialer && payload != nil {
			t.Errorf("the dialer told a wrong peer who it is")
		}
	}
}

// both are the setups of a dialer, host 1, and of a listener, host 2.
func both(t testing.TB) [2]setup {
	return [2]setup{
		{role: negotiate.Dialer, identity: newIdentity(t, 1), ephemeral: ephemeral(t, 1)},
		{role: negotiate.Listener, identity: newIdentity(t, 2), ephemeral: ephemeral(t, 2)},
	}
}

// exchange runs two machines; change may alter each message on its way. It
// returns the last effect of either end.
func exchange(with [2]setup, change func(number int, data []byte) []byte) (dialer, listener effect) {
	d, l := newMachine(with[negotiate.Dialer]), newMachine(with[negotiate.Listener])
	do := d.Step(event{kind: begin}, nil)
	for number := 1; number <= 3; number++ {
		if do[0].kind != send {
			break
		}
		data := change(number, do[0].data)
		if number == 2 {
			do = arrive(d, data)
			dialer = do[len(do)-1]
		} else {
			do = arrive(l, data)
			listener = do[len(do)-1]
		}
	}
	return dialer, listener
}

func TestABitFlippedAnywhereEndsTheHandshake(t *testing.T) {
	with, sizes := both(t), map[int]int{}
	exchange(with, func(number int, data []byte) []byte { sizes[number] = len(data); return data })
	for number := 1; number <= 3; number++ {
		for at := range sizes[number] {
			dialer, listener := exchange(with, func(n int, data []byte) []byte {
				if n != number {
					return data
				}
				data = bytes.Clone(data)
				data[at] ^= 1 << (at % 8)
				return data
			})
			victim := dialer // only it can know when message 1 or 2 was changed
			if number == 3 {
				victim = listener
			}
			if victim.kind != fail || number < 3 && listener.kind == done {
				t.Fatalf("message %d, byte %d: dialer %v, listener %v", number, at, dialer, listener)
			}
		}
	}
}

func TestAMessageOfAnotherHandshakeEndsTheHandshake(t *testing.T) {
	recorded := map[int][]byte{}
	exchange(both(t), func(number int, data []byte) []byte { recorded[number] = data; return data })

	// The same hosts with new ephemeral keys.
	fresh := func(role negotiate.Role) *machine {
		seed := byte(1 + role)
		return newMachine(setup{role: role, identity: newIdentity(t, seed), ephemeral: ephemeral(t, seed+10)})
	}
	l := fresh(negotiate.Listener)
	if do := arrive(l, recorded[1]); do[0].kind != send {
		t.Fatalf("message 1 is not secret and may be repeated, got %v", do[0].err)
	}
	if do := arrive(l, recorded[3]); do[0].kind != fail || do[0].err.Rule != string(ruleOpens) {
		t.Errorf("a repeated message 3 had the effect %v", do)
	}
	d := fresh(negotiate.Dialer)
	d.Step(event{kind: begin}, nil)
	if do := arrive(d, recorded[2]); do[0].kind != fail || do[0].err.Rule != string(ruleOpens) {
		t.Errorf("a repeated message 2 had the effect %v", do)
	}
}

// The prologue is part of what every sealed part of a message is sealed with: the
// dialer finds out from message 2. A dialer with another one cannot open our
// message 2, and whatever it sends then does not open here.
func TestAnotherPrologueEndsTheHandshake(t *testing.T) {
	prologue := []byte("another protocol")
	a := newActualWith(t, negotiate.Listener, 9, prologue)
	last, payload := meet(t, ours(t, negotiate.Dialer), a, a.claim(t, newKey(t, 9)).encode())
	if last.kind != fail || last.err.Rule != string(ruleOpens) || payload != nil {
		t.Errorf("the dialer: %v, and it said %x", last, payload)
	}

	a = newActualWith(t, negotiate.Dialer, 9, prologue)
	m := newMachine(ours(t, negotiate.Listener))
	first, _, _ := a.write(t, nil)
	second := arrive(m, first)
	if _, _, _, err := a.state.ReadMessage(nil, second[0].data); err == nil {
		t.Error("a dialer with another prologue opened message 2")
	}
	third := make([]byte, thirdSize+len(a.claim(t, newKey(t, 9)).encode()))
	if do := arrive(m, third); do[0].kind != fail || do[0].err.Rule != string(ruleOpens) {
		t.Errorf("the listener: %v", do)
	}
}

func TestAPointOfLowOrderEndsTheHandshake(t *testing.T) {
	for _, role := range roles {
		m := newMachine(ours(t, role))
		point := make([]byte, keySize)
		if role == negotiate.Dialer {
			m.Step(event{kind: begin}, nil)
			point = make([]byte, secondSize)
		}
		if do := arrive(m, point); len(do) != 1 || do[0].kind != fail || do[0].err.Rule != string(rulePoint) {
			t.Errorf("%s: %v", role, do)
		}
	}
}

func TestAMachineIsTotalAndSilentAfterItsEnd(t *testing.T) {
	events := []event{
		{kind: begin}, {kind: announced}, {kind: announced, n: firstSize}, {kind: announced, n: -1},
		{kind: announced, n: 200}, {kind: message}, {kind: message, data: make([]byte, firstSize)},
		{kind: message, data: make([]byte, 200)},
	}
	var play func(with setup, path []event)
	play = func(with setup, path []event) {
		role := with.role
		m, ended := newMachine(with), false
		for _, ev := range path {
			do := m.Step(ev, nil)
			if ended && len(do) > 0 {
				t.Fatalf("%s, %v: an effect after the end", role, path)
			}
			for i, f := range do {
				if ended = f.kind != send; ended && i != len(do)-1 {
					t.Fatalf("%s, %v: the end is not the last effect", role, path)
				}
				if f.kind == done {
					t.Fatalf("%s, %v: agreed with nobody", role, path)
				}
			}
			if ended && (*m.keys != curve{} || m.phase != failed) {
				t.Fatalf("%s, %v: the failed machine holds keys", role, path)
			}
		}
		if len(path) < 3 {
			for _, ev := range events {
				play(with, append(path[:len(path):len(path)], ev))
			}
		}
	}
	for _, role := range roles {
		play(ours(t, role), nil)
	}
}

func TestAMessageThatWasNotAnnouncedEndsTheHandshake(t *testing.T) {
	for name, events := range map[string][]event{
		"no length":      {{kind: message, data: make([]byte, firstSize)}},
		"another length": {{kind: announced, n: firstSize}, {kind: message, data: make([]byte, firstSize+1)}},
	} {
		m := newMachine(ours(t, negotiate.Listener))
		var do []effect
		for _, ev := range events {
			do = m.Step(ev, do)
		}
		if len(do) != 1 || do[0].kind != fail || do[0].err.Rule != string(ruleOrder) {
			t.Errorf("%s: %v", name, do)
		}
	}
}

func TestEqualBytesMakeEqualKeysAndNoMoreThanTheyNeedAreRead(t *testing.T) {
	source := bytes.NewReader(bytes.Repeat([]byte{7}, 2*keySize))
	var keys [2]*ecdh.PrivateKey
	for i := range keys {
		key, err := newPrivate(source)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	if !keys[0].Equal(keys[1]) || source.Len() != 0 {
		t.Errorf("the keys differ or %d bytes are left", source.Len())
	}
	if _, err := newPrivate(source); err == nil {
		t.Error("a key was made from nothing")
	}
}
