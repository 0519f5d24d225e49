// Package actor is the runtime: goroutines with names, parents and one mailbox
// each. It is the only package of the module that starts goroutines, selects
// between channels, and reads a clock.
//
// # An actor
//
// An actor is a function on a goroutine, from its first line to its return. It
// receives one message after the other and changes only what is its own:
//
//	      Put, TryPut, Call                         ┌──────────────────────┐
//	others ───────────────▶ ┌─────────────────┐     │ body(self)           │
//	      After, Watch,     │     Mailbox     │────▶│   for m := range …   │──▶ messages
//	the    Alarm, StopAs    │ bounded, typed  │     │     machine.Step(m)  │    to others
//	runtime ──────────────▶ └─────────────────┘     │     do the effects   │
//	      context ends when it is told to end       └──────────────────────┘
//
// Its [Self] is its context. Returning nil is a normal end, an error is a failure,
// a panic is a failure with the stack of the place ([PanicError]). An actor that
// was told to end leaves in order whatever error it returns, and never by a panic.
//
// # The tree
//
// [Run] starts a root; everybody else is started by an actor and ends before it.
//
//		host                            Run, Start
//		├─ book                         Supervise, Always: restarted
//		├─ services                     SuperviseGroup: restarted together
//		│  ├─ identify
//		│  └─ ping
//		├─ conn 12D3…f3                 Supervise, Never: a temporary child
//		│  ├─ reader                    Go: a part; its failure is the connection's
//		│  ├─ writer                    Go
//		│  └─ stream 4                  Supervise, Never
//		│     └─ handler                Supervise, Never
//		└─ tally                        Start with a Self: a tree in the tree
//
//	  - [Self.Go] starts a part of the same fate. All of an actor's children are
//	    members of one errgroup.Group, which joins them and keeps the first error
//	    that escalates; order and deadlines are this package's.
//	  - [Self.Supervise] starts a child whose failures stay its own. [Restart] says
//	    when it is started again, how often in which period, and after which pause.
//	    When that is used up, its failure is the parent's as a [BudgetError], unless
//	    the child is Optional.
//	  - [Self.SuperviseGroup] restarts children together: [OneForOne], [RestForOne],
//	    [OneForAll] (Erlang/OTP, supervisor principles).
//	  - [Start] with a Self, or with a context made from one, starts a temporary
//	    child that ends with the context.
//
// A start does not wait for the body. Whoever wants to know how a beginning went
// gives the body a [Promise], and waits for it.
//
// What restarts, when, and who is stopped for it, is decided by a pure machine
// (restart_machine.go). An explorer checks it against everything that up to three
// children may do; docs/machines-restart.md shows its table.
//
// [Self.Tree] and [Ref.Tree] show it all at any time: states, notes, gauges, what
// each actor waits for, its mailbox, its restarts, the last failures. Nobody is
// asked, so one that is stuck shows as well. A goroutine carries its actor's path
// as the pprof label "actor".
//
// # The messages
//
//	message                     from                  when the mailbox is full
//	any value of its type       Put of other actors   the sender waits
//	                            TryPut                refused; the sender knows
//	a question ([Ask])          Call                  the asker waits
//	a timer                     After, Alarm          has a place of its own
//	the end of another actor    Watch                 has a place of its own
//	what must not be lost       Reserved.Put          has a place of its own
//	the stop                    StopAs                has a place of its own
//
// Those with a place of their own come ahead of the others, in the order in which
// they came to be, except the stop: it comes after everything that waited at that
// moment, so that the last words of those who were stopped before it are heard.
// Messages of one sender stay in order. A mailbox belongs to one incarnation: when
// that ends, what is left in it is released ([Undeliverable]), each message once,
// senders get a [GoneError] with the reason, and every [Call] ends, with the crash
// that ate its question if there was one.
//
// # A rest
//
// Most of what an idle actor costs is its goroutine: a stack of 2 KiB at least,
// and of 4 KiB or more for good once it has been deep. An actor that may wait for
// long ends its body with [Mailbox.Serve] and rests between two messages: it stays
// in the tree with its name, its mailbox and its children, and whoever sends to it
// starts a goroutine for it. Erlang/OTP calls that hibernation.
//
// # A stop
//
// [Ref.Stop], the end of the context of a root, and the return of the body above
// lead to an orderly end, from the leaves to the root:
//
//  1. supervised children, the last started first, one after the other, while
//     the body still serves them; neighbouring temporary children together,
//     because a pool of streams has no order of its own
//  2. the body: its context ends, OnStop is called, its mailbox gives what waits
//     and then ends, or delivers the message of [StopAs]
//  3. the parts that Go started, the last started first
//
// Each body has its grace ([Restart].Grace, else [DefaultGrace]) from the moment it
// is told. One that is late is marked in the tree, its siblings are stopped without
// it, and Run returns an [OverdueError] that names it with its state and stack.
// Nothing in Go can end a goroutine from outside: it stays in the tree until it
// ends by itself.
//
// A body that returns by itself, without a failure, leaves its parts and temporary
// children to come to their own end, and stops those that never would: restarted
// ones, groups, and trees in the tree.
//
// # A failure
//
// A failure ends a fate group at once: the body, its parts and everything below
// them are told together, with the failure as the cause of their contexts. A part
// fails its parent in the same moment; a supervised child is restarted when all of
// it has left. The failure carries the path of the actor where it happened
// ([ExitError]), once, however far it falls.
//
// Who hands on an error returns it; who wants to know why it has to end asks
// context.Cause(self).
//
// # The law of waiting
//
// A waiting send is a wait for somebody to receive, so actors that send to each
// other in a circle may all wait for ever. Therefore: wait only for those below
// you, or on a declared way without a circle; send upwards with [Mailbox.TryPut]
// or into room taken in advance ([Reserve]). An actor of the engine declares
// [Self.NeverWaits], and is held to it.
//
// The runtime also finds circles: who waits for room, for an answer or for an end
// notes it in the tree and follows the notes of the others. When they lead back
// and nothing has moved a moment later, one of those on the circle gets a
// [CycleError] with all paths, and the others go on. That needs to know who waits:
// pass your own Self, or a context made from it, and not somebody else's.
//
// # Two carriers
//
// The same source runs on two carriers. In production actors are goroutines,
// mailboxes are Go channels, and time is real. Under a [Scheduler] one actor runs
// at a time, chosen by a generator with a seed, on a clock that jumps to the next
// timer when nobody can run: the same seed gives the same steps, a deadlock is
// reported with what each actor waits for, and time costs nothing. For that an
// actor waits only through this package (Recv, Put, Call, Sleep, [Signal],
// [Promise], Ref.Wait), takes the time from [Self.Now], chance from [Self.Rand]
// and [Entropy], and timeouts from [Self.WithTimeout]. In production a wait of
// another kind (a socket) is ended by [Self.OnStop].
//
// A simulation is made of machines, each an [Island]: one actor of each runs at a
// time, with its own choice, calendar and clock. Only a [Crossing] leads from one
// to another, and takes at least the [LookAhead]; so islands are played side by
// side for that long (a window), on as many threads as [Options] say, and take the
// same steps for any number. The tree of [Scheduler.Run] is the exception: it may
// reach into every island. While one of its actors waits for what an island may do,
// and where the look-ahead is nothing, the islands take turns, instant by instant.
// So a scenario sees each machine as it is at the time, and a window opens only
// while it sleeps. An actor of an island that waits for one of another island ends
// windows for good; one that only sends there, or shares memory, is a mistake that
// is not found when shards are asked for, and none when they are not.
//
// # Limits
//
// An idle actor with a mailbox costs about 4 KiB, most of it its stack, and less
// than 2 KiB at rest; a message
// costs what a channel operation costs and a third more; a start and an end cost
// some microseconds. A tree remembers its last 32 failures. What cannot be supervised:
// fatal errors of the Go runtime (a concurrent map write, an overflow of the stack,
// no memory left), which end the program; goroutines that a body starts by itself;
// a goroutine that was ended by runtime.Goexit, whose failure is its supervisor's
// at once ([ErrGoexit]). There are no remote actors, no registry and no global
// state: who holds no reference to a tree cannot reach it.
package actor
