// Command demo shows what two Troupe hosts do, and is a small node with tools.
//
//	demo                    the story: two hosts, one connection, a recipe and two songs
//	demo node               a node: ping, identify, echo, and the files of one folder
//	demo ping|ls|get|send   what one does with a node
//	demo limits             what others can make a host hold
//	demo id                 who your node is
//	demo sim                a whole network of hosts in virtual time
//
// Everything that runs is an actor. A command is a root with two children, and
// Ctrl-C stops them in the reverse order:
//
//	command ─┬─ host            swarm, connections, streams with their handlers, services
//	         └─ work            what the command does; for a transfer: attempts, one after another
//
// # Files
//
// The protocol /troupe/file/1.0.0 is described in wire.go. What happens in a
// transfer is decided by two machines, and carried out by whoever runs them: the
// handler of a stream, or the work of a command.
//
//	transfer_machine.go   receiver and sender: what next, resume or begin anew, keep or drop
//	retry_machine.go      whether and when a transfer that broke off is tried again
//	claims_machine.go     who may send a file into the shared folder now
//
//	receiving.go   receiveMachine ─▶ stream, partial.go (the hidden file beside the target)
//	sending.go     sendMachine ────▶ stream, disk.go (the source)
//	attempts.go    retryMachine ───▶ connect, one attempt, pause
//	share.go       claimsMachine ──▶ the service of a node, and its handlers
//
// # Simulations
//
// demo sim plays a scenario, a file of lines (sim_file.go reads it, sim_check.go looks
// at the whole), in a world of package sim. The hosts are real ones, with handlers
// and actors that make traffic; scenarios/ has those with names.
//
//	scenario ─▶ simRun ─▶ sim.World ─ hosts ─ traffic (pings, messages, floods, files)
//	               │ looks now and then: bytes, connections     │ each first arrival
//	               ▼                                            ▼
//	           simReport ◀───────────────────────────────────  flow
//	               └─▶ table, JSON, page (four charts, sim_page.html draws them)
//
// The actors of a world take turns, so what they measure needs no lock. To stop at an
// event of the trace, the run is played twice: only when all has happened are the
// events of one instant in the trace's order.
//
// # Peers
//
// A node keeps its address book beside its key (remember.go, package host/store):
// one file, one node at a time. The tools use it when they are given that key.
//
// # Messages
//
//	to the share    wish, transferOver (share.go)
//	to a node       swarmEvent, fileRequest (node.go)
//	to the teller   curtain, recipeLine, musicPlays, partOver, lookAgain (story.go)
//
// # Limits
//
//	a message of the file protocol     4 KiB; a block 64 KiB; a name 1024 bytes
//	silence of the peer in a transfer  30 s; while it stores the file 2 min
//	files received at a time           16, of one peer 4; bytes in all: --receive-limit
//	files in a list                    10 000
//	a line of the recipe               400 bytes; a song 64 MiB
//	a scenario                         20 000 hosts; a message 1 MiB, a file 4 GiB
//	silence on an echo stream          1 min
//
// # Output
//
// People get text on standard output, with bars and colour on a terminal only,
// and errors on standard error: one sentence that says what, where, and what to
// do. Programs say --json and get objects, one a line, all on standard output.
// The exit codes are listed in exit.go and by --help.
package main
