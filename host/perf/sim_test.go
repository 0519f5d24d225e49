package perf_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/sim"
)

// Over a link that takes longer than an interval, the answer to the proposal of
// the protocol is still on its way when the first report is due: a deadline that
// were set for the report must not end the negotiation. Identify has told the
// dialer what the listener speaks, so that the stream is opened lazily.
func TestAReportDoesNotDisturbALazyOpening(t *testing.T) {
	sim.Test(t, func(w *sim.World) {
		far := sim.LinkConfig{Latency: 1700 * time.Millisecond}
		a, b := w.Host("a"), w.Host("b", host.Run("perf", servePerf))
		if err := a.Connect(w.Self(), b.Info()); err != nil {
			t.Fatal(err)
		}
		w.Sleep(20 * time.Second) // for identify
		if c := a.Swarm().Conn(b.ID()); c == nil || !c.Knows(perf.ID) {
			t.Fatal("the dialer does not know what the listener speaks")
		}
		w.Link("a", "b", far)
		for _, size := range []uint64{0, 1000, 100_000} {
			told := 0
			r, err := perf.Measure(w.Self(), a.Swarm(), b.ID(), size, size, func(p perf.Progress) {
				told++
				if p.Took != perf.Interval {
					t.Errorf("%d bytes: an interval of %v", size, p.Took)
				}
			})
			if err != nil || r.Uploaded != size || r.Downloaded != size {
				t.Errorf("%d bytes: %+v, %v", size, r, err)
			}
			if r.Open != 0 || r.Streaming() < 2*far.Latency || told != int(r.Streaming()/perf.Interval) {
				t.Errorf("%d bytes: %+v, told %d times", size, r, told)
			}
		}
	})
}

func TestAListenerThatDisappearsEndsTheMeasurement(t *testing.T) {
	sim.Test(t, func(w *sim.World) {
		a, b := w.Host("a"), w.Host("b", host.Run("perf", servePerf))
		w.Link("a", "b", sim.LinkConfig{Latency: 10 * time.Millisecond, Bandwidth: 1e6})
		if err := a.Connect(w.Self(), b.Info()); err != nil {
			t.Fatal(err)
		}
		told := 0
		r, err := perf.Measure(w.Self(), a.Swarm(), b.ID(), 0, 10e6, func(perf.Progress) {
			if told++; told == 3 {
				b.Stop(nil)
			}
		})
		var failed *perf.Error
		if !errors.As(err, &failed) || failed.Stage != perf.StageDownload || r.Downloaded < 1e6 || r.Downloaded >= 10e6 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestAMeasurementDialsWhenThereIsNoConnection(t *testing.T) {
	sim.Test(t, func(w *sim.World) {
		a, b := w.Host("a"), w.Host("b", host.Run("perf", servePerf))
		w.Sleep(time.Second)
		if err := a.Swarm().Book().Learn(w.Self(), b.Info(), swarm.GivenTTL); err != nil {
			t.Fatal(err)
		}
		r, err := perf.Measure(w.Self(), a.Swarm(), b.ID(), 10, 10, nil)
		if err != nil || r.Open < 40*time.Millisecond {
			t.Errorf("%+v, %v", r, err)
		}
		ctx, cancel := w.Self().WithTimeout(time.Second)
		defer cancel()
		_, err = perf.Measure(ctx, a.Swarm(), peer.ID("nobody"), 1, 1, nil)
		var failed *perf.Error
		if !errors.As(err, &failed) || failed.Stage != perf.StageOpen || errors.Is(err, context.Canceled) {
			t.Errorf("with nobody: %v", err)
		}
	})
}
