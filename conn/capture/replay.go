package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// The times of a replay. Each chunk of the peer is a tick after the one before,
// which is for ever: virtual time goes on only when nobody has anything to do.
const (
	tick     = time.Millisecond
	offset   = tick / 4      // after a chunk, when this end does what came before the next one
	turn     = tick / 100000 // between things of this end that came at the same place
	settle   = tick / 1000   // lets go out what was written, before a reset drops it
	patience = 30 * time.Second
)

// Replay lets a connection of package conn hold the conversation of a session
// with the recorded peer, in virtual time; seed chooses who runs first when
// several can. It returns nil when the connection made the same of it as when it
// was recorded, and otherwise everything that was different, joined.
func Replay(c *Capture, factory muxer.Factory, seed uint64) error {
	recorded, err := follow(c)
	if err != nil {
		return fmt.Errorf("the recording makes no sense: %w", err)
	}
	live, err := newTalk(c)
	if err != nil {
		return err
	}
	key, err := peer.UnmarshalPublicKey(c.Key)
	if err != nil {
		return err
	}
	addrs, err := addrsOf(c)
	if err != nil {
		return err
	}
	r := &replay{
		capture: c, recorded: recorded, live: live, key: key, addrs: addrs, factory: factory,
		routes: newRoutes(recorded),
	}
	if err := actor.NewScheduler(seed, nil).Run(context.Background(), "replay", r.run); err != nil {
		r.problem(fmt.Errorf("the replay ended with: %w", err))
	}
	return errors.Join(r.problems...)
}

// addrsOf are the addresses of the link.
func addrsOf(c *Capture) (addrs [2]ma.Multiaddr, err error) {
	for i, text := range []string{c.Local, c.Remote} {
		if addrs[i], err = ma.NewMultiaddr(text); err != nil {
			return addrs, err
		}
	}
	return addrs, nil
}

// A replay is one run. The scheduler lets one actor run at a time.
type replay struct {
	capture        *Capture
	recorded, live *talk
	key            peer.PublicKey
	addrs          [2]ma.Multiaddr
	factory        muxer.Factory
	routes         *routes

	began    time.Time // when the peer began to speak above the security channel
	conn     *conn.Conn
	up       actor.Signal
	problems []error
}

func (r *replay) problem(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

// run is the root of the replay's tree.
func (r *replay) run(self *actor.Self) error {
	ours, theirs := mem.Pipe(self, mem.Options{Limit: MaxData})
	r.up = actor.NewSignal(self, "the connection")
	role := negotiate.Dialer
	if r.capture.Dialer == Peer {
		role = negotiate.Listener
	}
	muxerID := negotiate.Protocol("")
	if r.capture.Early {
		muxerID = r.capture.Muxer
	}
	var reason error
	r.routes.replay = r
	ref := conn.Start(self, "conn", conn.Config{
		Link:     transport.Link{Local: r.addrs[0], Remote: r.addrs[1], Pipe: ours},
		Role:     role,
		Security: []negotiate.Security{&security{id: r.capture.Security, key: r.key, muxer: muxerID}},
		Muxers:   []muxer.Factory{r.factory},
		Routes:   r.routes,
		Up:       func(c *conn.Conn) { r.conn = c; r.up.Set() },
		Down:     func(err error) { reason = err; r.up.Set() },
	})
	speaker := self.Go("peer", func(self *actor.Self) error { return r.speak(self, theirs, role.Other()) })
	hosts := self.Go("openers", r.open)
	ctx, cancel := self.WithTimeout(patience)
	defer cancel()
	for _, part := range []*actor.Ref{speaker, ref, hosts} {
		if err := part.Wait(ctx); err != nil {
			r.problem(fmt.Errorf("after %v: %w", patience, err))
		}
	}
	theirs.Close()
	r.judge(reason)
	return nil
}

// judge says what was different when everything is over.
func (r *replay) judge(reason error) {
	r.problem(r.live.whole(Troupe))
	r.problem(r.live.differs(r.recorded))
	r.problem(r.routes.unused())
	// A peer that goes away leaves it to this end to close the pipe.
	want := conn.ErrRemoteClosed
	if last := r.capture.Chunks[len(r.capture.Chunks)-1]; last.From == Troupe && len(r.recorded.away[Peer]) == 0 {
		want = actor.ErrStopped
	}
	if !errors.Is(reason, want) {
		r.problem(fmt.Errorf("the connection ended with %w, and should have with: %w", orNone(reason), want))
	}
}

// errNone makes an absent error printable.
var errNone = errors.New("no error at all")

func orNone(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// speak is the recorded peer: it follows the upgrade to where the capture begins
// and then says one chunk a tick.
func (r *replay) speak(self *actor.Self, pipe net.Conn, role negotiate.Role) error {
	r.began = self.Now()
	if role == negotiate.Listener {
		if _, err := negotiate.Listen(pipe, func(negotiate.Protocol) bool { return true }, nil); err != nil {
			return err
		}
	} else if _, err := negotiate.Dial(pipe, r.capture.Security); err != nil {
		return err
	}
	listener := self.Go("listening", func(*actor.Self) error { return r.hear(pipe) })
	sofar, err := newTalk(r.capture)
	if err != nil {
		return err
	}
	for _, chunk := range r.capture.Chunks {
		if chunk.From == Troupe && !chunk.End {
			if err := sofar.take(Troupe, chunk.Data); err != nil {
				return err
			}
			continue
		}
		if err := r.until(self, r.live.heard+1, 0); err != nil {
			return err
		}
		// It had said this much when it heard that.
		if err := r.live.covers(sofar); err != nil {
			r.problem(fmt.Errorf("before the chunk at line %d: %w", chunk.Line, err))
		}
		switch {
		case chunk.End && chunk.From == Troupe:
			if r.conn == nil {
				return errors.New("there is no connection to close")
			}
			r.conn.Close(nil)
			return listener.Wait(self)
		case chunk.End:
			return pipe.Close()
		}
		if err := errors.Join(sofar.take(Peer, chunk.Data), r.live.take(Peer, chunk.Data)); err != nil {
			return err
		}
		r.live.heard++
		if _, err := pipe.Write(chunk.Data); err != nil {
			r.problem(fmt.Errorf("the peer cannot say the chunk at line %d: %w", chunk.Line, err))
			return listener.Wait(self)
		}
	}
	return nil
}

// hear reads what this end says until it has closed the pipe.
func (r *replay) hear(pipe net.Conn) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := pipe.Read(buffer)
		if problem := r.live.take(Troupe, buffer[:n]); problem != nil {
			r.problem(problem)
			return nil
		}
		if err != nil {
			return nil // the end of the pipe, from either side
		}
	}
}

// until waits for the moment at which this end does what it did when n chunks of
// the peer had been heard, and a little longer.
func (r *replay) until(self *actor.Self, n int, longer time.Duration) error {
	at := r.began.Add(time.Duration(n)*tick + longer)
	return self.Sleep(at.Sub(self.Now()))
}
