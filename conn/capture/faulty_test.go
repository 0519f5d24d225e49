package capture_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// faulty is a machine with a mistake in what it sends, or that is deaf to an
// event of its engine.
type faulty struct {
	muxer.Machine
	head func(head []byte) []byte
	deaf muxer.EventKind
}

// never is a kind of event that does not exist.
const never = muxer.Tick + 1

func (m *faulty) AppendHead(dst []byte, send muxer.Effect) []byte {
	at := len(dst)
	dst = m.Machine.AppendHead(dst, send)
	if m.head == nil {
		return dst
	}
	return append(dst[:at], m.head(bytes.Clone(dst[at:]))...)
}

func (m *faulty) Step(now time.Time, ev muxer.Event, do []muxer.Effect) []muxer.Effect {
	if ev.Kind == m.deaf {
		return do
	}
	return m.Machine.Step(now, ev, do)
}

// with puts a mistake into a factory's machines.
func with(f muxer.Factory, head func([]byte) []byte, deaf muxer.EventKind) muxer.Factory {
	return muxer.Factory{Protocol: f.Protocol, New: func(role negotiate.Role, limits muxer.Limits) muxer.Machine {
		return &faulty{Machine: f.New(role, limits), head: head, deaf: deaf}
	}}
}

// flag changes the flags of yamux frames: those equal to from become to.
func flag(from, to byte) func([]byte) []byte {
	return func(head []byte) []byte {
		if head[1] < 2 && head[3] == from {
			head[3] = to
		}
		return head
	}
}

// mplexFlag does the same for mplex, whose heads begin with id<<3 | flag; in a
// short session that fits one byte.
func mplexFlag(from, to byte) func([]byte) []byte {
	return func(head []byte) []byte {
		if head[0] < 0x80 && head[0]&7 == from {
			head[0] = head[0]&^7 | to
		}
		return head
	}
}

func TestAMachineThatSaysOrHearsSomethingElseIsFound(t *testing.T) {
	for name, fault := range map[string]struct {
		muxer string
		head  func([]byte) []byte
		deaf  muxer.EventKind
	}{
		"yamux: a close is sent as a reset":        {"yamux", flag(4, 8), never},
		"yamux: a reset is sent as a close":        {"yamux", flag(8, 4), never},
		"yamux: a close is sent with no flag":      {"yamux", flag(4, 0), never},
		"yamux: an answer is sent with no flag":    {"yamux", flag(2, 0), never},
		"yamux: an opening is sent as an answer":   {"yamux", flag(1, 2), never},
		"yamux: the other parity":                  {"yamux", func(h []byte) []byte { h[7] ^= 1; return h }, never},
		"yamux: another version":                   {"yamux", func(h []byte) []byte { h[0] = 1; return h }, never},
		"yamux: lengths in the other order":        {"yamux", func(h []byte) []byte { h[8], h[11] = h[11], h[8]; return h }, never},
		"yamux: the value of a ping is changed":    {"yamux", func(h []byte) []byte { h[11] ^= h[1] >> 1 & 1; return h }, never},
		"yamux: deaf to a close":                   {"yamux", nil, muxer.CloseWrite},
		"yamux: deaf to a reset":                   {"yamux", nil, muxer.Reset},
		"yamux: deaf to what was read":             {"yamux", nil, muxer.Consumed},
		"mplex: a close has the other end's flag":  {"mplex", mplexFlag(4, 3), never},
		"mplex: a close of the acceptor as opener": {"mplex", mplexFlag(3, 4), never},
		"mplex: data has the other end's flag":     {"mplex", mplexFlag(1, 2), never},
		"mplex: a close is sent as a reset":        {"mplex", mplexFlag(3, 5), never},
		"mplex: a reset has the other end's flag":  {"mplex", mplexFlag(6, 5), never},
		"mplex: deaf to a close":                   {"mplex", nil, muxer.CloseWrite},
		"mplex: deaf to a reset":                   {"mplex", nil, muxer.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			for file, text := range sessions(t) {
				if !strings.Contains(file, "-"+fault.muxer+"-") || !strings.HasPrefix(file, "go-noise-") {
					continue
				}
				c := parse(t, text)
				if err := capture.Replay(c, with(factoryOf(c), fault.head, fault.deaf), 1); err == nil {
					t.Errorf("%s: nothing was found", file)
				}
			}
		})
	}
}

// The first byte of a read is mostly a frame's version, or its flag and number,
// and otherwise data that the stream's user compares. Now and then it concerns a
// stream that is gone, and nobody misses it.
func TestAMachineThatHearsAByteWrongIsFound(t *testing.T) {
	for file, text := range sessions(t) {
		if !strings.HasPrefix(file, "go-noise-") {
			continue
		}
		c := parse(t, text)
		tried, found := 0, 0
		for nth := 1; nth <= 41; nth += 5 {
			factory := factoryOf(c)
			misheard := muxer.Factory{Protocol: factory.Protocol, New: func(role negotiate.Role, limits muxer.Limits) muxer.Machine {
				return &hardOfHearing{Machine: factory.New(role, limits), nth: nth}
			}}
			tried++
			if capture.Replay(c, misheard, 1) != nil {
				found++
			}
		}
		if 4*found < 3*tried {
			t.Errorf("%s: %d of %d were found", file, found, tried)
		}
	}
}

// hardOfHearing is a machine that hears the first byte of its nth read wrong.
type hardOfHearing struct {
	muxer.Machine
	nth int
}

func (m *hardOfHearing) Step(now time.Time, ev muxer.Event, do []muxer.Effect) []muxer.Effect {
	if ev.Kind == muxer.Received {
		if m.nth--; m.nth == 0 {
			b := buf.Get(ev.Data.Len())
			n := copy(b.Bytes(), ev.Data.Bytes())
			b.Bytes()[0] ^= 0x07
			ev.Data = b.View(0, n)
			defer ev.Data.Release()
		}
	}
	return m.Machine.Step(now, ev, do)
}

func TestAReplayNeedsAMuxerThatCanBeFollowed(t *testing.T) {
	for _, text := range sessions(t) {
		c := parse(t, text)
		factory := factoryOf(c)
		c.Muxer = "/tmux/1.0.0"
		if err := capture.Replay(c, factory, 1); err == nil {
			t.Error("frames of an unknown muxer were followed")
		}
		c = parse(t, text)
		c.Key = []byte("no key")
		if err := capture.Replay(c, factory, 1); err == nil {
			t.Error("a key that is none was taken")
		}
		break
	}
}
