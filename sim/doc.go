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
// every step down. [Run] does the same for a program.
//
// A scenario is an actor. It waits only in the ways of package actor: in a
// mailbox, a stream, a call, a sleep of its own; never on a bare channel, a real
// socket or the real clock, which would stop the world. More actors are started
// with World.Self. When the scenario returns, the hosts are stopped in order.
//
// # The network
//
// It is made of links, one for each direction between two hosts:
//
//	host 10.0.0.1                                          host 10.0.0.2
//	 conn ─┐                                               ┌─▶ conn
//	 conn ─┼─▶ queue ─▶ bytes per second ─▶ latency, jitter ┼─▶ conn
//	 conn ─┘        (a link machine decides when)          └─▶ conn
//
// A [Network] owns the links and the listeners. [Network.Host] is one host's
// [transport.Transport]: addresses are /ip4/10.0.0.1/tcp/4001 as everywhere, so
// that all that stands above is the same as on a real network. The bytes of a
// connection go through a mem.Pipe; the link machine of each direction says when
// they arrive. All connections between two hosts share their links.
//
// # Time
//
// Opening a connection takes one round trip: there with the question, back with
// the answer. A close is learnt of when its news arrives. The machine itself
// takes no time: what a host computes is free.
//
//	departure = max(now, when the link is free) + bytes / bandwidth
//	arrival   = departure + latency + jitter, and never before an earlier one
//	            of the same connection
//
// # Chance
//
// Every random number of the network is a hash of the seed, of what it is for, of
// the two hosts and of a count. Nothing is drawn from a shared stream, so a
// change to one link leaves what happens on the others as it was.
//
// # Limits
//
// A connection holds at most LinkConfig.Window bytes that are on their way or
// unread, a link at most LinkConfig.Queue bytes that have not left; a Write
// waits when either is full. Bytes are never lost or reordered within a
// connection, as with TCP. A listener holds mem.Backlog connections that nobody
// has accepted. An address that no host has never answers: the dial lasts until
// its context ends.
package sim
