package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/yamux"
)

// The budget machine derives every limit of a host from what the host may use.
//
//	memory ──── fixed ──┬─ 5/16 connections ─┬─ a third outbound
//	                    │                    └─ the rest inbound ── per subnet, in upgrade, …
//	                    ├─ 7/16 streams ─────── 3/4 of others ──── per peer, per subnet
//	                    ├─ 2/16 growth of windows
//	                    ├─ 1/16 address book
//	                    └─ 1/16 dials
//	descriptors ── fixed, accepted links, 8 a dial, 1 a connection
//
// Limits that were set by name stand; when they take more than their share, all
// others shrink alike until the sum fits.

// What things cost at worst, in bytes. A test fills a host and holds the sum
// against what the runtime counts. Everything is what the host itself holds; what
// handlers allocate is theirs.
const (
	readBuffer = 64 << 10 // buf.MaxSize: a read, a batch, a record

	// connBytes: two reads; two batches of bodies and 16 KiB of heads; the
	// security channel's records, two to read and one to write; the muxer's
	// refusals owed (4096) and answers; stacks of core, reader and writer with
	// all the rest, of which an idle connection is 20 KB; what identify reads of a
	// peer (80 KiB) and remembers of it, at most 1024 names and 64 addresses.
	connBytes = 2*readBuffer + 2*(readBuffer+16<<10) + 3*readBuffer + 128<<10 + 64<<10 + 320<<10
	// streamBytes, besides its two buffers: what views hold more than their bytes
	// (package buf: 128 KiB and two reads), a partly filled send buffer, and the
	// actor's and the handler's stacks and records.
	streamBytes = 128<<10 + 2*readBuffer + readBuffer + 32<<10
	// dialBytes: the dial, its addresses and eight attempts.
	dialBytes = 256 << 10
	// bookBytes: a peer in the address book, with its signed record, and the same
	// once more on its way to the store.
	bookBytes = 2 * (swarm.MaxPeerSize + swarm.MaxRecordSize + 1<<10)
	// placeBytes: a message in the swarm's mailbox; it may be an accepted link.
	placeBytes = 4 << 10
	// fixedBytes: the runtime, and a host with nobody connected.
	fixedBytes = 8 << 20

	fixedDescriptors = 32 // standard ones, the poller, listeners, the store
	dialDescriptors  = 8  // addresses that a dial tries at the same time
	fixedGoroutines  = 64
	connGoroutines   = 4 // core, reader, writer, and who asks it for identify
	streamGoroutines = 2 // its actor and its handler
	dialGoroutines   = 1 + dialDescriptors
)

// The least budget that a host starts with. See [BudgetError].
const (
	MinMemory      = 32 << 20
	MinDescriptors = 64
)

// A Budget is what a host may use in all; every limit follows from it. A field
// that is 0 stands for its default, see [DefaultBudget].
type Budget struct {
	// Memory is in bytes: what the host holds at worst, in the heap and in
	// stacks. What handlers hold, and garbage that waits for the collector, come
	// on top.
	Memory int64
	// Descriptors is how many sockets and files may be open.
	Descriptors int
}

// A PlanLimit is one limit of a [Plan].
type PlanLimit struct {
	Name  string // for [Limit] and in errors
	Value int
	Set   bool   // by name, not derived
	Bytes bool   // Value is a number of bytes
	What  string // in words
}

// A PlanCost is what some of the limits come to when all places are taken.
type PlanCost struct {
	What        string
	N           int
	Memory      int64 // bytes
	Goroutines  int
	Descriptors int
}

// A Plan is what follows from a budget.
type Plan struct {
	Budget Budget
	Limits []PlanLimit
	Costs  []PlanCost
	Worst  PlanCost // their sum: never more than the budget
}

// Limit returns the value of a limit; 0 when there is none of the name.
func (p *Plan) Limit(name string) int {
	for _, l := range p.Limits {
		if l.Name == name {
			return l.Value
		}
	}
	return 0
}

// The names of limits besides those of package swarm.
const (
	LimitConnections          = "connections"
	LimitDials                = "dials"
	LimitStreamsPerConnection = "streams-per-connection"
	LimitOwnPerConnection     = "own-streams-per-connection"
	LimitSendBuffer           = "send-buffer"
	LimitReceiveBuffer        = "receive-buffer"
	LimitWindowGrowth         = "window-growth"
	LimitGrowthPerConnection  = "window-growth-per-connection"
	LimitBookPeers            = "book-peers"
	LimitMailbox              = "mailbox"
	LimitEvents               = "events"
)

// Derive returns the limits that follow from a budget, of which both fields must
// be given, and from those that are set by name. It is a pure function.
//
// Errors: a [*BudgetError] when even the least set does not fit, a [*LimitSetError]
// for a limit that is not there or does not go with the others.
func (b Budget) Derive(set map[string]int) (*Plan, error) {
	const steps = 1024
	var least *Plan
	for q := int64(steps); q >= 0; q -= 4 {
		d := &derivation{set: set, plan: &Plan{Budget: b}}
		d.derive(max(b.Memory-fixedBytes, 0)/steps*q, int64(max(b.Descriptors-fixedDescriptors, 0))*q/steps)
		if d.err != nil && q == steps {
			return nil, d.err
		}
		if d.err != nil {
			break // the others cannot shrink any further beside what is set
		}
		least = d.plan
		if w := least.Worst; w.Memory <= b.Memory && w.Descriptors <= b.Descriptors {
			return least, nil
		}
	}
	return nil, &BudgetError{Have: b, Need: Budget{Memory: least.Worst.Memory, Descriptors: least.Worst.Descriptors}, Set: len(set) > 0}
}

// derivation is one try.
type derivation struct {
	set  map[string]int
	plan *Plan
	err  error
}

func (d *derivation) derive(memory, descriptors int64) {
	share := func(sixteenths, each int64) int64 { return memory * sixteenths / 16 / each }

	mailbox := d.limit(LimitMailbox, clamp(descriptors/16, 8, 256), 1, 1<<16, "messages that wait for the swarm, links that were accepted among them")
	dials := d.limit(LimitDials, clamp(min(descriptors/64, share(1, dialBytes)), 2, 64), 1, 1<<16, "peers dialed at the same time; others wait")
	room := descriptors - int64(mailbox) - int64(dials)*dialDescriptors
	conns := d.limit(LimitConnections, clamp(min(room, share(5, connBytes)), 8, 1<<16), 2, 1<<20, "connections in all, those in their upgrade included")
	outbound := d.limit(swarm.LimitOutbound, conns/3, 1, conns-1, "of them, places for those that this host opens")
	inbound := d.limit(swarm.LimitInbound, conns-outbound, conns-outbound, conns-outbound, "of them, places for those of others: what outbound leaves")
	d.limit(swarm.LimitPerPeer, min(clamp(int64(inbound/8), 2, 8), conns), 1, conns, "connections of one peer")
	d.limit(swarm.LimitPerSubnet, max(inbound/2, 1), 1, inbound, "inbound connections from one IPv4 /24 or IPv6 /48")
	upgrades := d.limit(swarm.LimitHalfOpen, min(max(inbound/2, 2), 256, inbound), 1, inbound, "inbound links in their upgrade")
	d.limit(swarm.LimitHalfOpenPerSource, max(upgrades/4, min(upgrades, 2)), 1, upgrades, "of them from one IPv4 address or IPv6 /64")
	d.limit(swarm.LimitHalfOpenPerSubnet, max(upgrades/2, min(upgrades, 2)), 1, upgrades, "of them from one IPv4 /24 or IPv6 /48")

	send := d.size(LimitSendBuffer, 64<<10, 4<<10, 1<<30, "written bytes that a stream keeps, then Write waits")
	receive := d.size(LimitReceiveBuffer, yamux.StartWindow, 4<<10, 1<<30, "unread bytes of a stream without flow control (mplex); with it, its window, which begins with 256 KiB")
	perStream := int64(send) + int64(max(receive, yamux.StartWindow)) + streamBytes
	streams := d.limit(swarm.LimitStreams, clamp(share(7, perStream), 16, 1<<20), 2, 1<<24, "streams on all connections")
	theirs := d.limit(swarm.LimitInboundStreams, max(streams*3/4, 1), 1, streams, "of them opened by others")
	perPeer := d.limit(swarm.LimitStreamsPerPeer, min(max(streams/4, 4), streams, 1280), 1, streams, "of them with one peer")
	d.limit(swarm.LimitStreamsPerSubnet, max(theirs/2, 1), 1, theirs, "of them opened from one IPv4 /24 or IPv6 /48")
	d.limit(LimitStreamsPerConnection, min(perPeer, 256), 1, streams, "of them opened by others on one connection")
	d.limit(LimitOwnPerConnection, min(perPeer, 1024), 1, streams, "of them opened by this host on one connection")
	growth := d.size(LimitWindowGrowth, int(min(share(2, 1), 1<<40)), 0, 1<<40, "what the windows of all streams may grow by")
	d.size(LimitGrowthPerConnection, min(growth/2, 32<<20), 0, growth, "of that on one connection")

	book := d.limit(LimitBookPeers, clamp(share(1, bookBytes), 16, 1<<16), 1, 1<<20, "peers in the address book")
	d.limit(LimitEvents, 256, 1, 1<<16, "events that wait for one subscriber")
	if d.err == nil {
		for _, name := range slices.Sorted(maps.Keys(d.set)) {
			if d.plan.Limit(name) != d.set[name] {
				d.err = &LimitSetError{Name: name, Value: d.set[name], Rule: "there is no such limit; there are " + d.plan.names()}
				break
			}
		}
	}

	d.cost(PlanCost{What: "the host itself", N: 1, Memory: fixedBytes, Goroutines: fixedGoroutines, Descriptors: fixedDescriptors})
	d.cost(PlanCost{What: "connections", N: conns, Memory: connBytes, Goroutines: connGoroutines, Descriptors: 1})
	d.cost(PlanCost{What: "streams", N: streams, Memory: perStream, Goroutines: streamGoroutines})
	d.cost(PlanCost{What: "bytes that windows grow by", N: growth, Memory: 1})
	d.cost(PlanCost{What: "dials", N: dials, Memory: dialBytes, Goroutines: dialGoroutines, Descriptors: dialDescriptors})
	d.cost(PlanCost{What: "messages to the swarm", N: mailbox, Memory: placeBytes, Descriptors: 1})
	d.cost(PlanCost{What: "peers in the address book", N: book, Memory: bookBytes})
}

// limit adds a limit: the derived value, unless it is set, which must be between
// least and most.
func (d *derivation) limit(name string, value, least, most int, what string) int {
	_, set := d.set[name]
	if set {
		value = d.set[name]
		if (value < least || value > most) && d.err == nil {
			d.err = &LimitSetError{Name: name, Value: value, Rule: fmt.Sprintf("with the other limits as they are it must be from %d to %d", least, most)}
		}
	}
	d.plan.Limits = append(d.plan.Limits, PlanLimit{Name: name, Value: value, Set: set, What: what})
	return value
}

// size is limit for a number of bytes.
func (d *derivation) size(name string, value, least, most int, what string) int {
	value = d.limit(name, value, least, most, what)
	d.plan.Limits[len(d.plan.Limits)-1].Bytes = true
	return value
}

// cost adds a cost, given for one.
func (d *derivation) cost(c PlanCost) {
	c.Memory *= int64(c.N)
	c.Goroutines *= c.N
	c.Descriptors *= c.N
	d.plan.Costs = append(d.plan.Costs, c)
	w := &d.plan.Worst
	w.Memory += c.Memory
	w.Goroutines += c.Goroutines
	w.Descriptors += c.Descriptors
}

// names are those of the limits, for people.
func (p *Plan) names() string {
	names := make([]string, len(p.Limits))
	for i, l := range p.Limits {
		names[i] = l.Name
	}
	return strings.Join(names, ", ")
}

func clamp(n, least, most int64) int { return int(min(max(n, least), most)) }

// swarm are the limits as a swarm takes them.
func (p *Plan) swarm() swarm.Limits {
	orNone := func(n int) int { // 0 would stand for the default
		if n == 0 {
			return -1
		}
		return n
	}
	return swarm.Limits{
		HalfOpen:          p.Limit(swarm.LimitHalfOpen),
		HalfOpenPerSource: p.Limit(swarm.LimitHalfOpenPerSource),
		HalfOpenPerSubnet: p.Limit(swarm.LimitHalfOpenPerSubnet),
		Inbound:           p.Limit(swarm.LimitInbound),
		PerSubnet:         p.Limit(swarm.LimitPerSubnet),
		Outbound:          p.Limit(swarm.LimitOutbound),
		Dials:             p.Limit(LimitDials),
		PerPeer:           p.Limit(swarm.LimitPerPeer),
		Streams:           p.Limit(swarm.LimitStreams),
		InboundStreams:    p.Limit(swarm.LimitInboundStreams),
		StreamsPerPeer:    p.Limit(swarm.LimitStreamsPerPeer),
		StreamsPerSubnet:  p.Limit(swarm.LimitStreamsPerSubnet),
		SendBuffer:        p.Limit(LimitSendBuffer),
		WindowGrowth:      orNone(p.Limit(LimitWindowGrowth)),
		BookPeers:         p.Limit(LimitBookPeers),
		Mailbox:           p.Limit(LimitMailbox),
		Events:            p.Limit(LimitEvents),
		Muxer: muxer.Limits{
			Inbound:      p.Limit(LimitStreamsPerConnection),
			Outbound:     p.Limit(LimitOwnPerConnection),
			StreamBuffer: p.Limit(LimitReceiveBuffer),
			WindowBudget: orNone(p.Limit(LimitGrowthPerConnection)),
		},
	}
}
