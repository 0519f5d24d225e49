package main

import (
	"slices"
	"testing"
)

func TestEveryRowCanBeMeasured(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if seen[r.Name] {
			t.Errorf("there are two rows %q", r.Name)
		}
		seen[r.Name] = true
		if len(r.Who) == 0 || r.Figure == "" {
			t.Errorf("%s: nobody is measured, or nothing", r.Name)
		}
		_, known := works()[r.Work.Kind]
		program := r.Work.Kind == "start" || r.Work.Kind == "size"
		if known == program {
			t.Errorf("%s: there is no work %q", r.Name, r.Work.Kind)
		}
		for _, who := range r.Who {
			_, err := find(contenders(), who)
			if _, ok := programs()[who]; program != ok || (err == nil) == ok {
				t.Errorf("%s: there is no contender %q for it", r.Name, who)
			}
		}
	}
}

func TestEveryBarNamesWhoIsMeasured(t *testing.T) {
	rep := newReport(rows(), 1, 0, time0)
	bars := 0
	for _, row := range rep.Rows {
		for _, b := range row.Bars {
			bars++
			from := row
			if b.Row != "" {
				from = rep.row(b.Row)
			}
			if from == nil || !slices.Contains(row.Who, b.Of) {
				t.Errorf("%s: a bar of %s, against %q, has nothing to compare", row.Name, b.Of, b.Row)
				continue
			}
			for _, a := range b.Against {
				if !slices.Contains(from.Who, a) {
					t.Errorf("%s: %s does not take part in %s", row.Name, a, from.Name)
				}
			}
			if (b.Limit == 0) != (b.figure(row.Row) == perFrame) {
				t.Errorf("%s: the limit of a bar of %s is %v", row.Name, b.Of, b.Limit)
			}
		}
	}
	// The bars of the issue: one that is lost by a slip would not be missed.
	if bars != 54 {
		t.Errorf("there are %d bars", bars)
	}
}

func TestEveryPlotHasPointsAndEveryPointAPlot(t *testing.T) {
	points := map[string]int{}
	for _, r := range rows() {
		for _, p := range r.Points {
			points[p.Plot]++
		}
	}
	for _, p := range pictures() {
		if points[p.name] == 0 || !p.bars && points[p.name] < 2 {
			t.Errorf("the plot %s has %d points", p.name, points[p.name])
		}
		delete(points, p.name)
	}
	for name := range points {
		t.Errorf("there is no plot %s", name)
	}
}

func TestRowsAreChosenByTheirNames(t *testing.T) {
	some, err := rowsMatching("^noise: bulk, 1 stream,")
	if err != nil || len(some) != len(writeSizes()) {
		t.Errorf("%d rows, %v", len(some), err)
	}
}
