package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

var errNotConnected = errors.New("the neighbour has not dialed yet")

// simBlock is how many bytes of a file are a letter.
const simBlock = 16 << 10

// blocks is how many letters the file of a traffic is.
func (t *traffic) blocks() int { return (int(t.Bytes) + simBlock - 1) / simBlock }

// bring sends a file, again and again from where the other one stands, until it
// is there:
//
//	dialer     letter n, letter n+1, … end      (who it is for says n first)
//	listener   n in 8 bytes                     … 1 byte when it has all
func (t *traffic) bring(self *actor.Self, h *host.Host, me, to string) {
	pair := me + " " + to
	if t.next[pair] == 0 {
		t.next[pair] = 1
		t.flow.due += t.blocks() // of which flow.sends counts nothing more
	}
	for t.next[pair] != done {
		err := t.attempt(self, h, pair, to)
		if err == nil {
			t.next[pair] = done
			return
		}
		if self.Sleep(simPause) != nil {
			return
		}
	}
}

// done stands in traffic.next for a file that has arrived.
const done = -1

// attempt brings what is missing of a file over one stream.
func (t *traffic) attempt(self *actor.Self, h *host.Host, pair, to string) (err error) {
	s, err := t.reach(self, h, to)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.Reset(stream.CodeNone)
			return
		}
		s.Close()
	}()
	patient := func() { s.SetDeadline(self.Now().Add(simPatience)) }
	patient()
	var has [8]byte
	if _, err := io.ReadFull(s, has[:]); err != nil {
		return err
	}
	p := make([]byte, letterHead+simBlock)
	base := t.number(pair)
	for n := int(binary.BigEndian.Uint64(has[:])); n < t.blocks(); n++ {
		patient()
		size := min(simBlock, int(t.Bytes)-n*simBlock)
		fillBlock(p[letterHead:letterHead+size], n)
		t.flow.sends(base|uint64(n), 0, t.now())
		if _, err := s.Write(putLetter(p[:letterHead+size], base|uint64(n))); err != nil {
			return err
		}
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	patient()
	_, err = io.ReadFull(s, has[:1])
	return err
}

// fillBlock makes the bytes of a block.
func fillBlock(p []byte, n int) {
	for i := range p {
		p[i] = byte(n*31 + i)
	}
}

// store takes a file. How far it has come is on the host's disk, so that it goes
// on after a crash; bytes that are not those of the file end the stream.
func (t *traffic) store(s *sim.Site, self *actor.Self, in *stream.Stream) error {
	name := t.Name + " of " + t.names[in.Peer()]
	mark, err := s.Disk().Read(name)
	if err != nil {
		return err
	}
	mark = append(mark, make([]byte, 8-len(mark))...)
	if _, err := in.Write(mark); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint64(mark))
	got, want := make([]byte, simBlock), make([]byte, simBlock)
	for {
		in.SetDeadline(self.Now().Add(3 * simPatience))
		number, err := t.read(in, got)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		size := min(simBlock, int(t.Bytes)-n*simBlock)
		if int(uint32(number)) != n || size <= 0 {
			return fmt.Errorf("block %d came, not %d", uint32(number), n)
		}
		if fillBlock(want[:size], n); !slices.Equal(got[:size], want[:size]) {
			return fmt.Errorf("block %d is damaged", n)
		}
		n++
		binary.BigEndian.PutUint64(mark, uint64(n))
		if err := s.Disk().Write(name, mark); err != nil {
			return err
		}
		t.flow.arrives(number, s.Name(), t.now())
	}
	if n < t.blocks() {
		return io.ErrUnexpectedEOF
	}
	if _, err := in.Write([]byte{1}); err != nil {
		return err
	}
	return in.Close()
}
