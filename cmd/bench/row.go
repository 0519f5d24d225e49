package main

import (
	"fmt"
	"strconv"
)

// A Row is one line of the table: some work, who does it, and which figure of
// theirs is compared.
type Row struct {
	Name    string `json:"name"`
	Work    Work   `json:"work"`
	Figure  string `json:"figure"`  // of [Figures]
	Smaller bool   `json:"smaller"` // is better
	// Who does the work, in the order of the table.
	Who []string `json:"who"`
	// Bars are what is aimed at; a row without bars is there for the plots.
	Bars []Bar `json:"bars,omitempty"`
	// Points are where the row stands in plots.
	Points []Point `json:"points,omitempty"`
}

// A Bar is what is aimed at. Of's figure is divided by the best of the others'
// figures that are named. The quotient is to be at least Limit, or, where a
// smaller figure is better, at most Limit. If nobody else is named, Of's figure
// itself is to be at most Limit.
type Bar struct {
	Of      string   `json:"of"`
	Against []string `json:"against,omitempty"`
	Limit   float64  `json:"limit"`
	// Figure is another one than the row's; empty for the row's.
	Figure string `json:"figure,omitempty"`
	// Row is where the others' figures are taken from; empty for the same row.
	Row string `json:"row,omitempty"`
}

// A Point is one point of each contender's series in a plot.
type Point struct {
	Plot   string  `json:"plot"` // a name of [pictures]
	X      float64 `json:"x,omitempty"`
	Label  string  `json:"label,omitempty"`  // instead of X, of a group of bars
	Figure string  `json:"figure,omitempty"` // another one than the row's
}

// figure is the figure that the bar is about.
func (b Bar) figure(r Row) string {
	if b.Figure != "" {
		return b.Figure
	}
	return r.Figure
}

// absolute says whether the figure itself has a limit, not a quotient.
func (b Bar) absolute() bool { return len(b.Against) == 0 }

// atMost says whether the limit must not be exceeded, rather than reached.
func (b Bar) atMost(r Row) bool { return b.absolute() || r.Smaller }

// The figures of the works, which are also their units.
const (
	megabytes   = "MB/s"
	messages    = "messages/s"
	perSecond   = "per second"
	p50         = "p50 us"
	p99         = "p99 us"
	listenBytes = "listener bytes"
	listenGo    = "listener goroutines"
	bothBytes   = "bytes"
	bothGo      = "goroutines"
	wakeUps     = "wake-ups per second and connection"
	cpuTime     = "CPU us per second and connection"
	perWrite    = "allocations per Write"
	perRead     = "allocations per Read"
	perFrame    = "allocations per frame"
	frameTime   = "ns per frame"
	startTime   = "ms until it listens"
	fileSize    = "MB"
)

const kib = 1 << 10

// against is a bar of a quotient.
func against(of string, limit float64, who ...string) Bar {
	return Bar{Of: of, Against: who, Limit: limit}
}

// most is a bar of a figure itself.
func most(of string, limit float64, figure string) Bar {
	return Bar{Of: of, Limit: limit, Figure: figure}
}

// at is a point of a plot.
func at(plot string, x int) Point { return Point{Plot: plot, X: float64(x)} }

// bar is a group of bars of a plot.
func bar(plot, label, figure string) Point { return Point{Plot: plot, Label: label, Figure: figure} }

func bulkWork(streams, size int) Work {
	return Work{Kind: "bulk", Streams: streams, Size: size}
}

// count is "1 stream", "2 streams".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// together is how many of something go on at the same time.
func together(n int) string {
	if n == 1 {
		return "one after another"
	}
	return strconv.Itoa(n) + " at once"
}

// bytes is a size as people write it.
func bytes(n int) string {
	switch {
	case n >= kib*kib && n%(kib*kib) == 0:
		return fmt.Sprint(n/kib/kib) + " MiB"
	case n >= kib && n%kib == 0:
		return fmt.Sprint(n/kib) + " KiB"
	default:
		return fmt.Sprint(n) + " B"
	}
}

func bulkName(group string, streams, size int) string {
	return fmt.Sprintf("%s: bulk, %s, %s writes", group, count(streams, "stream"), bytes(size))
}
