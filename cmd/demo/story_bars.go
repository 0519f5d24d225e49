package main

import (
	"fmt"
	"time"

	"github.com/vbauerster/mpb/v8"
)

// storyBars shows the two songs on their way: bars on a terminal, nothing
// otherwise. line may be called while they are drawn.
type storyBars struct {
	*console
	bars        *mpb.Progress
	here, there *mpb.Bar // bob's song to alice, alice's song to bob
}

func newStoryBars(c *console, bobs, alices int) *storyBars {
	b := &storyBars{console: c}
	c.say("  %s asks bob for a recipe, and swaps songs with him meanwhile:", c.look(lookBold, "alice"))
	c.say("")
	if !c.terminal || c.json {
		return b
	}
	b.bars = mpb.New(mpb.WithOutput(c.out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(50*time.Millisecond))
	add := func(name, look string, size int) *mpb.Bar {
		return newBar(b.bars, c, name, look, int64(size), func() string { return fmt.Sprintf("  of %s", bytesText(int64(size))) })
	}
	b.here = add("  bob ♪ → alice ", lookCyan, bobs)
	b.there = add("  alice ♪ → bob ", lookYellow, alices)
	return b
}

// heard and sang count bytes at alice's end. Different actors call them.
func (b *storyBars) heard(n int) {
	if b.here != nil {
		b.here.IncrBy(n)
	}
}

func (b *storyBars) sang(n int) {
	if b.there != nil {
		b.there.IncrBy(n)
	}
}

// line prints a line above the bars.
func (b *storyBars) line(text string) {
	if b.bars == nil {
		b.say("%s", text)
		return
	}
	fmt.Fprintln(b.bars, text)
}

// end leaves the bars as they are and stops drawing. It may be called again.
func (b *storyBars) end() {
	if b.bars == nil {
		return
	}
	b.here.Abort(false)
	b.there.Abort(false)
	b.bars.Wait()
	b.bars = nil
}
