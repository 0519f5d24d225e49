package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/troupe-p2p/troupe/actor"
)

// A meter shows how one transfer gets on: a bar on a terminal, a line now and
// then in a pipe, objects for programs. It belongs to the actor of the transfer.
type meter interface {
	// begin starts an attempt: the first from bytes of size are there already.
	begin(from, size int64)
	// move counts bytes.
	move(n int64)
	// end ends the attempt; whole says that all bytes are there.
	end(whole bool)
}

// newMeter returns the meter that suits the console. name is the file's.
func newMeter(self *actor.Self, c *console, name string) meter {
	switch {
	case c.json:
		return &jsonMeter{console: c, pace: pace{self: self}, name: name}
	case c.terminal:
		return &barMeter{console: c, pace: pace{self: self}, name: name}
	}
	return &lineMeter{console: c, pace: pace{self: self}, name: name}
}

// pace measures a transfer. Its fields with atomics are read while it is drawn.
type pace struct {
	self  *actor.Self
	size  int64
	at    atomic.Int64 // bytes that are there
	speed atomic.Int64 // bytes a second, smoothed

	mark     time.Time // of the last look at the speed
	markAt   int64
	reported time.Time
}

// speedEvery is how often the speed is looked at. A new look counts for a third.
const speedEvery = 250 * time.Millisecond

func (p *pace) start(from, size int64) {
	p.size = size
	p.at.Store(from)
	p.speed.Store(0)
	p.mark, p.markAt = p.self.Now(), from
	p.reported = p.mark
}

func (p *pace) add(n int64) {
	at, now := p.at.Add(n), p.self.Now()
	took := now.Sub(p.mark)
	if took < speedEvery {
		return
	}
	speed := int64(perSecond(at-p.markAt, took))
	if old := p.speed.Load(); old > 0 {
		speed = (2*old + speed) / 3
	}
	p.speed.Store(speed)
	p.mark, p.markAt = now, at
}

// due reports whether so much time has passed since the last report.
func (p *pace) due(every time.Duration) bool {
	now := p.self.Now()
	if now.Sub(p.reported) < every {
		return false
	}
	p.reported = now
	return true
}

// text says bytes, speed and the time that is left: all in fixed widths.
func (p *pace) text() string {
	at, speed := p.at.Load(), p.speed.Load()
	text := fmt.Sprintf("%9s of %s", bytesText(at), bytesText(p.size))
	if speed > 0 {
		left := time.Duration(float64(p.size-at) / float64(speed) * float64(time.Second))
		text += fmt.Sprintf(" %11s %6s left", bytesText(speed)+"/s", leftText(left))
	}
	return text
}

// barMeter draws a bar.
type barMeter struct {
	*console
	pace
	name string
	bars *mpb.Progress
	bar  *mpb.Bar
}

func (m *barMeter) begin(from, size int64) {
	m.start(from, size)
	if size == 0 {
		return
	}
	m.bars = mpb.New(mpb.WithOutput(m.out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Millisecond))
	m.bar = newBar(m.bars, m.console, m.name, lookCyan, size, m.text, mpb.BarRemoveOnComplete())
	m.bar.SetCurrent(from)
}

func (m *barMeter) move(n int64) {
	m.add(n)
	m.bar.IncrInt64(n)
}

// end takes the bar away: what comes after it says the same and more.
func (m *barMeter) end(bool) {
	if m.bar == nil {
		return
	}
	m.bar.Abort(true)
	m.bars.Wait()
	m.bar, m.bars = nil, nil
}

// newBar adds a bar with a name at its left and a text at its right.
func newBar(bars *mpb.Progress, c *console, name, look string, size int64, text func() string, more ...mpb.BarOption) *mpb.Bar {
	coloured := func(s string) string { return c.look(look, s) }
	dim := func(s string) string { return c.look(lookDim, s) }
	style := mpb.BarStyle().Lbound(" ").Rbound(" ").Filler("━").FillerMeta(coloured).
		Tip("━").TipMeta(coloured).Padding("─").PaddingMeta(dim)
	width := max(10, min(24, c.width/4))
	// It begins with a carriage return, because a terminal that shows ^C has moved
	// the cursor.
	return bars.New(size, style, append(more,
		mpb.PrependDecorators(decor.Name("\r"+cut(name, width), decor.WC{C: decor.DindentRight})),
		mpb.AppendDecorators(
			decor.Any(func(s decor.Statistics) string { return fmt.Sprintf("%3d %%", 100*s.Current/max(s.Total, 1)) }, decor.WC{W: 5}),
			decor.Any(func(decor.Statistics) string { return text() }),
		))...)
}

// lineMeter prints a line every few seconds.
type lineMeter struct {
	*console
	pace
	name string
}

const lineEvery = 2 * time.Second

func (m *lineMeter) begin(from, size int64) { m.start(from, size) }

func (m *lineMeter) move(n int64) {
	m.add(n)
	if m.due(lineEvery) {
		m.say("%s  %3d %%  %s", m.name, 100*m.at.Load()/m.size, m.text())
	}
}

func (m *lineMeter) end(bool) {}

// jsonMeter prints objects.
type jsonMeter struct {
	*console
	pace
	name string
}

const jsonEvery = 500 * time.Millisecond

type progressEvent struct {
	Event string `json:"event"` // "start" or "progress"
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"` // there already, those of earlier attempts too
	Size  int64  `json:"size"`
	Speed int64  `json:"bytes_per_second,omitempty"`
}

func (m *jsonMeter) begin(from, size int64) {
	m.start(from, size)
	m.reported = time.Time{} // the first bytes are worth an object
	m.emit(progressEvent{"start", m.name, from, size, 0})
}

func (m *jsonMeter) move(n int64) {
	m.add(n)
	if m.due(jsonEvery) {
		m.emit(progressEvent{"progress", m.name, m.at.Load(), m.size, m.speed.Load()})
	}
}

func (m *jsonMeter) end(bool) {}
