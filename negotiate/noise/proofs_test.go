package noise

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
)

// aClaim is a good claim and its static key.
func aClaim(t *testing.T) (static []byte, c claim) {
	own := newIdentity(t, 1)
	return own.static.PublicKey().Bytes(), claim{key: own.key, sig: own.sig}
}

func TestAClaimThatDiffersInOneByteIsAnother(t *testing.T) {
	static, c := aClaim(t)
	seen := map[proof]string{proofOf(static, c): "the claim itself"}
	other := func(name string, static []byte, c claim) {
		p := proofOf(static, c)
		if before := seen[p]; before != "" {
			t.Errorf("%s is taken for %s", name, before)
		}
		seen[p] = name
	}
	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i]++
		return b
	}
	for i := range static {
		other("another static key", flip(static, i), c)
	}
	for i := range c.key {
		other("another identity", static, claim{key: flip(c.key, i), sig: c.sig})
	}
	for i := range c.sig {
		other("another signature", static, claim{key: c.key, sig: flip(c.sig, i)})
	}
	whole := append(bytes.Clone(c.key), c.sig...)
	for i := range whole {
		if i != len(c.key) {
			other("another border", static, claim{key: whole[:i], sig: whole[i:]})
		}
	}
}

func TestAHandshakeNotesWhomItMet(t *testing.T) {
	dialer, listener := New(newKey(t, 1)), New(newKey(t, 2))
	for range 2 { // the second one finds the first one's proofs
		a, b := tcp(t)
		d, l := secure(context.Background(), dialer, listener, a, b, "")
		if d.err != nil || l.err != nil {
			t.Fatal(d.err, l.err)
		}
		d.conn.Close()
		l.conn.Close()
	}
	for name, p := range map[string]struct{ of, who *Noise }{"dialer": {dialer, listener}, "listener": {listener, dialer}} {
		static := p.who.own.static.PublicKey().Bytes()
		if !p.of.proofs.has(proofOf(static, claim{key: p.who.own.key, sig: p.who.own.sig})) || len(p.of.proofs.now) != 1 {
			t.Errorf("the %s remembers %d claims, not the one", name, len(p.of.proofs.now))
		}
	}
}

func TestAClaimThatWasNeverCheckedIsChecked(t *testing.T) {
	for _, role := range roles {
		with, asked := ours(t, role), 0
		known := false
		with.known = func(proof) bool { asked++; return known }
		a := newActual(t, role.Other(), 9)
		c := a.claim(t, newKey(t, 9))
		c.sig[0]++
		if last, _ := meet(t, with, a, c.encode()); last.kind != fail || last.err.Rule != string(ruleSignature) || asked != 1 {
			t.Errorf("%s: a wrong signature ends in %v after %d questions", role, last, asked)
		}
		known = true // only then is the signature not looked at
		a = newActual(t, role.Other(), 9)
		if last, _ := meet(t, with, a, c.encode()); last.kind != done || last.session.proof != proofOf(a.static.Public, c) {
			t.Errorf("%s: a claim that is known ends in %v", role, last)
		}
	}
}

func TestAHandshakeThatFailedLeavesNoProof(t *testing.T) {
	dialer, listener := New(newKey(t, 1)), New(newKey(t, 2))
	a, b := tcp(t)
	d, l := secure(context.Background(), dialer, listener, a, b, newKey(t, 3).ID())
	if d.err == nil || l.err == nil {
		t.Fatal("a wrong peer was met")
	}
	if n := len(dialer.proofs.now) + len(listener.proofs.now); n != 0 {
		t.Errorf("%d claims are remembered", n)
	}
}

func TestTheLatestProofsAreKept(t *testing.T) {
	var p proofs
	number := func(i int) (one proof) {
		binary.BigEndian.PutUint32(one[:], uint32(i))
		return one
	}
	const often = 5 * maxProofs
	for i := 1; i <= often; i++ {
		p.add(number(i))
		if i > 10 && !p.has(number(10)) { // who comes back often enough stays
			t.Fatalf("number 10 is forgotten after %d", i)
		}
		if n := len(p.now) + len(p.old); n > 2*maxProofs {
			t.Fatalf("%d are kept", n)
		}
	}
	for i := often - maxProofs + 2; i <= often; i++ {
		if !p.has(number(i)) {
			t.Fatalf("number %d of %d is forgotten", i, often)
		}
	}
	if p.has(number(1)) {
		t.Error("the first one is still there")
	}
}
