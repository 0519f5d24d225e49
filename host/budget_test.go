package host

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// consistent reports what is wrong with a plan.
func consistent(t *testing.T, p *Plan) {
	t.Helper()
	w := PlanCost{}
	for _, c := range p.Costs {
		w.Memory += c.Memory
		w.Goroutines += c.Goroutines
		w.Descriptors += c.Descriptors
	}
	if w != p.Worst || w.Memory > p.Budget.Memory || w.Descriptors > p.Budget.Descriptors {
		t.Fatalf("%+v comes to %+v", p.Budget, p.Worst)
	}
	within := [][2]string{
		{swarm.LimitInbound, LimitConnections}, {swarm.LimitOutbound, LimitConnections}, {swarm.LimitPerPeer, LimitConnections},
		{swarm.LimitPerSubnet, swarm.LimitInbound}, {swarm.LimitHalfOpen, swarm.LimitInbound},
		{swarm.LimitHalfOpenPerSource, swarm.LimitHalfOpen}, {swarm.LimitHalfOpenPerSubnet, swarm.LimitHalfOpen},
		{swarm.LimitInboundStreams, swarm.LimitStreams}, {swarm.LimitStreamsPerPeer, swarm.LimitStreams},
		{swarm.LimitStreamsPerSubnet, swarm.LimitInboundStreams},
		{LimitStreamsPerConnection, swarm.LimitStreams}, {LimitOwnPerConnection, swarm.LimitStreams},
		{LimitGrowthPerConnection, LimitWindowGrowth},
	}
	for _, pair := range within {
		if p.Limit(pair[0]) > p.Limit(pair[1]) {
			t.Fatalf("%+v: %s is %d, above %s, %d", p.Budget, pair[0], p.Limit(pair[0]), pair[1], p.Limit(pair[1]))
		}
	}
	if p.Limit(swarm.LimitInbound)+p.Limit(swarm.LimitOutbound) != p.Limit(LimitConnections) {
		t.Fatalf("%+v: inbound and outbound are not all connections", p.Budget)
	}
	for _, l := range p.Limits {
		if l.Value < 0 || l.Value == 0 && !l.Bytes {
			t.Fatalf("%+v: %s is %d", p.Budget, l.Name, l.Value)
		}
	}
}

func TestAnyBudgetAboveTheLeastGivesLimitsThatFitIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	budgets := []Budget{{MinMemory, MinDescriptors}, {MinMemory, 1 << 20}, {1 << 45, MinDescriptors}, {1 << 45, 1 << 24}, {64 << 20, 1024}}
	for range 3000 {
		budgets = append(budgets, Budget{MinMemory + r.Int64N(1<<uint(10+r.IntN(32))), MinDescriptors + r.IntN(1<<uint(1+r.IntN(20)))})
	}
	for _, b := range budgets {
		p, err := b.Derive(nil)
		if err != nil {
			t.Fatalf("%+v: %v", b, err)
		}
		consistent(t, p)
	}
}

func TestMoreBudgetNeverGivesLess(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		b := Budget{256<<20 + r.Int64N(1<<34), 1024 + r.IntN(1<<16)}
		small, err := b.Derive(nil)
		if err != nil {
			t.Fatal(err)
		}
		large, err := Budget{b.Memory * 2, b.Descriptors * 2}.Derive(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range small.Limits {
			if large.Limit(l.Name) < l.Value {
				t.Fatalf("%+v: %s falls from %d to %d with twice the budget", b, l.Name, l.Value, large.Limit(l.Name))
			}
		}
	}
}

func TestABudgetBelowTheLeastSaysWhatIsNeeded(t *testing.T) {
	for _, b := range []Budget{{1, 1}, {MinMemory, 10}, {10 << 20, 1000}, {0, 0}} {
		_, err := b.Derive(nil)
		var small *BudgetError
		if !errors.As(err, &small) || small.Need.Memory > MinMemory || small.Need.Descriptors > MinDescriptors {
			t.Fatalf("%+v: %v", b, err)
		}
		p, err := small.Need.Derive(nil)
		if err != nil {
			t.Fatalf("what is needed, %+v, is not enough: %v", small.Need, err)
		}
		consistent(t, p)
	}
}

func TestLimitsThatAreSetStandAndTheOthersFollow(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	fit, refused := 0, 0
	for range 1000 {
		b := Budget{MinMemory + r.Int64N(4<<30), MinDescriptors + r.IntN(1<<14)}
		plain, err := b.Derive(nil)
		if err != nil {
			t.Fatal(err)
		}
		set := map[string]int{}
		for range 1 + r.IntN(3) {
			l := plain.Limits[r.IntN(len(plain.Limits))]
			set[l.Name] = 1 + r.IntN(3*l.Value+2)
		}
		p, err := b.Derive(set)
		var small *BudgetError
		var wrong *LimitSetError
		switch {
		case err == nil:
			fit++
			consistent(t, p)
			for name, value := range set {
				if p.Limit(name) != value {
					t.Fatalf("%s is %d instead of %d", name, p.Limit(name), value)
				}
			}
		case errors.As(err, &wrong):
			refused++
			if set[wrong.Name] != wrong.Value {
				t.Fatalf("%v: %v", set, err)
			}
		case !errors.As(err, &small):
			t.Fatal(err)
		}
	}
	if fit < 100 || refused < 100 {
		t.Errorf("%d fitted, %d were refused", fit, refused)
	}
}

func TestAHostSaysWhatIsWrongWithItsLimits(t *testing.T) {
	for want, opts := range map[string][]Option{
		"there is no such limit":       {Limit("conections", 5)},
		"must be from 1 to":            {Limit("connections", 12), Limit("inbound-streams", 1<<20)},
		"too small":                    {Within(Budget{Memory: 1 << 20})},
		"with the limits that are set": {Within(Budget{Memory: 64 << 20}), Limit("streams", 100_000)},
		"takes the place of a budget":  {Limits(swarm.Limits{}), Limit("connections", 50)},
	} {
		_, err := New(context.Background(), append(opts, NoListen())...)
		var wrong *ConfigError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("instead of %q: %v", want, err)
		}
	}
}

func TestTheDefaultBudgetIsWhatTheMachineHas(t *testing.T) {
	b := DefaultBudget()
	p, err := b.Derive(nil)
	if err != nil {
		t.Fatal(err)
	}
	consistent(t, p)
	if got := (Budget{Memory: 5}).or(b); got != (Budget{5, b.Descriptors}) {
		t.Errorf("with one field given: %+v", got)
	}
}

// TestAFullHostHoldsNoMoreThanTheConstantsSay fills the windows and the send
// buffers of all streams on several connections, in both directions, and counts.
func TestAFullHostHoldsNoMoreThanTheConstantsSay(t *testing.T) {
	const conns, streams = 4, 8
	err := actor.Run(context.Background(), "test", func(self *actor.Self) error {
		full := make(chan error, conns*streams)
		stuck := func(self *actor.Self, s *stream.Stream) error {
			full <- fill(s)
			return actor.NewSignal(self, "its end").Wait(self, time.Time{})
		}
		listener, err := New(self, Name("listener"), Listen("/ip4/127.0.0.1/tcp/0"), Within(Budget{Memory: 1 << 30}))
		if err != nil {
			return err
		}
		if err := listener.Handle(listener.Self(), "/stuck/1", stuck); err != nil {
			return err
		}
		before := held()
		var hosts []*Host
		for range conns {
			h, err := New(self, NoListen(), Within(Budget{Memory: 1 << 30}))
			if err != nil {
				return err
			}
			hosts = append(hosts, h)
			if err := h.Connect(self, peer.Info{ID: listener.ID(), Addrs: listener.Addrs()}); err != nil {
				return err
			}
			for range streams {
				s, err := h.Open(self, listener.ID(), "/stuck/1")
				if err != nil {
					return err
				}
				if err := fill(s.WithContext(self)); err != nil {
					return err
				}
			}
		}
		for range conns * streams {
			if err := <-full; err != nil {
				return err
			}
		}
		took := held() - before
		plan := listener.Plan()
		var conn, each int64
		for _, c := range plan.Costs {
			switch c.What {
			case "connections":
				conn = c.Memory / int64(c.N)
			case "streams":
				each = c.Memory / int64(c.N)
			}
		}
		most := 2 * int64(conns*conn+conns*streams*each) // both ends are here
		most += conns * fixedBytes
		if least := int64(2 * conns * streams * (256 << 10)); took < least || took > most {
			t.Errorf("%d bytes are held, not between %d and %d", took, least, most)
		}
		t.Logf("%d connections with %d streams each hold %d KiB, at most %d KiB", conns, streams, took>>10, most>>10)
		for _, h := range slices.Concat(hosts, []*Host{listener}) {
			if err := h.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fill writes what a window and a send buffer hold, less what agreeing on the
// protocol took.
func fill(s *stream.Stream) error {
	_, err := s.Write(make([]byte, 256<<10+64<<10-1<<10))
	return err
}

func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
