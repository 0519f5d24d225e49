package yamux

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// received is the event of a read that no pool owns.
func received(p []byte) muxer.Event {
	return muxer.Event{Kind: muxer.Received, Data: buf.Static(p)}
}

// sameBytes compares chunks by what they hold.
var sameBytes = cmp.Comparer(func(a, b buf.Chunk) bool { return bytes.Equal(a.Bytes(), b.Bytes()) })

// of names stream n of the remote.
func of(n uint64) muxer.StreamID { return muxer.NewStreamID(n, false) }

// syn opens a stream of the remote.
func syn(n uint64) []byte { return heads(control(typeWindowUpdate, flagSYN, of(n), 0)) }

// openings returns n SYN frames with the odd numbers from the given one on.
func openings(from uint64, n int) []byte {
	var p []byte
	for i := range n {
		p = append(p, syn(from+uint64(2*i))...)
	}
	return p
}

// broke checks that the machine has ended for a rule, and that the remote is
// told so with one frame, and nothing else ever.
func broke(t *testing.T, m *Machine, rule string) {
	t.Helper()
	var broken *muxer.ProtocolError
	if !errors.As(m.Err(), &broken) || broken.Rule != rule || broken.Muxer != string(ID) || broken.Code != goAwayProtocol {
		t.Fatalf("the machine says %v", m.Err())
	}
	do := m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 20}, nil)
	if len(do) != 1 || do[0].Op != opOf(typeGoAway, 0) || do[0].Code != goAwayProtocol || m.Pending() {
		t.Errorf("the last words are %v, pending %v", do, m.Pending())
	}
	if do := m.Step(start, received(syn(1)), nil); len(do) > 0 {
		t.Errorf("it goes on with %v", do)
	}
}

// CVE-2024-32984, rust-yamux before 0.13.2: a peer that triggers answers and does
// not read them made the queue of frames grow without end.
func TestAPingFloodByAPeerThatNeverReadsIsBounded(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	ping := heads(session(typePing, flagSYN, 7))
	for i := range MaxPongs {
		m.Step(start, received(ping), nil)
		if m.Err() != nil {
			t.Fatalf("dead after %d pings: %v", i+1, m.Err())
		}
	}
	m.Step(start, received(ping), nil)
	broke(t, m, RulePongs)
}

// The same: streams that are opened and reset, opened and closed, refused.
func TestAPeerThatNeverReadsCannotMakeTheMachineGrow(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{Inbound: 10}, Options{})
	for i := range uint64(100_000) {
		id := 2*i + 1
		reset := control(typeWindowUpdate, flagRST, of(id), 0)
		m.Step(start, received(append(syn(id), heads(reset)...)), nil)
	}
	if m.Err() != nil || m.Pending() || m.Streams() != 0 || len(m.spare) > maxSpare {
		t.Errorf("%v, pending %v, %d streams, %d spare records", m.Err(), m.Pending(), m.Streams(), len(m.spare))
	}
	for i := range uint64(10) {
		m.Step(start, received(syn(2*i+1)), nil)
		m.Step(start, muxer.Event{Kind: muxer.Reset, Stream: of(2*i + 1)}, nil)
	}
	if m.Streams() != 10 || m.owing.Len() != 10 {
		t.Errorf("%d streams, %d of which owe an RST", m.Streams(), m.owing.Len())
	}
	m.Step(start, received(openings(101, MaxRefusals)), nil)
	if m.Err() != nil {
		t.Fatalf("dead at the cap: %v", m.Err())
	}
	m.Step(start, received(openings(100_001, 1)), nil)
	broke(t, m, RuleRefusals)
}

func TestARemoteThatReadsItsRefusalsMayOpenForEver(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{Inbound: 1}, Options{})
	next, sent := uint64(1), 0
	for range 30 {
		m.Step(start, received(openings(next, 3000)), nil)
		next += 6000
		for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: 100_000}, nil) {
			if e.Op == opOf(typeWindowUpdate, flagRST) {
				sent++
			}
		}
	}
	if m.Err() != nil || sent != 30*3000-1 {
		t.Errorf("%v after %d refusals", m.Err(), sent)
	}
}

// CVE-2026-31814, rust-yamux 0.13.0 to 0.13.8: credit that overflows.
func TestCreditThatOverflowsEndsTheConnection(t *testing.T) {
	for _, c := range []struct {
		what   string
		frames []muxer.Effect
	}{
		{"with the SYN", []muxer.Effect{control(typeWindowUpdate, flagSYN, of(1), maxCredit)}},
		{"at once", []muxer.Effect{control(typeWindowUpdate, flagSYN, of(1), 0), control(typeWindowUpdate, 0, of(1), maxCredit)}},
		{"by one", []muxer.Effect{control(typeWindowUpdate, flagSYN, of(1), maxCredit-StartWindow), control(typeWindowUpdate, 0, of(1), 1)}},
		{"with the FIN", []muxer.Effect{control(typeWindowUpdate, flagSYN, of(1), 0), control(typeWindowUpdate, flagFIN, of(1), maxCredit)}},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := New(negotiate.Listener, muxer.Limits{}, Options{})
			m.Step(start, received(heads(c.frames...)), nil)
			broke(t, m, RuleCredit)
		})
	}
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	m.Step(start, received(heads(control(typeWindowUpdate, flagSYN, of(1), maxCredit-StartWindow))), nil)
	if m.Err() != nil || m.streams[of(1)].credit != maxCredit {
		t.Errorf("all the credit there is: %v", m.Err())
	}
}

// CVE-2026-32314, rust-yamux before 0.13.10: a first frame that is larger than the
// window left a half-made stream behind.
func TestAnOversizeFirstFrameLeavesNoStream(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	first := muxer.Effect{Kind: muxer.Send, Op: opOf(typeData, flagSYN), Stream: of(1), N: StartWindow + 1}
	do := m.Step(start, received(append(heads(first), letters(1000)...)), nil)
	if len(do) != 1 || do[0].Kind != muxer.Fatal || m.Streams() != 0 || m.inbound != 0 || m.owing.Len() != 0 {
		t.Errorf("%d effects, %d streams", len(do), m.Streams())
	}
	broke(t, m, RuleWindow)
}

// GHSA-hmj8-5xmh-5573, py-libp2p: a head that claims 4 GiB is refused before a byte
// of them comes, wherever it says they go.
func TestAClaimOf4GiBIsRefusedAtOnce(t *testing.T) {
	for _, stream := range []uint64{1, 2, 3, 99} {
		m := New(negotiate.Listener, muxer.Limits{}, Options{})
		m.Step(start, received(syn(1)), nil)
		m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
		live := buf.Live()
		claim := appendHead(nil, data(muxer.NewStreamID(stream, false), 1<<32-1))
		m.Step(start, received(claim), nil)
		if buf.Live() != live || m.rest != 0 {
			t.Errorf("%d buffers were taken, %d bytes are waited for", buf.Live()-live, m.rest)
		}
		broke(t, m, RuleWindow)
	}
}

// go-yamux's inflight leak of 2020: a place in the backlog is given back however
// a stream ends.
func TestAPlaceInTheBacklogIsGivenBackHoweverAStreamEnds(t *testing.T) {
	ends := map[string]func(m *Machine, id muxer.StreamID){
		"reset here": func(m *Machine, id muxer.StreamID) {
			m.Step(start, muxer.Event{Kind: muxer.Reset, Stream: id}, nil)
			m.Step(start, muxer.Event{Kind: muxer.Room, N: 1000}, nil)
		},
		"reset before its SYN": func(m *Machine, id muxer.StreamID) {
			m.Step(start, muxer.Event{Kind: muxer.Reset, Stream: id}, nil)
		},
		"refused": func(m *Machine, id muxer.StreamID) {
			m.Step(start, received(heads(control(typeWindowUpdate, flagRST, id, 9))), nil)
		},
		"answered": func(m *Machine, id muxer.StreamID) {
			m.Step(start, received(heads(control(typeWindowUpdate, flagACK, id, 0))), nil)
		},
		"answered twice": func(m *Machine, id muxer.StreamID) {
			ack := control(typeWindowUpdate, flagACK, id, 0)
			m.Step(start, received(heads(ack, ack)), nil)
		},
		"answered and reset": func(m *Machine, id muxer.StreamID) {
			m.Step(start, received(heads(control(typeWindowUpdate, flagACK, id, 0), control(typeWindowUpdate, flagRST, id, 0))), nil)
		},
		"closed without an answer": func(m *Machine, id muxer.StreamID) {
			m.Step(start, received(heads(control(typeWindowUpdate, flagFIN, id, 0))), nil)
		},
	}
	for name, end := range ends {
		m := New(negotiate.Dialer, muxer.Limits{Outbound: 1 << 20}, Options{})
		for i := range 3 * MaxBacklog {
			do := m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
			if name != "reset before its SYN" {
				m.Step(start, muxer.Event{Kind: muxer.Room, N: 1000}, nil)
			}
			if end(m, do[0].Stream); m.unacked != 0 {
				t.Fatalf("%s: %d places are taken after %d streams", name, m.unacked, i+1)
			}
		}
	}
}

// go-yamux's limit of concurrent inbound streams (2021), and CVE-2022-23492: the
// streams of one connection are bounded, and what they are refused with says why.
func TestStreamsOverTheLimitAreRefusedWithACode(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	m.Step(start, received(openings(1, 1000)), nil)
	if m.Streams() != 256 || m.Stats().Refused != 1000-256 {
		t.Errorf("%d streams, %+v", m.Streams(), m.Stats())
	}
	for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 20}, nil) {
		if e.Op == opOf(typeWindowUpdate, flagRST) && e.Code != muxer.CodeResourceLimit {
			t.Fatalf("refused with %#x", e.Code)
		}
	}
	for id := range uint64(256) {
		if m.Streams() == 1 && len(m.spare) != maxSpare {
			t.Errorf("%d records of streams are kept beside one that is live", len(m.spare))
		}
		m.Step(start, received(heads(control(typeWindowUpdate, flagRST, of(2*id+1), 0))), nil)
	}
	if m.Streams() != 0 || len(m.spare) != idleSpare {
		t.Errorf("%d streams and %d of their records are kept", m.Streams(), len(m.spare))
	}
}

// go-libp2p's codes are in the length field of the RST, and its table grows: any
// number is told to the user as it came. On a Data frame the field is a length.
func TestAnyNumberIsTheCodeOfAReset(t *testing.T) {
	for _, code := range []uint32{0, 1, 0x1007, StartWindow + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for _, flags := range []uint8{flagRST, flagRST | flagFIN, flagRST | flagACK} {
			m := New(negotiate.Listener, muxer.Limits{}, Options{})
			m.Step(start, received(syn(1)), nil)
			do := m.Step(start, received(heads(control(typeWindowUpdate, flags, of(1), code))), nil)
			want := []muxer.Effect{
				{Kind: muxer.PeerReset, Stream: of(1), Code: code}, {Kind: muxer.Forget, Stream: of(1)},
			}
			if diff := cmp.Diff(want, do, sameBytes); diff != "" || m.Err() != nil {
				t.Errorf("code %#x, flags %d: %v (-want +got):\n%s", code, flags, m.Err(), diff)
			}
		}
	}
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	m.Step(start, received(syn(1)), nil)
	p := append(heads(muxer.Effect{Kind: muxer.Send, Op: opOf(typeData, flagRST), Stream: of(1), N: 4}), "abcd"...)
	if do := m.Step(start, received(p), nil); len(do) != 2 || do[0].Kind != muxer.PeerReset || do[0].Code != 0 {
		t.Errorf("an RST with bytes: %v", do)
	}
}

// The numbers that others rely on, and that the documentation names.
func TestTheLimitsAreTheDocumentedNumbers(t *testing.T) {
	if MaxBacklog != 256 || MaxPongs != 64 || MaxRefusals != 4096 || StartWindow != 256<<10 || MaxID != 1<<32-1 || maxCredit != 1<<32-1 {
		t.Error("a limit has another number than its documentation")
	}
	if tuneTrips != 4 || freshRTT != 30*time.Second {
		t.Error("windows are tuned by other numbers")
	}
}

// go-yamux's accounting of window updates (2022): windows grow no further than
// the connection's budget, and a stream that ends gives its part back.
func TestTheBudgetOfWindowsIsSharedAndGivenBack(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{WindowBudget: 1 << 20}, Options{})
	m.Step(start, received(openings(1, 10)), nil)
	m.life.rtt = time.Hour
	body := letters(64 << 10)
	use := func(n uint64) {
		for range 8 {
			m.Step(start, received(append(heads(data(of(n), len(body))), body...)), nil)
			m.Step(start, muxer.Event{Kind: muxer.Consumed, Stream: of(n), N: len(body)}, nil)
			m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 20}, nil)
		}
	}
	sum := func() (sum int) {
		for _, s := range m.streams {
			sum += s.window - StartWindow
		}
		return sum
	}
	for n := uint64(1); n < 20; n += 2 {
		use(n)
	}
	if m.Err() != nil || sum() != 1<<20 || m.grown != 1<<20 {
		t.Fatalf("%v: the windows have grown by %d, counted as %d", m.Err(), sum(), m.grown)
	}
	for n := uint64(1); n < 20; n += 2 {
		m.Step(start, received(heads(control(typeWindowUpdate, flagRST, of(n), 0))), nil)
	}
	if m.grown != 0 {
		t.Errorf("%d bytes are still counted", m.grown)
	}
}

// Two streams, opened and closed by turns: no WindowUpdate is sent on one that the
// remote has closed, and no RST for one that nobody knows.
func TestNothingIsSentAboutAStreamThatHasEnded(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{}, Options{})
	m.Step(start, received(append(append(syn(1), heads(data(of(1), 4))...), "abcd"...)), nil)
	m.Step(start, muxer.Event{Kind: muxer.CloseWrite, Stream: of(1)}, nil)
	m.Step(start, muxer.Event{Kind: muxer.Room, N: 1000}, nil)
	for _, p := range [][]byte{
		heads(control(typeWindowUpdate, flagFIN, of(1), 0)),
		append(heads(data(of(1), 4)), "abcd"...),
		heads(control(typeWindowUpdate, 0, of(1), 5)),
		heads(control(typeWindowUpdate, flagFIN, of(1), 5)),
		heads(control(typeWindowUpdate, flagACK, of(1), 5)),
		heads(control(typeWindowUpdate, flagRST, of(1), 5)),
	} {
		m.Step(start, received(p), nil)
		m.Step(start, muxer.Event{Kind: muxer.Consumed, Stream: of(1), N: 4}, nil)
		if m.Pending() || m.Err() != nil {
			t.Errorf("after % x something waits to be sent, %v", p, m.Err())
		}
	}
}

// A hundred streams that always have bytes and credit get the same share,
// whatever the room of the batches.
func TestBusyStreamsShareEvenly(t *testing.T) {
	for _, room := range []int{300, 4096, 65483, 1 << 20} {
		m := New(negotiate.Dialer, muxer.Limits{}, Options{})
		got := map[muxer.StreamID]int{}
		for range 100 {
			id := m.Step(start, muxer.Event{Kind: muxer.Open}, nil)[0].Stream
			m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: id, N: 1 << 40}, nil)
			m.streams[id].credit = maxCredit
		}
		total := 0
		for total < 100<<20 {
			for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: room}, nil) {
				got[e.Stream] += e.N
				total += e.N
			}
		}
		for id, n := range got {
			if fair := total / 100; n < fair-muxer.FairShare || n > fair+muxer.FairShare {
				t.Errorf("room %d: stream %v sent %d bytes, the fair share is %d", room, id, n, fair)
			}
		}
	}
}

func TestFramesAreOf16KiBUnlessAnOptionSaysOtherwise(t *testing.T) {
	for _, c := range []struct{ limit, option, want int }{
		{0, 0, 16 << 10}, {64 << 10, 0, 16 << 10}, {1000, 0, 1000}, {64 << 10, 64 << 10, 64 << 10}, {0, 1 << 20, 64 << 10}, {1 << 20, 32 << 10, 32 << 10},
	} {
		m := Factory(Options{Frame: c.option}).New(negotiate.Dialer, muxer.Limits{Frame: c.limit}).(*Machine)
		m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
		m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: muxer.NewStreamID(1, true), N: 1 << 30}, nil)
		largest := 0
		for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 30}, nil) {
			largest = max(largest, e.N)
		}
		if largest != c.want {
			t.Errorf("limit %d, option %d: a frame of %d bytes, not %d", c.limit, c.option, largest, c.want)
		}
	}
}

func TestTheZeroOptionsAreTheDocumentedDefaults(t *testing.T) {
	want := Options{Window: 16 << 20, Frame: 16 << 10, KeepAlive: 30 * time.Second, Answer: 10 * time.Second}
	if got := (Options{}).withDefaults(); got != want {
		t.Errorf("got %+v", got)
	}
	for given, want := range map[int]int{1: StartWindow, 1 << 20: 1 << 20, 1 << 40: 1 << 30} {
		if got := (Options{Window: given}).withDefaults().Window; got != want {
			t.Errorf("a window of %d is taken as %d", given, got)
		}
	}
	if Factory(Options{}).Protocol != "/yamux/1.0.0" {
		t.Error("the protocol has another name")
	}
}

func TestAFrameInSteadyStateAllocatesNothing(t *testing.T) { load.AllocatesNothing(t) }
