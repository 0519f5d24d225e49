package main

import (
	"fmt"
	"slices"
	"strings"
)

// A finding is a reason for something that did not pass, with all places where
// it came up.
type finding struct {
	status Status
	reason string
	where  []string
}

// findings are the reasons for the results with a status, each once, in the
// order in which they came up.
func (r *Report) findings(status Status) []finding {
	var all []finding
	for _, c := range r.Cells {
		reasons := []string{}
		checks := map[string][]string{}
		for _, result := range c.Results {
			if result.Status != status {
				continue
			}
			if checks[result.Reason] == nil {
				reasons = append(reasons, result.Reason)
			}
			checks[result.Reason] = append(checks[result.Reason], result.Check)
		}
		for _, reason := range reasons {
			i := slices.IndexFunc(all, func(f finding) bool { return f.reason == reason })
			if i < 0 {
				i = len(all)
				all = append(all, finding{status: status, reason: reason})
			}
			all[i].where = append(all[i].where, c.String()+": "+labels(checks[reason], len(c.Results)))
		}
	}
	return all
}

// labels names checks: all of them, or some.
func labels(checks []string, of int) string {
	if len(checks) == of {
		return fmt.Sprintf("all %d checks", of)
	}
	return strings.Join(checks, ", ")
}

// few shortens a list of places.
func (f finding) few(n int) []string {
	if len(f.where) <= n {
		return f.where
	}
	return append(slices.Clone(f.where[:n-1]), "and in "+cells(len(f.where)-n+1)+" more")
}
