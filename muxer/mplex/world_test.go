package mplex

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// worldLimits are small, so that every limit is met often.
var worldLimits = muxer.Limits{
	Inbound: 5, Outbound: 6, StreamBuffer: 900, SlowReader: 300 * time.Millisecond, Frame: 700,
}

// twoMachines is the configuration of a world of two mplex machines.
func twoMachines(limits muxer.Limits, policy Overflow) muxertest.Config {
	return muxertest.Config{
		New: func(end uint8) muxer.Machine {
			return New(negotiate.Role(end), limits, policy)
		},
		Lines: lines, Limits: limits, ExceedByRead: policy == PauseThenReset,
	}
}

// runWorld carries a program out and returns what the machines counted.
func runWorld(t *testing.T, config muxertest.Config, ops []muxertest.Op) (total Stats) {
	t.Helper()
	muxertest.Run(t, config, ops, func(w *muxertest.World) {
		for end := range uint8(2) {
			s := w.Machine(end).(*Machine).Stats()
			total.Unknown += s.Unknown
			total.AfterClose += s.AfterClose
			total.Dropped += s.Dropped
			total.Refused += s.Refused
			total.Overflows += s.Overflows
			total.SlowResets += s.SlowResets
		}
	})
	return total
}

// configOf lets the first byte of a program choose the world.
func configOf(choice byte) muxertest.Config {
	limits, policy := worldLimits, PauseThenReset
	if choice&1 != 0 {
		policy = ResetAtOnce
	}
	if choice&2 != 0 {
		// Every limit at its smallest.
		limits = muxer.Limits{Inbound: 1, Outbound: 1, StreamBuffer: 1, SlowReader: 1, Frame: 1}
	}
	if choice&4 != 0 {
		limits = muxer.Limits{}
	}
	config := twoMachines(limits, policy)
	config.Rude = choice&8 != 0
	return config
}

func TestTwoMachinesUnderRandomOperationsLoseNothing(t *testing.T) {
	for choice := range byte(16) {
		var reached Stats
		for seed := range uint64(3) {
			random := rand.New(rand.NewPCG(seed, uint64(choice)))
			code := make([]byte, 4*8000)
			for i := range code {
				code[i] = byte(random.Uint32())
			}
			s := runWorld(t, configOf(choice), muxertest.Program(code))
			reached.Unknown += s.Unknown
			reached.Refused += s.Refused
			reached.Overflows += s.Overflows
			reached.SlowResets += s.SlowResets
		}
		// A search that never comes near the limits would find nothing.
		small := choice&4 == 0
		if reached.Unknown == 0 || small && (reached.Refused == 0 || reached.SlowResets == 0) ||
			small && choice&1 == 0 && reached.Overflows <= reached.SlowResets {
			t.Errorf("world %d reached little: %+v", choice, reached)
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
