// Package swarm is the engine of a host: the peers it is connected with, the ways
// to more of them, and who serves which protocol.
//
//	 listen-…          users and services: Connect, Open, Handle, Subscribe
//	    │ arrived         │ connect, leave, subscribe, identified
//	    ▼                 ▼
//	┌───────────────────────────────┐  starts    ┌────────────┐  starts ┌───────────┐
//	│ swarm    one mailbox of 256   │───────────▶│ dial-12D3… │────────▶│ attempt-… │
//	│ owns peers, connections,      │◀───────────│ dial       │◀────────│ one       │
//	│ dials, limits                 │  dialOver  │ machine    │  linked │ address   │
//	│                               │            └────────────┘  failed └─────┬─────┘
//	│                               │◀────────────────────────────────────────┘ adopt
//	│                               │  starts    ┌─────────────────────────┐
//	│                               │───────────▶│ conn-12D3…-7            │
//	│                               │◀───────────│ upgrade, then streams   │
//	└───┬───────────────────────┬───┘  up, down  └─────────────────────────┘
//	    │ PeerUp, PeerDown, …   │ snapshots: Conn, Conns, Peers, Addrs
//	    ▼                       ▼
//	 subscribers             readers, who ask nobody
//
// The swarm's actor waits in its mailbox and nowhere else. It opens no streams:
// it hands out the connection, and the caller asks that. Connections and dials
// are its temporary children; the address book and the listeners are children of
// whoever called [Start] and [Swarm.Listen], beside it.
//
// # A dial
//
// One dial per peer runs at a time; all callers of [Swarm.Connect] wait for it.
// The dial machine (dial_machine.go) ranks the addresses: names, which are looked
// up at once and stand for others; this machine and its network; public ones;
// relayed ones; IPv6 before IPv4 within each. They are tried one after the other,
// 30 ms apart before a local and 250 ms before another one, at once after a
// failure, eight at a time at most. An attempt has won when its connection is
// secured and multiplexed and the peer has proved who it is; then the others are
// cancelled. If two of them get that far, the later is closed as superseded,
// unless the first is gone.
//
// An address that failed is left alone for 5 s + n² s after n failures in a row,
// at most 5 min: [BookEntry] shows it, success clears it, and a Connect that
// names addresses ignores it. An address at which another peer answers is
// forgotten. A dial that fails returns a [*DialError] with every address, the
// stage it came to and why.
//
// # The address book
//
// The book has an address from a [Source]: somebody else, the peer itself, a dial
// that led there, the user; from several, and then it stands as long as one of
// them holds. What a peer says of itself replaces what it said before. Addresses
// out of its own signed record are certified ([Book.LearnRecord]): the newest
// record counts, by its number, and can be passed on ([Book.Record]). Nobody says
// anything of another peer that replaces what that one said.
//
// Who makes room is decided by book_machine.go: the worst source first, and
// within it who was learned of longest ago; never a peer that is connected, and
// for strangers never one from a better source, unless that source has more than
// half of the book. A certificate does not help there: strangers can make as many
// as they like. For what the user gives, a stranger who is connected makes room
// as well. Of one peer's addresses the worst goes first in the same way. A
// newcomer that finds no room is refused ([BookFullError]).
//
// With a [Store] in the [Config] the book outlives the host. The actor "store",
// beside the book, loads it at the start, each entry with what is left of its
// time by the clock on the wall, and writes what changes: of each peer the state,
// once a second at most, many in one batch (keep_machine.go). A child of it waits
// for the disk; the book waits for nobody. What was only heard is not written. A
// store that fails is tried again, after up to a minute, and shows in the tree;
// the host goes on. A crash costs what was learned in the last second or so; the
// orderly end costs nothing.
//
// # Several connections with one peer
//
// They are legal: both ends may dial at once. None of them is closed for it,
// because both ends might choose differently. Streams are opened on the oldest
// that is not ending ([Swarm.Conn]), so that a newcomer takes nothing away.
// When a connection comes in from a peer that is being dialed, callers get it;
// attempts without a link are cancelled, one that is in its upgrade may come to
// its end. A connection with our own peer ID is closed.
//
// # Protocols
//
// A route belongs to the actor that registered it, and ends with it: the streams
// it serves are reset. Registering a protocol twice is an error that names both
// owners. The table is copied on each change; streams read it without a lock.
//
// # Events
//
// [Subscribe] delivers [Event] values to the subscriber's own mailbox, in order,
// beginning with what is so now. The swarm never waits for a subscriber: one that
// is more than Limits.Events behind gets [Missed] and then the differences
// between what it knew and what is so (news_machine.go).
//
// # Limits
//
//	links in their upgrade, inbound     256; 64 from one IPv4 address or IPv6 /64;
//	                                    half from one IPv4 /24 or IPv6 /48
//	inbound connections                 4096; half from one IPv4 /24 or IPv6 /48
//	outbound connections                4096, which inbound ones never take
//	connections of one peer             8
//	dials at the same time              256; others wait for their turn
//	streams                             in all, of others, of one peer, of one subnet,
//	                                    and the growth of all windows: as a host's
//	                                    budget says; without one, any number
//	upgrade of an inbound link          10 s
//	attempt, and whole dial             5 s when local, 15 s otherwise
//	changes that wait for the store     1024 peers a batch; a batch in a second
//	address book                        4096 peers; of each 64 addresses of 1 KiB,
//	                                    32 KiB of memory, a record of 8 KiB
//	events that wait for a subscriber   256
//
// What is over a limit of links is closed at once, the newest first, and counted
// ([Swarm.Refused]); a stream is reset, or not opened. Each limit has a name and a
// counter ([Swarm.Refusals]), and whoever is refused in this process gets a
// [*LimitError]. The limits machine (limits_machine.go) decides; package host
// derives the limits from a budget of memory and descriptors.
//
// # When something fails
//
// A connection, a dial, a stream: it is gone, nothing else notices. A listener
// whose socket fails is started again at the same port, after 1 s and then up to
// a minute. The swarm's actor and the book's are started again at once, three
// times in five minutes, with nothing of what they held: connections close,
// subscribers hear of it, listeners and routes stay.
package swarm
