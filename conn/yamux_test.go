package conn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// overYamux lets a connection use yamux.
func overYamux(c *Config) { c.Muxers = []muxer.Factory{yamux.Factory(yamux.Options{})} }

// pairs runs a test over TCP, and over a pipe in memory in virtual time.
func pairs(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { test(t, newPair(t, overYamux)) })
	t.Run("memory", func(t *testing.T) { bubble(t, func(t *testing.T) { test(t, memPair(t, overYamux)) }) })
}

func TestBytesComeBackWholeThroughAnEchoOverYamux(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		if p.dialer.Muxer() != yamux.ID {
			t.Fatalf("the muxer is %s", p.dialer.Muxer())
		}
		for _, size := range []int{0, 1, 1000, 256 << 10, 1<<20 + 1, 8 << 20} {
			for _, lazy := range []bool{false, true} {
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
					t.Errorf("%d bytes, lazy %v: got %d, equal %v, %v", size, lazy, len(got), bytes.Equal(got, data), err)
				}
				if err := <-sent; err != nil {
					t.Errorf("write: %v", err)
				}
				s.Close()
			}
		}
	})
}

func TestAHundredStreamsAtOnceDoNotMixUpOverYamux(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				s, err := p.dialer.Open(context.Background(), i%2 == 0, "/sum/1")
				if err != nil {
					t.Error(err)
					return
				}
				data := bytes.Repeat([]byte{byte(i)}, 5000*i)
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
	})
}

func TestAnUnknownProtocolIsRefusedAndTheConnectionLivesOnOverYamux(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		var refused *negotiate.RefusedError
		if _, err := p.dialer.Open(context.Background(), false, "/nobody/1"); !errors.As(err, &refused) {
			t.Errorf("got %v", err)
		}
		s := p.open(t, "/echo/1")
		s.Write([]byte("x"))
		s.CloseWrite()
		if got, err := io.ReadAll(s); string(got) != "x" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAResetCarriesItsCodeOverYamux(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		s, err := p.dialer.Open(context.Background(), false, "/refuse/1")
		if err == nil {
			_, err = s.Read(make([]byte, 1))
		}
		var reset *stream.ResetError
		if !errors.As(err, &reset) || !reset.Remote || reset.Code != 77 {
			t.Errorf("got %v", err)
		}
	})
}

// A handler that never reads costs its writer the window and its send buffer, for
// ever and without a reset. The others go on as if it were not there: in virtual
// time, what takes no time did not wait.
func TestAReaderThatStoppedHoldsBackItsOwnStreamOnlyOverYamux(t *testing.T) {
	bubble(t, func(t *testing.T) {
		before := buf.Live()
		p := memPair(t, overYamux)
		stuck := p.open(t, "/stuck/1")
		written, blocked := 0, make(chan error, 1)
		go func() {
			for {
				n, err := stuck.Write(make([]byte, 16<<10))
				if written += n; err != nil {
					blocked <- err
					return
				}
			}
		}()
		synctest.Wait()
		began := time.Now()
		for range 4 {
			good := p.open(t, "/echo/1")
			data := make([]byte, 4<<20)
			go func() {
				good.Write(data)
				good.CloseWrite()
			}()
			if got, err := io.ReadAll(good); len(got) != len(data) || err != nil {
				t.Errorf("the other stream's echo: %d bytes, %v", len(got), err)
			}
			good.Close()
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the others took %v", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(blocked) > 0 {
			t.Fatalf("the writer ended with %v", <-blocked)
		}
		// What was written before the reader's negotiation ended counts as well.
		if bound := yamux.StartWindow + 80<<10; written < yamux.StartWindow || written > bound {
			t.Errorf("%d bytes were written, the bound is %d", written, bound)
		}
		stuck.Reset(stream.CodeNone)
		<-blocked
		p.dialer.Close(nil)
		p.dialer.Wait(context.Background())
		p.listener.Wait(context.Background())
		synctest.Wait()
		if lost := buf.Live() - before; lost > 0 {
			t.Errorf("%d buffers were lost", lost)
		}
	})
}

func TestACloseSendsWhatWasWrittenAndClosedBeyondTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(chan int, 1)
		count := table(map[negotiate.Protocol]stream.Handler{"/count/1": func(self *actor.Self, s *stream.Stream) error {
			all, err := io.ReadAll(s)
			got <- len(all)
			return err
		}})
		p := memPair(t, func(c *Config) { overYamux(c); c.Routes = count; c.SendBuffer = 2 << 20 })
		s := p.open(t, "/count/1")
		s.Write(make([]byte, 2<<20))
		s.CloseWrite()
		p.dialer.Close(nil)
		if n := <-got; n != 2<<20 {
			t.Errorf("%d bytes arrived", n)
		}
		p.listener.Wait(context.Background())
		if !errors.Is(p.listener.Err(), ErrRemoteClosed) {
			t.Errorf("the listener says %v", p.listener.Err())
		}
	})
}

func TestACloseDoesNotWaitForeverForAWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := memPair(t, func(c *Config) { overYamux(c); c.SendBuffer = 2 << 20; c.Drain = 3 * time.Second })
		s := p.open(t, "/stuck/1")
		s.Write(make([]byte, 2<<20))
		s.CloseWrite()
		synctest.Wait()
		began := time.Now()
		p.dialer.Close(nil)
		p.dialer.Wait(context.Background())
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the close took %v", took)
		}
	})
}

// frame is a frame of yamux without a body.
func frame(kind, flags uint8, stream, length uint32) []byte {
	p := []byte{0, kind, 0, flags}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(p, stream), length)
}

func TestAPeerThatBreaksYamuxsRulesIsToldAndLosesItsConnectionOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		other := memPair(t, overYamux)
		var told []byte
		took, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			pipe.Write(frame(0, 1, 2, 1<<30)) // a first frame of a GiB
			told, _ = io.ReadAll(pipe)
		})
		var rule *muxer.ProtocolError
		if !errors.As(reason, &rule) || rule.Rule != yamux.RuleWindow || rule.Stream != 2 {
			t.Errorf("got %v", reason)
		}
		if diff := cmp.Diff(frame(3, 0, 0, 1), told); diff != "" {
			t.Errorf("the peer was told (-want +got):\n%s", diff)
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

func TestAPeerThatEndsTheConnectionIsQuoted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			pipe.Write(frame(3, 0, 0, 0x1005))
		})
		var away *muxer.GoAwayError
		if !errors.As(reason, &away) || away.Code != 0x1005 {
			t.Errorf("got %v", reason)
		}
	})
}

func TestAPeerThatGoesAwayAndStaysIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			pipe.Write(frame(3, 0, 0, 0))
		})
		if !errors.Is(reason, ErrRemoteClosed) {
			t.Errorf("got %v", reason)
		}
	})
}

func TestAPeerThatFallsSilentIsLeftAfterAPing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var told []byte
		took, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			told, _ = io.ReadAll(pipe)
		})
		var silent *muxer.SilentError
		if !errors.As(reason, &silent) || took != 40*time.Second {
			t.Errorf("after %v: %v", took, reason)
		}
		if diff := cmp.Diff(frame(2, 1, 0, 1), told); diff != "" {
			t.Errorf("the peer was told (-want +got):\n%s", diff)
		}
	})
}

func TestAnIdleConnectionStaysOpenOverYamux(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := memPair(t, overYamux)
		time.Sleep(24 * time.Hour)
		s := p.open(t, "/echo/1")
		s.Write([]byte("fine"))
		s.CloseWrite()
		if got, err := io.ReadAll(s); string(got) != "fine" {
			t.Errorf("the echo: %q, %v", got, err)
		}
	})
}

// The peer pings as fast as it can and reads nothing: the answers do not pile up.
func TestAPingFloodByAPeerThatNeverReadsEndsTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		before := buf.Live()
		_, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			for range 1 << 20 {
				if _, err := pipe.Write(frame(2, 1, 0, 7)); err != nil {
					return
				}
			}
		})
		var rule *muxer.ProtocolError
		if !errors.As(reason, &rule) || rule.Rule != yamux.RulePongs {
			t.Errorf("got %v", reason)
		}
		synctest.Wait()
		if lost := buf.Live() - before; lost > 0 {
			t.Errorf("%d buffers were lost", lost)
		}
	})
}

// Streams that are opened and reset at once, and never read about: nothing is owed,
// so nothing piles up, and the actors of the streams are bounded.
func TestAResetFloodByAPeerThatNeverReadsLeavesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		took, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
			follow(t, pipe)
			for id := uint32(2); id < 20_000; id += 2 {
				if _, err := pipe.Write(append(frame(1, 1, id, 0), frame(1, 8, id, 0)...)); err != nil {
					t.Errorf("the connection ended at stream %d: %v", id, err)
					return
				}
			}
			pipe.Close()
		})
		// A write may meet the closed pipe before the reader does.
		if !errors.Is(reason, ErrRemoteClosed) && !errors.Is(reason, io.ErrClosedPipe) || took > time.Second {
			t.Errorf("after %v: %v", took, reason)
		}
	})
}

func TestABrokenPipeEndsTheConnectionWhereverItBreaksOverYamux(t *testing.T) {
	broken := errors.New("the cable was cut")
	for writes := range 12 {
		bubble(t, func(t *testing.T) {
			a, b := mem.Pipe(t.Context(), mem.Options{})
			p, err := join(t, &faultyPipe{a, writes, broken}, b, overYamux)
			if err != nil {
				if !errors.Is(err, broken) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("after %d writes the upgrade says %v", writes, err)
				}
				return
			}
			for err == nil {
				s, opened := p.dialer.Open(context.Background(), false, "/echo/1")
				if err = opened; err == nil {
					_, err = s.Write([]byte("x"))
				}
				if err == nil {
					_, err = s.Read(make([]byte, 1))
				}
			}
			p.dialer.Wait(context.Background())
			if !errors.Is(p.dialer.Err(), broken) {
				t.Errorf("after %d writes the connection says %v", writes, p.dialer.Err())
			}
		})
	}
}

// Opens beyond the backlog of streams without an answer wait and do not fail.
func TestFiveHundredStreamsAreOpenedAtOnceOverYamux(t *testing.T) {
	p := newPair(t, func(c *Config) { overYamux(c); c.Limits.Inbound = 600 })
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			s, err := p.dialer.Open(context.Background(), true, "/echo/1")
			if err != nil {
				t.Error(err)
				return
			}
			want := fmt.Sprint("stream ", i)
			s.Write([]byte(want))
			s.CloseWrite()
			if got, err := io.ReadAll(s); string(got) != want {
				t.Errorf("stream %d: %q, %v", i, got, err)
			}
			s.Close()
		})
	}
	all.Wait()
}
