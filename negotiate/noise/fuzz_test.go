package noise

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// FuzzHandshake meets both roles with a remote that computes as it should and
// sends any payload (mode 0), and with one that sends any bytes (mode 1).
func FuzzHandshake(f *testing.F) {
	a := newActual(f, negotiate.Listener, 9)
	good := a.claim(f, newKey(f, 9))
	good.muxers = []string{"/yamux/1.0.0"}
	f.Add(true, false, good.encode())
	f.Add(false, false, good.encode())
	f.Add(false, false, good.encode()[:40])
	f.Add(true, true, append([]byte{0, 32}, make([]byte, 32)...))
	f.Add(false, true, append([]byte{0, 96}, make([]byte, 96)...))
	f.Add(true, true, append(append([]byte{0, 32}, ephemeral(f, 4).PublicKey().Bytes()...), append([]byte{0, 64}, make([]byte, 64)...)...))
	identity, key := newIdentity(f, 1), ephemeral(f, 1)
	f.Fuzz(func(t *testing.T, listener, wild bool, data []byte) {
		with := setup{role: negotiate.Dialer, identity: identity, ephemeral: key, muxers: []string{"/yamux/1.0.0"}}
		if listener {
			with.role = negotiate.Listener
		}
		if wild {
			c := &pipe{reads: []read{{data: data}}}
			s, err := drive(c, newMachine(with))
			var failed *negotiate.HandshakeError
			if s != nil || !errors.As(err, &failed) {
				t.Fatalf("any bytes led to %v, %v", s, err)
			}
			return
		}
		if len(data) > 2*maxPayload {
			return
		}
		a := newActual(t, with.role.Other(), 9)
		last, _ := meet(t, with, a, data)
		if last.kind == done {
			// Only who holds the key can have signed this static key.
			c, err := decode(data)
			if err != nil {
				t.Fatal(err)
			}
			key, err := peer.UnmarshalPublicKey(c.key)
			if err != nil || key.ID() != last.session.key.ID() ||
				key.Verify([]byte(signaturePrefix+string(a.static.Public)), c.sig) != nil {
				t.Fatalf("agreed with %s on the word of %x", last.session.key.ID(), data)
			}
		} else if last.err.Rule == "" {
			t.Fatalf("failed without a rule: %v", last.err)
		}
	})
}

// FuzzReadRecords compares a connection with a model that opens one record after
// the other. ops is a list of: the size of a record, or raw bytes, or a changed
// bit; pieces decides where the pipe cuts, waits past a deadline, and how large
// the slices are.
func FuzzReadRecords(f *testing.F) {
	f.Add([]byte{0, 10, 0, 0, 0, 255}, []byte{3, 0, 200}, uint16(100))
	f.Add([]byte{1, 255, 1, 64, 0, 3}, []byte{255, 255, 0, 1}, uint16(0xffff))
	f.Add([]byte{0, 9, 2, 20, 0, 9}, []byte{1, 1, 1}, uint16(9))
	f.Add([]byte{0, 9, 3, 5, 0, 9}, []byte{}, uint16(9))
	f.Fuzz(func(t *testing.T, ops, pieces []byte, size uint16) {
		if len(ops) > 64 {
			return
		}
		held := buf.Live()
		c, p, s := reading(t)
		var sent []byte
		for ; len(ops) >= 2; ops = ops[2:] {
			n := int(ops[1])
			switch ops[0] % 4 {
			case 0:
				sent = append(sent, wire(t, s, text(n))...)
			case 1:
				sent = append(sent, wire(t, s, text(min(n*260, maxPlain)))...)
			case 2:
				if len(sent) > 0 {
					sent[len(sent)-1-n%len(sent)] ^= 1 << (n % 8)
				}
			case 3:
				sent = append(sent, bytes.Repeat([]byte{ops[1]}, n%7)...)
			}
		}
		want, end := model(bytes.Clone(sent))

		for i, rest := 0, sent; len(rest) > 0; i++ {
			n := len(rest)
			if i < len(pieces) {
				n = min(n, 1+int(pieces[i])*int(pieces[i]))
				if pieces[i]%3 == 0 {
					p.reads = append(p.reads, late)
				}
			}
			p.reads = append(p.reads, read{data: rest[:n]})
			rest = rest[n:]
		}
		got, _, err := drain(c, 1+int(size))
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes were read, want %d", len(got), len(want))
		}
		var record *RecordError
		if end == "" && err != io.EOF || end != "" && (!errors.As(err, &record) || record.Rule != string(end)) {
			t.Fatalf("it ended with %v, want rule %q", err, end)
		}
		if now := buf.Live(); now != held {
			t.Fatalf("%d buffers are held at the end", now-held)
		}
	})
}

// model opens records in the plainest way. It returns what they hold and the
// rule that ends it, "" at the end between records.
func model(wire []byte) ([]byte, rule) {
	var key [keySize]byte
	chance(2).Read(key[:])
	s := newSealing(&key, lastRecord)
	var plain []byte
	for len(wire) > 0 {
		if len(wire) < headSize {
			return plain, ruleWhole
		}
		n := int(binary.BigEndian.Uint16(wire))
		wire = wire[headSize:]
		switch {
		case n < tagSize:
			return plain, ruleTag
		case n > len(wire):
			return plain, ruleWhole
		}
		if s.open(wire[:0], wire[:n]) != nil {
			return plain, ruleSealed
		}
		plain = append(plain, wire[:n-tagSize]...)
		wire = wire[n:]
	}
	return plain, ""
}
