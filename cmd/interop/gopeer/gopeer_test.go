package gopeer

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair starts two peers and connects the first with the second.
func pair(t *testing.T, security, muxer string) (dialer, listener *Peer, rec *talk.Recorder) {
	t.Helper()
	start := func() (*Peer, *talk.Recorder) {
		rec := talk.NewRecorder()
		p, err := New(talk.Config{Security: security, Muxer: muxer, Handlers: rec.Handlers()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return p, rec
	}
	listener, rec = start()
	dialer, _ = start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := dialer.Connect(ctx, listener.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	return dialer, listener, rec
}

func TestTwoGoPeersTalkInOneProcess(t *testing.T) {
	for _, security := range []string{"noise", "plaintext", "tls"} {
		for _, muxer := range []string{"mplex", "yamux"} {
			t.Run(security+"/"+muxer, func(t *testing.T) {
				dialer, listener, rec := pair(t, security, muxer)
				for _, c := range talk.Checks() {
					if c.Size > 1<<21 || c.Kills != talk.KillNobody {
						continue // the matrix has it
					}
					run(t, c, dialer, listener, rec)
				}
			})
		}
	}
}

func run(t *testing.T, c talk.Check, dialer, listener *Peer, rec *talk.Recorder) {
	t.Helper()
	from, to := dialer, listener
	if c.Back {
		from, to = listener, dialer
	}
	ctx, cancel := context.WithTimeout(t.Context(), c.Limit)
	defer cancel()
	target := talk.Target{ID: to.ID(), Addrs: to.Addrs(), Agent: to.Agent()}
	if err := c.Run(ctx, from, target); err != nil {
		t.Errorf("%s: %v", c.Label(), err)
	}
	if c.Awaits != "" {
		e, err := rec.Await(ctx, c.Awaits)
		if err == nil {
			err = c.Ended(e)
		}
		if err != nil {
			t.Errorf("%s: %v", c.Label(), err)
		}
	}
	if err := talk.Alive(ctx, from, target); err != nil {
		t.Errorf("after %s: %v", c.Label(), err)
	}
}

func TestAnUnknownChoiceIsRefused(t *testing.T) {
	for _, c := range []talk.Config{{Security: "none", Muxer: "mplex"}, {Security: "noise", Muxer: "none"}} {
		if p, err := New(c); !errors.Is(err, talk.ErrUnknownChoice) {
			t.Errorf("%v gives %v, %v", c, p, err)
		}
	}
}

func TestNothingIsOpenedWithoutAConnection(t *testing.T) {
	dialer, listener, _ := pair(t, "plaintext", "mplex")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := dialer.Disconnect(ctx, listener.ID()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []talk.Want{{Protocols: []string{talk.Echo}}, {Protocols: []string{talk.Echo}, Eager: true}} {
		if _, err := dialer.Open(ctx, listener.ID(), want); err == nil {
			t.Errorf("%+v was opened", want)
		}
	}
	if _, err := dialer.Ping(ctx, listener.ID(), 1); err == nil {
		t.Error("a ping came back")
	}
	if _, err := dialer.Identify(ctx, listener.ID()); !errors.Is(err, errNoConnection) {
		t.Errorf("identify gives %v", err)
	}
}
