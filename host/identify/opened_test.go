package identify

import (
	"bytes"
	"errors"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestARecordWithoutAnAddressIsCheckedOnce(t *testing.T) {
	key := specKey()
	seal := func(seq uint64, texts ...string) []byte {
		data, err := peer.SealRecord(key, peer.Record{ID: key.ID(), Seq: seq, Addrs: addrs(texts...)})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var o opened
	checks := 0
	open := func(data []byte) error {
		signed, err := o.open(func(from peer.ID, data []byte) (*peer.SignedRecord, error) {
			checks++
			return openAny(from, data)
		}, key.ID(), data)
		if err == nil && (signed.Record().ID != key.ID() || !bytes.Equal(signed.Envelope(), data)) {
			t.Errorf("it is %+v", signed.Record())
		}
		return err
	}
	for name, c := range map[string]struct {
		data []byte
		want int
	}{"empty": {seal(1), 1}, "with an address": {seal(2, "/ip4/1.2.3.4/tcp/1"), 3}} {
		checks = 0
		for range 3 {
			if err := open(c.data); err != nil {
				t.Fatal(err)
			}
		}
		if checks != c.want {
			t.Errorf("%s: the signature was checked %d times, not %d", name, checks, c.want)
		}
	}
	forged := seal(1)
	forged[len(forged)-1]++
	var wrong *peer.EnvelopeError
	for range 2 {
		if err := open(forged); !errors.As(err, &wrong) {
			t.Errorf("a forged one: %v", err)
		}
	}
	for seq := uint64(10); seq < 10+3*maxOpened; seq++ {
		o.add([32]byte{byte(seq), byte(seq >> 8)})
	}
	if n := len(o.now) + len(o.old); n > 2*maxOpened {
		t.Errorf("%d are remembered", n)
	}
	if checks = 0; open(seal(1)) != nil || checks != 1 {
		t.Error("what was heard long ago is remembered, or wrong")
	}
}
