package yamux

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// garbageLimits let some streams of the remote in.
var garbageLimits = muxer.Limits{Inbound: 3}

// garbageWindow is small, so that bytes and credit meet it.
const garbageWindow = 100

// prepared returns a listener's machine with three streams opened here: 2 is open,
// the user of 4 reads no more, 6 owes its RST. 8 waits for a place in the backlog.
func prepared() *Machine {
	m := small(New(negotiate.Listener, garbageLimits, Options{}), garbageWindow, garbageWindow)
	m.backlog = 3
	for range 4 {
		m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	}
	m.Step(start, muxer.Event{Kind: muxer.Room, N: 1000}, nil)
	// Answers of the remote would admit 8, whose SYN is never sent here.
	m.Step(start, muxer.Event{Kind: muxer.CloseRead, Stream: muxer.NewStreamID(4, true)}, nil)
	m.Step(start, muxer.Event{Kind: muxer.Reset, Stream: muxer.NewStreamID(6, true)}, nil)
	return m
}

// reading compares the machine with the second writing of its rules.
var reading = muxertest.Reading{
	Machine: func() muxer.Machine { return prepared() }, Lines: lines, Expected: expected,
	// What the machine keeps of bytes are the twelve of a head.
	Each: func(t *testing.T, machine muxer.Machine) {
		m := machine.(*Machine)
		if m.reader.have >= headSize || len(m.pongs.All()) > MaxPongs || len(m.streams) > 4+garbageLimits.Inbound {
			t.Errorf("the machine keeps %d bytes, %d pings, %d streams", m.reader.have, len(m.pongs.All()), len(m.streams))
		}
	},
}

// expected is what the machine should tell of bytes that come in one piece: the
// rules of the package's documentation, written a second time and slowly.
func expected(p []byte) []string {
	type half struct {
		state           string // receives, drops, closed, gone
		allowed, credit uint64
	}
	streams := map[uint32]*half{}
	for id, state := range map[uint32]string{2: "receives", 4: "drops", 6: "gone"} {
		streams[id] = &half{state, garbageWindow, garbageWindow}
	}
	inbound, pings, refused, leaving := 0, 0, 0, false
	var out []string
	name := func(id uint32) muxer.StreamID { return muxer.NewStreamID(uint64(id), id%2 == 0) }
	for len(p) >= 12 {
		kind, flags := p[1], binary.BigEndian.Uint16(p[2:])
		id, length := binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])
		version := p[0]
		p = p[12:]
		syn, fin, rst := flags&1 != 0, flags&4 != 0, flags&8 != 0
		switch {
		case version != 0:
			return append(out, "fatal "+RuleVersion)
		case kind > 3:
			return append(out, "fatal "+RuleType)
		case kind == 3 && length != 0:
			return append(out, fmt.Sprintf("fatal go-away %d", length))
		case kind == 3:
			leaving = true
			continue
		case kind == 2:
			if syn {
				if pings++; pings > 64 {
					return append(out, "fatal "+RulePongs)
				}
			}
			continue
		case id == 0:
			return append(out, "fatal "+RuleSession)
		case kind == 0 && length > garbageWindow:
			return append(out, "fatal "+RuleWindow)
		}
		var body []byte
		if kind == 0 {
			body = p[:min(int(length), len(p))]
			p = p[len(body):]
		}
		whole := kind != 0 || len(body) == int(length)
		s := streams[id]
		if syn {
			switch {
			case id%2 == 0:
				return append(out, "fatal "+RuleParity)
			case s != nil:
				return append(out, "fatal "+RuleNewStream)
			case rst:
			case inbound == garbageLimits.Inbound || leaving:
				if refused++; refused > MaxRefusals {
					return append(out, "fatal "+RuleRefusals)
				}
			default:
				s = &half{"receives", garbageWindow, garbageWindow}
				streams[id] = s
				inbound++
				out = append(out, fmt.Sprintf("accept %v", name(id)))
			}
		}
		if s == nil {
			continue
		}
		end := func() {
			out = append(out, fmt.Sprintf("forget %v", name(id)))
			delete(streams, id)
			if id%2 == 1 {
				inbound--
			}
		}
		switch {
		case rst:
			code := uint32(0)
			if kind == 1 {
				code = length
			}
			if s.state != "gone" {
				out = append(out, fmt.Sprintf("peer-reset %v code %d", name(id), code))
			}
			end()
			continue
		case kind == 1:
			if s.credit += uint64(length); s.credit > maxCredit {
				return append(out, "fatal "+RuleCredit)
			}
		case uint64(length) > s.allowed:
			return append(out, "fatal "+RuleWindow)
		default:
			s.allowed -= uint64(length)
			if s.state == "receives" && len(body) > 0 {
				out = append(out, fmt.Sprintf("deliver %v %x", name(id), body))
			}
		}
		if fin && whole && (s.state == "receives" || s.state == "drops") {
			s.state = "closed"
			out = append(out, fmt.Sprintf("eof %v", name(id)))
		}
	}
	return out
}

// someFrames returns frames that mostly make sense, from a seed.
func someFrames(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 4))
	var p []byte
	fresh := uint32(1)
	for range 30 {
		id := uint32(1 + random.IntN(9))
		kind, flags, length := uint8(0), uint8(0), uint32(random.IntN(20))
		switch random.IntN(10) {
		case 0, 1:
			kind, flags, id, length = uint8(random.IntN(2)), flagSYN, fresh, uint32(random.IntN(3))
			fresh += 2
		case 2:
			kind, flags, id = typePing, uint8(1+random.IntN(2)), 0
		case 3:
			kind, flags = uint8(random.IntN(2)), flagFIN
		case 4:
			kind, flags = uint8(random.IntN(2)), flagRST
		case 5, 6:
			kind, flags = typeWindowUpdate, uint8(random.IntN(2))*flagACK
		}
		p = appendHead(p, muxer.Effect{Op: opOf(kind, flags), Stream: muxer.NewStreamID(uint64(id), true), Code: length, N: int(length)})
		for range length {
			if kind == typeData {
				p = append(p, byte(random.Uint32()))
			}
		}
	}
	last := []head{
		{kind: 1, flags: flagRST, stream: 2, length: random.Uint32()}, {kind: 0, stream: 1, length: 101}, {kind: 1, stream: 2, length: maxCredit}, {kind: 3}, {kind: 3, length: 77},
		{kind: 4}, {version: 1}, {kind: 0, length: 1}, {kind: 1, flags: flagSYN, stream: 8}, {kind: 1, flags: flagSYN, stream: 1},
		{kind: 0, flags: flagSYN | flagFIN | flagRST, stream: 99},
	}[random.IntN(11)]
	p = append(p, last.version, last.kind, 0, uint8(last.flags))
	p = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(p, last.stream), last.length)
	return append(p, syn(101)...)
}

func TestFramesMeanTheSameInWhateverPiecesTheyCome(t *testing.T) {
	for seed := range uint64(300) {
		reading.EverySplit(t, someFrames(seed), seed)
	}
}

// A read may end anywhere in a frame, and the next one begins there.
func TestAReadMayEndAtEveryByte(t *testing.T) {
	for seed := range uint64(20) {
		reading.EveryCut(t, someFrames(seed))
	}
}

func FuzzReceived(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(someFrames(seed), seed)
	}
	f.Fuzz(reading.EverySplit)
}
