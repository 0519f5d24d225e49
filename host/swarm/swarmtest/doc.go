// Package swarmtest is what the tests of services share: a small network of
// swarms, in one tree of actors.
//
//	test                      the scenario's actor, on one of the two carriers
//	├─ node-0                 an actor that holds a swarm
//	│  ├─ book, swarm, …
//	│  └─ the service under test
//	├─ node-1
//	└─ …                      all over one network in memory, or loopback TCP
//
// A scenario is a function that gets a [World], starts nodes on it and looks at
// them. [Both] runs it on goroutines in virtual time and on the scheduler with
// several seeds, [OverTCP] on the real clock. When it returns, its nodes are
// stopped in the reverse order of their start.
package swarmtest
