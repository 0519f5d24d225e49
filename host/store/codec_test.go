package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/host/swarm"
)

func TestAPeerIsReadAsItWasWritten(t *testing.T) {
	for i := range 40 {
		want := someone(i, time.UnixMilli(1_700_000_000_123))
		got, err := decode(want.Peer.Bytes(), encode(want))
		must(t, err)
		if d := diff(want, got); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

func TestADamagedValueIsNeverRead(t *testing.T) {
	p := someone(3, time.UnixMilli(1e12))
	good := encode(p)
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if _, err := decode(p.Peer.Bytes(), bad); !errors.Is(err, errValue) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
		if _, err := decode(p.Peer.Bytes(), good[:i]); !errors.Is(err, errValue) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
	if _, err := decode(stranger(4).Bytes(), good); !errors.Is(err, errValue) {
		t.Errorf("under another key: %v", err)
	}
	if _, err := decode([]byte("nobody"), good); !errors.Is(err, errValue) {
		t.Errorf("under no key: %v", err)
	}
}

// FuzzReadingAPeer gives the reader values whose checksum is right.
func FuzzReadingAPeer(f *testing.F) {
	for i := range 5 {
		f.Add(encode(someone(i, time.UnixMilli(1e12)))[4:])
	}
	f.Add([]byte{})
	key := stranger(1).Bytes()
	f.Fuzz(func(t *testing.T, body []byte) {
		value := append(binary.BigEndian.AppendUint32(nil, checksum(key, body)), body...)
		p, err := decode(key, value)
		if err != nil {
			if !errors.Is(err, errValue) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if len(p.Addrs) == 0 || len(p.Addrs) > swarm.MaxAddrsPerPeer || len(p.Record) > swarm.MaxRecordSize {
			t.Fatalf("%d addresses, a record of %d bytes", len(p.Addrs), len(p.Record))
		}
		for _, a := range p.Addrs {
			if _, err := ma.NewMultiaddrBytes(a.Addr.Bytes()); err != nil || len(a.Addr.Bytes()) > swarm.MaxAddrSize {
				t.Fatalf("the address %v: %v", a.Addr, err)
			}
		}
		again, err := decode(key, encode(p))
		if d := diff(p, again); err != nil || d != "" {
			t.Fatalf("%v; -first +second:\n%s", err, d)
		}
	})
}
