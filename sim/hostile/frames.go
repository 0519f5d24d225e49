package hostile

import (
	"encoding/binary"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
)

// A framer makes the frames of a muxer, right or wrong. Streams are counted from 0
// by whoever opens them.
type framer interface {
	open(stream int) []byte
	data(stream int, p []byte) []byte
	end(stream int) []byte
	reset(stream int) []byte
	// answer is data on a stream that the host has opened, and its end.
	answer(stream int, p []byte) []byte
	// hear takes one whole frame from the front of p; 0: there is none yet.
	hear(p []byte, h *heard) (n int)
}

// heard is what frames of the host have said.
type heard struct {
	resets int
	skip   int // bytes of a body that are still to come
}

func framerOf(m negotiate.Protocol) framer {
	if m == mplex.ID {
		return mplexFrames{}
	}
	return yamuxFrames{}
}

// yamuxFrames are those of libp2p specs, yamux/README.md.
type yamuxFrames struct{}

// The types and flags of yamux.
const (
	yData, yWindow, yPing, yGoAway = 0, 1, 2, 3
	ySYN, yACK, yFIN, yRST         = 1, 2, 4, 8
)

// yamuxFrame is a frame's head.
func yamuxFrame(kind, flags uint8, stream, length uint32) []byte {
	p := append(make([]byte, 0, 12), 0, kind, 0, flags)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(p, stream), length)
}

func dialers(stream int) uint32   { return uint32(2*stream + 1) }
func listeners(stream int) uint32 { return uint32(2*stream + 2) }

func (yamuxFrames) open(s int) []byte  { return yamuxFrame(yWindow, ySYN, dialers(s), 0) }
func (yamuxFrames) end(s int) []byte   { return yamuxFrame(yData, yFIN, dialers(s), 0) }
func (yamuxFrames) reset(s int) []byte { return yamuxFrame(yData, yRST, dialers(s), 0) }

func (yamuxFrames) data(s int, p []byte) []byte {
	return append(yamuxFrame(yData, 0, dialers(s), uint32(len(p))), p...)
}

func (yamuxFrames) answer(s int, p []byte) []byte {
	return append(yamuxFrame(yData, yACK|yFIN, listeners(s), uint32(len(p))), p...)
}

func (yamuxFrames) hear(p []byte, h *heard) int {
	if len(p) < 12 {
		return 0
	}
	if p[3]&yRST != 0 {
		h.resets++
	}
	if p[1] == yData {
		h.skip = int(binary.BigEndian.Uint32(p[8:]))
	}
	return 12
}

// mplexFrames are those of libp2p specs, mplex/README.md.
type mplexFrames struct{}

// The flags of mplex.
const (
	mNew, mMessageReceiver, mMessage, mCloseReceiver, mClose, mResetReceiver, mReset = 0, 1, 2, 3, 4, 5, 6
)

// mplexFrame is a frame's head.
func mplexFrame(flag uint8, stream, length uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, stream<<3|uint64(flag)), length)
}

func (mplexFrames) open(s int) []byte  { return mplexFrame(mNew, uint64(s), 0) }
func (mplexFrames) end(s int) []byte   { return mplexFrame(mClose, uint64(s), 0) }
func (mplexFrames) reset(s int) []byte { return mplexFrame(mReset, uint64(s), 0) }

func (mplexFrames) data(s int, p []byte) []byte {
	return append(mplexFrame(mMessage, uint64(s), uint64(len(p))), p...)
}

func (mplexFrames) answer(s int, p []byte) []byte {
	message := append(mplexFrame(mMessageReceiver, uint64(s), uint64(len(p))), p...)
	return append(message, mplexFrame(mCloseReceiver, uint64(s), 0)...)
}

func (mplexFrames) hear(p []byte, h *heard) int {
	head, n := binary.Uvarint(p)
	if n <= 0 {
		return 0
	}
	length, m := binary.Uvarint(p[n:])
	if m <= 0 {
		return 0
	}
	if flag := head & 7; flag == mResetReceiver || flag == mReset {
		h.resets++
	}
	h.skip = int(length)
	return n + m
}

// muxIDs are the muxers that cases are made for.
func muxIDs() []negotiate.Protocol { return []negotiate.Protocol{yamux.ID, mplex.ID} }

// reads is the attacker's reading half: an actor that takes whatever comes.
type reads struct {
	over  *actor.Promise // kept with the error that ended it
	some  *actor.Promise // kept at the first bytes, or at the end
	heard heard
	bytes int64
	part  []byte // of a frame's head
}

// read begins to take what the host says, if that has not begun.
func (a *attack) read() {
	if a.reads != nil {
		return
	}
	r := &reads{over: actor.NewPromise(a, "the end of the connection"), some: actor.NewPromise(a, "a word of the host")}
	a.reads = r
	a.Go("reader", func(*actor.Self) error {
		p := make([]byte, 16<<10)
		for {
			n, err := a.pipe.Read(p)
			r.bytes += int64(n)
			if a.frames != nil {
				r.take(a.frames, p[:n])
			}
			if n > 0 || err != nil {
				r.some.Keep(nil)
			}
			if err != nil {
				r.over.Keep(err)
				return nil
			}
		}
	})
}

// take reads frames in whatever pieces they come.
func (r *reads) take(f framer, p []byte) {
	for len(p) > 0 {
		if skip := min(r.heard.skip, len(p)); skip > 0 {
			r.heard.skip -= skip
			p = p[skip:]
			continue
		}
		r.part = append(r.part, p[0])
		p = p[1:]
		if f.hear(r.part, &r.heard) > 0 {
			r.part = r.part[:0]
		}
	}
}
