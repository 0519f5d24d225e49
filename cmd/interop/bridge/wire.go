package bridge

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// first is the first line of a connection, from the adapter.
type first struct {
	Kind string `json:"kind"` // "control", "stream" or "inbound"

	// Of control.
	ID       string            `json:"id"`
	Addrs    []string          `json:"addrs"`
	Agent    string            `json:"agent"`
	Versions map[string]string `json:"versions"`
	Error    string            `json:"error"`
	Lacking  bool              `json:"lacking"`

	// Of stream and inbound.
	Stream   string `json:"stream"`
	Protocol string `json:"protocol"`
}

// The values of first.Kind.
const (
	kindControl = "control"
	kindStream  = "stream"
	kindInbound = "inbound"
)

// request is a line to the adapter.
type request struct {
	N         uint64   `json:"n"`
	Do        string   `json:"do"`
	Addr      string   `json:"addr,omitempty"`
	Peer      string   `json:"peer,omitempty"`
	Protocols []string `json:"protocols,omitempty"`
	Eager     bool     `json:"eager,omitempty"`
	Stream    string   `json:"stream,omitempty"`
	Count     int      `json:"count,omitempty"`
	Request   uint64   `json:"request,omitempty"`
}

// The values of request.Do.
const (
	doConnect    = "connect"
	doDisconnect = "disconnect"
	doConnected  = "connected"
	doOpen       = "open"
	doPing       = "ping"
	doIdentify   = "identify"
	doCancel     = "cancel"
	doClose      = "close"
)

// answer is a line from the adapter.
type answer struct {
	N     uint64 `json:"n"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Kind  string `json:"kind"` // of the error: "refused", "reset" or empty

	Connected       bool     `json:"connected"`
	Protocol        string   `json:"protocol"`
	RTTs            []int64  `json:"rtts_ns"`
	Agent           string   `json:"agent"`
	ProtocolVersion string   `json:"protocolVersion"`
	Protocols       []string `json:"protocols"`
	Listen          []string `json:"listen"`
	Observed        string   `json:"observed"`
	Local           string   `json:"local"`
}

// err is what the answer says went wrong, with the name that package talk has
// for it.
func (a answer) err() error {
	switch {
	case a.OK:
		return nil
	case a.Kind == "refused":
		return fmt.Errorf("%w: %s", talk.ErrRefused, a.Error)
	case a.Kind == "reset":
		return fmt.Errorf("%w: %s", talk.ErrReset, a.Error)
	default:
		return fmt.Errorf("the adapter says: %s", a.Error)
	}
}

// rtts are the round trips of a ping.
func (a answer) rtts() []time.Duration {
	var all []time.Duration
	for _, ns := range a.RTTs {
		all = append(all, time.Duration(ns))
	}
	return all
}

// The types of frames.
const (
	frameData    = 'd'
	frameEnd     = 'e'
	frameReset   = 'r'
	frameRefused = 'f'
	frameClose   = 'c'
)

const (
	headerSize = 5
	maxFrame   = 64 << 10
	maxLine    = 1 << 20
)

// appendFrame appends a frame to b.
func appendFrame(b []byte, kind byte, payload []byte) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

// readFirst reads the first line of a connection, and not a byte more: what
// follows may be frames.
func readFirst(r io.Reader) (first, error) {
	var f first
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, one); err != nil {
			return f, fmt.Errorf("read the first line: %w", err)
		}
		if one[0] == '\n' {
			break
		}
		if line = append(line, one[0]); len(line) > maxLine {
			return f, fmt.Errorf("the first line is longer than %d bytes", maxLine)
		}
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return f, fmt.Errorf("the first line %q: %w", line, err)
	}
	return f, nil
}
