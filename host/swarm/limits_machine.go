package swarm

import (
	"cmp"
	"maps"
	"slices"
)

// The limits machine counts what others make the swarm hold, and says no.
//
//	link ──admit──▶ in its upgrade ──upgraded──▶ open ──leave──▶
//	                by source and subnet         by subnet
//
//	stream ──take──▶ counted in all, by peer, by subnet ──give──▶
//
// A refusal costs the same however much is held: it looks at a few counters. Each
// counter is there only while something is counted, so the maps are bounded by
// the limits of connections and streams.

// The names of the limits, as errors, [Swarm.Refusals] and the budget of a host
// have them.
const (
	LimitInbound           = "inbound"
	LimitOutbound          = "outbound"
	LimitPerPeer           = "connections-per-peer"
	LimitPerSubnet         = "connections-per-subnet"
	LimitHalfOpen          = "upgrades"
	LimitHalfOpenPerSource = "upgrades-per-source"
	LimitHalfOpenPerSubnet = "upgrades-per-subnet"
	LimitStreams           = "streams"
	LimitInboundStreams    = "inbound-streams"
	LimitStreamsPerPeer    = "streams-per-peer"
	LimitStreamsPerSubnet  = "streams-per-subnet"
)

// tally counts by name.
type tally map[string]int

func (t tally) add(name string) { t[name]++ }

func (t tally) remove(name string) {
	if t[name]--; t[name] <= 0 {
		delete(t, name)
	}
}

// most are the names with the highest counts, at most three.
func (t tally) most() []Holder {
	all := make([]Holder, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		all = append(all, Holder{name, t[name]})
	}
	slices.SortStableFunc(all, func(a, b Holder) int { return cmp.Compare(b.N, a.N) })
	return slices.Clip(all[:min(len(all), 3)])
}

// origin is where a link comes from: who it is counted against.
type origin struct {
	source string // an IPv4 address or a /64 of IPv6
	subnet string // a /24 of IPv4 or a /48 of IPv6
}

// admissions counts connections.
type admissions struct {
	limits   Limits
	inbound  int
	outbound int
	knocking int   // inbound, in their upgrade
	sources  tally // of those
	nets     tally // of those
	subnets  tally // inbound, all
}

func newAdmissions(limits Limits) *admissions {
	return &admissions{limits: limits, sources: tally{}, nets: tally{}, subnets: tally{}}
}

// admit takes an inbound link, or says which limit is in its way.
func (a *admissions) admit(from origin) *LimitError {
	l := a.limits
	switch {
	case a.inbound >= l.Inbound:
		return &LimitError{Limit: LimitInbound, Value: l.Inbound, Held: a.inbound}
	case a.subnets[from.subnet] >= l.PerSubnet:
		return &LimitError{Limit: LimitPerSubnet, Value: l.PerSubnet, Held: a.subnets[from.subnet], Of: from.subnet}
	case a.knocking >= l.HalfOpen:
		return &LimitError{Limit: LimitHalfOpen, Value: l.HalfOpen, Held: a.knocking}
	case a.sources[from.source] >= l.HalfOpenPerSource:
		return &LimitError{Limit: LimitHalfOpenPerSource, Value: l.HalfOpenPerSource, Held: a.sources[from.source], Of: from.source}
	case a.nets[from.subnet] >= l.HalfOpenPerSubnet:
		return &LimitError{Limit: LimitHalfOpenPerSubnet, Value: l.HalfOpenPerSubnet, Held: a.nets[from.subnet], Of: from.subnet}
	}
	a.inbound++
	a.knocking++
	a.sources.add(from.source)
	a.nets.add(from.subnet)
	a.subnets.add(from.subnet)
	return nil
}

// upgraded notes that the upgrade of an inbound link is over, well or badly.
func (a *admissions) upgraded(from origin) {
	a.knocking--
	a.sources.remove(from.source)
	a.nets.remove(from.subnet)
}

// leave notes that an inbound connection has ended. Its upgrade is over.
func (a *admissions) leave(from origin) {
	a.inbound--
	a.subnets.remove(from.subnet)
}

// dialed takes an outbound link, or says which limit is in its way. Of inbound
// connections there may be any number: these places are reserved.
func (a *admissions) dialed() *LimitError {
	if a.outbound >= a.limits.Outbound {
		return &LimitError{Limit: LimitOutbound, Value: a.limits.Outbound, Held: a.outbound}
	}
	a.outbound++
	return nil
}

// undialed notes that an outbound connection has ended.
func (a *admissions) undialed() { a.outbound-- }

// streamCounts counts streams, over all connections.
type streamCounts struct {
	limits  Limits
	all     int
	inbound int
	peers   tally
	subnets tally // of inbound connections
}

func newStreamCounts(limits Limits) *streamCounts {
	return &streamCounts{limits: limits, peers: tally{}, subnets: tally{}}
}

// take counts a stream with a peer, or says which limit is in its way. subnet is
// that of its connection, empty for an outbound one.
func (c *streamCounts) take(peer, subnet string, inbound bool) *LimitError {
	l := c.limits
	switch {
	case c.all >= l.Streams:
		return &LimitError{Limit: LimitStreams, Value: l.Streams, Held: c.all}
	case inbound && c.inbound >= l.InboundStreams:
		return &LimitError{Limit: LimitInboundStreams, Value: l.InboundStreams, Held: c.inbound}
	case c.peers[peer] >= l.StreamsPerPeer:
		return &LimitError{Limit: LimitStreamsPerPeer, Value: l.StreamsPerPeer, Held: c.peers[peer], Of: peer}
	case inbound && subnet != "" && c.subnets[subnet] >= l.StreamsPerSubnet:
		return &LimitError{Limit: LimitStreamsPerSubnet, Value: l.StreamsPerSubnet, Held: c.subnets[subnet], Of: subnet}
	}
	c.all++
	c.peers.add(peer)
	if inbound {
		c.inbound++
		if subnet != "" {
			c.subnets.add(subnet)
		}
	}
	return nil
}

// give takes a stream off the counts.
func (c *streamCounts) give(peer, subnet string, inbound bool) {
	c.all--
	c.peers.remove(peer)
	if inbound {
		c.inbound--
		if subnet != "" {
			c.subnets.remove(subnet)
		}
	}
}
