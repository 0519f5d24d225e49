// Package bridge lets a libp2p host that is not written in Go take part in the
// matrix. The host lives in a child process, the adapter; here it looks like any
// other [talk.Peer].
//
//	┌─────────── interop peer ───────────┐     unix socket     ┌────── adapter ──────┐
//	│ checks, handlers ──▶ Peer          │◀═ control: JSON ═══▶│ a libp2p host       │
//	│   (package talk)      ├─ Stream    │◀═ stream: frames ══▶│  ├─ its stream      │══ TCP
//	│                       └─ Stream    │◀═ stream: frames ══▶│  └─ its stream      │
//	└────────────────────────────────────┘                     └─────────────────────┘
//
// The checks and the handlers of the test protocols stay in Go, so that they are
// the same for everybody. An adapter knows none of them: it moves bytes.
//
// # Starting
//
// The adapter is started with the flags
//
//	--socket PATH --security NAME --muxer NAME --protocols P1,P2,...
//
// NAME is as in [talk.Config]; the protocols are those to register handlers for.
// It listens on /ip4/127.0.0.1/tcp/0. What it writes to its standard output and
// error goes to this process's standard error.
//
// It dials the unix socket once for control, and once more for each stream. The
// first line of every connection is JSON and says which it is.
//
// # Control
//
// First line, from the adapter, when it listens:
//
//	{"kind":"control","id":"12D3…","addrs":["/ip4/127.0.0.1/tcp/N/p2p/12D3…"],"agent":"…","versions":{"libp2p":"3.3.11"}}
//
// or, when there is no such host, after which it exits with status 0 if it is
// lacking (it does not have the security or the muxer) and 1 otherwise:
//
//	{"kind":"control","error":"there is no security plaintext","lacking":true}
//
// Then lines in both directions. Requests carry a number, and run concurrently:
// the answer with the same number may come at any time, in any order.
//
//	{"n":1,"do":"connect","addr":"/ip4/…/p2p/12D3…"}      dial; another ID there is an error
//	{"n":2,"do":"disconnect","peer":"12D3…"}              close all connections with the peer
//	{"n":3,"do":"open","peer":"12D3…","protocols":["/a","/b"],"eager":true,"stream":"7"}
//	{"n":4,"do":"ping","peer":"12D3…","count":5}          one after the other over one stream
//	{"n":5,"do":"identify","peer":"12D3…"}                what identify said on the connection
//	{"n":6,"do":"cancel","request":4}                     give up; 4 is then answered or not, nobody waits
//	{"n":7,"do":"connected","peer":"12D3…"}               is a connection with the peer in the list?
//	{"n":8,"do":"close"}                                  stop in good order, answer, exit with status 0
//
// The answers:
//
//	{"n":1,"ok":true}
//	{"n":3,"ok":true,"protocol":"/b"}                     after the connection of stream 7 has been made
//	{"n":3,"ok":false,"error":"…","kind":"refused"}       kind: "refused", "reset" or absent
//	{"n":7,"ok":true,"connected":false}
//	{"n":4,"ok":true,"rtts_ns":[81000,79000]}             with ok false: those that came back before
//	{"n":5,"ok":true,"agent":"…","protocolVersion":"…","protocols":["…"],"listen":["…"],"observed":"…","local":"…"}
//
// open, ping and identify use the connection that is there and never dial. The
// adapter exits when the control connection ends.
//
// # Streams
//
// The first line comes from the adapter: for a stream that open has made, with the
// name given there, and for one that a remote has opened:
//
//	{"kind":"stream","stream":"7","protocol":"/b"}
//	{"kind":"inbound","peer":"12D3…","protocol":"/a"}
//
// After the line's end, frames in both directions: one byte type, four bytes
// length (big-endian, at most 65536), the payload.
//
//	    to the adapter                       from the adapter
//	d   write this                           this was read
//	e   close the write side                 the remote has closed its write side
//	r   reset the stream                     the stream was reset, or has failed; payload: why
//	f   -                                    the proposed protocol was refused; payload: why
//	c   close both directions in good order  -
//
// After c the adapter closes the connection when everything is written; after r
// and f it closes it at once. A connection that this side ends without c means
// r; one that the adapter ends before r, f or an answer to c is an error.
//
// Back-pressure is the socket's: the adapter does not read from the libp2p stream
// while the socket takes nothing, nor from the socket while the stream takes
// nothing.
//
// # Limits
//
// A frame has at most 64 KiB, a line of JSON 1 MiB. The adapter must be there
// after 25 s (startLimit) and gone 10 s after close (closeLimit), or it is killed.
// It is a child in this process's group: who kills the group kills both.
package bridge
