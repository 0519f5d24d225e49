package mplex

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// lines prints the traces of mplex with the names of its flags.
var lines = muxertest.Lines{Op: FlagName}

// fromPairs makes the machine of a trace from the pairs of its machine line:
// inbound, outbound, buffer, slow, frame, overflow.
func fromPairs(pairs map[string]string) (muxer.Machine, error) {
	var limits muxer.Limits
	policy := PauseThenReset
	for key, value := range pairs {
		n, err := strconv.Atoi(value)
		switch key {
		case "inbound":
			limits.Inbound = n
		case "outbound":
			limits.Outbound = n
		case "buffer":
			limits.StreamBuffer = n
		case "frame":
			limits.Frame = n
		case "slow":
			limits.SlowReader, err = time.ParseDuration(value)
		case "overflow":
			policy, err = PauseThenReset, nil
			if value == ResetAtOnce.String() {
				policy = ResetAtOnce
			} else if value != policy.String() {
				err = fmt.Errorf("no policy %q", value)
			}
		default:
			err = fmt.Errorf("no key %q", key)
		}
		if err != nil {
			return nil, err
		}
	}
	return New(negotiate.Dialer, limits, policy), nil
}

// counters prints the counters of a machine that are not zero.
func counters(m muxer.Machine) string {
	text := ""
	s := m.(*Machine).Stats()
	for _, c := range []struct {
		name string
		n    uint64
	}{
		{"unknown", s.Unknown}, {"after close", s.AfterClose}, {"dropped", s.Dropped},
		{"refused", s.Refused}, {"overflows", s.Overflows}, {"slow resets", s.SlowResets},
	} {
		if c.n > 0 {
			text += fmt.Sprintf(", %s %d", c.name, c.n)
		}
	}
	return text
}

func TestTheMachineDoesWhatTheTracesSay(t *testing.T) {
	golden.Run(t, "testdata/*.txt", muxertest.Script(lines, fromPairs, counters))
}
