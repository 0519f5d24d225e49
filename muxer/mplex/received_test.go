package mplex

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	varint "github.com/multiformats/go-varint"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// garbageLimits let some streams of the remote in.
var garbageLimits = muxer.Limits{Inbound: 3}

// prepared returns a machine with three streams opened here: 0 is open, the
// user of 1 reads no more, 2 owes its Reset.
func prepared() *Machine {
	m := New(negotiate.Listener, garbageLimits, PauseThenReset)
	for range 3 {
		m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	}
	m.Step(start, muxer.Event{Kind: muxer.Room, N: 1000}, nil)
	m.Step(start, muxer.Event{Kind: muxer.CloseRead, Stream: muxer.NewStreamID(1, true)}, nil)
	m.Step(start, muxer.Event{Kind: muxer.Reset, Stream: muxer.NewStreamID(2, true)}, nil)
	return m
}

// told feeds bytes to a prepared machine in reads of the sizes that size gives,
// and returns what it tells: deliveries to one stream that follow each other are
// one, since they depend on the reads.
func told(t *testing.T, p []byte, size func() int) []string {
	t.Helper()
	m, live := prepared(), buf.Live()
	var out []string
	var last muxer.StreamID
	var bytes []byte
	flush := func() {
		if len(bytes) > 0 {
			out = append(out, fmt.Sprintf("deliver %v %x", last, bytes))
			bytes = nil
		}
	}
	var do []muxer.Effect
	for len(p) > 0 {
		n := max(1, min(size(), len(p), buf.MaxSize))
		c := buf.Copy(p[:n])
		p = p[n:]
		do = m.Step(start, muxer.Event{Kind: muxer.Received, Data: c}, do[:0])
		c.Release()
		for _, e := range do {
			if e.Kind == muxer.Deliver {
				if e.Data.Len() == 0 {
					t.Error("nothing is delivered")
				}
				if last != e.Stream {
					flush()
				}
				last, bytes = e.Stream, append(bytes, e.Data.Bytes()...)
				e.Data.Release()
				continue
			}
			flush()
			if e.Kind == muxer.Fatal {
				var broken *muxer.ProtocolError
				if !errors.As(m.Err(), &broken) {
					t.Fatalf("fatal with %v", m.Err())
				}
				out = append(out, "fatal "+broken.Rule)
				continue
			}
			out = append(out, lines.Effect(e))
		}
	}
	flush()
	if n := buf.Live() - live; n != 0 {
		t.Errorf("%d buffers are lost", n)
	}
	return out
}

// expected is what the machine should tell of bytes that come in one piece: the
// rules of the package's documentation, written a second time and slowly, with
// the varints of go-varint.
func expected(p []byte) []string {
	const receives, drops, closedThere, gone = 0, 1, 2, 3
	streams := map[muxer.StreamID]int{
		muxer.NewStreamID(0, true): receives, muxer.NewStreamID(1, true): drops, muxer.NewStreamID(2, true): gone,
	}
	inbound, refused := 0, 0
	var out []string
	fault := func(err error) string {
		if errors.Is(err, varint.ErrNotMinimal) {
			return "fatal " + RuleVarintMinimal
		}
		return "fatal " + RuleVarintLength
	}
	for {
		key, n, err := varint.FromUvarint(p)
		if errors.Is(err, varint.ErrUnderflow) {
			return out
		} else if err != nil {
			return append(out, fault(err))
		}
		p = p[n:]
		length, n, err := varint.FromUvarint(p)
		if errors.Is(err, varint.ErrUnderflow) {
			return out
		} else if err != nil {
			return append(out, fault(err))
		}
		p = p[n:]
		flag := key & 7
		if flag == 7 {
			return append(out, "fatal "+RuleFlag)
		}
		if length > MaxBody {
			return append(out, "fatal "+RuleBody)
		}
		body := p[:min(int(length), len(p))]
		p = p[len(body):]
		id := muxer.NewStreamID(key>>3, flag == 1 || flag == 3 || flag == 5)
		state, live := streams[id]
		switch {
		case flag == 0 && live:
			return append(out, "fatal "+RuleNewStream)
		case flag == 0 && inbound == garbageLimits.Inbound:
			if refused++; refused > MaxRefusals {
				return append(out, "fatal "+RuleRefusals)
			}
		case flag == 0:
			streams[id] = receives
			inbound++
			out = append(out, fmt.Sprintf("accept %v", id))
		case !live:
		case flag <= 2 && state == receives && len(body) > 0:
			out = append(out, fmt.Sprintf("deliver %v %x", id, body))
		case flag <= 2:
		case flag <= 4 && (state == receives || state == drops):
			streams[id] = closedThere
			out = append(out, fmt.Sprintf("eof %v", id))
		case flag <= 4:
		default:
			if state != gone {
				out = append(out, fmt.Sprintf("peer-reset %v code 0", id))
			}
			out = append(out, fmt.Sprintf("forget %v", id))
			delete(streams, id)
			if !id.Opened() {
				inbound--
			}
		}
	}
}

// joined makes one delivery of those to one stream that follow each other.
func joined(list []string) []string {
	var out []string
	for i, line := range list {
		var a, b string
		if _, err := fmt.Sscanf(line, "deliver %s %s", &a, &b); err == nil && i > 0 {
			var c, d string
			if _, err := fmt.Sscanf(out[len(out)-1], "deliver %s %s", &c, &d); err == nil && a == c {
				out[len(out)-1] += b
				continue
			}
		}
		out = append(out, line)
	}
	return out
}

// everySplit compares the machine with the second writing of its rules, over
// reads of several sizes.
func everySplit(t *testing.T, p []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 3))
	want := joined(expected(p))
	for name, size := range map[string]func() int{
		"all at once":  func() int { return len(p) },
		"byte by byte": func() int { return 1 },
		"in pieces":    func() int { return 1 + random.IntN(20) },
	} {
		if diff := cmp.Diff(want, told(t, p, size)); diff != "" {
			t.Errorf("%x, %s (-want +got):\n%s", p, name, diff)
		}
	}
}

// someFrames returns frames that mostly make sense, from a seed.
func someFrames(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 4))
	var p []byte
	for range 30 {
		flag := uint8([]int{0, 1, 2, 1, 2, 1, 2, 3, 4, 5, 6}[random.IntN(11)])
		id := muxer.NewStreamID(uint64(random.IntN(5)), true)
		n := random.IntN(40)
		if flag != flagMessageInitiator && flag != flagMessageReceiver && random.IntN(8) > 0 {
			n = 0
		}
		if flag == flagNewStream {
			p = appendHead(p, frame(flag, id, 0))
			continue
		}
		p = appendHead(p, frame(flag, id, n))
		for range n {
			p = append(p, byte(random.Uint32()))
		}
	}
	switch random.IntN(6) {
	case 0:
		p = append(p, 0x80, 0x00)
	case 1:
		p = append(p, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)
	case 2:
		p = append(p, 0x02, 0x81, 0x80, 0x40)
	case 3:
		p = append(p, 0x07, 0x00)
	}
	return p
}

func TestFramesMeanTheSameInWhateverPiecesTheyCome(t *testing.T) {
	for seed := range uint64(300) {
		everySplit(t, someFrames(seed), seed)
	}
}

// A read may end anywhere in a frame, and the next one begins there.
func TestAReadMayEndAtEveryByte(t *testing.T) {
	for seed := range uint64(30) {
		p := someFrames(seed)
		want := joined(expected(p))
		for cut := range len(p) {
			first := true
			got := told(t, p, func() int {
				if first && cut > 0 {
					first = false
					return cut
				}
				return len(p)
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%x cut at %d (-want +got):\n%s", p, cut, diff)
			}
		}
	}
}

func FuzzReceived(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(someFrames(seed), seed)
	}
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, uint64(0))
	f.Fuzz(everySplit)
}
