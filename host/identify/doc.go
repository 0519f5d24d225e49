// Package identify is how peers learn what the other end supports and where it
// can be reached: /ipfs/id/1.0.0 and /ipfs/id/push/1.0.0 (libp2p specs,
// identify/README.md). It is a service: an actor over a swarm.
//
//	this host                                            the peer
//	    │  a connection is open: a stream for /ipfs/id/1.0.0  │
//	    │────────────────────────────────────────────────────▶│
//	    │◀──── Identify: protocols, addresses, signed record ──│ closes
//	    │                                                      │
//	    │   something has changed: a stream for push           │
//	    │◀─── Identify: what is new ───────────────────────────│ closes
//
// Each end asks the other, once for every connection, and tells those who
// support it when its own protocols or addresses change. What a peer says is
// written down in four places: its connection ([conn.Conn.Known]), so that
// streams can be opened without a round trip; the swarm's event
// [swarm.PeerKnows]; the address book, as [swarm.Said], with its signed record
// ([swarm.Book.Record]); and [Service.Known].
// Those who have just connected use [Service.Wait].
//
// # The actors
//
//	identify          one mailbox; a machine decides
//	├─ events         carries the swarm's events to the mailbox
//	├─ ask-12D3…f3-7  asks one peer, on connection 7; at most one a connection
//	└─ push-12D3…f3-7 tells one peer; at most one a connection
//
//	to the mailbox   events of the swarm, the ends of the children, pushes that
//	                 want to be admitted (from the handlers of their streams) and
//	                 that were read, those who wait for a peer, its own deadline
//	from it          to the swarm and the address book; it waits for room there
//
// # What is believed
//
// A peer speaks for itself alone. Its public key, if it sends one, must be that
// of the connection: otherwise nothing it said counts. A signed record must be
// the sender's own, in either of the two forms; another one is left out, and
// counted. Addresses in a record count more than those beside it. Those that end
// in another peer's ID, and those that cannot be meant for this host (loopback
// and private networks told by somebody who is elsewhere), are left out. Text is
// made printable. Where others see this host is gathered ([Service.Observed])
// and not yet told to anybody: few agree on anything in a small network, and
// many of one network may lie together.
//
// Of what a peer says, the newest counts: by the number of its record, and where
// that says nothing by when the question or the push began. All orders of
// questions, changes and pushes lead to the peer's last words; a test walks
// through them.
//
// # Limits
//
//	a message that is sent          4096 bytes, one message: rust reads no more
//	what is read on a stream        10 messages of 8 KiB, within 5 s
//	of that                         1024 protocols, 500 addresses; 64 are kept
//	asked at the same time          128 peers, 96 of them on inbound connections
//	told at the same time           32 peers, 250 ms after the first change
//	pushes of one peer              10, and one more every 6 s; what is ignored
//	                                is made good by asking once; never by a dial
//	observed addresses              512, one a peer and listening address, 30 min
//
// A peer that is silent, slow, or talks nonsense costs this and its stream; the
// connection lives on. Whatever is remembered of a peer ends with its last
// connection.
package identify
