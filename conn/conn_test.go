package conn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// routes is a fixed table of handlers.
type routes map[negotiate.Protocol]*stream.Route

func (r routes) Find(p negotiate.Protocol) *stream.Route { return r[p] }
func (r routes) Protocols() []negotiate.Protocol         { return nil }

func table(handlers map[negotiate.Protocol]stream.Handler) routes {
	r := routes{}
	for p, h := range handlers {
		r[p] = &stream.Route{Protocol: p, Handler: h}
	}
	return r
}

func echo(self *actor.Self, s *stream.Stream) error {
	_, err := io.Copy(s, s)
	return err
}

var handlers = table(map[negotiate.Protocol]stream.Handler{
	"/echo/1": echo,
	"/panic/1": func(self *actor.Self, s *stream.Stream) error {
		panic("this handler panics")
	},
	"/refuse/1": func(self *actor.Self, s *stream.Stream) error { return stream.Refuse(77) },
	"/sum/1": func(self *actor.Self, s *stream.Stream) error {
		h := sha256.New()
		if _, err := io.Copy(h, s); err != nil {
			return err
		}
		_, err := s.Write(h.Sum(nil))
		return err
	},
	"/sink/1": func(self *actor.Self, s *stream.Stream) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, make([]byte, 64<<10))
		return err
	},
	// For benchmarks: an echo and a wait that take no buffers.
	"/small-echo/1": func(self *actor.Self, s *stream.Stream) error {
		var p [64]byte
		for {
			n, err := s.Read(p[:])
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := s.Write(p[:n]); err != nil {
				return err
			}
		}
	},
	// An echo of messages whose size comes first, in three bytes.
	"/whole-echo/1": func(self *actor.Self, s *stream.Stream) error {
		var size [3]byte
		if _, err := io.ReadFull(s, size[:]); err != nil {
			return err
		}
		p := make([]byte, int(size[0])<<16|int(size[1])<<8|int(size[2]))
		for {
			if _, err := io.ReadFull(s, p); err != nil {
				return err
			}
			if _, err := s.Write(p); err != nil {
				return err
			}
		}
	},
	"/stuck/1": func(self *actor.Self, s *stream.Stream) error {
		<-self.Done()
		return nil
	},
	"/silent/1": func(self *actor.Self, s *stream.Stream) error {
		_, err := io.Copy(io.Discard, s)
		<-self.Done()
		return err
	},
})

// pair is two connected ends in one tree over loopback TCP.
type pair struct {
	dialer, listener *Conn
	tree             *actor.Ref
}

func newPair(t testing.TB, change func(*Config)) *pair {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p, err := join(t, a, b, change)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func join(t testing.TB, a, b net.Conn, change func(*Config)) (*pair, error) {
	addr := ma.StringCast("/ip4/127.0.0.1/tcp/1")
	p := &pair{}
	ups, downs := make(chan *Conn, 2), make(chan error, 2)
	ctx, cancel := context.WithCancel(context.Background())
	start := func(self *actor.Self, name string, pipe net.Conn, role negotiate.Role) {
		key, _ := peer.Generate(nil)
		c := Config{
			Link: transport.Link{Local: addr, Remote: addr, Pipe: pipe}, Role: role,
			Security: []negotiate.Security{plaintext.New(key)}, Muxers: []muxer.Factory{mplex.Factory(mplex.PauseThenReset)},
			Routes: handlers,
			Up:     func(c *Conn) { ups <- c },
			Down:   func(err error) { downs <- err },
		}
		if change != nil {
			change(&c)
		}
		Start(self, name, c)
	}
	p.tree = actor.Start(ctx, "root", func(self *actor.Self) error {
		start(self, "dialer", a, negotiate.Dialer)
		start(self, "listener", b, negotiate.Listener)
		<-self.Done()
		return nil
	})
	t.Cleanup(func() {
		cancel()
		if err := p.tree.Join(); err != nil {
			t.Errorf("the tree ended with %v", err)
		}
	})
	for range 2 {
		select {
		case c := <-ups:
			if c.Role() == negotiate.Dialer {
				p.dialer = c
			} else {
				p.listener = c
			}
		case err := <-downs:
			return nil, err
		}
	}
	return p, nil
}

func (p *pair) open(t testing.TB, protocol negotiate.Protocol) *stream.Stream {
	t.Helper()
	s, err := p.dialer.Open(context.Background(), false, protocol)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBytesComeBackWholeThroughAnEcho(t *testing.T) {
	p := newPair(t, nil)
	for _, size := range []int{0, 1, 1000, 1<<20 + 1, 8 << 20} {
		for _, lazy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, lazy %v", size, lazy), func(t *testing.T) {
				s, err := p.dialer.Open(context.Background(), lazy, "/echo/1")
				if err != nil {
					t.Fatal(err)
				}
				data := make([]byte, size)
				rand.NewChaCha8([32]byte{1}).Read(data)
				sent := make(chan error, 1)
				go func() {
					_, err := s.Write(data)
					s.CloseWrite()
					sent <- err
				}()
				got, err := io.ReadAll(s)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("got %d of %d bytes, equal %v, %v", len(got), size, bytes.Equal(got, data), err)
				}
				if err := <-sent; err != nil {
					t.Errorf("write: %v", err)
				}
				s.Close()
			})
		}
	}
}

func TestAHundredStreamsAtOnceDoNotMixUp(t *testing.T) {
	p := newPair(t, nil)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			s, err := p.dialer.Open(context.Background(), i%2 == 0, "/sum/1")
			if err != nil {
				t.Error(err)
				return
			}
			data := bytes.Repeat([]byte{byte(i)}, 1000*i)
			s.Write(data)
			s.CloseWrite()
			got, err := io.ReadAll(s)
			want := sha256.Sum256(data)
			if err != nil || !bytes.Equal(got, want[:]) {
				t.Errorf("stream %d: %x, %v", i, got, err)
			}
			s.Close()
		})
	}
	all.Wait()
	if t.Failed() {
		t.Log(p.tree.Tree())
	}
}

func TestAnUnknownProtocolIsRefusedAndTheConnectionLivesOn(t *testing.T) {
	p := newPair(t, nil)
	_, err := p.dialer.Open(context.Background(), false, "/nobody/1")
	var refused *negotiate.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	s, err := p.dialer.Open(context.Background(), true, "/nobody/1")
	if err != nil {
		t.Fatal(err)
	}
	s.Write([]byte("hello"))
	if _, err := s.Read(make([]byte, 1)); !errors.As(err, &refused) {
		t.Errorf("a lazy stream read %v", err)
	}
	s = p.open(t, "/echo/1")
	s.Write([]byte("x"))
	s.CloseWrite()
	if got, err := io.ReadAll(s); string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAPanicInAHandlerResetsItsStreamOnly(t *testing.T) {
	p := newPair(t, nil)
	good := p.open(t, "/echo/1")
	// The reset may overtake the answer of the negotiation, as a reset does.
	bad, err := p.dialer.Open(context.Background(), false, "/panic/1")
	if err == nil {
		_, err = bad.Read(make([]byte, 1))
	}
	var reset *stream.ResetError
	if !errors.As(err, &reset) || !reset.Remote {
		t.Errorf("the bad stream read %v", err)
	}
	good.Write([]byte("still here"))
	good.CloseWrite()
	if got, err := io.ReadAll(good); string(got) != "still here" {
		t.Errorf("the good stream read %q, %v", got, err)
	}
	failures := p.tree.Tree().Failures
	var panicked *actor.PanicError
	if len(failures) != 1 || !errors.As(failures[0].Err, &panicked) {
		t.Errorf("the tree remembers %v", failures)
	}
}

func TestTheEndOfTheConnectionEndsReadsAndWrites(t *testing.T) {
	p := newPair(t, nil)
	s := p.open(t, "/silent/1")
	read := make(chan error, 1)
	go func() {
		_, err := s.Read(make([]byte, 1))
		read <- err
	}()
	p.listener.Close(nil)
	var closed *CloseError
	var reset *stream.ResetError
	if err := <-read; !errors.As(err, &closed) && !errors.As(err, &reset) {
		t.Errorf("read %v", err)
	}
	p.dialer.Wait(context.Background())
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("a write after the end succeeded")
	}
	if _, err := p.dialer.Open(context.Background(), false, "/echo/1"); !errors.As(err, &closed) {
		t.Errorf("open: %v", err)
	}
	if !errors.Is(p.dialer.Err(), ErrRemoteClosed) {
		t.Errorf("the dialer says %v", p.dialer.Err())
	}
}

// The writer has left and the core rests: what is left is the reader.
func TestAnIdleConnectionHasOneGoroutineAtEachEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const pairs = 10
		before := runtime.NumGoroutine()
		var all []*pair
		for range pairs {
			p := memPair(t, nil)
			s := p.open(t, "/echo/1")
			s.Write([]byte("x"))
			s.CloseWrite()
			io.ReadAll(s)
			all = append(all, p)
		}
		time.Sleep(3 * idleAfter)
		synctest.Wait()
		// Each pair has a tree of its own, with one goroutine; some that earlier tests
		// have left may end in the meantime.
		each := float64(runtime.NumGoroutine()-before-pairs) / (2 * pairs)
		if math.Abs(each-1) > 0.4 {
			t.Errorf("%v goroutines", each)
			t.Log(all[0].tree.Tree())
		}
		s := all[0].open(t, "/echo/1") // and it wakes up
		s.Write([]byte("x"))
		s.CloseWrite()
		if got, err := io.ReadAll(s); string(got) != "x" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAReadDeadlineEndsAWaitAndCanBeMoved(t *testing.T) {
	p := newPair(t, nil)
	s := p.open(t, "/echo/1")
	s.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	s.SetReadDeadline(time.Time{})
	s.Write([]byte("x"))
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}
