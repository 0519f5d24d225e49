package conn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/negotiate/tls"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// What went wrong in other implementations of yamux, each under the number that
// it was published with. Package muxer/yamux holds the machine to most of it
// alone (limits_test.go); here a whole connection is attacked, beside one that
// must not notice.

// body is a Data frame's head and as many bytes as are really sent of it.
func body(flags uint8, stream, claimed uint32, sent int) []byte {
	return append(frame(0, flags, stream, claimed), make([]byte, sent)...)
}

// opens returns n opened streams, from the number on.
func opens(from uint32, n int) (p []byte) {
	for i := range uint32(n) {
		p = append(p, frame(1, 1, from+2*i, 0)...)
	}
	return p
}

// breaches are what ends a connection, with its rule.
var breaches = []struct {
	name  string
	sent  []byte
	rule  string
	reads bool // the remote reads what it is told
}{
	{"CVE-2024-32984, pings and no reading", bytes.Repeat(frame(2, 1, 0, 7), 4096), yamux.RulePongs, false},
	{"CVE-2024-32984, refusals and no reading", opens(2, 16_384), yamux.RuleRefusals, false},
	{"CVE-2026-31814, credit in one update", slices.Concat(frame(1, 1, 2, 0), frame(1, 0, 2, 1<<32-1)), yamux.RuleCredit, true},
	{"CVE-2026-31814, credit in many updates", slices.Concat(frame(1, 1, 2, 1<<31), frame(1, 0, 2, 1<<30), frame(1, 0, 2, 1<<30)), yamux.RuleCredit, true},
	{"CVE-2026-32314, an oversize first frame", body(1, 2, yamux.StartWindow+1, 1000), yamux.RuleWindow, true},
	{"GHSA-hmj8-5xmh-5573, 4 GiB on a stream", slices.Concat(frame(1, 1, 2, 0), body(0, 2, 1<<32-1, 10)), yamux.RuleWindow, true},
	{"GHSA-hmj8-5xmh-5573, 4 GiB on no stream", body(0, 99, 1<<32-1, 10), yamux.RuleWindow, true},
	{"a version", []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, yamux.RuleVersion, true},
	{"a type", frame(4, 0, 0, 0), yamux.RuleType, true},
	{"data of the session", frame(0, 0, 0, 0), yamux.RuleSession, true},
	{"a window of the session", frame(1, 0, 0, 1), yamux.RuleSession, true},
	{"a stream of this end's", frame(1, 1, 1, 0), yamux.RuleParity, true},
	{"a stream that lives", slices.Concat(opens(2, 1), opens(2, 1)), yamux.RuleNewStream, true},
	{"more bytes than the window", slices.Concat(frame(1, 1, 2, 0), body(0, 2, yamux.StartWindow+1, 10)), yamux.RuleWindow, true},
}

func TestABreachOfYamuxEndsItsConnectionWithItsRuleAndNoOther(t *testing.T) {
	for _, c := range breaches {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				before := buf.Live()
				other := memPair(t, overYamux)
				told := []byte{}
				took, reason := alone(t, negotiate.Dialer, overYamux, func(pipe net.Conn) {
					follow(t, pipe)
					written := make(chan struct{})
					go func() {
						defer close(written)
						pipe.Write(c.sent) // it may end in the middle
					}()
					if c.reads {
						told, _ = io.ReadAll(pipe)
					}
					<-written
				})
				var closed *CloseError
				var rule *muxer.ProtocolError
				if !errors.As(reason, &closed) || !errors.As(reason, &rule) || rule.Rule != c.rule || rule.Muxer != string(yamux.ID) {
					t.Errorf("got %v", reason)
				}
				if took > time.Second {
					t.Errorf("it took %v", took)
				}
				if c.reads && !bytes.HasSuffix(told, frame(3, 0, 0, 1)) {
					t.Errorf("the peer was told % x", told)
				}
				other.isFine(t)
				if lost := buf.Live() - before; lost > 0 {
					t.Errorf("%d buffers were lost", lost)
				}
			})
		})
	}
}

// isFine checks that a pair of connections still works, and ends it.
func (p *pair) isFine(t *testing.T) {
	t.Helper()
	s := p.open(t, "/echo/1")
	s.Write([]byte("fine"))
	s.CloseWrite()
	if got, err := io.ReadAll(s); string(got) != "fine" {
		t.Errorf("the other connection's echo: %q, %v", got, err)
	}
	p.dialer.Close(nil)
	p.dialer.Wait(context.Background())
	p.listener.Wait(context.Background())
	synctest.Wait()
}

// CVE-2022-23492 and go-yamux's limit of 2021: a remote that opens as fast as it
// can, and reads, gets its limit of streams and refusals that say why. Window
// updates, bytes, ends and resets for streams that are unknown cost nothing.
func TestStreamsOpenedAtFullSpeedAreRefusedWithACodeAndTheConnectionLives(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const all, most = 10_000, 10
		refused := 0
		var c *Conn
		var open int
		next := make(chan struct{})
		_, reason := alone(t, negotiate.Dialer, func(config *Config) {
			overYamux(config)
			config.Limits.Inbound = most
			config.Up = func(up *Conn) { c = up }
		}, func(pipe net.Conn) {
			follow(t, pipe)
			head := make([]byte, 12)
			go func() {
				for id := uint32(100_000); id < 101_000; id++ {
					pipe.Write(slices.Concat(frame(1, 0, id, 1<<32-1), body(0, id, 9, 9), frame(1, 4, id, 0), frame(1, 8, id, 5)))
				}
				for i := range uint32(all / 1000) { // less than a read holds
					pipe.Write(opens(2+2000*i, 1000))
					pipe.Write(frame(2, 1, 0, i))
					<-next
				}
				pipe.Write(frame(2, 1, 0, 42))
			}()
			for {
				if _, err := io.ReadFull(pipe, head); err != nil {
					t.Errorf("after %d refusals: %v", refused, err)
					return
				}
				switch {
				case head[1] == 2 && head[11] < all/1000:
					next <- struct{}{}
				case bytes.Equal(head, frame(2, 2, 0, 42)):
					open = c.Streams()
					c.Close(nil)
					io.Copy(io.Discard, pipe)
					return
				case head[1] == 1 && head[3] == 8:
					if !bytes.Equal(head[8:], []byte{0, 0, 0x10, 2}) {
						t.Errorf("refused with % x", head[8:])
					}
					refused++
				case head[1] == 1 && head[3] == 2:
				default:
					io.CopyN(io.Discard, pipe, int64(head[10])<<8|int64(head[11]))
				}
			}
		})
		if refused != all-most || open > most || !errors.Is(reason, actor.ErrStopped) {
			t.Errorf("%d were refused, %d streams were open, then %v", refused, open, reason)
		}
	})
}

// A faulty pipe misbehaves from the moment on at which it is armed.
type faulty struct {
	net.Conn
	armed        atomic.Bool
	read, write  func(n int) (int, error) // of the count that is right
	panics       string
	closingFails bool
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if err == nil && f.armed.Load() {
		if f.panics == "read" {
			panic("this pipe panics")
		}
		if f.read != nil {
			return f.read(len(p))
		}
	}
	return n, err
}

func (f *faulty) Write(p []byte) (int, error) {
	if f.armed.Load() {
		if f.panics == "write" {
			panic("this pipe panics")
		}
		if f.write != nil {
			return f.write(len(p))
		}
	}
	return f.Conn.Write(p)
}

func (f *faulty) Close() error {
	err := f.Conn.Close()
	if f.closingFails {
		err = errors.New("closing fails")
	}
	return err
}

// rust-yamux#202, #211 and #156: a pipe that writes less or more than it is given,
// that reads more than there is room for, that fails when it is closed. And
// go-yamux#86: one that panics. Each ends its connection, and the tree goes on.
func TestAFaultyPipeEndsItsConnectionOnly(t *testing.T) {
	channels := map[string]func(peer.Key) negotiate.Security{
		"plaintext": func(k peer.Key) negotiate.Security { return plaintext.New(k) },
		"noise":     func(k peer.Key) negotiate.Security { return noise.New(k) },
		"tls":       func(k peer.Key) negotiate.Security { return tls.New(k) },
	}
	broken := errors.New("the cable was cut")
	faults := map[string]*faulty{
		"writes one less":     {write: func(n int) (int, error) { return n - 1, nil }},
		"writes nothing":      {write: func(int) (int, error) { return 0, nil }},
		"writes one more":     {write: func(n int) (int, error) { return n + 1, nil }},
		"writes and fails":    {write: func(n int) (int, error) { return n, broken }},
		"reads one more":      {read: func(n int) (int, error) { return n + 1, nil }},
		"reads less than 0":   {read: func(int) (int, error) { return -1, nil }},
		"fails and fails":     {write: func(int) (int, error) { return 0, broken }, closingFails: true},
		"panics in its read":  {panics: "read"},
		"panics in its write": {panics: "write"},
	}
	for security, channel := range channels {
		for fault, like := range faults {
			t.Run(security+", "+fault, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					before := buf.Live()
					other := memPair(t, overYamux)
					f := &faulty{read: like.read, write: like.write, panics: like.panics, closingFails: like.closingFails}
					took, reason := alone(t, negotiate.Dialer, func(c *Config) {
						overYamux(c)
						f.Conn, c.Link.Pipe = c.Link.Pipe, f
						key, _ := peer.Generate(nil)
						c.Security = []negotiate.Security{channel(key)}
						c.Up = func(*Conn) { f.armed.Store(true) }
					}, func(pipe net.Conn) {
						key, _ := peer.Generate(nil)
						secured := followWith(t, pipe, channel(key))
						synctest.Wait() // armed
						secured.Write(frame(2, 1, 0, 7))
						io.Copy(io.Discard, secured)
						secured.Close()
					})
					var closed *CloseError
					var panicked *actor.PanicError
					if reason == nil || errors.As(reason, &panicked) != (f.panics != "") || f.panics == "" && !errors.As(reason, &closed) {
						t.Errorf("got %v (%T)", reason, reason)
					}
					most := 2 * time.Second
					if f.panics != "" {
						most = 5 * time.Second // nobody is there to say that nothing is under way
					}
					if errors.Is(reason, ErrRemoteClosed) || errors.Is(reason, actor.ErrStopped) || took > most {
						t.Errorf("after %v: %v", took, reason)
					}
					other.isFine(t)
					if lost := buf.Live() - before; lost > 0 && f.panics == "" {
						t.Errorf("%d buffers were lost", lost)
					}
				})
			})
		}
	}
}

// followWith plays the remote's part of the upgrade over any security channel.
func followWith(t *testing.T, pipe net.Conn, security negotiate.Security) negotiate.Secured {
	t.Helper()
	yes := func(negotiate.Protocol) bool { return true }
	if _, err := negotiate.Listen(pipe, yes, nil); err != nil {
		t.Error(err)
	}
	secured, err := security.Secure(t.Context(), pipe, negotiate.Listener, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := negotiate.Listen(secured, yes, nil); err != nil {
		t.Error(err)
	}
	return secured
}

// go-yamux#130: the writer is stuck, or has ended, while what is received calls
// for a last word. The connection ends all the same, and soon.
func TestAConnectionWhoseWriterIsStuckEndsWithoutItsLastWord(t *testing.T) {
	for name, end := range map[string]func(c *Conn, pipe net.Conn){
		"a breach of the remote's": func(_ *Conn, pipe net.Conn) { pipe.Write(frame(9, 0, 0, 0)) },
		"a close":                  func(c *Conn, _ net.Conn) { c.Close(nil) },
		"a silent remote":          func(*Conn, net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				before := buf.Live()
				var c *Conn
				up := make(chan struct{})
				took, reason := alone(t, negotiate.Dialer, func(config *Config) {
					overYamux(config)
					config.Up = func(it *Conn) { c = it; close(up) }
				}, func(pipe net.Conn) {
					follow(t, pipe)
					<-up
					// The remote reads nothing more, and grants all there is.
					s, err := c.Open(context.Background(), true, "/sink/1")
					if err != nil {
						t.Error(err)
						return
					}
					pipe.Write(frame(1, 2, 1, 1<<30))
					go func() {
						for err == nil {
							_, err = s.Write(make([]byte, 64<<10))
						}
					}()
					synctest.Wait() // the pipe is full
					end(c, pipe)
				})
				if reason == nil || took > 45*time.Second || name != "a silent remote" && took > 6*time.Second {
					t.Errorf("after %v: %v", took, reason)
				}
				synctest.Wait()
				if lost := buf.Live() - before; lost > 0 {
					t.Errorf("%d buffers were lost", lost)
				}
			})
		})
	}
}

// go-yamux#105 and #114: deadlines hold whatever the connection is busy with. A
// read that could cause a window update does not wait for the pipe; a write after
// its deadline writes nothing, room or not.
func TestDeadlinesHoldWhileTheWriterIsStuck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := mem.Pipe(t.Context(), mem.Options{})
		held := &holding{Conn: a, release: make(chan struct{})}
		p, err := join(t, held, b, overYamux)
		if err != nil {
			t.Fatal(err)
		}
		s := p.open(t, "/echo/1")
		late := p.open(t, "/echo/1")
		s.Write(make([]byte, 200<<10))
		synctest.Wait() // the echo is here: reading it calls for a window update
		held.armed.Store(true)
		began := time.Now()
		s.SetReadDeadline(began.Add(time.Second))
		read := 0
		for err = nil; err == nil; {
			var n int
			n, err = s.Read(make([]byte, 1000))
			read += n
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || read != 200<<10 || time.Since(began) != time.Second {
			t.Errorf("read %d bytes in %v, then %v", read, time.Since(began), err)
		}
		s.SetWriteDeadline(time.Now().Add(time.Second))
		for err = nil; err == nil; {
			_, err = s.Write(make([]byte, 1000))
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 2*time.Second {
			t.Errorf("wrote for %v, then %v", time.Since(began)-time.Second, err)
		}
		late.SetWriteDeadline(time.Now())
		if n, err := late.Write([]byte("too late")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d after the deadline, %v", n, err)
		}
		late.SetWriteDeadline(time.Time{})
		close(held.release)
		late.Write([]byte("in time"))
		late.CloseWrite()
		got, err := io.ReadAll(late)
		if diff := cmp.Diff("in time", string(got)); diff != "" || err != nil {
			t.Errorf("the echo, %v (-want +got):\n%s", err, diff)
		}
	})
}

// holding is a pipe whose writes, once it is armed, wait for the release.
type holding struct {
	net.Conn
	armed   atomic.Bool
	release chan struct{}
}

func (h *holding) Write(p []byte) (int, error) {
	if h.armed.Load() {
		<-h.release
	}
	return h.Conn.Write(p)
}
