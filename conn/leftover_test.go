package conn

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// Who has closed for writing and closes for reading only after the remote has
// ended the stream leaves nothing behind of what he has not read; nor does a
// handler that returns without having read everything.
func TestBytesThatNobodyReadsAreGivenBackWhenTheStreamHasEndedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memPair(t, func(c *Config) {
			overYamux(c)
			c.Routes = table(map[negotiate.Protocol]stream.Handler{
				"/tell/1": func(_ *actor.Self, s *stream.Stream) error {
					_, err := s.Write(make([]byte, 5000))
					return err
				},
				"/deaf/1": func(self *actor.Self, s *stream.Stream) error {
					s.CloseWrite()
					return self.Sleep(time.Second)
				},
			})
		})
		time.Sleep(time.Second) // the connection is idle
		before := buf.Live()
		for name, end := range map[string]func(*stream.Stream){
			"close":      func(s *stream.Stream) { s.Close() },
			"close read": func(s *stream.Stream) { s.CloseRead() },
		} {
			s, err := p.dialer.Open(context.Background(), false, "/tell/1")
			if err != nil {
				t.Fatal(err)
			}
			s.CloseWrite()
			time.Sleep(time.Second)
			end(s)
			time.Sleep(time.Second)
			if left := buf.Live() - before; left != 0 {
				t.Errorf("%s: %d buffers are left", name, left)
			}
			if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, stream.ErrReadClosed) {
				t.Errorf("%s: then read %d bytes, %v", name, n, err)
			}
		}
		s, err := p.dialer.Open(context.Background(), false, "/deaf/1")
		if err != nil {
			t.Fatal(err)
		}
		s.Write(make([]byte, 5000))
		s.CloseWrite()
		io.ReadAll(s)
		time.Sleep(2 * time.Second)
		if left := buf.Live() - before; left != 0 {
			t.Errorf("a handler has left %d buffers", left)
		}
	})
}
