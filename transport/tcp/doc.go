// Package tcp is the transport over TCP: /ip4/A/tcp/P and /ip6/A/tcp/P.
//
//	Dial ──▶ socket ──▶ Link{Pipe: *net.TCPConn}
//	Listen ▶ socket ──▶ Accept ──▶ Link{Pipe: *net.TCPConn}
//
// The pipe of a link is the [*net.TCPConn] itself, so that whoever writes
// batches can hand all their buffers to the kernel in one call (net.Buffers).
//
// A link-local IPv6 address has its zone in front: /ip6zone/eth0/ip6/fe80::1/tcp/4001.
// Names are resolved before, by transport.Resolve. Anything after the port but
// /p2p/ID (ws, tls, …) belongs to other transports and is refused.
//
// There is no goroutine of ours here: the end of a context cuts a blocked Accept
// through the listener's deadline, and Dial is the standard library's.
//
// # What the sockets are set to
//
//   - TCP_NODELAY is on, as package net has it: the writer of a connection
//     gathers small writes itself, and the kernel must not wait for more.
//   - Keep-alive probes are on with the times of package net (the first after 15 s
//     of silence, then every 15 s, broken after 9); [KeepAlive] changes them.
//   - /ip6 takes no IPv4 connections, so that /ip4/0.0.0.0/tcp/P and /ip6/::/tcp/P
//     can be listened at side by side.
//
// # Limits
//
// The kernel holds the links that nobody has accepted (on Linux at most
// net.core.somaxconn), and says when the process is out of file descriptors:
// Accept then returns an AcceptError that is Exhausted. How long an unanswered
// Dial goes on is for the context; the kernel alone gives up after minutes.
package tcp
