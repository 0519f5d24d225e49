package yamux

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

// lines prints the traces of yamux with the names of its frames.
var lines = muxertest.Lines{Op: FrameName}

// small makes the windows of a machine small, which the wire does not allow, so
// that short traces and small worlds meet them: start is the first window, most
// the largest.
func small(m *Machine, start, most int) *Machine {
	m.start, m.options.Window = int64(start), most
	return m
}

// fromPairs makes the machine of a trace from the pairs of its machine line:
// role, inbound, outbound, frame, backlog, start and window (the first and the
// largest window), budget, keepalive.
func fromPairs(pairs map[string]string) (muxer.Machine, error) {
	var limits muxer.Limits
	var options Options
	role, start, window, backlog := negotiate.Dialer, StartWindow, 0, MaxBacklog
	for key, value := range pairs {
		n, err := strconv.Atoi(value)
		switch key {
		case "role":
			role, err = negotiate.Dialer, nil
			if value == "listener" {
				role = negotiate.Listener
			} else if value != "dialer" {
				err = fmt.Errorf("no role %q", value)
			}
		case "inbound":
			limits.Inbound = n
		case "outbound":
			limits.Outbound = n
		case "budget":
			limits.WindowBudget = n
		case "frame":
			options.Frame = n
		case "backlog":
			backlog = n
		case "start":
			start = n
		case "window":
			window = n
		case "keepalive":
			options.KeepAlive, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("no key %q", key)
		}
		if err != nil {
			return nil, err
		}
	}
	m := New(role, limits, options)
	m.backlog = backlog
	if window > 0 || start != StartWindow {
		small(m, start, max(window, start))
	}
	return m, nil
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
		{"refused", s.Refused}, {"unasked", s.Unasked}, {"grown", s.Grown},
	} {
		if c.n > 0 {
			text += fmt.Sprintf(", %s %d", c.name, c.n)
		}
	}
	if s.RTT > 0 {
		text += fmt.Sprintf(", rtt %v", s.RTT)
	}
	return text
}

func TestTheMachineDoesWhatTheTracesSay(t *testing.T) {
	golden.Run(t, "testdata/*.txt", muxertest.Script(lines, fromPairs, counters))
}
