// Package scenario holds the scenarios that the stack itself is tested with, in
// worlds of package sim: hosts as users run them, and what may happen to them.
// There is no code in it but tests.
//
//	scenarios()                 each one with a name; go test -run 'GoodEnd/mesh'
//	   │ plays
//	   ▼
//	sim.World ── hosts, links, faults ── the checks of sim
//	   │ and those of this package:
//	   ├── every error is of a type that says whose fault it is (clear)
//	   ├── what is waited for comes in bounded virtual time (wait)
//	   ├── in the end no host has a stream, in its tree or in a connection (base)
//	   └── no buffer and no goroutine is left when the world has gone
//
// Each scenario is played once as a test, with the flags of [sim.Test], and a few
// times more on 1, 2 and 4 threads to compare the hashes; -scenario.seeds says how
// many seeds that takes.
//
// mutants.sh plants the bugs of testdata/mutants into a copy of the repository,
// one after the other, and says which scenarios find them; docs/mutants.md is the
// table.
package scenario
