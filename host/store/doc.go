// Package store keeps the address book of a host in a file, so that a node that
// starts again finds back to those it knew.
//
//	s, err := store.Open("node.peers")
//	defer s.Close()
//	h, err := host.New(ctx, host.Remember(s))
//	defer h.Close()
//
// A [Store] is a [swarm.Store]. When it is written, what, and what is still valid
// when it is read, is decided there: see package swarm, "The address book". Here
// are the file and its troubles:
//
//	actor "store" of a host             this package                    bbolt
//	   │ Load, Save: one at a time         │                              │
//	   ├──────────────────────────────────▶│ codec.go: peers to bytes     │
//	   │                                   ├─────────────────────────────▶│ one
//	   │                                   │ each call an actor of its    │ transaction
//	   │◀──────────────────────────────────┤ own: a panic is an error     │
//
// # The file
//
// It is a database of go.etcd.io/bbolt: one file, a B+ tree whose pages are never
// written over, so that a crash at any moment leaves either the old state or the
// new one. It was chosen over the others because it is what etcd stands on and is
// looked after with it, is plain Go, starts no goroutines, and brings one other
// module, which was there already. SQLite is a thousand times the code for a table
// of two columns, Pebble and Badger are made for loads that do not fit into
// memory and run compactions beside, LevelDB's Go version is not looked after any
// more. Only this package imports it: a program that does not import this package
// does not have it.
//
//	bucket "troupe address book"
//	├─ "schema"            1, as text
//	└─ bucket "peers"      the bytes of a peer ID: a peer, see codec.go
//
// Every value has a checksum over itself and its key. One that is damaged is left
// out, counted ([Store.Damaged]) and removed. A file of a newer schema is not
// touched ([SchemaError]).
//
// # When something is wrong with it
//
// bbolt maps the file into memory and trusts it: a damaged page can make it
// panic, run in a circle, or touch memory that is not there. Therefore [Open]
// walks through all pages first, in a way that trusts nothing (check.go), and
// each call into it runs as an actor of its own, in which a panic, and the fault
// when the file has become shorter meanwhile, is a [CorruptError]. After that the
// store is not used any more: all calls return that error. A file that another
// process or another host has open is an [InUseError]. What the system says
// (no space left, no permission) is a [FileError]. Each says which file it is and
// what to do.
//
// # Limits
//
//	the file              1 GiB; a full address book needs some 20 MiB
//	a peer                64 addresses of 1 KiB, a record of 8 KiB
//	[Open]                reads the whole file once; it does not wait for a lock
//	[Store.Load]          holds what it reads in memory: what the book holds
//
// The file is readable by its owner alone: whom a node talks to is nobody else's
// business. The lock works between processes on Unix and Windows; not on every
// network file system.
package store
