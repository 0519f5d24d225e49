// Package host is the node that users import: a swarm with its usual parts (TCP,
// Noise, mplex), the services identify and ping, and whatever the program adds.
//
//	h, err := host.New(ctx, host.Listen("/ip4/0.0.0.0/tcp/4001"))
//	err = h.Handle(h.Self(), "/hello/1", func(self *actor.Self, s *stream.Stream) error { … })
//	err = h.Connect(ctx, somebody)
//	s, err := h.Open(ctx, somebody.ID, "/hello/1")
//
// # The tree
//
// Everything that runs is an actor with a name, and [Host.Tree] shows them:
//
//	host-12D3…            stops what is below in reverse order
//	├─ store              with Remember: keeps the address book
//	├─ book               the address book
//	├─ swarm              peers, connections, dials
//	│  ├─ conn-12D3…-7    one connection: reader, writer, streams with their handlers
//	│  └─ dial-12D3…      one dial: its attempts
//	├─ services
//	│  ├─ identify  ├─ ping
//	│  └─ tally           what Run added
//	├─ listen-/ip4/…      one listener for each address
//	└─ yours              the program's own: Self, Supervise
//
// [New] starts them from top to bottom, so that whoever comes finds identify and
// ping there, and returns when the host listens. [Host.Close], and the end of
// New's context, stop them from bottom to top: your actors first, then the
// listeners, then the services while there are still connections to say goodbye
// on, then each connection with its streams (their handlers are told, and what
// they wrote is sent), then the book, and the store, which writes what is left.
// Close waits for the host's grace at most ([Grace]) and names who has not
// stopped.
//
// In an actor, for example in a simulation, New makes the host a child of that
// actor, with its clock and its randomness; nothing else differs.
//
// # Three ways to serve a protocol
//
// A handler alone belongs to [Host.Self] and lives as long as the host. A service
// ([Run], [Host.Supervise]) is an actor of its own that registers handlers and
// keeps state without locks; when it fails, its routes vanish, its streams are
// reset, and it starts again. A package like host/ping works on [Host.Swarm] and
// can be used without this one.
//
// # Errors
//
// [New] returns a [*ConfigError] that lists everything that is wrong with the
// options. Connect and Open return the errors of package swarm: a
// [*swarm.DialError] names every address, how far it came, and why it failed.
//
// # Limits
//
// All of them follow from one [Budget] of memory and descriptors, so that what
// others can make the host hold comes to no more than that when all places are
// taken: [Budget.Derive] says how (budget_machine.go), [Host.Plan] what came of
// it, the command demo limits prints it. The budget is half of what the process
// may have, unless [Within] says otherwise; [Limit] sets one limit by its name.
//
//	host.New(ctx, host.Within(host.Budget{Memory: 64 << 20}), host.Limit("connections", 20))
//
// A budget below [MinMemory] or [MinDescriptors] may be too small: a
// [*BudgetError] says what is needed. What is over a limit is refused with a
// [*swarm.LimitError] that says which, its value and who holds it, and counted
// ([swarm.Swarm.Refusals]). The sum leaves out what handlers hold, garbage, and
// whoever a [Service] is. yamux is reckoned with 256 KiB of window a stream, which
// its specification demands.
//
// A service is started again 5 times in a minute, after 100 ms and then longer;
// then it stays down and shows as failed, or ends the host ([RunEssential]).
// Close takes 10 s at most.
package host
