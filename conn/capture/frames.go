package capture

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-p2p/troupe/negotiate"
)

// The decoders here are written from the specifications and share nothing with
// the machines that are tested: a mistake that a machine makes in both
// directions must not cancel itself out.

// The muxers that can be decoded.
const (
	mplexID negotiate.Protocol = "/mplex/6.7.0"
	yamuxID negotiate.Protocol = "/yamux/1.0.0"
)

// A streamID names a stream of a capture.
type streamID struct {
	opener Side
	number uint64
}

// String is the number, with who opened it.
func (id streamID) String() string { return fmt.Sprintf("%s's stream %d", id.opener, id.number) }

// A deed is what a frame does.
type deed uint8

const (
	begins   deed = iota // opens a stream
	accepts              // yamux: an answer to that
	carries              // has bytes of a stream
	grants               // yamux: n more bytes may be sent
	ends                 // the sender's half ends
	resets               // both halves end, with code n
	pings                // yamux: asks with the value n
	answers              // yamux: answers with the value n
	goesAway             // yamux: with the code n
)

// A frame is one frame of a muxer.
type frame struct {
	stream streamID
	deeds  []deed
	n      uint32
	body   []byte // as much of it as there is
	left   int    // bytes of the body that are still to come: only of frames that carry
	head   int    // bytes before the body
	note   string
}

// size is how many bytes of the frame there are.
func (f frame) size() int { return f.head + len(f.body) }

// rest is the frame with what comes next of its body, and what it does in the end.
func (f frame) rest(data []byte) frame {
	n := min(f.left, len(data))
	f.deeds = f.deeds[slices.Index(f.deeds, carries):]
	f.head, f.body, f.left = 0, data[:n], f.left-n
	return f
}

// now is what the frame does as far as it is there: what stands behind its bytes
// is done when all of them are.
func (f frame) now() []deed {
	if f.left == 0 {
		return f.deeds
	}
	return f.deeds[:slices.Index(f.deeds, carries)+1]
}

// A decoder reads one frame from the front of data, which from has sent. It
// returns false when there is not enough data, and an error when it never will be.
// A frame that carries bytes need not be whole: a receiver may answer its first
// bytes before the last have come.
type decoder func(from Side, data []byte) (frame, bool, error)

// decoderOf returns the decoder of a muxer.
func decoderOf(muxer negotiate.Protocol, dialer Side) (decoder, error) {
	switch muxer {
	case mplexID:
		return decodeMplex, nil
	case yamuxID:
		return func(from Side, data []byte) (frame, bool, error) { return decodeYamux(dialer, data) }, nil
	}
	return nil, fmt.Errorf("capture: frames of %s cannot be decoded", muxer)
}

// decodeYamux reads a frame of yamux (libp2p specs, yamux/README.md).
func decodeYamux(dialer Side, data []byte) (frame, bool, error) {
	const head = 12
	if len(data) < head {
		return frame{}, false, nil
	}
	kind, flags := data[1], binary.BigEndian.Uint16(data[2:])
	number, length := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	f := frame{head: head, n: length, stream: streamID{opener: dialer, number: uint64(number)}}
	if number%2 == 0 {
		f.stream.opener = dialer.Other()
	}
	if data[0] != 0 || kind > 3 || flags > 15 {
		return frame{}, false, fmt.Errorf("no frame of yamux begins with % x", data[:head])
	}
	name := [...]string{"Data", "WindowUpdate", "Ping", "GoAway"}[kind]
	for bit, flag := range []string{"SYN", "ACK", "FIN", "RST"} {
		if flags&(1<<bit) != 0 {
			name += "+" + flag
		}
	}
	f.note = fmt.Sprintf("%d %s", number, name)
	switch kind {
	case 2:
		f.note = fmt.Sprintf("%s %d", name, length)
		switch flags {
		case 1:
			f.deeds = []deed{pings}
		case 2:
			f.deeds = []deed{answers}
		default:
			return frame{}, false, fmt.Errorf("a ping of yamux has the flags %d", flags)
		}
		return f, true, nil
	case 3:
		f.note = fmt.Sprintf("%s %d", name, length)
		f.deeds = []deed{goesAway}
		return f, true, nil
	}
	if number == 0 {
		return frame{}, false, fmt.Errorf("a frame of yamux for stream 0: % x", data[:head])
	}
	if flags&1 != 0 {
		f.deeds = append(f.deeds, begins)
	}
	if flags&2 != 0 {
		f.deeds = append(f.deeds, accepts)
	}
	if kind == 0 {
		n := min(int(length), len(data)-head)
		f.body, f.left = data[head:head+n], int(length)-n
		f.deeds = append(f.deeds, carries)
		f.note = fmt.Sprintf("%s %d", f.note, length)
	} else if length > 0 && flags&8 == 0 {
		f.deeds = append(f.deeds, grants)
		f.note = fmt.Sprintf("%s %d", f.note, length)
	}
	if flags&4 != 0 {
		f.deeds = append(f.deeds, ends)
	}
	if flags&8 != 0 {
		f.deeds = append(f.deeds, resets)
	}
	return f, true, nil
}

// decodeMplex reads a frame of mplex (libp2p specs, mplex/README.md).
func decodeMplex(from Side, data []byte) (frame, bool, error) {
	key, n, err := uvarint(data)
	if n == 0 || err != nil {
		return frame{}, false, err
	}
	length, m, err := uvarint(data[n:])
	if m == 0 || err != nil {
		return frame{}, false, err
	}
	if length > 1<<20 {
		return frame{}, false, fmt.Errorf("a frame of mplex has a body of %d bytes", length)
	}
	flag, number := key&7, key>>3
	there := min(int(length), len(data)-n-m)
	f := frame{head: n + m, body: data[n+m : n+m+there], left: int(length) - there, stream: streamID{opener: from, number: number}}
	if flag%2 == 1 {
		f.stream.opener = from.Other() // the receiver's form of a flag
	}
	names := []string{"NewStream", "MessageReceiver", "MessageInitiator", "CloseReceiver", "CloseInitiator", "ResetReceiver", "ResetInitiator"}
	if flag == 7 {
		return frame{}, false, fmt.Errorf("a frame of mplex has the flag 7")
	}
	if f.left > 0 && flag != 1 && flag != 2 {
		return frame{}, false, nil
	}
	f.deeds = []deed{[...]deed{begins, carries, carries, ends, ends, resets, resets}[flag]}
	f.note = strings.TrimSuffix(fmt.Sprintf("%d %s %d", number, names[flag], length), " 0")
	return f, true, nil
}

// uvarint reads a varint; n is 0 when there is not enough data.
func uvarint(data []byte) (value uint64, n int, err error) {
	value, n = binary.Uvarint(data)
	if n < 0 || n > 9 {
		return 0, 0, fmt.Errorf("a varint is too long: % x", data[:min(len(data), 10)])
	}
	return value, n, nil
}
