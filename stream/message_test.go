package stream

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/multiformats/go-varint"
)

func TestMessagesComeBackWhole(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, readStep, readStep + 1, 1 << 20} {
		want := bytes.Repeat([]byte{7}, size)
		var wire bytes.Buffer
		if err := WriteMessage(&wire, want, 1<<20); err != nil {
			t.Fatal(err)
		}
		wire.WriteString("rest")
		got, err := ReadMessage(iotest.OneByteReader(&wire), 1<<20)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if wire.String() != "rest" {
			t.Errorf("%d bytes: the reader left %q", size, wire.String())
		}
	}
}

func TestAMessageOverTheLimitIsRefusedByReaderAndWriter(t *testing.T) {
	var size *SizeError
	if err := WriteMessage(io.Discard, make([]byte, 11), 10); !errors.As(err, &size) || size.Size != 11 || size.Limit != 10 {
		t.Errorf("write: %v", err)
	}
	announced := varint.ToUvarint(1 << 40)
	if _, err := ReadMessage(bytes.NewReader(announced), 1<<20); !errors.As(err, &size) || size.Size != 1<<40 {
		t.Errorf("read: %v", err)
	}
}

func TestAnAnnouncedLengthAloneCostsLittleMemory(t *testing.T) {
	announced := append(varint.ToUvarint(1<<28), 1, 2, 3)
	cost := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadMessage(bytes.NewReader(announced), 1<<30); err != io.ErrUnexpectedEOF {
				b.Fatalf("got %v", err)
			}
		}
	}).AllocedBytesPerOp()
	if cost > 8*readStep {
		t.Errorf("a length of 256 MiB and 3 bytes cost %d bytes", cost)
	}
}

func TestHalfMessagesAndBadLengthsAreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		wire []byte
		want error
	}{
		"nothing":                      {nil, io.EOF},
		"half a length":                {[]byte{0x80}, io.ErrUnexpectedEOF},
		"half a message":               {[]byte{3, 1, 2}, io.ErrUnexpectedEOF},
		"a length and no message":      {[]byte{3}, io.ErrUnexpectedEOF},
		"a length that is not minimal": {[]byte{0x81, 0x00, 1}, varint.ErrNotMinimal},
		"an endless length":            {bytes.Repeat([]byte{0x80}, 20), varint.ErrOverflow},
	} {
		if _, err := ReadMessage(bytes.NewReader(test.wire), 100); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte{3, 1, 2, 3, 4})
	f.Add([]byte{0x80, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bytes.NewReader(wire)
		message, err := ReadMessage(r, 1<<16)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := WriteMessage(&again, message, 1<<16); err != nil {
			t.Fatal(err)
		}
		if taken := wire[:len(wire)-r.Len()]; !bytes.Equal(again.Bytes(), taken) {
			t.Errorf("read %x, wrote %x", taken, again.Bytes())
		}
	})
}
