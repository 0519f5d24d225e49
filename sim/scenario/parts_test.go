package scenario

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// A kind of muxer, and whether it finds out by itself that nobody is there.
type muxerKind struct {
	name      string
	option    host.Option
	keepAlive bool
	windows   bool // a slow reader holds up nobody else
}

func muxers() []muxerKind {
	return []muxerKind{
		{"yamux", host.Muxer(yamux.Factory(yamux.Options{})), true, true},
		{"mplex", host.Muxer(mplex.Factory(mplex.PauseThenReset)), false, false},
	}
}

// plain is the usual host without a secure channel.
func plain() host.Option {
	return host.Security(func(key peer.Key) negotiate.Security { return plaintext.New(key) })
}

// base asks for what must hold in the end: no host has a stream, neither an actor
// for one nor a place in the muxer.
func base(w *sim.World, sites ...*sim.Site) {
	w.Eventually("no stream is left", 2*patience, func() error {
		if path := findStream(w.Tree()); path != "" {
			return fmt.Errorf("%s still runs", path)
		}
		for _, s := range sites {
			for _, p := range s.Swarm().Peers() {
				for _, c := range s.Swarm().Conns(p) {
					if n := c.Streams(); n > 0 {
						return fmt.Errorf("%s has %d streams without an actor", s.Name(), n)
					}
				}
			}
		}
		return nil
	})
}

func findStream(n actor.Node) string {
	if strings.HasPrefix(n.Name, "stream-") {
		return n.Path
	}
	for _, c := range n.Children {
		if path := findStream(c); path != "" {
			return path
		}
	}
	return ""
}

// A job is an actor of a host that does something once.
type job struct {
	name string
	site *sim.Site
	host int // how many hosts had started at the site
	ref  *actor.Ref
	done bool // it has come to its end, and its host with it has not
	err  error
	took time.Duration
}

func begin(s *sim.Site, name string, f func(self *actor.Self) error) *job {
	j := &job{name: s.Name() + "'s " + name, site: s, host: s.Starts()}
	j.ref = actor.Start(s.Self(), name, func(self *actor.Self) error {
		began := self.Now()
		err := f(self)
		j.err, j.took, j.done = err, self.Now().Sub(began), true
		return nil
	})
	return j
}

// wait lets the world go on until the jobs are done, and no longer than limit.
// What they return must be clear.
func wait(w *sim.World, limit time.Duration, jobs ...*job) {
	began := w.Elapsed()
	for _, j := range jobs {
		for {
			select {
			case <-j.ref.Done():
			default:
				if j.site.Starts() != j.host {
					break // its host has crashed, and is there again
				}
				if w.Elapsed()-began > limit {
					w.Must(fmt.Errorf("%s hangs for more than %v", j.name, limit))
				}
				w.Must(w.Sleep(20 * time.Millisecond))
				continue
			}
			break
		}
		if j.err != nil && !clear(j.err) {
			w.Must(fmt.Errorf("%s ends with %T, which says too little: %w", j.name, j.err, j.err))
		}
	}
}

// well is wait for jobs that must succeed.
func well(w *sim.World, limit time.Duration, jobs ...*job) {
	wait(w, limit, jobs...)
	for _, j := range jobs {
		if j.err != nil || !j.done {
			w.Must(fmt.Errorf("%s: %w", j.name, j.err))
		}
	}
}

// clear reports whether an error is one that a program can act on.
func clear(err error) bool {
	var closed *conn.CloseError
	var reset *stream.ResetError
	var negotiation *stream.NegotiationError
	var dial *swarm.DialError
	var pinged *ping.Error
	var gone *actor.GoneError
	switch {
	case errors.As(err, &closed), errors.As(err, &reset), errors.As(err, &negotiation), errors.As(err, &dial), errors.As(err, &pinged), errors.As(err, &gone):
		return true
	}
	for _, known := range []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, context.Canceled, actor.ErrStopped, conn.ErrGoingAway, conn.ErrTooManyStreams, errWrongSum} {
		if errors.Is(err, known) {
			return known != errWrongSum
		}
	}
	return false
}

// The protocols.
const (
	sumID  negotiate.Protocol = "/sum/1"  // answers what it read with its length and its hash
	holdID negotiate.Protocol = "/hold/1" // reads to the end, and answers nothing
)

var errWrongSum = errors.New("what arrived is not what was sent")

// patience is how long a handler takes: without windows or pings, as with mplex,
// nobody else notices that a peer is gone which was to speak.
const patience = 90 * time.Second

// sum is the handler of sumID.
func sum(self *actor.Self, st *stream.Stream) error {
	st.SetDeadline(self.Now().Add(patience))
	h := fnv.New64a()
	n, err := io.Copy(h, st)
	if err != nil {
		return stream.Refuse(stream.CodeNone)
	}
	if _, err = st.Write(h.Sum(binary.BigEndian.AppendUint64(nil, uint64(n)))); err != nil {
		return stream.Refuse(stream.CodeNone)
	}
	return nil
}

// hold is the handler of holdID.
func hold(self *actor.Self, st *stream.Stream) error {
	st.SetDeadline(self.Now().Add(patience))
	if _, err := io.Copy(io.Discard, st); err != nil {
		return stream.Refuse(stream.CodeNone)
	}
	return nil
}

func serve(s *sim.Site) error {
	return errors.Join(s.Serve(sumID, sum), s.Serve(holdID, hold))
}

// put sends n bytes to a peer and looks at the answer. A limit of 0 is none.
func put(self *actor.Self, h *host.Host, to peer.Info, n int, limit time.Duration) error {
	st, err := open(self, h, to, sumID, limit)
	if err != nil {
		return err
	}
	defer st.Close()
	return exchange(st, n)
}

func open(self *actor.Self, h *host.Host, to peer.Info, id negotiate.Protocol, limit time.Duration) (*stream.Stream, error) {
	ctx, cancel := self.WithTimeout(time.Minute)
	defer cancel()
	if err := h.Connect(ctx, to); err != nil {
		return nil, err
	}
	st, err := h.Open(ctx, to.ID, id)
	if err == nil && limit > 0 {
		err = st.SetDeadline(self.Now().Add(limit))
	}
	return st, err
}

func exchange(st *stream.Stream, n int) error {
	h := fnv.New64a()
	chunk := make([]byte, 8<<10)
	for sent := 0; sent < n; {
		p := chunk[:min(len(chunk), n-sent)]
		for i := range p {
			p[i] = byte((sent + i) * 7 >> 3)
		}
		if _, err := st.Write(p); err != nil {
			return err
		}
		h.Write(p)
		sent += len(p)
	}
	if err := st.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(st)
	if err == nil && !bytes.Equal(answer, h.Sum(binary.BigEndian.AppendUint64(nil, uint64(n)))) {
		err = fmt.Errorf("%w: the answer is %x", errWrongSum, answer)
	}
	return err
}
