package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

var errMute = errors.New("this pipe takes no more")

// mute is a security channel whose pipes can be made to refuse every write.
type mute struct {
	negotiate.Security
	on atomic.Bool
}

func (m *mute) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	s, err := m.Security.Secure(ctx, raw, role, want)
	return &mutePipe{s, m}, err
}

type mutePipe struct {
	negotiate.Secured
	of *mute
}

func (p *mutePipe) Write(b []byte) (int, error) {
	if p.of.on.Load() {
		return 0, errMute
	}
	return p.Secured.Write(b)
}

func TestWhatTheRemoteStillSendsIsReadAfterAWriteHasFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		late := table(map[negotiate.Protocol]stream.Handler{"/late/1": func(self *actor.Self, s *stream.Stream) error {
			if _, err := s.Read(make([]byte, 1)); err != nil {
				return err
			}
			if err := self.Sleep(100 * time.Millisecond); err != nil {
				return err
			}
			_, err := s.Write([]byte("goodbye"))
			return err
		}})
		m := &mute{}
		p := memPair(t, func(c *Config) {
			c.Routes = late
			if c.Role == negotiate.Dialer {
				m.Security = c.Security[0]
				c.Security = []negotiate.Security{m}
			}
		})
		s := p.open(t, "/late/1")
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m.on.Store(true)
		if _, err := s.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(s); string(got) != "goodbye" || err != nil {
			t.Errorf("read %q and %v", got, err)
		}
		if err := p.dialer.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.dialer.Err(); !errors.Is(err, errMute) {
			t.Errorf("the connection ended with %v", err)
		}
	})
}
