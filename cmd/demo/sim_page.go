package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

// The page of a run is one file without scripts, fonts or anything else from
// elsewhere: a table, and four pictures as SVG.
//
//go:embed sim_page.html
var pageText string

// A chart is a picture in numbers: the template draws what stands here.
type chart struct {
	ID, Title, Note string
	W, H            float64 // of the whole, in the units of the picture
	L, T, R, B      float64 // the edges of the plot
	XTicks, YTicks  []chartTick
	XLabel, YLabel  string
	Lines           []chartLine
	Boxes           []chartBox
	Legend          []chartName
}

type chartTick struct {
	At   float64
	Text string
}

type chartLine struct {
	Series int
	Points string
}

type chartBox struct {
	X, Y, W, H  float64
	Series      int
	Name, Label string // Name is shown under the pointer
	LabelX      float64
	LabelY      float64
}

type chartName struct {
	Series int
	Name   string
}

// page writes the page.
func (r *simReport) page(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"bytes":   bytesText,
		"time":    func(s float64) string { return timeText(seconds(s)) },
		"percent": percentText,
		"delay":   delayText,
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*simReport
		Charts []chart
	}{r, []chart{r.arrivals(), r.bytes(), r.connections(), r.faults()}})
}

// plot is an empty chart of a height.
func plot(id, title, note string, height, left float64) chart {
	return chart{ID: id, Title: title, Note: note, W: 900, H: height, L: left, T: 12, R: 884, B: height - 44}
}

// x and y put a part of the axis, from 0 to 1, into the picture.
func (c *chart) x(part float64) float64 { return round1(c.L + part*(c.R-c.L)) }
func (c *chart) y(part float64) float64 { return round1(c.B - part*(c.B-c.T)) }

func round1(v float64) float64 { return math.Round(v*10) / 10 }

// arrivals is how many of the messages had arrived after which time.
func (r *simReport) arrivals() chart {
	c := plot("arrivals", "How long messages took", "The part of all that were due that had arrived after a time, which is drawn in powers of ten. A line that ends below 100 % has lost the rest.", 320, 64)
	low, high := math.Inf(1), 0.0
	for _, f := range r.Traffic {
		if len(f.sorted) > 0 {
			low = min(low, max(f.sorted[0].Seconds(), 1e-6))
			high = max(high, f.sorted[len(f.sorted)-1].Seconds())
		}
	}
	if high == 0 {
		low, high = 1e-3, 1
	}
	first, last := math.Floor(math.Log10(low)*3)/3, math.Ceil(math.Log10(high)*3+0.01)/3
	at := func(seconds float64) float64 { return (math.Log10(max(seconds, low)) - first) / (last - first) }
	for e := math.Floor(first); e <= last; e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); v >= low && at(v) <= 1 {
				c.XTicks = append(c.XTicks, chartTick{c.x(at(v)), axisTime(v)})
			}
		}
	}
	for p := 0; p <= 100; p += 25 {
		c.YTicks = append(c.YTicks, chartTick{c.y(float64(p) / 100), fmt.Sprintf("%d %%", p)})
	}
	for i, f := range r.Traffic {
		var b strings.Builder
		n := len(f.sorted)
		// A point for each message, or for each four-hundredth of them.
		for k := 0; k < n; k += max(n/400, 1) {
			fmt.Fprintf(&b, "%g,%g ", c.x(at(f.sorted[k].Seconds())), c.y(float64(k)/float64(f.Due)))
		}
		if n > 0 {
			fmt.Fprintf(&b, "%g,%g %g,%g", c.x(at(f.sorted[n-1].Seconds())), c.y(float64(n)/float64(f.Due)), c.R, c.y(float64(n)/float64(f.Due)))
		}
		c.Lines = append(c.Lines, chartLine{i % 6, b.String()})
		c.Legend = append(c.Legend, chartName{i % 6, fmt.Sprintf("%s: %s of %d", f.Name, percentText(f.Arrived, f.Due), f.Due)})
	}
	c.XLabel = "time from sending to arrival"
	return c
}

// axisTime is a time at an axis.
func axisTime(s float64) string {
	switch {
	case s >= 1:
		return fmt.Sprintf("%g s", s)
	case s >= 0.9999e-3:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g µs", s*1e6)
}

// bytes is what each host has sent and received.
func (r *simReport) bytes() chart {
	c := plot("bytes", "Bytes of each host", "All that went over the wire, handshakes included, in the order of the scenario.", 300, 64)
	most := 1.0
	for _, h := range r.Hosts {
		most = max(most, float64(h.Sent), float64(h.Received))
	}
	c.YTicks, most = c.scale(most, func(v float64) string { return bytesText(int64(v)) })
	wide := 1 / float64(max(len(r.Hosts), 1))
	every := len(r.Hosts)/12 + 1
	for i, h := range r.Hosts {
		from := (float64(i) + 0.1) * wide
		for k, n := range []int64{h.Sent, h.Received} {
			verb := []string{"sent", "received"}[k]
			top := c.y(float64(n) / most)
			c.Boxes = append(c.Boxes, chartBox{
				X: c.x(from + float64(k)*0.4*wide), Y: top, W: max((c.R-c.L)*wide*0.4, 0.5), H: c.B - top, Series: k,
				Name: fmt.Sprintf("%s %s %s", h.Name, verb, bytesText(n)),
			})
		}
		if i%every == 0 {
			c.XTicks = append(c.XTicks, chartTick{c.x((float64(i) + 0.5) * wide), cut(h.Name, 10)})
		}
	}
	c.Legend = []chartName{{0, "sent"}, {1, "received"}}
	return c
}

// scale makes ticks from 0 to something round that is not below most.
func (c *chart) scale(most float64, text func(float64) string) (ticks []chartTick, top float64) {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, part := range []float64{0.2, 0.5, 1, 2} {
		if most/(step*part) <= 6 {
			step *= part
			break
		}
	}
	top = math.Ceil(most/step) * step
	for v := 0.0; v <= top*1.0001; v += step {
		ticks = append(ticks, chartTick{c.y(v / top), text(v)})
	}
	return ticks, top
}

// end is when the time axis ends.
func (r *simReport) end() float64 {
	end := 1e-3
	for _, l := range r.Connections {
		end = max(end, l.At)
	}
	return end
}

// times puts the time at the axis.
func (r *simReport) times(c *chart) {
	end := r.end()
	step := math.Pow(10, math.Floor(math.Log10(end)))
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		if end/(step*part) <= 12 {
			step *= part
			break
		}
	}
	for v := 0.0; v <= end; v += step {
		c.XTicks = append(c.XTicks, chartTick{c.x(v / end), axisTime(v)})
	}
	c.XTicks[0].Text = "0"
	c.XLabel = "virtual time"
}

// connections is how many connections were open.
func (r *simReport) connections() chart {
	c := plot("connections", "Open connections", "Each connection counts half at either end: one whose other end does not know yet that it is gone counts half.", 260, 64)
	most := 1.0
	for _, l := range r.Connections {
		most = max(most, l.Open)
	}
	c.YTicks, most = c.scale(most, func(v float64) string { return fmt.Sprintf("%g", round1(v)) })
	r.times(&c)
	var b strings.Builder
	for _, l := range r.Connections {
		fmt.Fprintf(&b, "%g,%g ", c.x(l.At/r.end()), c.y(l.Open/most))
	}
	c.Lines = []chartLine{{0, b.String()}}
	return c
}

// faults is what went wrong when.
func (r *simReport) faults() chart {
	rows := float64(max(len(r.Faults), 1))
	high := min(max(600/rows, 3), 22)
	c := plot("faults", "What went wrong", "A bar for each fault, from its beginning to its end.", rows*high+60, 64)
	r.times(&c)
	kinds := map[string]int{}
	for i, f := range r.Faults {
		_, what, _ := strings.Cut(f.Text, " ")
		series, known := kinds[f.Kind]
		if !known {
			series = len(kinds) % 6
			kinds[f.Kind] = series
			c.Legend = append(c.Legend, chartName{series, f.Kind})
		}
		until := f.Until
		if until < 0 {
			until = r.end()
		}
		from, to := c.x(min(f.From/r.end(), 1)), c.x(min(until/r.end(), 1))
		box := chartBox{
			X: from, Y: round1(c.T + float64(i)*high + high*0.1), W: max(to-from, 2), H: round1(high * 0.8), Series: series,
			Name: fmt.Sprintf("%s, from %s until %s", what, timeText(seconds(f.From)), timeText(seconds(until))),
		}
		if high >= 10 {
			box.Label, box.LabelX, box.LabelY = cut(what, 50), to+4, round1(box.Y+box.H/2+4)
			if to > c.L+(c.R-c.L)*0.6 {
				box.LabelX = -(from - 4) // to the left of it
			}
		}
		c.Boxes = append(c.Boxes, box)
	}
	if len(r.Faults) == 0 {
		c.Note = "Nothing did."
	}
	return c
}

// LabelEnd reports whether the label ends at its place: it stands left of the box.
func (b chartBox) LabelEnd() bool { return b.LabelX < 0 }

// LabelAt is its place.
func (b chartBox) LabelAt() float64 { return math.Abs(b.LabelX) }
