package yamux

import (
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// purse is a lender with so many bytes.
type purse int

func (p *purse) Lend(n int) bool {
	if n > int(*p) {
		return false
	}
	*p -= purse(n)
	return true
}

func TestWindowsGrowAsFarAsOthersLeaveThemRoomAndGiveItBack(t *testing.T) {
	now := time.Unix(1000, 0)
	left := purse(StartWindow)
	grown := func() (*Machine, *stream) {
		m := New(negotiate.Dialer, muxer.Limits{Lender: &left}, Options{})
		m.life.rtt, m.life.measured = time.Second, now
		do := m.Step(now, muxer.Event{Kind: muxer.Open}, nil)
		s := m.streams[do[0].Stream]
		m.grow(now, s)
		return m, s
	}
	first, a := grown()
	second, b := grown()
	if a.window != 2*StartWindow || b.window != StartWindow || left != 0 {
		t.Errorf("the windows are %d and %d, and %d is left", a.window, b.window, left)
	}
	first.forget(a, nil)
	if left != StartWindow {
		t.Errorf("%d is left when the stream has ended", left)
	}
	second.grow(now, b)
	if b.window != 2*StartWindow {
		t.Errorf("the window is %d now", b.window)
	}
}
