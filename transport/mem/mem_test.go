package mem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/transporttest"
)

func newTransport(*testing.T) (transport.Transport, ma.Multiaddr) {
	return NewNetwork().Transport(), ma.StringCast("/memory/0")
}

// allReleased fails a test that loses buffers.
func allReleased(t *testing.T) {
	t.Helper()
	before := buf.Live()
	t.Cleanup(func() {
		if n := buf.Live() - before; n != 0 {
			t.Errorf("%d buffers were lost", n)
		}
	})
}

func TestItIsATransportOnGoroutines(t *testing.T) {
	allReleased(t)
	transporttest.Run(t, newTransport)
}

func TestItIsATransportInABubble(t *testing.T) {
	allReleased(t)
	transporttest.RunIn(t, transporttest.Bubble(), newTransport)
}

func TestItIsATransportOnTheScheduler(t *testing.T) {
	allReleased(t)
	for seed := range uint64(5) {
		transporttest.RunIn(t, transporttest.Scheduler(seed, nil), newTransport)
	}
}

func TestTheSameSeedTakesTheSameSteps(t *testing.T) {
	allReleased(t)
	transporttest.Repeat(t, 20, 7, newTransport)
}

// steps runs two actors that talk over a link and returns who ran when.
func steps(t *testing.T, seed uint64) (steps []actor.Step) {
	t.Helper()
	err := actor.NewScheduler(seed, func(s actor.Step) { steps = append(steps, s) }).Run(t.Context(), "root", func(self *actor.Self) error {
		for i := range 5 {
			a, b := Pipe(self, Options{Limit: 10})
			self.Go(fmt.Sprint("write ", i), func(*actor.Self) error { _, err := a.Write(make([]byte, 100)); return err })
			self.Go(fmt.Sprint("read ", i), func(*actor.Self) error {
				for n := 0; n < 100; {
					k, err := b.Read(make([]byte, 7))
					if err != nil {
						return err
					}
					n += k
				}
				a.Close()
				return b.Close()
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func TestAnotherSeedTakesOtherSteps(t *testing.T) {
	if !slices.Equal(steps(t, 1), steps(t, 1)) {
		t.Error("one seed took two ways")
	}
	if slices.Equal(steps(t, 1), steps(t, 2)) {
		t.Error("two seeds took one way")
	}
}

func TestAFreeNumberIsPickedAndAWantedOneKept(t *testing.T) {
	tr := NewNetwork().Transport()
	var texts []string
	for _, at := range []string{"/memory/0", "/memory/7", "/memory/4294967297", "/memory/0"} {
		l, err := tr.Listen(t.Context(), ma.StringCast(at))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, l.Addrs()[0].String())
	}
	want := []string{"/memory/4294967296", "/memory/7", "/memory/4294967297", "/memory/4294967298"}
	if !slices.Equal(texts, want) {
		t.Errorf("listening at %v, want %v", texts, want)
	}
}

func TestNetworksKnowNothingOfEachOther(t *testing.T) {
	at := ma.StringCast("/memory/7")
	if _, err := NewNetwork().Transport().Listen(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if _, err := NewNetwork().Transport().Dial(t.Context(), at, ""); !errors.Is(err, transport.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAddressesInMemoryAreUnderstood(t *testing.T) {
	tr := NewNetwork().Transport()
	const id = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	for text, want := range map[string]bool{
		"/memory/7": true, "/memory/18446744073709551615": true, "/memory/7" + id: true,
		"/memory/7/memory/8": false, "/memory/7/ws": false, "/ip4/127.0.0.1/tcp/1": false, id: false,
	} {
		if addr := ma.StringCast(text); tr.CanDial(addr) != want || tr.CanListen(addr) != want {
			t.Errorf("%s: understood %v", text, !want)
		}
	}
	if tr.CanDial(nil) {
		t.Error("no address is understood")
	}
}

func TestADialWaitsWhileTheBacklogIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := NewNetwork().Transport()
		l, err := tr.Listen(t.Context(), ma.StringCast("/memory/7"))
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addrs()[0]
		for range Backlog {
			if _, err := tr.Dial(t.Context(), at, ""); err != nil {
				t.Fatal(err)
			}
		}
		errBored := errors.New("bored")
		ctx, cancel := context.WithCancelCause(t.Context())
		results := make(chan error, 3)
		dial := func(ctx context.Context) { _, err := tr.Dial(ctx, at, ""); results <- err }
		go dial(ctx)
		synctest.Wait()
		cancel(errBored)
		if err := <-results; !errors.Is(err, errBored) {
			t.Errorf("the dial that was cancelled: %v", err)
		}
		go dial(t.Context())
		synctest.Wait()
		if _, err := l.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-results; err != nil {
			t.Errorf("the dial that found room: %v", err)
		}
		go dial(t.Context())
		synctest.Wait()
		l.Close()
		if err := <-results; !errors.Is(err, transport.ErrRefused) {
			t.Errorf("the dial at the close: %v", err)
		}
	})
}
