package yamux

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// ID is the protocol ID of yamux (libp2p specs, yamux/README.md).
const ID negotiate.Protocol = "/yamux/1.0.0"

const (
	// StartWindow is how many bytes each end may send on a stream before the
	// other one grants more: 256 KiB (libp2p specs, yamux/README.md, flow
	// control).
	StartWindow = 256 << 10
	// MaxID is the highest number of a stream: the head has 32 bits for it.
	MaxID = 1<<32 - 1

	headSize  = 12
	maxCredit = 1<<32 - 1
)

// The types of a frame.
const (
	typeData = iota
	typeWindowUpdate
	typePing
	typeGoAway
)

// The flags of a frame. Others have no meaning and are ignored.
const (
	flagSYN = 1 << iota
	flagACK
	flagFIN
	flagRST
)

// opOf packs a frame's type and flags into the Op of a Send effect.
func opOf(kind, flags uint8) uint8 { return flags<<2 | kind }

// FrameName returns the specification's name of a frame's type and flags, which
// are the Op of a Send effect, for traces and logs: WindowUpdate+SYN.
func FrameName(op uint8) string {
	if op >= 1<<6 {
		return "op" + strconv.Itoa(int(op))
	}
	names := [...]string{"Data", "WindowUpdate", "Ping", "GoAway"}
	var b strings.Builder
	b.WriteString(names[op&3])
	for i, flag := range [...]string{"+SYN", "+ACK", "+FIN", "+RST"} {
		if op>>2&(1<<i) != 0 {
			b.WriteString(flag)
		}
	}
	return b.String()
}

// data returns the effect that sends n bytes of a stream.
func data(id muxer.StreamID, n int) muxer.Effect {
	return muxer.Effect{Kind: muxer.Send, Op: opOf(typeData, 0), Stream: id, N: n}
}

// control returns the effect that sends a frame without a body. What its length
// field says travels in the effect's Code: an increment, an error's code, a
// ping's value.
func control(kind, flags uint8, id muxer.StreamID, length uint32) muxer.Effect {
	return muxer.Effect{Kind: muxer.Send, Op: opOf(kind, flags), Stream: id, Code: length}
}

// session returns the effect that sends a frame which belongs to no stream.
func session(kind, flags uint8, length uint32) muxer.Effect {
	return control(kind, flags, muxer.NewStreamID(0, true), length)
}

// appendHead appends the head of a frame.
func appendHead(dst []byte, send muxer.Effect) []byte {
	kind, length := send.Op&3, send.Code
	if kind == typeData {
		length = uint32(send.N)
	}
	dst = append(dst, 0, kind, 0, send.Op>>2)
	dst = binary.BigEndian.AppendUint32(dst, uint32(send.Stream.Wire()))
	return binary.BigEndian.AppendUint32(dst, length)
}

// A head is the 12 bytes before a body.
type head struct {
	version, kind  uint8
	flags          uint16
	stream, length uint32
}

// has reports whether a flag is set.
func (h head) has(flag uint16) bool { return h.flags&flag != 0 }

// parse reads a head from at least headSize bytes.
func parse(p []byte) head {
	return head{
		version: p[0], kind: p[1], flags: binary.BigEndian.Uint16(p[2:]),
		stream: binary.BigEndian.Uint32(p[4:]), length: binary.BigEndian.Uint32(p[8:]),
	}
}

// A reader gathers a head that comes in pieces. Its zero value waits for a frame.
type reader struct {
	bytes [headSize]byte
	have  uint8
}

// take reads a head from the front of p, and returns how many bytes it took and
// whether the head is complete.
func (r *reader) take(p []byte) (h head, n int, complete bool) {
	if r.have == 0 && len(p) >= headSize {
		return parse(p), headSize, true
	}
	n = copy(r.bytes[r.have:], p)
	if r.have += uint8(n); r.have < headSize {
		return head{}, n, false
	}
	r.have = 0
	return parse(r.bytes[:]), n, true
}
