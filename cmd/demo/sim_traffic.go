package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// A traffic is one line of a scenario at work: handlers at the hosts that receive,
// actors at those that send, the same ones again at each start of a host.
//
//	host ─── yours ─┬─ "to quick": quick    sends over a stream of its own
//	                └─ …
//	        streams ── the handler          counts what arrives
//
// A letter is a message on a stream: its number in 8 bytes, its size in 4, big
// endian, and so many bytes.
type traffic struct {
	trafficLine
	*simRun
	protocol negotiate.Protocol
	flow     *flow
	next     map[string]int    // of each pair: the next message
	pairs    map[string]uint64 // their numbers
	around   map[string][]string

	// Of a flood: to whom a host passes on what, and what it has heard since its start.
	outs  map[string]map[string]*actor.Mailbox[letter]
	heard map[string]map[uint64]bool
}

type letter struct{ number uint64 }

// letterHead is how long the head of a letter is.
const letterHead = 12

// How traffic takes failures: it waits this long for a connection, for a letter
// to leave or an answer to come, and before it tries again.
const (
	simPatience = 10 * time.Second
	simPause    = time.Second
)

func newTraffic(r *simRun, l trafficLine, number int) *traffic {
	t := &traffic{
		trafficLine: l, simRun: r, protocol: negotiate.Protocol(fmt.Sprintf("/troupe/sim/%s/%d", l.Kind, number+1)),
		flow: newFlow(l.Name, l.Kind), next: map[string]int{}, pairs: map[string]uint64{}, around: map[string][]string{},
		outs: map[string]map[string]*actor.Mailbox[letter]{}, heard: map[string]map[uint64]bool{},
	}
	for i, from := range l.Hosts {
		for _, to := range neighbours(i, len(l.Hosts), l.Degree) {
			t.around[from] = append(t.around[from], l.Hosts[to])
			t.around[l.Hosts[to]] = append(t.around[l.Hosts[to]], from)
		}
	}
	return t
}

// neighbours are those that host i of n dials: half of its neighbours, ever
// farther away, so that everybody is a few steps from everybody.
func neighbours(i, n, degree int) (list []int) {
	for step, k := 1, 0; k < (degree+1)/2 && 2*step <= n; step, k = step*3+1, k+1 {
		if 2*step < n || i < step { // half way round, both ends would dial
			list = append(list, (i+step)%n)
		}
	}
	return list
}

// setup gives a host its part, at each of its starts.
func (t *traffic) setup(s *sim.Site) error {
	me := s.Name()
	if t.Kind != "ping" && (slices.Contains(t.To, me) || slices.Contains(t.Hosts, me)) {
		handler := map[string]func(*sim.Site, *actor.Self, *stream.Stream) error{
			"messages": t.take, "file": t.store, "flood": t.hear,
		}[t.Kind]
		err := s.Serve(t.protocol, func(self *actor.Self, in *stream.Stream) error { return handler(s, self, in) })
		if err != nil {
			return err
		}
	}
	begin := func(to string, work func(self *actor.Self, h *host.Host, me, to string)) {
		s.Supervise(t.Name+": "+to, actor.Restart{Optional: true}, func(self *actor.Self, h *host.Host) error {
			if t.until(self, time.Duration(t.At)) == nil {
				work(self, h, me, to)
			}
			return nil
		})
	}
	if slices.Contains(t.From, me) {
		for _, to := range t.To {
			if to != me && t.Kind == "file" {
				begin(to, t.bring)
			} else if to != me {
				begin(to, t.send)
			}
		}
	}
	if t.Kind == "flood" && slices.Contains(t.Hosts, me) {
		t.outs[me], t.heard[me] = map[string]*actor.Mailbox[letter]{}, map[uint64]bool{}
		begin("publish", t.publish)
	}
	for _, to := range t.around[me] {
		switch t.Kind {
		case "ping":
			begin(to, t.ping)
		case "flood":
			begin(to, t.pass)
		}
	}
	return nil
}

// until sleeps until a time since the start of the traffic.
func (t *traffic) until(self *actor.Self, at time.Duration) error {
	if err := t.open.Wait(self); err != nil {
		return err
	}
	if left := t.began + at - t.world.Elapsed(); left > 0 {
		return self.Sleep(left)
	}
	return self.Err()
}

// now is the time since the start of the traffic.
func (t *traffic) now() time.Duration { return t.world.Elapsed() - t.began }

// over reports whether no more messages are sent.
func (t *traffic) over() bool {
	end := t.duration
	if t.Until > 0 {
		end = min(end, time.Duration(t.Until))
	}
	return t.now() >= end
}

// reach opens a stream to a host.
func (t *traffic) reach(self *actor.Self, h *host.Host, to string) (*stream.Stream, error) {
	ctx, cancel := self.WithTimeout(simPatience)
	defer cancel()
	if err := h.Connect(ctx, t.infos[to]); err != nil {
		return nil, err
	}
	s, err := h.Open(ctx, t.infos[to].ID, t.protocol)
	if err != nil {
		return nil, err
	}
	return s.WithContext(self), nil
}

// ticks calls f with the number of a message each time one is to be sent, and
// waits for f. When f reports a failure, the messages of the next second are
// counted as lost.
func (t *traffic) ticks(self *actor.Self, pair string, f func(number uint64, at time.Duration) error) {
	every, at := time.Duration(t.Every), time.Duration(t.At)
	base := t.number(pair)
	// What would have been sent while the host was down counts as lost.
	if missed := int((t.now() - at) / every); missed > t.next[pair] {
		t.flow.skips(missed-t.next[pair], 1)
		t.next[pair] = missed
	}
	for {
		n := t.next[pair]
		when := at + time.Duration(n)*every
		if t.until(self, when) != nil || t.over() {
			return
		}
		t.next[pair]++
		t.flow.sends(base|uint64(n), 1, when)
		if f(base|uint64(n), when) == nil {
			continue
		}
		if t.until(self, t.now()+simPause) != nil {
			return
		}
		for at+time.Duration(t.next[pair])*every < t.now() && !t.over() {
			t.next[pair]++
			t.flow.skips(1, 1)
		}
	}
}

// number is that of the first message of a pair: 2^32 messages have room.
func (t *traffic) number(pair string) uint64 {
	n, known := t.pairs[pair]
	if !known {
		n = uint64(len(t.pairs)) << 32
		t.pairs[pair] = n
	}
	return n
}

// send sends messages to one host, one after another. A message is late from the
// time on when it was to be sent, also when those before it hold it up.
func (t *traffic) send(self *actor.Self, h *host.Host, me, to string) {
	var out *stream.Stream
	p := make([]byte, letterHead+int(t.Bytes))
	t.ticks(self, me+" "+to, func(number uint64, _ time.Duration) (err error) {
		if out == nil {
			if out, err = t.reach(self, h, to); err != nil {
				return err
			}
		}
		if _, err = out.Write(putLetter(p, number)); err != nil {
			out.Reset(stream.CodeNone)
			out = nil
		}
		return err
	})
	if out != nil {
		out.Close()
	}
}

// take counts the letters that come over a stream.
func (t *traffic) take(s *sim.Site, _ *actor.Self, in *stream.Stream) error {
	for {
		number, err := t.read(in, nil)
		if err != nil {
			return endOf(err)
		}
		t.flow.arrives(number, s.Name(), t.now())
	}
}

// ping pings a neighbour; an arrival is an answer.
func (t *traffic) ping(self *actor.Self, h *host.Host, me, to string) {
	var pinger *ping.Pinger
	t.ticks(self, me+" "+to, func(number uint64, _ time.Duration) (err error) {
		if pinger == nil {
			ctx, cancel := self.WithTimeout(simPatience)
			defer cancel()
			if err := h.Connect(ctx, t.infos[to]); err != nil {
				return err
			}
			if pinger, err = ping.Open(self, h.Swarm(), t.infos[to].ID); err != nil {
				return err
			}
		}
		rtt, err := pinger.Ping(self)
		if err != nil {
			pinger.Close()
			pinger = nil
			return err
		}
		t.flow.at[number] = t.now() - rtt // the answer counts from the question on
		t.flow.arrives(number, to, t.now())
		return nil
	})
	if pinger != nil {
		pinger.Close()
	}
}

// putLetter writes the head of a letter that fills p.
func putLetter(p []byte, number uint64) []byte {
	binary.BigEndian.PutUint64(p, number)
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-letterHead))
	return p
}

// read reads a letter, and its bytes into p, or over them if p is nil.
func (t *traffic) read(in io.Reader, p []byte) (number uint64, err error) {
	var head [letterHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, err
	}
	number = binary.BigEndian.Uint64(head[:])
	size := binary.BigEndian.Uint32(head[8:])
	if size > maxSimMessage || p != nil && int(size) > len(p) {
		return 0, fmt.Errorf("a letter of %d bytes is longer than any that was sent", size)
	}
	if p == nil {
		_, err = io.CopyN(io.Discard, in, int64(size))
	} else {
		_, err = io.ReadFull(in, p[:size])
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return number, err
}

// endOf is nil for the end of a stream between two letters.
func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
