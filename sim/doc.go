// Package sim is a world of hosts under one clock: the hosts of package host,
// unchanged, on a scheduler that runs one actor at a time in an order drawn from
// a seed, over a network whose links take virtual time. The same seed gives the
// same run, step by step.
//
//	func TestMine(t *testing.T) {
//		sim.Test(t, func(w *sim.World) {
//			alice, bob := w.Host("alice"), w.Host("bob")
//			bob.Handle(bob.Self(), "/mine/1", mine)
//			w.Link("alice", "bob", sim.LinkConfig{Latency: 80 * time.Millisecond})
//			// talk: alice.Connect(w.Self(), bob.Info()), alice.Open(w.Self(), …)
//		})
//	}
//
// A failed test names its seed; go test -run TestMine -sim.seed=N plays the run
// again, -sim.seeds=1000 looks for a seed that fails, and -sim.trace=FILE writes
// every step down. [Run] does the same for a program. docs/simulation.md is the
// page for who tests a protocol.
//
// A scenario is an actor. It waits only in the ways of package actor: in a
// mailbox, a stream, a call, a sleep of its own; never on a bare channel, a real
// socket or the real clock, which would stop the world. More actors are started
// with World.Self. When the scenario returns, the hosts are stopped in order.
//
// What is not made of actors (goroutines of its own, another library, another
// implementation) runs over the same links in a [Bubble], with the connections,
// listeners and sockets of package net; docs/bubble.md says what differs.
//
// # Faults
//
//	World.At, World.Chaos (a seed), Plan (a file)
//	        │ Fault: kind, hosts or sides, when, how long
//	        ▼
//	     the world ──▶ Network    partitions, bad links, dials, resets, slow readers
//	               ──▶ Site       crash, power-off, stop; begins again when it is over
//	               ──▶ Island     pause, slow CPU, wrong clock
//
// A [Fault] is data with a lifetime, and the faults that last add up. A [Site] is
// the place of a host: it keeps the name, the key, the address and the [Disk] while
// hosts come and go, and calls its [Setup] at each start. [Chaos] draws faults from
// the seed, each property a hash of its own. Before a run ends the world heals, so
// that what must come true in the end can.
//
// [World.Always], [World.Eventually] and [World.AtEnd] are the scenario's checks;
// that nobody panics, that nobody waits in vain and that nothing is left in the
// network at the end is looked at in any case. The first failed check ends the run
// as a [Failure], whose signature says which failures are the same one: by that
// [Test] finds out which faults matter, and writes a [Plan] of them.
//
// A [Trace] is every event of a run, a few bytes each, in one order for any number
// of shards.
//
// # The network
//
// What is sent passes four places. The first three are decided when it is sent, by
// a link machine at the host that sends, the last one when it arrives, by the host
// that receives:
//
//	host 10.0.0.1                                              host 10.0.0.2
//	 conn ───┐                                                  ┌──▶ conn
//	 conn ───┼─▶ uplink ─▶ link's own wire ─▶ core ─▶ downlink ─┼──▶ conn
//	 socket ─┘   queue     queue (if any)     latency  queue    └──▶ socket
//	             Access    LinkConfig         jitter   Access
//	                                          loss …
//
// A [Network] owns the hosts and their links, one for each direction that is used.
// [Network.Host] is one host's [transport.Transport]: addresses are
// /ip4/10.0.0.1/tcp/4001 as everywhere, so that all that stands above is the same
// as on a real network. [Transport.ListenPacket] opens a socket for datagrams. A
// direction is as [Network.SetLink] says, or as all are ([Config].Link); with
// [Network.UseRegions] its latency is that between the regions of the hosts, of
// which only one entry per pair of regions is kept ([Regions8]). An [Access] is
// what all links of a host share ([Cable], [Mobile], [Supernode] …); a [Pace]
// changes it at set times.
//
//	                connections                     datagrams
//	full queue      the writer waits (the downlink  lost
//	                always takes what windows allow)
//	loss            costs time: see below           lost
//	jitter          never overtakes                 may overtake
//	MTU             the size of segments            larger ones are lost
//	Duplicate, Reorder   nothing                    as they say
//	Flip            one bit of a chunk              one bit
//	cut             sent again, later and later     lost
//
// A lost segment of a connection costs a round trip when three others follow it in
// its chunk (RFC 5681 section 3.2), else a round trip and 200 ms (RFC 6298, Linux's
// TCP_RTO_MIN), twice as much each time it is lost again. There is no congestion
// window: a connection is as fast as its queues and Window allow. In a cut it tries
// again in the same way, a minute apart at most, and ends with ETIMEDOUT after 15
// minutes (Linux's tcp_retries2). A dial that gets no answer asks again after 1, 3,
// 7, 15, 31 and 63 s (Linux's tcp_syn_retries), and waits for its context then.
//
// # Faults of the network
//
//	begin                     what it does                           end
//	Network.Cut               nothing gets from some hosts to some   heal()
//	Network.Partition         … nor between groups, both ways        heal()
//	Network.Disturb           changes LinkConfigs: flips, loss …     end()
//	Network.SetDials          refuses, ignores, resets dials         DialAnswer
//	Network.SlowReader        programs read slowly, or nothing       0
//	Network.Reset             ends connections between two hosts
//	Network.Crash             resets, refuses, closes listeners      listen again
//	Network.PowerOff          silence                                Network.PowerOn
//
// They add up, and what has left before still arrives. Everything sent is counted
// by direction, and by host: at any time Sent = Delivered + lost by [Reason] + on
// the way ([Traffic]).
//
// # Time
//
// Opening a connection takes one round trip: there with the question, back with
// the answer. A close is learnt of when its news arrives, and so is what the other
// end has read: of that it tells a quarter of the window at a time. The machine
// itself takes no time: what a host computes is free.
//
//	departure = max(now, when the wire is free) + bytes / bandwidth, for each wire
//	arrival   = departure + latency + jitter, and never before an earlier one
//	            of the same connection
//
// All of it is exact to the nanosecond, in integers; what a byte takes longer than
// whole nanoseconds is carried on.
//
// # Chance
//
// Every random number of the network is a hash of the seed, of what it is for, of
// the two hosts and of a count, one count for each purpose. Nothing is drawn from a
// shared stream, so a change to one link leaves what happens on the others as it
// was, and switching one kind of accident on leaves the others. Probabilities are
// whole parts per million ([PPM]).
//
// # Limits
//
// A connection holds at most LinkConfig.Window bytes that are on their way or
// unread, so it is no faster than that per round trip; a Write waits when they are,
// or when a queue has no room for a chunk. A socket holds 208 KiB of datagrams that
// nobody has read. A listener holds mem.Backlog connections that nobody has
// accepted; who dials then asks again. A cut or a power-off of an idle connection
// is not noticed: there are no keep-alives. Hosts have one address each.
package sim
