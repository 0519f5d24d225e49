package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

// polite is a security channel whose pipes have a word for the end, and note what
// is done to them.
type polite struct {
	negotiate.Security
	mu     sync.Mutex
	did    []string
	stuck  bool  // the word waits until the pipe is closed
	slow   bool  // the word takes a second
	failed error // the word fails
}

type politePipe struct {
	negotiate.Secured
	of     *polite
	open   bool // the upgrade is over
	closed chan struct{}
}

func (p *polite) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	s, err := p.Security.Secure(ctx, raw, role, want)
	if err != nil {
		return nil, err
	}
	return &politePipe{Secured: s, of: p, closed: make(chan struct{})}, nil
}

func (p *polite) note(what string) (times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, what)
	for _, w := range p.did {
		if w == what {
			times++
		}
	}
	return times
}

func (p *politePipe) Write(b []byte) (int, error) {
	if p.open {
		p.of.note("write")
	}
	return p.Secured.Write(b)
}

// SetDeadline is the upgrade's last act.
func (p *politePipe) SetDeadline(t time.Time) error {
	p.open = true
	return p.Secured.SetDeadline(t)
}

func (p *politePipe) CloseWrite() error {
	p.of.note("last word")
	if p.of.stuck {
		<-p.closed
		return net.ErrClosed
	}
	if p.of.slow {
		time.Sleep(time.Second)
	}
	return p.of.failed
}

func (p *politePipe) Close() error {
	if p.of.note("close") == 1 {
		close(p.closed)
	}
	return p.Secured.Close()
}

// politely lets one role of a pair use a polite pipe, over yamux.
func politely(p *polite, role negotiate.Role) func(*Config) {
	return func(c *Config) {
		overYamux(c)
		if c.Role == role {
			p.Security = c.Security[0]
			c.Security = []negotiate.Security{p}
		}
	}
}

func TestTheLastWordComesOnceAfterTheLastWriteAndBeforeTheClose(t *testing.T) {
	for why, p := range map[string]*polite{
		"a close": {}, "a breach of the remote's": {}, "a word that fails": {failed: errors.New("the remote has left")},
	} {
		t.Run(why, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				breach := why == "a breach of the remote's"
				took, reason := alone(t, negotiate.Dialer, func(c *Config) {
					politely(p, negotiate.Dialer)(c)
					if !breach {
						c.Up = func(c *Conn) { c.Close(nil) }
					}
				}, func(pipe net.Conn) {
					follow(t, pipe)
					if breach {
						pipe.Write(frame(9, 0, 0, 0))
					}
					io.Copy(io.Discard, pipe)
				})
				if took > 0 {
					t.Errorf("it took %v", took)
				}
				var rule *muxer.ProtocolError
				if errors.As(reason, &rule) != breach || errors.Is(reason, actor.ErrStopped) == breach {
					t.Errorf("the reason is %v", reason)
				}
				if diff := cmp.Diff([]string{"write", "last word", "close"}, p.did); diff != "" {
					t.Errorf("it did (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A remote that reads nothing holds up the last word, but not for longer than a
// drain may take.
func TestALastWordThatWaitsDelaysTheEndByTheDrainAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		before := buf.Live()
		p := &polite{stuck: true}
		took, reason := alone(t, negotiate.Dialer, func(c *Config) {
			politely(p, negotiate.Dialer)(c)
			c.Drain = 3 * time.Second
			c.Up = func(c *Conn) { c.Close(nil) }
		}, func(pipe net.Conn) { follow(t, pipe) })
		if took != 3*time.Second || !errors.Is(reason, actor.ErrStopped) {
			t.Errorf("the close took %v: %v", took, reason)
		}
		synctest.Wait()
		if lost := buf.Live() - before; lost > 0 {
			t.Errorf("%d buffers were lost", lost)
		}
	})
}

// Nothing is sent after the last word, not even what the remote then asks for.
func TestNothingFollowsTheLastWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &polite{slow: true}
		said := make(chan struct{})
		alone(t, negotiate.Dialer, func(c *Config) {
			politely(p, negotiate.Dialer)(c)
			c.Up = func(c *Conn) { c.Close(nil); close(said) }
		}, func(pipe net.Conn) {
			follow(t, pipe)
			<-said
			synctest.Wait() // the last word waits
			for range 10 {
				pipe.Write(frame(2, 1, 0, 7))
			}
			io.Copy(io.Discard, pipe)
		})
		if diff := cmp.Diff([]string{"write", "last word", "close"}, p.did); diff != "" {
			t.Errorf("it did (-want +got):\n%s", diff)
		}
	})
}

// A remote that has left hears nothing more.
func TestARemoteThatHasLeftGetsNoLastWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &polite{}
		alone(t, negotiate.Dialer, politely(p, negotiate.Dialer), func(pipe net.Conn) {
			follow(t, pipe)
			pipe.Close()
		})
		if slices.Contains(p.did, "last word") {
			t.Errorf("it did %q", p.did)
		}
	})
}

// deaf is a pipe whose Close the other end does not notice: it ends reads here
// and nothing else. What the other end then reads as the end was said.
type deaf struct{ net.Conn }

func (d deaf) Close() error { return d.SetReadDeadline(time.Unix(1, 0)) }

func TestACloseOverTLSIsToldWithACloseNotify(t *testing.T) {
	bubble(t, func(t *testing.T) {
		key, err := peer.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		told := errors.New("nothing")
		var all []byte
		_, reason := alone(t, negotiate.Dialer, func(c *Config) {
			overYamux(c)
			c.Link.Pipe = deaf{c.Link.Pipe}
			own, _ := peer.Generate(nil)
			c.Security = []negotiate.Security{tls.New(own)}
			c.Up = func(c *Conn) { c.Close(nil) }
		}, func(pipe net.Conn) {
			yes := func(negotiate.Protocol) bool { return true }
			negotiate.Listen(pipe, yes, nil)
			secured, err := tls.New(key).Secure(t.Context(), pipe, negotiate.Listener, "")
			if err != nil {
				t.Error(err)
				return
			}
			negotiate.Listen(secured, yes, nil)
			secured.SetReadDeadline(time.Now().Add(time.Minute))
			all, told = io.ReadAll(secured)
		})
		if told != nil {
			t.Errorf("the remote read %v", told)
		}
		if diff := cmp.Diff(frame(3, 0, 0, 0), all); diff != "" {
			t.Errorf("the last bytes (-want +got):\n%s", diff)
		}
		if reason == nil {
			t.Error("no reason")
		}
	})
}

// A secured pipe holds what came behind the last line that was read.
func TestAnUpgradeThatFailsAfterTheHandshakeHoldsNoBuffer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		before := buf.Live()
		own, _ := peer.Generate(nil)
		_, reason := alone(t, negotiate.Dialer, func(c *Config) {
			c.Security = []negotiate.Security{noise.New(own)}
		}, func(pipe net.Conn) {
			key, _ := peer.Generate(nil)
			negotiate.Listen(pipe, func(negotiate.Protocol) bool { return true }, nil)
			secured, err := noise.New(key).Secure(t.Context(), pipe, negotiate.Listener, "")
			if err != nil {
				t.Error(err)
				return
			}
			secured.Write([]byte("\x13/multistream/1.0.0\n\x03na\nand more"))
			io.Copy(io.Discard, pipe)
			secured.Close()
		})
		var upgrade *UpgradeError
		var refused *negotiate.RefusedError
		if !errors.As(reason, &upgrade) || upgrade.Stage != StageNegotiateMuxer || !errors.As(reason, &refused) {
			t.Errorf("got %v", reason)
		}
		if lost := buf.Live() - before; lost > 0 {
			t.Errorf("%d buffers were lost", lost)
		}
	})
}
