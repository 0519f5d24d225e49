package conn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

// memPair is a pair over a pipe in memory, in virtual time.
func memPair(t *testing.T, change func(*Config)) *pair {
	t.Helper()
	a, b := mem.Pipe(t.Context(), mem.Options{})
	p, err := join(t, a, b, change)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alone runs one end against a pipe that the test plays the remote on, and
// returns why that end went down.
func alone(t *testing.T, role negotiate.Role, change func(*Config), remote func(pipe net.Conn)) (took time.Duration, reason error) {
	t.Helper()
	a, b := mem.Pipe(t.Context(), mem.Options{})
	defer b.Close()
	key, _ := peer.Generate(nil)
	addr := ma.StringCast("/ip4/192.0.2.7/tcp/4001")
	down := make(chan error, 2)
	began := time.Now()
	err := actor.Run(t.Context(), "root", func(self *actor.Self) error {
		c := Config{
			Link: transport.Link{Local: addr, Remote: addr, Pipe: a}, Role: role,
			Security: []negotiate.Security{plaintext.New(key)}, Muxers: []muxer.Factory{mplex.Factory(mplex.PauseThenReset)},
			Routes: handlers, Down: func(err error) { down <- err },
		}
		if change != nil {
			change(&c)
		}
		ref := Start(self, "conn", c)
		remote(b)
		return ref.Wait(self)
	})
	if err != nil {
		t.Errorf("the tree ended with %v", err)
	}
	if len(down) != 1 {
		t.Fatalf("Down was called %d times", len(down))
	}
	return time.Since(began), <-down
}

// follow plays the remote's part of the upgrade up to the muxer.
func follow(t *testing.T, pipe net.Conn) {
	t.Helper()
	key, _ := peer.Generate(nil)
	yes := func(negotiate.Protocol) bool { return true }
	if _, err := negotiate.Listen(pipe, yes, nil); err != nil {
		t.Error(err)
	}
	secured, err := plaintext.New(key).Secure(t.Context(), pipe, negotiate.Listener, "")
	if err != nil {
		t.Error(err)
	}
	if _, err := negotiate.Listen(secured, yes, nil); err != nil {
		t.Error(err)
	}
}

func TestAPeerThatNeverSpeaksIsLeftAtTheUpgradesDeadline(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		bubble(t, func(t *testing.T) {
			took, reason := alone(t, role, nil, func(net.Conn) {})
			var upgrade *UpgradeError
			if !errors.As(reason, &upgrade) || upgrade.Stage != StageNegotiateSecurity || upgrade.Received != 0 ||
				!errors.Is(reason, os.ErrDeadlineExceeded) || !strings.Contains(reason.Error(), "never sent a byte") {
				t.Errorf("as %s: %v", role, reason)
			}
			if took != 10*time.Second {
				t.Errorf("as %s it took %v", role, took)
			}
		})
	}
}

func TestNonsenseEndsTheUpgradeAtItsStage(t *testing.T) {
	nonsense := bytes.Repeat([]byte{0xff}, 64)
	for name, test := range map[string]struct {
		remote func(t *testing.T, pipe net.Conn)
		stage  Stage
	}{
		"instead of multistream": {func(t *testing.T, pipe net.Conn) { pipe.Write(nonsense) }, StageNegotiateSecurity},
		"after half a line": {func(t *testing.T, pipe net.Conn) {
			pipe.Write([]byte("\x13/multistream"))
			pipe.Close()
		}, StageNegotiateSecurity},
		"instead of a handshake": {func(t *testing.T, pipe net.Conn) {
			negotiate.Listen(pipe, func(negotiate.Protocol) bool { return true }, nil)
			pipe.Write(nonsense)
		}, StageSecure},
		"an unknown muxer": {func(t *testing.T, pipe net.Conn) {
			negotiate.Listen(pipe, func(negotiate.Protocol) bool { return true }, nil)
			key, _ := peer.Generate(nil)
			plaintext.New(key).Secure(t.Context(), pipe, negotiate.Listener, "")
			negotiate.Listen(pipe, func(negotiate.Protocol) bool { return false }, nil)
		}, StageNegotiateMuxer},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, reason := alone(t, negotiate.Dialer, nil, func(pipe net.Conn) { test.remote(t, pipe) })
				var upgrade *UpgradeError
				if !errors.As(reason, &upgrade) || upgrade.Stage != test.stage {
					t.Errorf("got %v", reason)
				}
			})
		})
	}
}

func TestAnotherPeerThanTheOneWantedIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		wanted, _ := peer.Generate(nil)
		_, reason := alone(t, negotiate.Dialer, func(c *Config) { c.Want = wanted.ID() }, func(pipe net.Conn) {
			yes := func(negotiate.Protocol) bool { return true }
			negotiate.Listen(pipe, yes, nil)
			key, _ := peer.Generate(nil)
			plaintext.New(key).Secure(t.Context(), pipe, negotiate.Listener, "")
		})
		var mismatch *peer.MismatchError
		if !errors.As(reason, &mismatch) || mismatch.Want != wanted.ID() {
			t.Errorf("got %v", reason)
		}
	})
}

func TestAPeerThatBreaksTheMuxersRulesLosesItsConnectionOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		other := memPair(t, nil)
		took, reason := alone(t, negotiate.Dialer, nil, func(pipe net.Conn) {
			follow(t, pipe)
			pipe.Write([]byte{0x07, 0x00}) // a frame of the invalid kind 7
		})
		var closed *CloseError
		var rule *muxer.ProtocolError
		if !errors.As(reason, &closed) || !errors.As(reason, &rule) {
			t.Errorf("got %v", reason)
		}
		if took > time.Second {
			t.Errorf("it took %v", took)
		}
		s := other.open(t, "/echo/1")
		s.Write([]byte("fine"))
		s.CloseWrite()
		if got, err := io.ReadAll(s); string(got) != "fine" {
			t.Errorf("the other connection's echo: %q, %v", got, err)
		}
	})
}

func TestAStreamWhoseReaderStoppedIsResetAndTheOthersGoOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		before := buf.Live()
		p := memPair(t, nil)
		stuck := p.open(t, "/stuck/1")
		good := p.open(t, "/echo/1")
		began := time.Now()
		var err error
		for err == nil {
			_, err = stuck.Write(make([]byte, 64<<10))
		}
		var reset *stream.ResetError
		if !errors.As(err, &reset) || !reset.Remote {
			t.Errorf("the writer got %v", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("after %v", took)
		}
		good.Write([]byte("fine"))
		good.CloseWrite()
		if got, err := io.ReadAll(good); string(got) != "fine" {
			t.Errorf("the other stream's echo: %q, %v", got, err)
		}
		p.dialer.Close(nil)
		p.dialer.Wait(context.Background())
		p.listener.Wait(context.Background())
		synctest.Wait()
		if lost := buf.Live() - before; lost > 0 {
			t.Errorf("%d buffers were lost", lost)
		}
	})
}

func TestACloseSendsWhatWasWrittenAndClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(chan int, 1)
		count := table(map[negotiate.Protocol]stream.Handler{"/count/1": func(self *actor.Self, s *stream.Stream) error {
			all, err := io.ReadAll(s)
			got <- len(all)
			return err
		}})
		p := memPair(t, func(c *Config) { c.Routes = count; c.SendBuffer = 1 << 20 })
		s := p.open(t, "/count/1")
		s.Write(make([]byte, 1<<20))
		s.CloseWrite()
		p.dialer.Close(nil)
		if n := <-got; n != 1<<20 {
			t.Errorf("%d bytes arrived", n)
		}
	})
}

func TestACloseInterruptsAConversationWithAResetAndNotAnEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := memPair(t, nil)
		s := p.open(t, "/silent/1")
		s.Write([]byte("half a mess"))
		synctest.Wait()
		p.listener.Close(nil)
		_, err := s.Read(make([]byte, 1))
		var reset *stream.ResetError
		if !errors.As(err, &reset) {
			t.Errorf("the other end read %v", err)
		}
	})
}

func TestAStuckHandlerHoldsUpItsConnectionNoLongerThanItsGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := table(map[negotiate.Protocol]stream.Handler{"/stuck/1": func(*actor.Self, *stream.Stream) error {
			<-release
			return nil
		}})
		p := memPair(t, func(c *Config) { c.Routes = stuck })
		p.open(t, "/stuck/1")
		synctest.Wait() // the handler runs
		began := time.Now()
		p.listener.Close(nil)
		p.dialer.Wait(context.Background())
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the connection closed after %v", took)
		}
		synctest.Wait() // several graces end at this moment
		if tree := p.tree.Tree().String(); !strings.Contains(tree, "OVERDUE") {
			t.Errorf("nobody is overdue in\n%s", tree)
		}
		close(release)
	})
}

// faultyPipe fails its nth write.
type faultyPipe struct {
	net.Conn
	writes int
	broken error
}

func (p *faultyPipe) Write(b []byte) (int, error) {
	if p.writes--; p.writes < 0 {
		return 0, p.broken
	}
	return p.Conn.Write(b)
}

func TestABrokenPipeEndsTheConnectionWhereverItBreaks(t *testing.T) {
	broken := errors.New("the cable was cut")
	for writes := range 12 {
		bubble(t, func(t *testing.T) {
			a, b := mem.Pipe(t.Context(), mem.Options{})
			p, err := join(t, &faultyPipe{a, writes, broken}, b, nil)
			if err != nil {
				if !errors.Is(err, broken) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after %d writes the upgrade says %v", writes, err)
				}
				return
			}
			for {
				s, err := p.dialer.Open(context.Background(), false, "/echo/1")
				if err == nil {
					_, err = s.Write([]byte("x"))
				}
				if err == nil {
					_, err = s.Read(make([]byte, 1))
				}
				if err != nil {
					break
				}
			}
			p.dialer.Wait(context.Background())
			if !errors.Is(p.dialer.Err(), broken) {
				t.Errorf("after %d writes the connection says %v", writes, p.dialer.Err())
			}
		})
	}
}

func TestAStreamOfEveryKindEndsWithItsConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := memPair(t, nil)
		ends := make(chan error, 3)
		reading, writing := p.open(t, "/silent/1"), p.open(t, "/stuck/1")
		go func() {
			_, err := reading.Read(make([]byte, 1))
			ends <- err
		}()
		go func() {
			var err error
			for err == nil {
				_, err = writing.Write(make([]byte, 64<<10))
			}
			ends <- err
		}()
		go func() {
			_, err := p.dialer.Open(context.Background(), false, "/slow/1")
			ends <- err
		}()
		synctest.Wait()
		p.dialer.Close(nil)
		for range 3 {
			if err := <-ends; err == nil {
				t.Error("a wait ended without a reason")
			}
		}
	})
}

func TestAFloodOfStreamsThatAreResetAtOnceStartsABoundedNumberOfActors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		var running, most atomic.Int64
		deaf := table(map[negotiate.Protocol]stream.Handler{"/deaf/1": func(*actor.Self, *stream.Stream) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-release
			return nil
		}})
		p := memPair(t, func(c *Config) { c.Routes = deaf; c.Limits.Inbound = 10 })
		refused := 0
		for range 200 {
			s, err := p.dialer.Open(context.Background(), false, "/deaf/1")
			if err != nil {
				refused++
				continue
			}
			s.Reset(stream.CodeNone)
			synctest.Wait()
		}
		if n := most.Load(); n > 20 || refused < 170 {
			t.Errorf("%d handlers ran at once, %d streams were refused", n, refused)
		}
		close(release)
	})
}
