package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/sim"
)

// A simRun is a scenario that is played, with one seed.
type simRun struct {
	*scenario
	seed   uint64
	record *sim.Trace                  // may be nil
	watch  func(e sim.Event) error     // of whoever plays it; may be nil
	moves  func(virtual time.Duration) // is told of each look

	world   *sim.World
	open    *actor.Promise // all hosts are there
	began   time.Duration
	traffic []*traffic
	sites   []*sim.Site
	infos   map[string]peer.Info
	names   map[peer.ID]string
	regions map[string]string

	looks  []look
	spans  []*faultSpan
	hosts  []hostResult // of the last look
	events uint64
	tree   func() // looks at all actors before they end; may be nil
}

// A look is the world at one moment.
type look struct {
	At      float64 `json:"at"` // seconds
	Open    float64 `json:"open"`
	Up      int     `json:"hosts_up"`
	Arrived int     `json:"arrived"`
}

// A faultSpan is a fault as it happened; Until is -1 if it had not ended.
type faultSpan struct {
	Kind  string  `json:"kind"`
	Text  string  `json:"text"`
	From  float64 `json:"from"`
	Until float64 `json:"until"`
}

// A hostResult is what a host has sent and received.
type hostResult struct {
	Name     string `json:"name"`
	Region   string `json:"region,omitempty"`
	Sent     int64  `json:"sent_bytes"`
	Received int64  `json:"received_bytes"`
	Starts   int    `json:"starts"`
	Up       bool   `json:"up"`
}

// How long the world may go on when no more is sent and all faults have ended, and
// how often it is looked at: at 240 moments, and at most every 10 ms.
const (
	simSettle = 15 * time.Second
	simLooks  = 240
)

// play plays it. The results are there also when it fails, or ctx ends it.
func (r *simRun) play(ctx context.Context) (sim.Result, error) {
	r.infos, r.names, r.regions = map[string]peer.Info{}, map[peer.ID]string{}, map[string]string{}
	config := sim.Config{Seed: r.seed, Link: r.link, Horizon: r.duration + 24*time.Hour, Record: r.record}
	config.Watch = func(w *sim.World, e sim.Event) error {
		r.world = w
		r.events++
		if e.Kind == sim.EventBegin || e.Kind == sim.EventEnd {
			r.fault(e)
		}
		if r.watch != nil {
			if err := r.watch(e); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			r.look()
			return errInterrupted
		}
		return nil
	}
	result, err := sim.Run(ctx, config, func(w *sim.World) error {
		r.build(w)
		return r.run(w)
	})
	return result, err
}

// fault notes the beginning or the end of a fault.
func (r *simRun) fault(e sim.Event) {
	if e.Kind == sim.EventBegin {
		r.spans = append(r.spans, &faultSpan{Kind: kindIn(e.Text), Text: e.Text, From: e.At.Seconds(), Until: -1})
		return
	}
	for _, s := range r.spans {
		if s.Text == e.Text && s.Until < 0 {
			s.Until = e.At.Seconds()
			return
		}
	}
}

// kindIn is the kind of a fault in its text, which begins with a time.
func kindIn(text string) string {
	_, text, _ = strings.Cut(text, " ")
	for _, k := range sim.Kinds() {
		if strings.HasPrefix(text, string(k)) {
			return string(k)
		}
	}
	return ""
}

// build makes the hosts and all that is between them.
func (r *simRun) build(w *sim.World) {
	r.open = actor.NewPromise(w.Self(), "the hosts")
	for i, l := range r.scenario.traffic {
		r.traffic = append(r.traffic, newTraffic(r, l, i))
	}
	setup := func(s *sim.Site) error {
		for _, t := range r.traffic {
			if err := t.setup(s); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range r.scenario.hosts {
		l := &r.scenario.hosts[i]
		for _, name := range l.names() {
			s := w.Site(name, setup, l.options()...)
			r.sites = append(r.sites, s)
			r.infos[name], r.names[s.ID()] = s.Info(), name
			if l.Access == "mixed" {
				w.Mix(name)
			} else if l.Access != "" {
				w.Access(name, accesses()[l.Access])
			}
		}
	}
	r.place(w)
	for _, l := range r.scenario.links {
		for _, a := range r.groups[l.Ends[0]] {
			for _, b := range r.groups[l.Ends[1]] {
				if l.OneWay {
					w.Direction(a, b, l.config(l.Latency))
				} else {
					w.Link(a, b, l.config(l.Latency))
				}
			}
		}
	}
}

// place puts hosts into their regions, or into those that the seed draws.
func (r *simRun) place(w *sim.World) {
	if r.scenario.regions == nil {
		return
	}
	w.Network().UseRegions(r.scenario.regions)
	random := w.Self().Rand()
	for i := range r.scenario.hosts {
		l := &r.scenario.hosts[i]
		for _, name := range l.names() {
			region := r.scenario.regions.Pick(random.Uint64())
			if l.Region != "" {
				region = l.Region
			}
			w.Must(w.Network().Place(w.IP(name), region))
			r.regions[name] = region
		}
	}
}

// options are those of the hosts of a line.
func (l *hostsLine) options() (options []host.Option) {
	switch l.Muxer {
	case "yamux":
		options = append(options, host.Muxer(yamux.Factory(yamux.Options{})))
	case "mplex":
		options = append(options, host.Muxer(mplex.Factory(mplex.PauseThenReset)))
	}
	switch l.Security {
	case "noise":
		options = append(options, host.Security(func(k peer.Key) negotiate.Security { return noise.New(k) }))
	case "plaintext":
		options = append(options, host.Security(func(k peer.Key) negotiate.Security { return plaintext.New(k) }))
	}
	return options
}

// run lets it happen: the traffic for as long as the scenario lasts, and then what
// is on its way.
func (r *simRun) run(w *sim.World) error {
	r.began = w.Elapsed()
	for _, f := range r.faults {
		w.At(r.began+f.At, f)
	}
	for _, c := range r.chaos {
		w.Chaos(c)
	}
	r.look()
	r.open.Keep(nil)
	every := max(r.duration/simLooks, 10*time.Millisecond)
	for w.Elapsed() < r.began+r.duration {
		if err := w.Sleep(min(every, r.began+r.duration-w.Elapsed())); err != nil {
			return err
		}
		r.look()
	}
	w.Heal()
	for end := w.Elapsed() + simSettle; w.Elapsed() < end && !r.settled(); r.look() {
		if err := w.Sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
	if r.tree != nil {
		r.tree()
	}
	for _, t := range r.traffic {
		if percent := 100 * t.flow.share(); percent < t.Arrive {
			w.Must(fmt.Errorf("%s: %.1f %% of the messages arrived, and the scenario wants %g %%", t.Name, percent, t.Arrive))
		}
	}
	return nil
}

// settled reports whether all that was sent has arrived.
func (r *simRun) settled() bool {
	for _, t := range r.traffic {
		if len(t.flow.delays) < t.flow.due {
			return false
		}
	}
	return true
}

// look notes how the world is.
func (r *simRun) look() {
	l := look{At: r.world.Elapsed().Seconds()}
	r.hosts = r.hosts[:0]
	for _, s := range r.sites {
		out, in := r.world.Network().HostTraffic(s.IP())
		r.hosts = append(r.hosts, hostResult{s.Name(), r.regions[s.Name()], out.Sent.Bytes, in.Delivered.Bytes, s.Starts(), s.Up()})
		if !s.Up() {
			continue
		}
		l.Up++
		for _, id := range s.Swarm().Peers() {
			l.Open += float64(len(s.Swarm().Conns(id))) / 2 // each has two ends
		}
	}
	for _, t := range r.traffic {
		l.Arrived += len(t.flow.delays)
	}
	r.looks = append(r.looks, l)
	if r.moves != nil {
		r.moves(r.world.Elapsed() - r.began)
	}
}

// errAtStop is how a run ends that was asked to stop at an event.
var errAtStop = errors.New("this is the event to stop at")
