package perftest

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// section is one of the measurements that unified-testing wants as YAML
// (docs/write-a-perf-test-app.md, "Results Schema").
type section struct {
	name, unit string
	decimals   int
	samples    []float64
}

// statistics are of samples in order.
type statistics struct {
	q1, median, q3 float64
	min, max       float64 // without outliers
	outliers       []float64
}

// statisticsOf takes samples in order, at least one. Outliers are more than one
// and a half of the distance between the quartiles beyond these.
func statisticsOf(sorted []float64) statistics {
	s := statistics{q1: percentile(sorted, 25), median: percentile(sorted, 50), q3: percentile(sorted, 75)}
	fence := 1.5 * (s.q3 - s.q1)
	var usual []float64
	for _, v := range sorted {
		if v < s.q1-fence || v > s.q3+fence {
			s.outliers = append(s.outliers, v)
		} else {
			usual = append(usual, v)
		}
	}
	s.min, s.max = usual[0], usual[len(usual)-1] // those between the quartiles are usual
	return s
}

// percentile is the value below which p percent are, between two samples where
// there is none.
func percentile(sorted []float64, p float64) float64 {
	at := p / 100 * float64(len(sorted)-1)
	low, part := math.Modf(at)
	v := sorted[int(low)]
	if part > 0 {
		v += part * (sorted[int(low)+1] - v)
	}
	return v
}

// yaml is the section as text.
func (s section) yaml() string {
	sorted := slices.Sorted(slices.Values(s.samples))
	st := statisticsOf(sorted)
	number := func(v float64) string { return fmt.Sprintf("%.*f", s.decimals, v) }
	list := func(all []float64) string {
		texts := make([]string, len(all))
		for i, v := range all {
			texts[i] = number(v)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n  iterations: %d\n", s.name, len(sorted))
	for _, f := range []struct {
		name string
		v    float64
	}{{"min", st.min}, {"q1", st.q1}, {"median", st.median}, {"q3", st.q3}, {"max", st.max}} {
		fmt.Fprintf(&b, "  %s: %s\n", f.name, number(f.v))
	}
	fmt.Fprintf(&b, "  outliers: %s\n  samples: %s\n  unit: %s\n", list(st.outliers), list(sorted), s.unit)
	return b.String()
}
