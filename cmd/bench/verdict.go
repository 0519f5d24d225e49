package main

import (
	"fmt"
	"slices"
)

// median is the middle of values, which it does not change. There must be one.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// A State is what became of a bar.
type State string

// The states of a bar.
const (
	Met    State = "met"
	Missed State = "missed"
	// Open: somebody else's figure is missing, so that nobody can say it is met.
	Open State = "open"
)

// A Verdict is what became of a bar.
type Verdict struct {
	State State `json:"state"`
	// Value is the quotient of the medians, or the median itself; 0 if there is
	// none.
	Value float64 `json:"value,omitempty"`
	// Best is whose figure was the best of those that the bar is against.
	Best string `json:"best,omitempty"`
	// Why says why there is no value, or why it is not enough.
	Why string `json:"why,omitempty"`
}

// verdict compares medians. Who failed has not won: a bar is missed if Troupe
// failed, even once, and is open if somebody else has no figure and the bar is
// met against the rest.
func (r *Report) verdict(row *RowReport, b Bar) Verdict {
	figure := b.figure(row.Row)
	ours := row.values(b.Of, figure)
	failed, of := row.failures(b.Of)
	switch {
	case len(failed) > 0:
		return Verdict{State: Missed, Why: fmt.Sprintf("it failed in %d of %d rounds", len(failed), of)}
	case len(ours) == 0:
		return Verdict{State: Open, Why: "it was not measured"}
	}
	v := Verdict{Value: median(ours)}
	if !b.absolute() {
		from := row
		if b.Row != "" {
			if from = r.row(b.Row); from == nil {
				return Verdict{State: Open, Why: fmt.Sprintf("the row %q was not run", b.Row)}
			}
		}
		var theirs float64
		if v.Best, theirs, v.Why = from.best(b, figure); v.Best == "" {
			return Verdict{State: Open, Why: v.Why}
		}
		if theirs == 0 {
			return Verdict{State: Open, Why: v.Best + " has 0"}
		}
		v.Value /= theirs
	}
	switch reached := v.Value >= b.Limit; {
	case b.atMost(row.Row) && v.Value > b.Limit, !b.atMost(row.Row) && !reached:
		v.State = Missed
	case v.Why != "":
		v.State = Open
	default:
		v.State = Met
	}
	return v
}

// best is the best of those that a bar is against. why says who has no figure.
func (r *RowReport) best(b Bar, figure string) (who string, best float64, why string) {
	for _, a := range b.Against {
		values := r.values(a, figure)
		if len(values) == 0 {
			why = a + " has no figure"
			continue
		}
		if m := median(values); who == "" || r.Smaller == (m < best) {
			who, best = a, m
		}
	}
	return who, best, why
}

// text is the bar in words: "at least 1.15 x go-libp2p noise".
func (b Bar) text(r Row) string {
	word := "at least"
	if b.atMost(r) {
		word = "at most"
	}
	switch {
	case b.absolute():
		return fmt.Sprintf("%s %s %s", word, number(b.Limit), b.figure(r))
	case len(b.Against) > 1:
		return fmt.Sprintf("%s %s x the best", word, number(b.Limit))
	case b.Row != "":
		return fmt.Sprintf("%s %s x %s in %q", word, number(b.Limit), b.Against[0], b.Row)
	default:
		return fmt.Sprintf("%s %s x %s", word, number(b.Limit), b.Against[0])
	}
}

// text is the verdict in words.
func (v Verdict) text(b Bar) string {
	switch {
	case v.Best == "" && !b.absolute() || v.State != Met && v.Value == 0 && v.Why != "":
		return v.Why
	case b.absolute():
		return number(v.Value)
	case len(b.Against) > 1 || v.Why != "":
		text := fmt.Sprintf("%s x %s", number(v.Value), v.Best)
		if v.Why != "" {
			text += ", but " + v.Why
		}
		return text
	default:
		return number(v.Value) + " x"
	}
}

// number is a number as people read it: three digits that count.
func number(v float64) string {
	abs := max(v, -v)
	switch {
	case abs >= 1e9:
		return fmt.Sprintf("%.2fG", v/1e9)
	case abs >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case abs >= 1e5:
		return fmt.Sprintf("%.0fk", v/1e3)
	case abs >= 1e4:
		return fmt.Sprintf("%.1fk", v/1e3)
	case abs >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case abs >= 10:
		return fmt.Sprintf("%.1f", v)
	case abs >= 0.01:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}
