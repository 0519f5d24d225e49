package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sampleReport is a report with everything that a report can have: all rows, a failure
// in one of them, and another one that was not measured.
func sampleReport() *Report {
	rep := newReport(rows(), 3, 1, time0)
	for i, row := range rep.Rows {
		row.Load = []float64{0.5, 1, 2}
		for j, o := range row.Who {
			if i == 1 {
				continue
			}
			for round := 1; round <= 3; round++ {
				f := Figures{p99: 50}
				for _, figure := range row.figures() {
					f[figure] = float64(9 + i + j + round)
				}
				row.add(o, Sample{Round: round, Figures: f})
			}
		}
	}
	rep.Rows[0].add(goNoise, Sample{Round: 3, Error: "it fell | over"})
	rep.judge()
	return rep
}

func TestAReportIsReadAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	want := sampleReport()
	if err := want.save(file); err != nil {
		t.Fatal(err)
	}
	got, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if rest, _ := filepath.Glob(file + ".*"); len(rest) > 0 {
		t.Errorf("%v was left behind", rest)
	}
}

func TestAFileOfAnotherFormatIsRefused(t *testing.T) {
	for _, text := range []string{"{", `{"format": 2}`} {
		file := filepath.Join(t.TempDir(), "report.json")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load(file); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

func TestAReportNamesNobodysMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	if err := sampleReport().save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if len(name) > 3 && strings.Contains(string(text), name) {
		t.Errorf("the report has the name of this machine")
	}
}

func TestTheTableSaysWhoFailed(t *testing.T) {
	var b strings.Builder
	rep := sampleReport()
	rep.Interrupted = "in round 3 of 3"
	if err := rep.table(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  go-libp2p noise                    12  [11 to 13]  FAILED", "FAILED in 1 of 4 rounds: it fell | over", "not measured", "INTERRUPTED in round 3 of 3",
		"load average 0.5 to 2.0", "54 bars:", "1 measurement failed", "met ", "missed ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in the table:\n%s", want, firstLines(b.String(), 30))
		}
	}
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

func TestThePageHasItsPlotsNextToIt(t *testing.T) {
	dir := t.TempDir()
	if err := sampleReport().page(filepath.Join(dir, "speed.md")); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "speed.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures() {
		name := "speed-" + p.name + ".svg"
		if !strings.Contains(string(page), "]("+name+")") {
			t.Errorf("the page does not show %s", name)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), p.title) {
			t.Errorf("%s has no title", name)
		}
		wellFormed(t, name, string(text))
	}
	for _, want := range []string{"## Limits", "## The machine", "| " + rows()[0].Name + " |", "it fell \\| over", "load average"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("there is no %q on the page", want)
		}
	}
}

func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestAPlotWithoutFiguresIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	if err := newReport(rows(), 1, 1, time0).page(filepath.Join(dir, "speed.md")); err != nil {
		t.Fatal(err)
	}
	if svg, _ := filepath.Glob(filepath.Join(dir, "*.svg")); len(svg) > 0 {
		t.Errorf("%v show nothing", svg)
	}
}

func TestAPlotOfOneRoundAndOneRowCanBeDrawn(t *testing.T) {
	for i, row := range rows() {
		rep := newReport([]Row{row}, 1, 1, time0)
		for _, who := range row.Who {
			rep.Rows[0].add(who, Sample{Round: 1, Figures: Figures{row.Figure: float64(i % 2)}})
		}
		if err := rep.page(filepath.Join(t.TempDir(), "speed.md")); err != nil {
			t.Errorf("%s: %v", row.Name, err)
		}
	}
}

func TestASeriesIsInTheOrderOfItsAxis(t *testing.T) {
	for _, p := range pictures() {
		all, labels := p.series(sampleReport())
		for _, s := range all {
			for i := 1; i < len(s.values); i++ {
				if s.values[i-1].x >= s.values[i].x {
					t.Errorf("%s: %s goes back from %v", p.name, s.who, s.values[i-1].x)
				}
			}
		}
		if p.bars != (len(labels) > 0) {
			t.Errorf("%s: the groups are %q", p.name, labels)
		}
	}
}

func TestCompareTellsChangesFromChance(t *testing.T) {
	for _, c := range []struct {
		a, b    []float64
		smaller bool
		want    string
	}{
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, false, "better"},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, true, "worse"},
		{[]float64{4, 5, 6}, []float64{1, 2, 3}, false, "worse"},
		{[]float64{4, 5, 6}, []float64{1, 2, 3}, true, "better"},
		{[]float64{1, 2, 4}, []float64{3, 5, 6}, false, "~"},
		{[]float64{1, 2}, []float64{4, 5, 6}, false, "~"},
		{nil, []float64{4, 5, 6}, false, "~"},
	} {
		if got := change(c.a, c.b, c.smaller); got != c.want {
			t.Errorf("change(%v, %v, %v) = %s", c.a, c.b, c.smaller, got)
		}
	}
}

func TestCompareShowsBothSides(t *testing.T) {
	a, b := sampleReport(), sampleReport()
	b.Rows = b.Rows[1:]
	b.Rows[5].Got[0].Samples = samples(b.Rows[5].Figure, 200, 300, 400)
	b.Machine.Cores++
	var out strings.Builder
	if err := compare(&out, a, b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"THE MACHINES DIFFER", "is not there", "better", "300"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, firstLines(out.String(), 20))
		}
	}
}
