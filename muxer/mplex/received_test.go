package mplex

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	varint "github.com/multiformats/go-varint"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
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

// reading compares the machine with the second writing of its rules.
var reading = muxertest.Reading{
	Machine: func() muxer.Machine { return prepared() }, Lines: lines, Expected: expected,
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
		reading.EverySplit(t, someFrames(seed), seed)
	}
}

// A read may end anywhere in a frame, and the next one begins there.
func TestAReadMayEndAtEveryByte(t *testing.T) {
	for seed := range uint64(30) {
		reading.EveryCut(t, someFrames(seed))
	}
}

func FuzzReceived(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(someFrames(seed), seed)
	}
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, uint64(0))
	f.Fuzz(reading.EverySplit)
}
