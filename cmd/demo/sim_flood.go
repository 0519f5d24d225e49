package main

import (
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// floodQueue is how many letters may wait for one neighbour; more are dropped, as
// they come by other ways too.
const floodQueue = 64

// publish has the hosts publish in turn: each sends what is its own to all.
func (t *traffic) publish(self *actor.Self, _ *host.Host, me, _ string) {
	n, place := len(t.Hosts), 0
	for i, h := range t.Hosts {
		if h == me {
			place = i
		}
	}
	every := time.Duration(t.Every)
	for turn := place; ; turn += n {
		at := time.Duration(t.At) + time.Duration(turn)*every
		if at < t.now() {
			continue // it was somebody's turn who was not there
		}
		if t.until(self, at) != nil || t.over() {
			return
		}
		number := uint64(turn)
		t.flow.sends(number, n-1, t.now())
		t.heard[me][number] = true
		t.forward(me, "", number)
	}
}

// forward gives a letter to the actors of all neighbours but the one it is from.
func (t *traffic) forward(me, from string, number uint64) {
	for _, to := range t.around[me] {
		if box := t.outs[me][to]; box != nil && to != from {
			box.TryPut(letter{number})
		}
	}
}

// pass sends what is new to one neighbour. Of two neighbours one dials: a
// connection that breaks is not made twice.
func (t *traffic) pass(self *actor.Self, h *host.Host, me, to string) {
	box := actor.NewMailbox[letter](self, floodQueue)
	t.outs[me][to] = box
	var out *stream.Stream
	p := make([]byte, letterHead+int(t.Bytes))
	open := func() (err error) {
		if me > to && !h.Swarm().Connected(t.infos[to].ID) {
			return errNotConnected
		}
		out, err = t.reach(self, h, to)
		return err
	}
	if open() != nil {
		out = nil // the first letter tries again
	}
	for l := range box.All() {
		if out == nil && open() != nil {
			out = nil
			continue
		}
		if _, err := out.Write(putLetter(p, l.number)); err != nil {
			out.Reset(stream.CodeNone)
			out = nil
		}
	}
	if out != nil {
		out.Reset(stream.CodeNone)
	}
}

// hear takes the letters of a neighbour, and passes on what is new.
func (t *traffic) hear(s *sim.Site, _ *actor.Self, in *stream.Stream) error {
	from := t.names[in.Peer()]
	for {
		number, err := t.read(in, nil)
		if err != nil {
			return endOf(err)
		}
		me := s.Name()
		if t.heard[me][number] {
			continue
		}
		t.heard[me][number] = true
		t.flow.arrives(number, me, t.now())
		t.forward(me, from, number)
	}
}
