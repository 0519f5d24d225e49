package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// ends is how many ends of connections a host has.
func ends(n *Network, host byte) int {
	h := n.Host(ip(host))
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ends)
}

func TestBytesStayInOrderWhenTheirDownlinkGetsFaster(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		defer a.Close()
		defer b.Close()
		n.SetAccess(ip(2), Access{Down: 1000})
		began := self.Now()
		a.Write(make([]byte, 1000))
		self.Sleep(100 * ms)
		n.SetAccess(ip(2), Access{})
		a.Write([]byte{1})
		got := make([]byte, 1001)
		if _, err := io.ReadFull(b, got); err != nil || got[1000] != 1 || got[0] != 0 {
			return fmt.Errorf("the last byte is %d: %w", got[1000], err)
		}
		return took(self, began, 1010*ms)
	})
}

// However much has been read, the window is what it was.
func TestTheWindowNeitherGrowsNorShrinks(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms, Window: 1000}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		defer a.Close()
		defer b.Close()
		for range 50 {
			if _, err := a.Write(make([]byte, 500)); err != nil {
				return err
			}
			for range 2 { // each time a quarter of the window, of which it tells
				if _, err := io.ReadFull(b, make([]byte, 250)); err != nil {
					return err
				}
			}
			self.Sleep(20 * ms)
		}
		a.SetWriteDeadline(self.Now().Add(time.Second))
		if sent, err := a.Write(make([]byte, 5000)); sent != 1000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("wrote %d: %w", sent, err)
		}
		return nil
	})
}

func TestWhatWaitsForAClosedEndIsForgotten(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		n.Cut(hosts(1), hosts(2))
		io.WriteString(a, "x")
		b.Close()
		self.Sleep(time.Hour)
		if _, err := io.WriteString(a, "x"); !errors.Is(err, io.ErrClosedPipe) {
			return fmt.Errorf("after an hour: %w", err)
		}
		return a.Close()
	})
}

// Who dials a listener whose backlog is full asks again, a second later for the
// first time, and leaves nothing behind meanwhile.
func TestADialAtAFullBacklogAsksAgain(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		for range mem.Backlog {
			if _, err := dialTo(self, n, 1, 2); err != nil {
				return err
			}
		}
		began := self.Now()
		accept := self.Go("accept", func(self *actor.Self) error {
			self.Sleep(1500 * ms)
			if k := ends(n, 2); k != mem.Backlog {
				return fmt.Errorf("the listener's host has %d ends of connections", k)
			}
			_, err := l.Accept(self)
			return err
		})
		if _, err := dialTo(self, n, 1, 2); err != nil {
			return err
		}
		if err := took(self, began, 3020*ms); err != nil {
			return err
		}
		return accept.Wait(self)
	})
}

// A half-closed end goes on receiving, and over a cut its end is told later.
func TestAHalfCloseComesAfterWhatWasWrittenBeforeIt(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		heal := n.Cut(hosts(1), hosts(2))
		began := self.Now()
		io.WriteString(a, "last words")
		if err := a.(mem.Conn).CloseWrite(); err != nil {
			return err
		}
		if _, err := a.Write([]byte{1}); !errors.Is(err, io.ErrClosedPipe) {
			return fmt.Errorf("wrote after a half-close: %w", err)
		}
		heal()
		got, err := io.ReadAll(b)
		if string(got) != "last words" || err != nil {
			return fmt.Errorf("read %q: %w", got, err)
		}
		if err := took(self, began, 230*ms); err != nil {
			return err
		}
		io.WriteString(b, "and an answer")
		if _, err := io.ReadFull(a, make([]byte, 13)); err != nil {
			return err
		}
		a.Close()
		b.Close()
		self.Sleep(time.Second)
		if ends(n, 1)+ends(n, 2) != 0 {
			return fmt.Errorf("%d and %d ends are left", ends(n, 1), ends(n, 2))
		}
		return nil
	})
}

// An end that was closed over a cut gives up in silence; the other one learns of it
// when it sends something.
func TestTheOtherEndOfWhatTimedOutGetsAResetWhenItSends(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		heal := n.Cut(hosts(1), hosts(2))
		io.WriteString(a, "x")
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
			return err
		}
		heal()
		io.WriteString(b, "still there?")
		began := self.Now()
		return expect(self, b, began, 20*ms, mem.ErrReset)
	})
}

// A time-out counts both ways: here 10 ms there and 100 ms back.
func TestATimeoutKnowsTheWayBack(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		n.SetLink(ip(2), ip(1), LinkConfig{Latency: 100 * ms})
		heal := n.Cut(hosts(1), hosts(2))
		began := self.Now()
		io.WriteString(a, "x")
		heal()
		if err := expect(self, b, began, 320*ms, nil); err != nil { // 110 + 200, and 10
			return err
		}
		a.Close()
		return b.Close()
	})
}

// What was taken over in a cut leaves slowly, and what is written meanwhile comes
// after it.
func TestBytesStayInOrderWhenACutEndsOnASlowLink(t *testing.T) {
	config := LinkConfig{Latency: 10 * ms, Bandwidth: 10_000, Queue: 1000, Chunk: 1000}
	inWorlds(t, config, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		heal := n.Cut(hosts(1), hosts(2))
		sent := make([]byte, 6000)
		for i := range sent {
			sent[i] = byte(i / 100)
		}
		for i := range 5 {
			a.Write(sent[i*1000 : (i+1)*1000])
		}
		heal()
		self.Sleep(300 * ms) // it was tried again after 220, and the queue is full
		writer := self.Go("write", func(*actor.Self) error { _, err := a.Write(sent[5000:]); return err })
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, sent) {
			return fmt.Errorf("the bytes came in another order, or: %w", err)
		}
		if err := writer.Wait(self); err != nil {
			return err
		}
		a.Close()
		return b.Close()
	})
}

func TestACrashedHostHasNothingLeftToRead(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		io.WriteString(a, "unread")
		self.Sleep(20 * ms)
		n.Crash(ip(2))
		return expect(self, b, self.Now(), 0, net.ErrClosed)
	})
}

// Of bytes, of the end and of a close, once for each time it is asked for.
func TestAConnectionSaysWhenThereIsSomethingToRead(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		var said atomic.Int64 // in a bubble the hosts are on goroutines of their own
		ask := func() { b.(transport.Notifier).OnReadable(func() { said.Add(1) }) }
		ask()
		a.Write(make([]byte, 10))
		if self.Sleep(9 * ms); said.Load() != 0 {
			return errors.New("it was said before it came")
		}
		if self.Sleep(2 * ms); said.Load() != 1 {
			return fmt.Errorf("bytes came, and it was said %d times", said.Load())
		}
		if ask(); said.Load() != 2 {
			return errors.New("it is not said of what is there already")
		}
		io.ReadFull(b, make([]byte, 10))
		ask()
		a.Write(make([]byte, 1))
		a.Write(make([]byte, 1))
		if self.Sleep(20 * ms); said.Load() != 3 {
			return fmt.Errorf("it was asked for once, and said %d times", said.Load()-2)
		}
		io.ReadFull(b, make([]byte, 2))
		ask()
		a.Close()
		if self.Sleep(20 * ms); said.Load() != 4 {
			return errors.New("it is not said of the end")
		}
		b.Close()
		if ask(); said.Load() != 5 {
			return errors.New("it is not said of a close")
		}
		return nil
	})
}
