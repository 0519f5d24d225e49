package mplex

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// ID is the protocol ID of mplex (libp2p specs, mplex/README.md).
const ID negotiate.Protocol = "/mplex/6.7.0"

const (
	// MaxBody is the longest body of a frame, in bytes, whatever its flag: 1 MiB
	// (libp2p specs, mplex/README.md; go, rust and js end the connection over it).
	MaxBody = 1 << 20
	// MaxID is the highest number of a stream: the head's varint has at most 9
	// bytes, which are 63 bits, and 3 of them are the flag.
	MaxID = 1<<60 - 1

	// maxVarint is the longest varint in bytes (multiformats, unsigned-varint).
	maxVarint = 9
)

// The flags of a frame. They are also the Op of a Send effect.
const (
	flagNewStream = iota
	flagMessageReceiver
	flagMessageInitiator
	flagCloseReceiver
	flagCloseInitiator
	flagResetReceiver
	flagResetInitiator
	flagInvalid
)

// FlagName returns the specification's name of a flag, which is the Op of a Send
// effect, for traces and logs.
func FlagName(op uint8) string {
	switch op {
	case flagNewStream:
		return "NewStream"
	case flagMessageReceiver:
		return "MessageReceiver"
	case flagMessageInitiator:
		return "MessageInitiator"
	case flagCloseReceiver:
		return "CloseReceiver"
	case flagCloseInitiator:
		return "CloseInitiator"
	case flagResetReceiver:
		return "ResetReceiver"
	case flagResetInitiator:
		return "ResetInitiator"
	default:
		return "flag " + strconv.Itoa(int(op))
	}
}

// flagFrom returns the flag of a message, close or reset that this end sends on
// the stream: the initiator's form is one above the receiver's.
func flagFrom(receiver uint8, id muxer.StreamID) uint8 {
	if id.Opened() {
		return receiver + 1
	}
	return receiver
}

// frame returns the effect that sends one frame.
func frame(flag uint8, id muxer.StreamID, n int) muxer.Effect {
	return muxer.Effect{Kind: muxer.Send, Op: flag, Stream: id, N: n}
}

// appendHead appends the head of a frame, and the whole of a NewStream, whose
// body is the stream's number as decimal text.
func appendHead(dst []byte, send muxer.Effect) []byte {
	dst = binary.AppendUvarint(dst, send.Stream.Wire()<<3|uint64(send.Op))
	if send.Op != flagNewStream {
		return binary.AppendUvarint(dst, uint64(send.N))
	}
	// At most 19 digits: the length takes one byte.
	at := len(dst)
	dst = strconv.AppendUint(append(dst, 0), send.Stream.Wire(), 10)
	dst[at] = byte(len(dst) - at - 1)
	return dst
}

// headSize returns how many bytes appendHead appends.
func headSize(send muxer.Effect) int {
	size := uvarintSize(send.Stream.Wire()<<3 | uint64(send.Op))
	if send.Op != flagNewStream {
		return size + uvarintSize(uint64(send.N))
	}
	size += 2
	for rest := send.Stream.Wire(); rest > 9; rest /= 10 {
		size++
	}
	return size
}

// uvarintSize returns how many bytes the varint of x has.
func uvarintSize(x uint64) int { return (bits.Len64(x|1) + 6) / 7 }

// A head decodes the two varints that begin a frame, in whatever pieces they
// come. It keeps numbers, never bytes. Its zero value waits for a frame.
type head struct {
	key    uint64 // id<<3 | flag, once second is set
	value  uint64 // the bits so far of the varint that is being read
	shift  uint8  // how many bits that is
	second bool   // the key is complete, the length is being read
}

// A verdict is what a head makes of the bytes it was given.
type verdict uint8

const (
	more     verdict = iota // all bytes were taken, the head is not complete
	complete                // key and length are there
	overlong                // a varint of more than maxVarint bytes
	padded                  // a varint that is not the shortest form
)

// take reads the head from p and returns how many bytes it took. With complete,
// the length is returned and key holds the first number.
func (h *head) take(p []byte) (n int, length uint64, v verdict) {
	for n < len(p) {
		b := p[n]
		n++
		if b >= 0x80 {
			if h.shift == 7*(maxVarint-1) {
				return n, 0, overlong
			}
			h.value |= uint64(b&0x7f) << h.shift
			h.shift += 7
			continue
		}
		if b == 0 && h.shift > 0 {
			return n, 0, padded
		}
		value := h.value | uint64(b)<<h.shift
		h.value, h.shift = 0, 0
		if h.second {
			h.second = false
			return n, value, complete
		}
		h.key, h.second = value, true
	}
	return n, 0, more
}
