package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// The protocol /troupe/music/1.0.0 is binary, and the same in both directions at
// the same time: each end sends its song and closes its half.
//
//	8 bytes   size of the song, big endian, at most 64 MiB
//	size      the song
//	32 bytes  its SHA-256
const musicProtocol negotiate.Protocol = "/troupe/music/1.0.0"

const (
	maxSong   = 64 << 20
	songBlock = 32 << 10
)

// tape is a song that has come over a stream.
type tape struct {
	song   []byte
	said   digest // the sum that the sender says
	played digest // the sum of what came
}

// jukebox is the service that swaps its song for that of whoever comes. over is
// called at the end of each swap, by its handler, and may wait.
func jukebox(song []byte, over func(self *actor.Self, t tape, err error)) host.Service {
	return func(self *actor.Self, h *host.Host) error {
		err := h.Handle(self, musicProtocol, func(self *actor.Self, s *stream.Stream) error {
			t, err := swapSongs(self, s, song, nil, nil)
			over(self, t, err)
			return err
		})
		if err != nil {
			return err
		}
		return idle(self)
	}
}

// blockMoved is called with the size of each block that was sung or heard, by the
// actor that did it.
type blockMoved func(self *actor.Self, n int)

// swapSongs sends a song and receives one over the same stream. The actor self
// listens and a part of it sings; sung and heard may be nil.
func swapSongs(self *actor.Self, s *stream.Stream, song []byte, sung, heard blockMoved) (tape, error) {
	self.State("listening")
	singer := self.Go("singer", func(self *actor.Self) error {
		self.State("singing")
		return sing(self, s.WithContext(self), song, sung)
	})
	t, err := listen(self, s, heard)
	if err != nil {
		return t, err
	}
	if err := singer.Wait(self); err != nil {
		return t, err
	}
	return t, singer.Err()
}

func sing(self *actor.Self, s *stream.Stream, song []byte, sung blockMoved) error {
	if _, err := s.Write(binary.BigEndian.AppendUint64(nil, uint64(len(song)))); err != nil {
		return err
	}
	for rest := song; len(rest) > 0; {
		n, err := s.Write(rest[:min(len(rest), songBlock)])
		if err != nil {
			return err
		}
		rest = rest[n:]
		if sung != nil {
			sung(self, n)
		}
	}
	sum := sha256.Sum256(song)
	if _, err := s.Write(sum[:]); err != nil {
		return err
	}
	return s.CloseWrite()
}

func listen(self *actor.Self, s *stream.Stream, heard blockMoved) (tape, error) {
	var head [8]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return tape{}, err
	}
	size := binary.BigEndian.Uint64(head[:])
	if size > maxSong {
		return tape{}, fmt.Errorf("the song has %d bytes, and %d are allowed", size, maxSong)
	}
	var song bytes.Buffer // grows with the bytes, whatever the size says
	sum, block := sha256.New(), make([]byte, songBlock)
	for left := int(size); left > 0; {
		n, err := s.Read(block[:min(left, len(block))])
		song.Write(block[:n])
		sum.Write(block[:n])
		left -= n
		if heard != nil && n > 0 {
			heard(self, n)
		}
		if err != nil && left > 0 {
			return tape{}, err
		}
	}
	t := tape{song: song.Bytes()}
	sum.Sum(t.played[:0])
	if _, err := io.ReadFull(s, t.said[:]); err != nil {
		return t, err
	}
	return t, nil
}
