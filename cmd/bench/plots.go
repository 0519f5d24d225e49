package main

import (
	"fmt"
	"image/color"
	"os"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A picture is one plot of the page. Rows say with their points that they are in
// it.
type picture struct {
	name, title string
	x, y        string // labels of the axes
	bars        bool   // groups of bars; otherwise lines over a logarithmic x
	sizes       bool   // x is a size in bytes
}

// pictures are all plots, in the order of the page.
func pictures() []picture {
	size := "bytes in a Write"
	return []picture{
		{name: "sizes-noise", title: "Throughput, Noise + yamux, 1 stream", x: size, y: megabytes, sizes: true},
		{name: "sizes-tls", title: "Throughput, TLS + yamux, 1 stream", x: size, y: megabytes, sizes: true},
		{name: "sizes-plain", title: "Throughput, no security + yamux, 1 stream", x: size, y: megabytes, sizes: true},
		{name: "sizes-muxers", title: "Throughput, muxers alone, 1 stream", x: size, y: megabytes, sizes: true},
		{name: "rtt", title: "Round trip of 32 bytes on an open stream, Noise + yamux", y: "microseconds", bars: true},
		{name: "rtt-muxers", title: "Round trip of 100 bytes on an open stream, muxers alone", y: "microseconds", bars: true},
		{name: "streams", title: "Open, negotiate, echo 32 bytes, close", y: "streams per second", bars: true},
		{name: "streams-muxers", title: "Open, echo 1 byte, close; muxers alone", y: "streams per second", bars: true},
		{name: "requests", title: "Request and reply of 100 bytes on 100 streams, muxers alone", y: perSecond, bars: true},
		{name: "flood", title: "Flood of messages of 100 bytes on 1 stream, muxers alone", y: messages, bars: true},
		{name: "connections", title: "Connections set up: dial, Noise, yamux, identify", y: perSecond, bars: true},
		{name: "memory-connection", title: "Memory of an idle connection, accepting side: heap and stacks", y: "bytes", bars: true},
		{name: "memory-stream", title: "Memory of an idle stream: heap and stacks", y: "bytes", bars: true},
		{name: "growth-streams", title: "Throughput over many streams, Noise + yamux", x: "streams", y: megabytes},
		{name: "growth-connections", title: "Throughput over many connections, a stream each", x: "connections", y: megabytes},
		{name: "growth-stream-memory", title: "Memory of an idle stream, both ends", x: "idle streams", y: "bytes each"},
		{name: "growth-connection-memory", title: "Memory of an idle connection, accepting side", x: "idle connections", y: "bytes each"},
		{name: "growth-work", title: "How often an idle connection wakes its process", x: "idle connections", y: "per second and connection"},
	}
}

// A value is the median of a figure, and its range.
type value struct{ x, median, least, most float64 }

// A series is what one contender has in a plot. Points that were not measured are
// not there.
type series struct {
	who    string
	values []value
}

// series are those of a picture; labels are of its groups of bars, whose x is the
// place in labels.
func (p picture) series(r *Report) (all []series, labels []string) {
	for _, row := range r.Rows {
		for _, point := range row.Points {
			if point.Plot != p.name {
				continue
			}
			x := point.X
			if p.bars {
				x = float64(len(labels))
				labels = append(labels, point.Label)
			}
			for _, who := range row.Who {
				v := row.values(who, Bar{Figure: point.Figure}.figure(row.Row))
				if len(v) == 0 {
					continue
				}
				i := slices.IndexFunc(all, func(s series) bool { return s.who == p.who(who) })
				if i < 0 {
					i, all = len(all), append(all, series{who: p.who(who)})
				}
				all[i].values = append(all[i].values, value{x, median(v), slices.Min(v), slices.Max(v)})
			}
		}
	}
	longest := 0
	for _, s := range all {
		slices.SortFunc(s.values, func(a, b value) int { return int(a.x - b.x) })
		longest = max(longest, len(s.values))
	}
	if !p.bars && longest > 1 { // one point is no line: its row is in another plot too
		all = slices.DeleteFunc(all, func(s series) bool { return len(s.values) == 1 })
	}
	return all, labels
}

// who is the name of a contender's series. Where security differs from group to
// group, its name is the group's.
func (p picture) who(name string) string {
	if p.name == "memory-connection" {
		return looks(name).family
	}
	return name
}

// draw writes the picture as SVG, unless nothing of it was measured.
func (p picture) draw(r *Report, file string) (drawn bool, err error) {
	all, labels := p.series(r)
	if len(all) == 0 {
		return false, nil
	}
	pl, err := p.plot(all, labels)
	if err != nil {
		return false, fmt.Errorf("plot %s: %w", p.name, err)
	}
	return true, write(pl, file)
}

func (p picture) plot(all []series, labels []string) (*plot.Plot, error) {
	pl := plot.New()
	pl.Title.Text = p.title
	pl.X.Label.Text, pl.Y.Label.Text = p.x, p.y
	for _, font := range []*draw.TextStyle{&pl.Title.TextStyle, &pl.X.Label.TextStyle, &pl.Y.Label.TextStyle,
		&pl.X.Tick.Label, &pl.Y.Tick.Label, &pl.Legend.TextStyle} {
		font.Font.Variant = "Sans"
		font.Font.Size = vg.Points(10)
	}
	pl.Title.TextStyle.Font.Size, pl.Title.Padding = vg.Points(12), vg.Points(8)
	pl.Legend.Top, pl.Legend.Padding = true, vg.Points(2)
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.Gray{220}
	pl.Add(grid)
	scale(pl, all)
	if p.bars {
		return pl, p.addBars(pl, all, labels)
	}
	return pl, p.addLines(pl, all)
}

// scale has the y axis begin at 0, and leaves room for the legend.
func scale(pl *plot.Plot, all []series) {
	var most float64
	for _, s := range all {
		for _, v := range s.values {
			most = max(most, v.most)
		}
	}
	pl.Y.Tick.Marker = shortNumbers{plot.DefaultTicks{}}
	pl.Y.Min, pl.Y.Max = 0, most*(1.05+0.07*float64(len(all)))
	if pl.Y.Max <= 0 {
		pl.Y.Max = 1
	}
}

// shortNumbers writes numbers with k and M.
type shortNumbers struct{ plot.Ticker }

func (t shortNumbers) Ticks(least, most float64) []plot.Tick {
	all := t.Ticker.Ticks(least, most)
	for i, tick := range all {
		if tick.Label != "" {
			all[i].Label = number(tick.Value)
		}
	}
	return all
}

func (p picture) addLines(pl *plot.Plot, all []series) error {
	pl.X.Scale = plot.LogScale{}
	var ticks []plot.Tick
	for _, s := range all {
		xy := make(plotter.XYs, len(s.values))
		ranges := make(plotter.YErrors, len(s.values))
		for i, v := range s.values {
			xy[i].X, xy[i].Y = v.x, v.median
			ranges[i].Low, ranges[i].High = v.median-v.least, v.most-v.median
			label := fmt.Sprint(v.x)
			if p.sizes {
				label = bytes(int(v.x))
			}
			ticks = append(ticks, plot.Tick{Value: v.x, Label: label})
		}
		line, points, err := plotter.NewLinePoints(xy)
		if err != nil {
			return err
		}
		errorBars, err := plotter.NewYErrorBars(struct {
			plotter.XYer
			plotter.YErrorer
		}{xy, ranges})
		if err != nil {
			return err
		}
		look := looks(s.who)
		line.Color, line.Width, line.Dashes = look.color, vg.Points(1.8), look.dashes
		points.Color, points.Shape, points.Radius = look.color, draw.CircleGlyph{}, vg.Points(2.4)
		errorBars.Color, errorBars.Width, errorBars.CapWidth = look.color, vg.Points(0.6), 0
		pl.Add(errorBars, line, points)
		pl.Legend.Add(s.who, line, points)
	}
	slices.SortFunc(ticks, func(a, b plot.Tick) int { return int(a.Value - b.Value) })
	ticks = slices.CompactFunc(ticks, func(a, b plot.Tick) bool { return a.Value == b.Value })
	pl.X.Tick.Marker = plot.ConstantTicks(ticks)
	if len(ticks) == 1 {
		pl.X.Min, pl.X.Max = ticks[0].Value/2, ticks[0].Value*2
	}
	return nil
}

func (p picture) addBars(pl *plot.Plot, all []series, labels []string) error {
	width := vg.Points(min(40, 400/float64(len(labels)*(len(all)+1))))
	for i, s := range all {
		look := looks(s.who)
		offset := width * vg.Length(float64(i)-float64(len(all)-1)/2)
		for _, v := range s.values { // one by one: a series need not be in each group
			bars, err := plotter.NewBarChart(plotter.Values{v.median}, width)
			if err != nil {
				return err
			}
			bars.XMin, bars.Offset, bars.Color, bars.LineStyle.Width = v.x, offset, look.color, 0
			pl.Add(bars)
			if v.x == s.values[0].x {
				pl.Legend.Add(s.who, bars)
			}
		}
	}
	pl.NominalX(labels...)
	pl.X.Min, pl.X.Max = -0.6, float64(len(labels))-0.4
	return nil
}

// write writes a plot as SVG. Who has not the font that the widths of the texts
// were computed with takes a similar one.
func write(pl *plot.Plot, file string) error {
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Points(560), vg.Points(340)))
	const margin = 6
	pl.Draw(draw.Crop(draw.New(canvas), margin, -3*margin, margin, -margin)) // the last tick's label needs room
	var b strings.Builder
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	const font = "font-family:Liberation Sans"
	return os.WriteFile(file, []byte(strings.ReplaceAll(b.String(), font, font+",Arial,Helvetica,sans-serif")), 0o644)
}
