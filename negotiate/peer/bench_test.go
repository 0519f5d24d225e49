package peer

import "testing"

func BenchmarkParseID(b *testing.B) {
	id := edKey(b).ID()
	for name, text := range map[string]string{"base58": id.String(), "cid": id.CID()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseID(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIDFromBytes(b *testing.B) {
	data := edKey(b).ID().Bytes()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := IDFromBytes(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIDString(b *testing.B) {
	id := edKey(b).ID()
	b.ReportAllocs()
	for b.Loop() {
		if id.String() == "" {
			b.Fatal("empty")
		}
	}
}

// perKey runs a benchmark for each kind and size of key.
func perKey(b *testing.B, run func(b *testing.B, key Key)) {
	vectors := foreignVectors(b)
	for _, v := range vectors[:len(vectors)-1] {
		key := mustKey(b, v.private)
		b.Run(v.name, func(b *testing.B) {
			b.ReportAllocs()
			run(b, key)
		})
	}
}

// handshakeMessage is as long as what noise signs.
var handshakeMessage = []byte("noise-libp2p-static-key:0123456789abcdef0123456789abcdef")

func BenchmarkSign(b *testing.B) {
	perKey(b, func(b *testing.B, key Key) {
		for b.Loop() {
			if _, err := key.Sign(handshakeMessage); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	perKey(b, func(b *testing.B, key Key) {
		sig, err := key.Sign(handshakeMessage)
		if err != nil {
			b.Fatal(err)
		}
		public := key.Public()
		for b.Loop() {
			if err := public.Verify(handshakeMessage, sig); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUnmarshalPublicKey(b *testing.B) {
	perKey(b, func(b *testing.B, key Key) {
		data := key.Public().Marshal()
		for b.Loop() {
			if _, err := UnmarshalPublicKey(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpenRecord(b *testing.B) {
	data := unhex(sealedRecord)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := OpenRecord(data); err != nil {
			b.Fatal(err)
		}
	}
}
