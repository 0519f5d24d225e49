package bridge

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Peer is an adapter's host. Its methods may be called from any goroutine.
type Peer struct {
	name     string
	first    first // what the adapter said when it began
	handlers map[string]talk.Handler
	dir      string // of the socket
	listener net.Listener
	child    *child
	hello    chan control
	control  net.Conn
	lost     chan struct{} // closed when the control connection has ended
	running  sync.WaitGroup

	saying sync.Mutex // one line at a time

	mu      sync.Mutex
	last    uint64                   // the number of the last request
	answers map[uint64]chan answer   // of the requests under way; each holds one
	streams map[string]chan net.Conn // of the streams that are being opened; each holds one
}

var _ talk.Peer = (*Peer)(nil)

// ID is the peer ID in its usual text form.
func (p *Peer) ID() string { return p.first.ID }

// Addrs are the listen addresses, each with the peer ID.
func (p *Peer) Addrs() []string { return slices.Clone(p.first.Addrs) }

// Agent is what identify says of this peer.
func (p *Peer) Agent() string { return p.first.Agent }

// Versions are those of the libraries that the adapter uses, by name.
func (p *Peer) Versions() map[string]string { return maps.Clone(p.first.Versions) }

// Connect dials, and waits for the adapter's word that the connection is there.
func (p *Peer) Connect(ctx context.Context, addr string) error {
	_, err := p.do(ctx, request{Do: doConnect, Addr: addr})
	return err
}

// Disconnect closes all connections with a peer.
func (p *Peer) Disconnect(ctx context.Context, id string) error {
	_, err := p.do(ctx, request{Do: doDisconnect, Peer: id})
	return err
}

// Connected says whether the adapter's host has a connection with a peer in its
// list.
func (p *Peer) Connected(ctx context.Context, id string) (bool, error) {
	got, err := p.do(ctx, request{Do: doConnected, Peer: id})
	return got.Connected, err
}

// Ping measures some round trips.
func (p *Peer) Ping(ctx context.Context, id string, n int) ([]time.Duration, error) {
	got, err := p.do(ctx, request{Do: doPing, Peer: id, Count: n})
	return got.rtts(), err
}

// Identify waits for the identify exchange of the connection with a peer.
func (p *Peer) Identify(ctx context.Context, id string) (talk.Identity, error) {
	got, err := p.do(ctx, request{Do: doIdentify, Peer: id})
	if err != nil {
		return talk.Identity{}, err
	}
	return talk.Identity{
		Agent:           got.Agent,
		ProtocolVersion: got.ProtocolVersion,
		Protocols:       got.Protocols,
		Listen:          got.Listen,
		Observed:        got.Observed,
		Local:           got.Local,
	}, nil
}

// Open opens a stream. It waits for the adapter's answer and for the connection
// that carries the stream.
func (p *Peer) Open(ctx context.Context, id string, want talk.Want) (talk.Stream, error) {
	box := make(chan net.Conn, 1)
	p.mu.Lock()
	p.last++ // a name of its own, in one series with the requests
	name := strconv.FormatUint(p.last, 10)
	p.streams[name] = box
	p.mu.Unlock()

	got, err := p.do(ctx, request{Do: doOpen, Peer: id, Protocols: want.Protocols, Eager: want.Eager, Stream: name})
	if err == nil {
		select {
		case c := <-box:
			return newStream(c, got.Protocol), nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-p.lost:
			err = p.epitaph()
		}
	}
	p.mu.Lock()
	delete(p.streams, name) // a connection that comes now finds nobody
	p.mu.Unlock()
	select {
	case c := <-box:
		_ = c.Close()
	default:
	}
	return nil, err
}

// do asks the adapter for something and waits for the answer. When ctx ends, the
// adapter is told to give up.
func (p *Peer) do(ctx context.Context, r request) (answer, error) {
	box := make(chan answer, 1)
	p.mu.Lock()
	p.last++
	r.N = p.last
	p.answers[r.N] = box
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.answers, r.N)
		p.mu.Unlock()
	}()

	if err := p.say(r); err != nil {
		return answer{}, errors.Join(p.epitaph(), err)
	}
	select {
	case got := <-box:
		return got, got.err()
	case <-ctx.Done():
		p.mu.Lock()
		p.last++
		n := p.last
		p.mu.Unlock()
		_ = p.say(request{N: n, Do: doCancel, Request: r.N}) // nobody waits for the answer
		return answer{}, fmt.Errorf("no answer to %s: %w", r.Do, context.Cause(ctx))
	case <-p.lost:
		select {
		case got := <-box: // the last word before the end
			return got, got.err()
		default:
			return answer{}, p.epitaph()
		}
	}
}

// say writes a request. An adapter that reads nothing for a second is broken.
func (p *Peer) say(r request) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	p.saying.Lock()
	defer p.saying.Unlock()
	if err := p.control.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = p.control.Write(append(line, '\n'))
	return err
}

// epitaph says that the adapter is gone, and how it ended if it has.
func (p *Peer) epitaph() error {
	select {
	case <-p.child.gone:
		return fmt.Errorf("the %s adapter has ended: %w", p.name, p.child.exit())
	case <-time.After(lastWords):
		return fmt.Errorf("the %s adapter has ended its control connection", p.name)
	}
}

// listen takes the answers, until the control connection ends.
func (p *Peer) listen() {
	defer close(p.lost)
	scan := bufio.NewScanner(p.control)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		var got answer
		if err := json.Unmarshal(scan.Bytes(), &got); err != nil {
			fmt.Fprintf(os.Stderr, "the %s adapter says %q: %v\n", p.name, scan.Bytes(), err)
			_ = p.control.Close()
			return
		}
		p.mu.Lock()
		box := p.answers[got.N]
		delete(p.answers, got.N) // a second answer finds nobody
		p.mu.Unlock()
		if box != nil {
			box <- got
		}
	}
}

// accept takes the adapter's connections, until the listener is closed.
func (p *Peer) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() {
			if err := p.serve(c); err != nil {
				fmt.Fprintf(os.Stderr, "a connection of the %s adapter: %v\n", p.name, err)
				_ = c.Close()
			}
		})
	}
}

// serve finds out what a connection is for and gives it to whom it belongs. It
// returns an error if that is nobody.
func (p *Peer) serve(c net.Conn) error {
	f, err := readFirst(c)
	if err != nil {
		return err
	}
	switch f.Kind {
	case kindControl:
		select {
		case p.hello <- control{f, c}:
			return nil
		default:
			return errors.New("it is a second control connection")
		}
	case kindStream:
		if !p.deliver(f.Stream, c) {
			return c.Close() // whoever asked for it has given up
		}
		return nil
	case kindInbound:
		handle, ok := p.handlers[f.Protocol]
		if !ok {
			return fmt.Errorf("it is a stream of %q, which has no handler", f.Protocol)
		}
		s := newStream(c, f.Protocol)
		if handle(s) != nil {
			_ = s.Reset()
		} else {
			_ = s.Close()
		}
		return nil
	default:
		return fmt.Errorf("it is of an unknown kind, %q", f.Kind)
	}
}

// deliver gives a stream's connection to the Open that waits for it, if one does.
func (p *Peer) deliver(name string, c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	box := p.streams[name]
	if box == nil {
		return false
	}
	delete(p.streams, name)
	box <- c
	return true
}

// Close stops the adapter's host and waits for the end of the adapter. It is
// killed if it does not end by itself; that is an error, as is an exit status
// other than 0.
func (p *Peer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_, err := p.do(ctx, request{Do: doClose})
	return errors.Join(err, p.end())
}

// end ends everything that there is.
func (p *Peer) end() error {
	var errs []error
	if p.child != nil {
		limit := closeLimit
		if p.control == nil {
			limit = 0 // it has not even begun
		}
		if p.control != nil {
			_ = p.control.Close()
		}
		if err := p.child.stop(limit); err != nil {
			errs = append(errs, err)
		}
	}
	if p.listener != nil {
		_ = p.listener.Close()
	}
	// The streams have ended with the adapter, and their handlers with them.
	p.running.Wait()
	select {
	case unused := <-p.hello:
		_ = unused.conn.Close()
	default:
	}
	if p.dir != "" {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(errs...)
}
