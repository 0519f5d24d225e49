package main

import (
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The conversation of run with a peer process: JSON, one line each. The peer
// first sends ready; then each request is answered by one reply, in order. A check
// in which somebody is killed is answered by two: the first says that the moment
// has come.

// ready is a peer's first line.
type ready struct {
	Impl     string   `json:"impl"`
	Security string   `json:"security"`
	Muxer    string   `json:"muxer"`
	ID       string   `json:"id"`
	Addrs    []string `json:"addrs"` // multiaddrs that end in /p2p/ID
	Agent    string   `json:"agent"`
	// Versions are those of the releases that the peer is made of.
	Versions map[string]string `json:"versions,omitempty"`
	// Error says why there is no peer. The process then ends.
	Error string `json:"error,omitempty"`
	// Lacking says that the implementation does not have the security or muxer.
	Lacking bool `json:"lacking,omitempty"`
	// Absent says that the implementation is not installed on this machine.
	Absent bool `json:"absent,omitempty"`
}

// The values of request.Do.
const (
	doConnect    = "connect"    // dial Addr
	doCheck      = "check"      // run the check Name, with Size if it is "echo", "upload" or "download"
	doAlive      = "alive"      // echo one byte
	doAwait      = "await"      // take the next ending of a handler of Protocol
	doGone       = "gone"       // wait until no connection with the peer To.ID is left
	doDisconnect = "disconnect" // close all connections with the peer To.ID
	doQuit       = "quit"       // end the process in good order
)

// request is one command.
type request struct {
	Do       string `json:"do"`
	Addr     string `json:"addr,omitempty"`
	Name     string `json:"name,omitempty"`
	Size     int64  `json:"size,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// To is the peer a check talks to. Without it: the last one dialed, of which
	// only the address is known.
	To *target `json:"to,omitempty"`
	// LimitMS is the time limit in milliseconds; 0 means that of the check, or
	// stepLimit.
	LimitMS int64 `json:"limit_ms,omitempty"`
}

// target is talk.Target as JSON.
type target struct {
	ID    string   `json:"id"`
	Addrs []string `json:"addrs"`
	Agent string   `json:"agent"`
}

// reply answers a request.
type reply struct {
	Do     string       `json:"do"`
	Name   string       `json:"name,omitempty"`
	OK     bool         `json:"ok"`
	Reason string       `json:"reason,omitempty"`
	TookMS float64      `json:"took_ms"`
	Ending *talk.Ending `json:"ending,omitempty"`
	// UnderWay says that the moment has come to kill somebody. The reply proper is
	// still to come.
	UnderWay bool `json:"under_way,omitempty"`
	// Stuck says that the step ran past its limit and its grace and is still
	// running: the process is of no further use.
	Stuck bool `json:"stuck,omitempty"`
}

// stepLimit is the time limit of a step that has none of its own: a dial with
// its upgrade, an echo of one byte, a handler's end.
const stepLimit = 15 * time.Second

// milliseconds is d for JSON, with microseconds kept.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
