package yamux

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// A setting is what the two machines of a world are made of.
type setting struct {
	limits      muxer.Limits
	options     Options
	start, most int // the first and the largest window
	backlog     int
	written     int // the most that is written on a stream; 0 is no bound
}

// usual are the defaults.
var usual = setting{start: StartWindow, most: 16 << 20, backlog: MaxBacklog}

// tight is so small that every limit is met often, and asks often whether the
// other end is there.
var tight = setting{
	limits:  muxer.Limits{Inbound: 5, Outbound: 6, Frame: 700, WindowBudget: 3000},
	options: Options{KeepAlive: 300 * time.Millisecond, Answer: 1000 * time.Hour},
	start:   900, most: 2500, backlog: 3,
}

// tiny has every limit at its smallest.
var tiny = setting{
	limits:  muxer.Limits{Inbound: 1, Outbound: 2, Frame: 1},
	options: Options{KeepAlive: 300 * time.Millisecond, Answer: 1000 * time.Hour},
	// A world that moves two bytes a round must not be given too many.
	start: 1, most: 2, backlog: 1, written: 500,
}

// machine returns the machine of an end.
func (s setting) machine(end uint8) *Machine {
	m := small(New(negotiate.Role(end), s.limits, s.options), s.start, s.most)
	m.backlog = s.backlog
	return m
}

// world is the configuration of a world of two such machines.
func (s setting) world() muxertest.Config {
	// Unread bytes are bounded by the window, whatever StreamBuffer says.
	limits := s.limits
	limits.StreamBuffer = s.most
	return muxertest.Config{
		New:   func(end uint8) muxer.Machine { return s.machine(end) },
		Lines: lines, Limits: limits, MaxWritten: s.written, Windows: true, Keeps: true, Tells: true,
	}
}

// runWorld carries a program out and returns what the machines counted.
func runWorld(t *testing.T, config muxertest.Config, ops []muxertest.Op) (total Stats) {
	t.Helper()
	muxertest.Run(t, config, ops, func(w *muxertest.World) {
		for end := range uint8(2) {
			m := w.Machine(end).(*Machine)
			s := m.Stats()
			total.Unknown += s.Unknown
			total.Dropped += s.Dropped
			total.Refused += s.Refused
			total.Unasked += s.Unasked
			total.AfterClose += s.AfterClose
			total.Grown += s.Grown
			total.RTT = max(total.RTT, s.RTT)
			if m.grown != 0 || m.unacked != 0 || m.opens.Len() != 0 {
				t.Errorf("end %d: %d bytes of window, %d streams without answer and %d in wait are left",
					end, m.grown, m.unacked, m.opens.Len())
			}
		}
	})
	return total
}

// configOf lets the first byte of a program choose the world.
func configOf(choice byte) muxertest.Config {
	config := []setting{tight, tiny, usual, tight}[choice&3].world()
	config.Rude = choice&4 != 0
	return config
}

func TestTwoMachinesUnderRandomOperationsLoseNothing(t *testing.T) {
	for choice := range byte(8) {
		var reached Stats
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, uint64(choice)))
			code := make([]byte, 4*6000)
			for i := range code {
				code[i] = byte(random.Uint32())
			}
			s := runWorld(t, configOf(choice), muxertest.Program(code))
			reached.Unknown += s.Unknown
			reached.Refused += s.Refused
			reached.Dropped += s.Dropped
			reached.Unasked += s.Unasked
			reached.AfterClose += s.AfterClose
			reached.Grown += s.Grown
			reached.RTT = max(reached.RTT, s.RTT)
		}
		// A search that never comes near the limits would find nothing, and two
		// sound machines never do certain things.
		limited := choice&3 != 2
		if reached.Unknown == 0 || reached.Dropped == 0 || reached.Unasked+reached.AfterClose > 0 ||
			limited && (reached.Refused == 0 || reached.Grown == 0 || reached.RTT == 0) {
			t.Errorf("world %d reached %+v", choice, reached)
		}
	}
}

func FuzzOperations(f *testing.F) {
	for seed := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, 2))
		code := make([]byte, 1+4*200)
		for i := range code {
			code[i] = byte(random.Uint32())
		}
		code[0] = byte(seed)
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 0 {
			runWorld(t, configOf(code[0]), muxertest.Program(code[1:]))
		}
	})
}
