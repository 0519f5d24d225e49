package bridge

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// startFake starts a peer with the fake adapter.
func startFake(mode string, handlers map[string]talk.Handler) (*Peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return New(talk.Config{Security: "noise", Muxer: "yamux", Handlers: handlers},
		Adapter{Name: "fake", Command: []string{self}, Env: []string{"BRIDGE_FAKE=" + mode}})
}

// withFake is startFake for tests in which it must work.
func withFake(t *testing.T, mode string, handlers map[string]talk.Handler) *Peer {
	t.Helper()
	p, err := startFake(mode, handlers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryCheckPassesThroughTheBridge(t *testing.T) {
	rec := talk.NewRecorder()
	p := withFake(t, fakeWell, rec.Handlers())
	to := talk.Target{ID: p.ID(), Addrs: p.Addrs(), Agent: p.Agent()}
	for _, c := range talk.Checks() {
		if strings.HasPrefix(c.Name, "killed-") {
			continue // there is nobody to be killed
		}
		t.Run(c.Label(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.Limit)
			defer cancel()
			if err := p.Connect(ctx, p.Addrs()[0]); err != nil {
				t.Fatal(err)
			}
			if err := c.Run(ctx, p, to); err != nil {
				t.Fatal(err)
			}
			if c.Awaits != "" {
				e, err := rec.Await(ctx, c.Awaits)
				if err == nil {
					err = c.Ended(e)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if there, err := p.Connected(ctx, p.ID()); err != nil || !there {
				t.Fatalf("connected: %v, %v", there, err)
			}
			if err := p.Disconnect(ctx, p.ID()); err != nil {
				t.Fatal(err)
			}
			if there, err := p.Connected(ctx, p.ID()); err != nil || there {
				t.Fatalf("after the disconnect, connected: %v, %v", there, err)
			}
		})
	}
	if p.Versions()["fake"] != "1.0" {
		t.Errorf("the versions are %v", p.Versions())
	}
	dir := p.dir
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory is still there: %v", err)
	}
}

func TestAnAdapterThatDoesNotStartSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		mode, says string
		lacking    bool
	}{
		{fakeLacking, "no such thing", true},
		{fakeSick, "sick today", false},
		{fakeEnds, "exit status 3", false},
		{fakeNoAddress, "addresses", false},
	} {
		_, err := startFake(tt.mode, nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, talk.ErrUnknownChoice) != tt.lacking {
			t.Errorf("%s: got %v", tt.mode, err)
		}
	}
	if _, err := New(talk.Config{}, Adapter{Command: []string{"/no/such/program"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an adapter that does not exist: %v", err)
	}
	if _, err := New(talk.Config{}, Adapter{}); err == nil {
		t.Error("an adapter without a command was started")
	}
}

func TestWhenTheAdapterIsGoneEveryCallFails(t *testing.T) {
	for mode, says := range map[string]string{fakeDies: "exit status 4", fakeBabbles: "has ended"} {
		p := withFake(t, mode, nil)
		if _, err := p.Open(t.Context(), fakeID, talk.Want{Protocols: []string{"/a"}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: the open that ended it: %v", mode, err)
		}
		if err := p.Connect(t.Context(), fakeAddr); err == nil {
			t.Errorf("%s: a connect afterwards succeeded", mode)
		}
		if _, err := p.Ping(t.Context(), fakeID, 1); err == nil {
			t.Errorf("%s: a ping afterwards succeeded", mode)
		}
		if err := p.Close(); err == nil {
			t.Errorf("%s: the close says that all is well", mode)
		}
	}
}

func TestAnEndedContextEndsTheWaitAndTheRequest(t *testing.T) {
	p := withFake(t, fakeWaits, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	if _, err := p.Ping(ctx, fakeID, 1); !errors.Is(err, because) {
		t.Errorf("got %v, want the cause", err)
	}
	// The fake answers the cancelled request late. Nobody must take that for
	// the answer to the next one.
	if err := p.Connect(t.Context(), fakeAddr); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestABadEndOfTheAdapterIsAnError(t *testing.T) {
	p := withFake(t, fakeBadEnd, nil)
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "exit status 5") {
		t.Errorf("got %v", err)
	}
}

func TestARefusalIsSeenWhenItComes(t *testing.T) {
	p := withFake(t, fakeWell, nil)
	defer p.Close()
	if _, err := p.Open(t.Context(), fakeID, talk.Want{Protocols: []string{"/a"}, Eager: true}); !errors.Is(err, talk.ErrRefused) {
		t.Errorf("an eager open: %v", err)
	}
	s, err := p.Open(t.Context(), fakeID, talk.Want{Protocols: []string{"/a"}})
	if err != nil {
		t.Fatalf("a lazy open: %v", err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, talk.ErrRefused) {
		t.Errorf("the read after a lazy open: %v", err)
	}
	if _, err := s.Write([]byte{1}); !errors.Is(err, talk.ErrRefused) {
		t.Errorf("the write after the refusal: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
