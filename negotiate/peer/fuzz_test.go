package peer

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzParseID(f *testing.F) {
	for text := range idVectors() {
		f.Add(text)
	}
	f.Add("bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6")
	f.Add("k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe")
	f.Add("")
	f.Add("\x00\x01\x72\x00\x01a")
	f.Add("1" + strings.Repeat("1", 399))
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			if id != "" || len(err.Error()) > 1000 {
				t.Fatalf("%q: %x, %v", text, string(id), err)
			}
			return
		}
		checkForms(t, id)
	})
}

func FuzzIDFromBytes(f *testing.F) {
	for _, data := range idVectors() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := IDFromBytes(data)
		if err != nil {
			return
		}
		if !bytes.Equal(id.Bytes(), data) {
			t.Fatalf("%x became %x", data, id.Bytes())
		}
		checkForms(t, id)
		if key, err := id.PublicKey(); err == nil && key.ID() != id {
			t.Fatalf("%s embeds the key of %s", id, key.ID())
		}
	})
}

// checkForms reads an ID back from everything it is written as.
func checkForms(t *testing.T, id ID) {
	t.Helper()
	if err := id.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{id.String(), id.CID()} {
		if got, err := ParseID(text); err != nil || got != id {
			t.Fatalf("%s reads as %x, %v; want %x", text, string(got), err, string(id))
		}
	}
}

func FuzzUnmarshalPublicKey(f *testing.F) {
	for _, v := range specVectors() {
		f.Add(v.pub)
	}
	for _, v := range foreignVectors(f) {
		f.Add(v.pub)
	}
	f.Add([]byte{0x08, 1, 0x12, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := UnmarshalPublicKey(data)
		if err != nil {
			return
		}
		if !bytes.Equal(key.Marshal(), data) || key.ID() != idOf(data) {
			t.Fatalf("%x is written as %x", data, key.Marshal())
		}
		if key.Verify(data, []byte{0x30, 6, 2, 1, 1, 2, 1, 1}) == nil {
			t.Fatalf("%x accepts a signature made by nobody", data)
		}
	})
}

func FuzzUnmarshalKey(f *testing.F) {
	for _, v := range specVectors() {
		f.Add(v.private)
	}
	for _, v := range foreignVectors(f) {
		f.Add(v.private)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := UnmarshalKey(data)
		if err != nil {
			return
		}
		again, err := UnmarshalKey(key.Marshal())
		if err != nil || again.ID() != key.ID() || !bytes.Equal(again.Marshal(), key.Marshal()) {
			t.Fatalf("%v does not read back: %v, %v", key, again, err)
		}
		sig, err := key.Sign(data)
		if err != nil {
			t.Fatalf("%v cannot sign: %v", key, err)
		}
		if err := again.Public().Verify(data, sig); err != nil {
			t.Fatalf("%v: %v", key, err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	for i, v := range foreignVectors(f) {
		f.Add(uint8(i), v.sig)
	}
	vectors := foreignVectors(f)
	keys := make([]PublicKey, len(vectors))
	for i, v := range vectors {
		keys[i] = mustKey(f, v.private).Public()
	}
	f.Fuzz(func(t *testing.T, i uint8, sig []byte) {
		n := int(i) % len(keys)
		if keys[n].Verify([]byte(foreignMessage), sig) != nil {
			return
		}
		for _, v := range vectors {
			if bytes.Equal(v.pub, vectors[n].pub) && bytes.Equal(v.sig, sig) {
				return
			}
		}
		t.Fatalf("key %s accepts %x", vectors[n].name, sig)
	})
}

func FuzzOpenEnvelope(f *testing.F) {
	f.Add(unhex(sealedRecord))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := OpenEnvelope(data, recordDomain); err == nil {
			if again, err := OpenEnvelope(e.Marshal(), recordDomain); err != nil || again.Key.ID() != e.Key.ID() {
				t.Fatalf("%x does not open again: %v", data, err)
			}
		}
		if r, key, err := OpenRecord(data); err == nil && r.ID != key.ID() {
			t.Fatalf("%x: a record of %s signed by %s", data, r.ID, key.ID())
		}
	})
}

func FuzzUnmarshalRecord(f *testing.F) {
	f.Add(record(f, 1, "/ip4/127.0.0.1/tcp/4001").Marshal())
	f.Add(record(f, 1<<63, "/ip4/1.2.3.4/tcp/1/p2p/"+edText+"/p2p-circuit", "/unix/a/b").Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := UnmarshalRecord(data)
		if err != nil {
			return
		}
		if len(r.Addrs) > MaxRecordAddrs || r.ID.Validate() != nil {
			t.Fatalf("%x gives %v", data, r)
		}
		again, err := UnmarshalRecord(r.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(r, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParseInfo(f *testing.F) {
	f.Add(exampleAddr)
	f.Add("/p2p/" + shaText)
	f.Add("/ip4/1.2.3.4/tcp/1/p2p/" + edText + "/p2p-circuit/p2p/" + shaText)
	f.Fuzz(func(t *testing.T, text string) {
		info, err := ParseInfo(text)
		if err != nil {
			return
		}
		addrs := info.Multiaddrs()
		if len(addrs) != 1 || len(info.Addrs) > 1 {
			t.Fatalf("%q gives %v", text, addrs)
		}
		transport, id := SplitAddr(addrs[0])
		if id != info.ID || len(info.Addrs) == 1 && !transport.Equal(info.Addrs[0]) {
			t.Fatalf("%q splits into %v and %s", text, transport, id)
		}
	})
}
