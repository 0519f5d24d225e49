package swarm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
)

func TestNoLimitOfConnectionsIsExceededAndAllPlacesComeBack(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		some := func() int { return 1 + r.IntN(6) }
		l := Limits{Inbound: 2 * some(), Outbound: some(), PerSubnet: some(), HalfOpen: some(), HalfOpenPerSource: some(), HalfOpenPerSubnet: some()}
		a := newAdmissions(l)
		var knocking, open []origin
		refused := map[string]bool{}
		take := func(from *[]origin) origin {
			at := r.IntN(len(*from))
			o := (*from)[at]
			*from = append((*from)[:at:at], (*from)[at+1:]...)
			return o
		}
		for range 2000 {
			switch k := r.IntN(5); {
			case k < 3:
				net := r.IntN(3)
				o := origin{fmt.Sprint(net, ".", r.IntN(3)), fmt.Sprint(net)}
				if err := a.admit(o); err != nil {
					refused[err.Limit] = true
					if err.Held < err.Value {
						t.Fatalf("seed %d: refused although %d of %d are taken", seed, err.Held, err.Value)
					}
					continue
				}
				knocking = append(knocking, o)
			case k == 3 && len(knocking) > 0:
				o := take(&knocking)
				a.upgraded(o)
				open = append(open, o)
			case k == 4 && len(open) > 0:
				a.leave(take(&open))
			}
			subnets, sources, nets := tally{}, tally{}, tally{}
			for _, o := range knocking {
				sources.add(o.source)
				nets.add(o.subnet)
				subnets.add(o.subnet)
			}
			for _, o := range open {
				subnets.add(o.subnet)
			}
			within := func(t tally, most int) bool {
				for _, n := range t {
					if n > most {
						return false
					}
				}
				return true
			}
			if len(open)+len(knocking) > l.Inbound || len(knocking) > l.HalfOpen || !within(subnets, l.PerSubnet) ||
				!within(sources, l.HalfOpenPerSource) || !within(nets, l.HalfOpenPerSubnet) {
				t.Fatalf("seed %d: %+v is exceeded: %d open, %d in their upgrade", seed, l, len(open), len(knocking))
			}
		}
		for len(knocking) > 0 {
			o := take(&knocking)
			a.upgraded(o)
			open = append(open, o)
		}
		for len(open) > 0 {
			a.leave(take(&open))
		}
		if a.inbound+a.knocking+len(a.sources)+len(a.nets)+len(a.subnets) != 0 {
			t.Fatalf("seed %d: something is left: %+v", seed, a)
		}
		if len(refused) == 0 {
			t.Fatalf("seed %d: nothing was refused", seed)
		}
	}
}

func TestOneSubnetLeavesPlacesForOthers(t *testing.T) {
	a := newAdmissions(Limits{Inbound: 8, PerSubnet: 4, HalfOpen: 8, HalfOpenPerSource: 2, HalfOpenPerSubnet: 4})
	var last *LimitError
	for i := range 20 {
		last = a.admit(originOf(ma.StringCast(fmt.Sprintf("/ip4/192.0.2.%d/tcp/1", i))))
	}
	want := &LimitError{Limit: LimitPerSubnet, Value: 4, Held: 4, Of: "192.0.2.0/24"}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	for i := range 4 {
		if err := a.admit(originOf(ma.StringCast(fmt.Sprintf("/ip6/2001:db8:%d::1/tcp/1", i)))); err != nil {
			t.Errorf("another network: %v", err)
		}
	}
	if err := a.dialed(); err == nil || err.Limit != LimitOutbound {
		t.Errorf("outbound without any place: %v", err)
	}
}

func TestNoLimitOfStreamsIsExceededAndAllPlacesComeBack(t *testing.T) {
	type one struct {
		peer, subnet string
		inbound      bool
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		l := Limits{Streams: 4 + r.IntN(8), InboundStreams: 3 + r.IntN(5), StreamsPerPeer: 1 + r.IntN(4), StreamsPerSubnet: 1 + r.IntN(5)}
		c := newStreamCounts(l)
		var held []one
		for range 2000 {
			if r.IntN(2) == 0 && len(held) > 0 {
				at := r.IntN(len(held))
				c.give(held[at].peer, held[at].subnet, held[at].inbound)
				held = append(held[:at:at], held[at+1:]...)
				continue
			}
			s := one{fmt.Sprint("p", r.IntN(4)), fmt.Sprint("n", r.IntN(2)), r.IntN(3) > 0}
			if s.subnet == "n0" {
				s.subnet = ""
			}
			if err := c.take(s.peer, s.subnet, s.inbound); err != nil {
				continue
			}
			held = append(held, s)
			inbound, peers, subnets := 0, tally{}, tally{}
			for _, s := range held {
				peers.add(s.peer)
				if s.inbound {
					inbound++
					subnets.add(s.subnet)
				}
			}
			if len(held) > l.Streams || inbound > l.InboundStreams || peers[s.peer] > l.StreamsPerPeer ||
				s.inbound && s.subnet != "" && subnets[s.subnet] > l.StreamsPerSubnet {
				t.Fatalf("seed %d: %+v is exceeded by %v", seed, l, held)
			}
		}
		for _, s := range held {
			c.give(s.peer, s.subnet, s.inbound)
		}
		if c.all+c.inbound+len(c.peers)+len(c.subnets) != 0 {
			t.Fatalf("seed %d: something is left: %+v", seed, c)
		}
	}
}

func TestALimitErrorSaysWhichWhoAndWhatToDo(t *testing.T) {
	err := &LimitError{Limit: LimitStreams, Value: 10, Held: 10, Holders: tally{"a": 3, "b": 5, "c": 1, "d": 1}.most()}
	want := "the limit streams is reached: 10 of 10 are taken; most are held by b (5), a (3), c (1)" +
		" (close some, give the host a larger budget, or set the limit streams)"
	if err.Error() != want {
		t.Error(err)
	}
}
