package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// time0 is when reports of tests begin.
var time0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// samples are figures of rounds; a negative one is a failure.
func samples(figure string, values ...float64) (all []Sample) {
	for i, v := range values {
		s := Sample{Round: i + 1, Figures: Figures{figure: v}}
		if v < 0 {
			s = Sample{Round: i + 1, Error: "it fell"}
		}
		all = append(all, s)
	}
	return all
}

func TestTheMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 100, 2}, 3}} {
		before := append([]float64{}, c.of...)
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v: %v", c.of, got)
		}
		if d := cmp.Diff(before, c.of); d != "" {
			t.Error("median changed its values: " + d)
		}
	}
}

func TestABarIsMetMissedOrOpen(t *testing.T) {
	us, them, other := "us", "them", "other"
	type got map[string][]float64
	for _, c := range []struct {
		name    string
		smaller bool
		bar     Bar
		got     got
		state   State
		value   float64
		best    string
	}{
		{"more than the limit", false, against(us, 1.5, them), got{us: {3}, them: {2}}, Met, 1.5, them},
		{"less than the limit", false, against(us, 1.5, them), got{us: {2.9}, them: {2}}, Missed, 1.45, them},
		{"smaller is better and it is", true, against(us, 0.5, them), got{us: {1}, them: {2}}, Met, 0.5, them},
		{"smaller is better and it is not", true, against(us, 0.5, them), got{us: {1.1}, them: {2}}, Missed, 0.55, them},
		{"medians count", false, against(us, 1, them), got{us: {1, 3, 100}, them: {1, 2, 1000}}, Met, 1.5, them},
		{"against the best, more is better", false, against(us, 1, them, other), got{us: {4}, them: {2}, other: {8}}, Missed, 0.5, other},
		{"against the best, less is better", true, against(us, 1, them, other), got{us: {4}, them: {2}, other: {8}}, Missed, 2, them},
		{"absolute and under it", true, most(us, 3, ""), got{us: {3}}, Met, 3, ""},
		{"absolute and over it", false, most(us, 3, ""), got{us: {3.5}}, Missed, 3.5, ""},
		{"at most nothing", true, most(us, 0, ""), got{us: {0}}, Met, 0, ""},
		{"Troupe failed once", false, against(us, 1, them), got{us: {9, -1, 9}, them: {1}}, Missed, 0, ""},
		{"the only other failed", false, against(us, 1, them), got{us: {9}, them: {-1}}, Open, 0, ""},
		{"another one failed once and has figures", false, against(us, 1, them), got{us: {9, 9}, them: {-1, 3}}, Met, 3, them},
		{"one of two others failed and the bar is met against the rest", false, against(us, 1, them, other), got{us: {9}, them: {3}, other: {-1}}, Open, 3, them},
		{"one of two others failed and the bar is missed anyway", false, against(us, 4, them, other), got{us: {9}, them: {3}, other: {-1}}, Missed, 3, them},
		{"nothing was measured", false, against(us, 1, them), got{them: {1}}, Open, 0, ""},
		{"the other has nothing at all to divide by", true, against(us, 1, them), got{us: {1}, them: {0}}, Open, 0, ""},
		{"another row that was not run", false, Bar{Of: us, Against: []string{us}, Limit: 1, Row: "elsewhere"}, got{us: {1}}, Open, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := newReport([]Row{{Name: "row", Figure: "f", Smaller: c.smaller, Who: []string{us, them, other}, Bars: []Bar{c.bar}}}, 1, 0, time0)
			for who, values := range c.got {
				for _, s := range samples("f", values...) {
					rep.Rows[0].add(who, s)
				}
			}
			rep.judge()
			v := rep.Rows[0].Verdicts[0]
			if v.State != c.state || c.value != 0 && v.Value != c.value || c.best != "" && v.Best != c.best {
				t.Errorf("%+v", v)
			}
			if v.State == Open && v.Why == "" {
				t.Error("it does not say why it is open")
			}
			if v.text(c.bar) == "" || c.bar.text(rep.Rows[0].Row) == "" {
				t.Error("it has no words")
			}
		})
	}
}

func TestABarMayCompareWithAnotherRow(t *testing.T) {
	rep := newReport([]Row{
		{Name: "many", Figure: "f", Who: []string{"us"}, Bars: []Bar{{Of: "us", Against: []string{"us"}, Limit: 0.8, Row: "few"}}},
		{Name: "few", Figure: "f", Who: []string{"us"}},
	}, 1, 0, time0)
	rep.Rows[0].add("us", samples("f", 9)[0])
	rep.Rows[1].add("us", samples("f", 10)[0])
	rep.judge()
	if v := rep.Rows[0].Verdicts[0]; v.State != Met || v.Value != 0.9 {
		t.Errorf("%+v", v)
	}
}

func TestNumbersHaveThreeDigitsThatCount(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.85: "0.85", 1.15: "1.15", 12.34: "12.3", 123.4: "123", 9876: "9876", 12345: "12.3k", 123456: "123k",
		6.4e6: "6.40M", 2.5e9: "2.50G", 0.00123: "0.0012", -20.25: "-20.2",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}
