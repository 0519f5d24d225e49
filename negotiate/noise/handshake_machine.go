package noise

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"strings"

	flynn "github.com/flynn/noise"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// What handshake messages are made of (libp2p specs, noise/README.md, and the
// Noise specification, sections 5.3 and 7.5).
const (
	keySize = 32 // of an X25519 key and of a cipher key
	tagSize = 16 // what ChaCha20-Poly1305 adds to a plaintext

	firstSize  = keySize                               // e
	secondSize = keySize + keySize + tagSize + tagSize // e, s sealed, payload sealed
	thirdSize  = keySize + tagSize + tagSize           // s sealed, payload sealed

	// maxPayload bounds a payload. The specs allow what fits a message; the
	// longest honest one, RSA with 8192 bits and a hundred names, takes 5 kB.
	maxPayload = 16 << 10

	// maxMuxers is how many names a muxer list may have; go-libp2p has the same
	// limit (p2p/security/noise/transport.go).
	maxMuxers = 100
)

// A phase is where a handshake stands.
type phase uint8

const (
	idle phase = iota // the dialer, before it may speak
	awaitFirst
	awaitSecond
	awaitThird
	agreed
	failed
)

// A machine is one end of the XX handshake, pure: it starts nothing, waits for
// nothing, and all its randomness is the ephemeral key it is given.
//
//	dialer    idle ──begin: send 1──▶ await 2 ──message 2: send 3, done──▶ agreed
//	listener  await 1 ──message 1: send 2──▶ await 3 ──message 3: done──▶ agreed
//	          any ──a length or a message that breaks a rule: fail──▶ failed
//
// announced is checked before any byte of the message is read, so that nothing
// is ever stored on the word of a length.
type machine struct {
	role    negotiate.Role
	want    peer.ID // empty: any
	own     claim   // without muxers
	muxers  []string
	lenient bool
	known   func(proof) bool // which claims were checked before; nil: none

	phase     phase
	expecting bool // a length was announced and is good
	length    int
	keys      *curve
	state     *flynn.HandshakeState
}

// setup is what a machine is made from.
type setup struct {
	role      negotiate.Role
	want      peer.ID
	identity  *identity
	ephemeral *ecdh.PrivateKey // used for this handshake and no other
	muxers    []string
	lenient   bool // no common muxer: negotiate one later instead of failing

	// known says of a claim whether its signature was checked before. Nil: of none.
	known func(proof) bool
}

// Format keeps the keys from being printed.
func (s setup) Format(f fmt.State, _ rune) { io.WriteString(f, "setup of a noise "+s.role.String()) }

// newMachine returns a machine that awaits begin. The Noise specification's
// initiator is the dialer, its responder the listener.
func newMachine(s setup) *machine {
	keys := &curve{static: s.identity.static, ephemeral: s.ephemeral}
	state, err := flynn.NewHandshakeState(flynn.Config{
		CipherSuite:   flynn.NewCipherSuite(keys, flynn.CipherChaChaPoly, flynn.HashSHA256),
		Random:        strings.NewReader(""), // no more is needed than keys has
		Pattern:       flynn.HandshakeXX,
		Initiator:     s.role == negotiate.Dialer,
		StaticKeypair: keys.staticPair(),
	})
	if err != nil {
		panic("noise: " + err.Error()) // it fails on pre-shared keys only
	}
	m := &machine{
		role: s.role, want: s.want, own: claim{key: s.identity.key, sig: s.identity.sig},
		muxers: s.muxers, lenient: s.lenient, known: s.known, keys: keys, state: state,
	}
	if s.role == negotiate.Listener {
		m.phase = awaitFirst
	}
	return m
}

// Format keeps the keys inside from being printed, for every verb and flag.
func (m *machine) Format(f fmt.State, _ rune) {
	io.WriteString(f, "noise "+m.role.String()+", "+m.stage())
}

// stage says in words what the machine is waiting for.
func (m *machine) stage() string {
	switch m.phase {
	case idle:
		return "before message 1"
	case awaitFirst:
		return "awaiting message 1"
	case awaitSecond:
		return "awaiting message 2"
	case awaitThird:
		return "awaiting message 3"
	case agreed:
		return "agreed"
	case failed:
		return "failed"
	}
	panic("noise: a handshake is in an unknown phase")
}

// Step appends the effects of one event to do and returns it. It is total:
// every event is allowed in every phase, and after the end nothing has an effect.
func (m *machine) Step(ev event, do []effect) []effect {
	if m.phase == agreed || m.phase == failed {
		return do
	}
	switch ev.kind {
	case begin:
		if m.phase != idle {
			return do
		}
		return m.speak(nil, awaitSecond, do)
	case announced:
		return m.expect(ev.n, do)
	case message:
		if m.phase == idle || !m.expecting || len(ev.data) != m.length {
			return m.fail(ruleOrder, nil, do)
		}
		m.expecting = false
		return m.receive(ev.data, do)
	}
	panic("noise: a handshake met an event of unknown kind")
}

// expect checks the length of the next message.
func (m *machine) expect(n int, do []effect) []effect {
	broken, least, most := ruleOrder, 0, -1
	switch m.phase {
	case awaitFirst:
		broken, least, most = ruleFirst, firstSize, firstSize
	case awaitSecond:
		broken, least, most = ruleSecond, secondSize, secondSize+maxPayload
	case awaitThird:
		broken, least, most = ruleThird, thirdSize, thirdSize+maxPayload
	}
	if m.expecting || n < least || n > most {
		return m.fail(broken, nil, do)
	}
	m.expecting, m.length = true, n
	return do
}

// receive opens a message and answers it.
func (m *machine) receive(data []byte, do []effect) []effect {
	payload, first, second, err := m.state.ReadMessage(nil, data)
	if err != nil {
		return m.fail(blame(err, ruleOpens), err, do)
	}
	if m.phase == awaitFirst {
		own := m.own
		own.muxers = m.muxers
		return m.speak(own.encode(), awaitThird, do)
	}

	theirs, err := decode(payload)
	if err != nil {
		return m.fail(rulePayload, err, do)
	}
	claimed := proofOf(m.state.PeerStatic(), theirs)
	key, broken, err := theirs.prove(m.state.PeerStatic(), m.known != nil && m.known(claimed))
	if err != nil {
		return m.fail(broken, err, do)
	}
	if got := key.ID(); m.want != "" && got != m.want {
		return m.fail(rulePeer, &peer.MismatchError{Want: m.want, Got: got}, do)
	}
	muxer, broken := m.choose(theirs.muxers)
	if broken != "" {
		return m.fail(broken, nil, do)
	}
	if m.phase == awaitThird {
		return m.finish(first, second, &session{key: key, proof: claimed, muxer: negotiate.Protocol(muxer)}, do)
	}

	own := m.own
	if muxer != "" {
		// Only the one chosen, as the specs allow: js-libp2p as listener takes
		// the first of the dialer's list, and with one name all agree.
		own.muxers = []string{muxer}
	}
	out, first, second, err := m.state.WriteMessage(nil, own.encode())
	if err != nil {
		return m.fail(blame(err, ruleOrder), err, do)
	}
	do = append(do, effect{kind: send, data: out})
	return m.finish(first, second, &session{key: key, proof: claimed, muxer: negotiate.Protocol(muxer)}, do)
}

// choose agrees on a muxer from the remote's list. A list that is absent on
// either side leaves the choice to multistream-select.
func (m *machine) choose(theirs []string) (string, rule) {
	switch {
	case len(theirs) > maxMuxers:
		return "", ruleMuxers
	case len(m.muxers) == 0 || len(theirs) == 0:
		return "", ""
	}
	dialers, listeners := m.muxers, theirs
	if m.role == negotiate.Listener {
		dialers, listeners = theirs, m.muxers
	}
	muxer, ok := common(dialers, listeners)
	if !ok && !m.lenient {
		return "", ruleOverlap
	}
	return muxer, ""
}

// speak sends a message that is not the last.
func (m *machine) speak(payload []byte, next phase, do []effect) []effect {
	out, _, _, err := m.state.WriteMessage(nil, payload)
	if err != nil {
		return m.fail(blame(err, ruleOrder), err, do)
	}
	m.phase = next
	return append(do, effect{kind: send, data: out})
}

// blame says which rule err is about.
func blame(err error, otherwise rule) rule {
	var point *pointError
	if errors.As(err, &point) {
		return rulePoint
	}
	return otherwise
}

// finish puts the keys into the session and hands it out. The first cipher state is the initiator's to write
// with (Noise specification, section 5.2, Split).
func (m *machine) finish(first, second *flynn.CipherState, s *session, do []effect) []effect {
	s.send, s.receive = first.UnsafeKey(), second.UnsafeKey()
	if m.role == negotiate.Listener {
		s.send, s.receive = s.receive, s.send
	}
	*first, *second = flynn.CipherState{}, flynn.CipherState{}
	m.end(agreed)
	return append(do, effect{kind: done, session: s})
}

func (m *machine) fail(broken rule, cause error, do []effect) []effect {
	err := fault(m.stage(), broken, cause)
	m.end(failed)
	return append(do, effect{kind: fail, err: err})
}

// end forgets the handshake's secrets, as far as they can be reached: the last
// cipher key and the way to the ephemeral key. That key itself, which crypto/ecdh
// does not give up, and the chaining key are left to the garbage collector. The
// static key belongs to the identity.
func (m *machine) end(p phase) {
	m.phase = p
	*m.keys = curve{}
	*m.state = flynn.HandshakeState{}
}
