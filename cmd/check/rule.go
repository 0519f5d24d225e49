package main

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
)

// A rule looks at the whole tree and says what breaks it.
type rule struct {
	name  string
	check func(t *tree) []finding
}

// rules are all rules of the house, in the order of docs/checks.md.
func rules() []rule {
	return []rule{
		{"syntax", syntax},
		{"floors", floors},
		{"dependencies", dependencies},
		{"folders", folders},
		{"goroutines", goroutines},
		{"clock", clock},
		{"random", random},
		{"machines", machines},
		{"state", state},
		{"recover", recovers},
		{"comments", comments},
		{"size", size},
		{"leaks", leaks},
		{"tests", tests},
		{"text", text},
	}
}

// A finding is one place where the tree breaks a rule, and the way out.
type finding struct {
	file string
	line int
	rule string
	fix  string
}

// String returns the form that editors and terminals jump to.
func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.file, f.line, f.rule, f.fix)
}

// at returns a finding about a place in a Go file; the rule's name is filled in
// by [check].
func (t *tree) at(pos token.Pos, format string, args ...any) finding {
	p := t.fset.Position(pos)
	return finding{file: p.Filename, line: p.Line, fix: fmt.Sprintf(format, args...)}
}

// check runs the rules and returns what they found, by file and line.
func check(t *tree, rules []rule) []finding {
	var found []finding
	for _, r := range rules {
		for _, f := range r.check(t) {
			f.rule = r.name
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.rule, b.rule), cmp.Compare(a.fix, b.fix))
	})
	return slices.Compact(found)
}
