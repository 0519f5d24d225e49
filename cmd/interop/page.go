package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// page is the report in Markdown. It names nothing of this machine but what it
// is: no host, no user, no path.
func (r *Report) page() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("# Who talks to whom\n")
	line("Troupe against other implementations of libp2p, over TCP, each in a process of its own, with either")
	line("side dialing. Written on %s by\n", r.started.UTC().Format("2 January 2006"))
	line("```\ncd cmd/interop && go run . run --markdown ../../docs/interop.md\n```\n")
	line("on %s with %d cores: %s, %s, in %s.", r.System, r.CPUs, cells(len(r.Cells)), r.Counts, seconds(r.TookMS))
	if r.Interrupted != "" {
		line("\n**The run was interrupted %s.**", r.Interrupted)
	}
	line("\n- **passed**: it was done, and one byte came back over the same connection afterwards")
	line("- **cannot**: it failed, and is known to: the other implementation does not do it, see [below](#what-the-other-side-cannot-do)")
	line("- **not run**: nothing is known about it, and the command above ends with exit code 1")
	r.versionsTo(&b)
	for _, column := range r.columns() {
		r.columnTo(&b, column)
	}
	r.checksTo(&b)
	r.cannotTo(&b)
	r.restTo(&b)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// versionsTo writes what each implementation is made of.
func (r *Report) versionsTo(b *strings.Builder) {
	fmt.Fprint(b, "\n## Versions\n\nAs each peer's process reports them.\n\n")
	rows := [][]string{{"peer", "made of"}}
	for _, impl := range r.implementations() {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(r.Versions[impl])) {
			parts = append(parts, name+" "+r.Versions[impl][name])
		}
		text := strings.Join(parts, ", ")
		if text == "" {
			text = "not run"
		}
		rows = append(rows, []string{title(impl), text})
	}
	markdownTable(b, rows)
}

// column is the cells between two implementations, whoever dials.
type column struct{ a, b string } // a is Troupe, if it is one of them

func (r *Report) columns() []column {
	var all []column
	for _, c := range r.Cells {
		col := column{c.Dialer, c.Listener}
		if c.Listener == implTroupe || c.Dialer != implTroupe && c.Listener < c.Dialer {
			col = column{c.Listener, c.Dialer}
		}
		if !slices.Contains(all, col) {
			all = append(all, col)
		}
	}
	return all
}

func (r *Report) implementations() []string {
	var all []string
	for _, col := range r.columns() {
		for _, impl := range []string{col.a, col.b} {
			if !slices.Contains(all, impl) {
				all = append(all, impl)
			}
		}
	}
	return all
}

// directions of a column: who dials whom.
func (c column) directions() [][2]string {
	if c.a == c.b {
		return [][2]string{{c.a, c.b}}
	}
	return [][2]string{{c.a, c.b}, {c.b, c.a}}
}

// cell finds a cell's report, nil if it was not in the plan.
func (r *Report) cell(cell Cell) *CellReport {
	for i := range r.Cells {
		if r.Cells[i].Cell == cell {
			return &r.Cells[i]
		}
	}
	return nil
}

// columnTo writes the table of a column: security and muxer down, directions
// across.
func (r *Report) columnTo(b *strings.Builder, col column) {
	fmt.Fprintf(b, "\n## %s and %s\n\n", title(col.a), title(col.b))
	head := []string{"security / muxer"}
	for _, d := range col.directions() {
		head = append(head, title(d[0])+" dials "+title(d[1]), "time")
	}
	rows := [][]string{head}
	var seen []string
	for _, c := range r.Cells {
		name := c.Security + " / " + c.Muxer
		if slices.Contains(seen, name) {
			continue
		}
		row, any := []string{name}, false
		for _, d := range col.directions() {
			cell := r.cell(Cell{c.Security, c.Muxer, d[0], d[1]})
			if cell == nil {
				row = append(row, "", "")
				continue
			}
			any = true
			row = append(row, countOf(cell.Results).short(), seconds(cell.TookMS))
		}
		if any {
			seen, rows = append(seen, name), append(rows, row)
		}
	}
	markdownTable(b, rows)
}

// short is what a cell or a check of the page shows.
func (n Counts) short() string {
	all := n.Passed + n.Failed + n.Cannot + n.NotRun
	switch {
	case n.NotRun == all:
		return "not run"
	case n.Cannot == all:
		return "cannot"
	}
	text := fmt.Sprintf("%d of %d passed", n.Passed, all)
	for _, more := range []struct {
		n    int
		text string
	}{{n.Failed, "**%d failed**"}, {n.Cannot, "%d cannot"}, {n.NotRun, "**%d not run**"}} {
		if more.n > 0 {
			text += ", " + fmt.Sprintf(more.text, more.n)
		}
	}
	return text
}

// checksTo writes the table of the checks: in how many cells of a direction each
// passed.
func (r *Report) checksTo(b *strings.Builder) {
	fmt.Fprint(b, "\n## Check by check\n\nEach over all securities and muxers of a direction.\n\n")
	head := []string{"check"}
	var directions [][2]string
	for _, col := range r.columns() {
		for _, d := range col.directions() {
			directions = append(directions, d)
			head = append(head, title(d[0])+" dials "+title(d[1]))
		}
	}
	rows := [][]string{head}
	for _, label := range r.labels() {
		row := []string{label}
		for _, d := range directions {
			row = append(row, countOf(r.resultsOf(label, d)).short())
		}
		rows = append(rows, row)
	}
	markdownTable(b, rows)
	fmt.Fprint(b, "\nWhat each shows:\n\n")
	shows := map[string]string{cleanEnd: cleanEndShows}
	for _, c := range talk.Checks() {
		shows[c.Label()] = c.Shows
	}
	for _, label := range r.labels() {
		fmt.Fprintf(b, "- **%s**: %s\n", label, shows[label])
	}
}

// labels are the checks that were run, in order.
func (r *Report) labels() []string {
	var all []string
	for _, c := range r.Cells {
		for _, result := range c.Results {
			if !slices.Contains(all, result.Check) {
				all = append(all, result.Check)
			}
		}
	}
	return all
}

func (r *Report) resultsOf(label string, direction [2]string) []Result {
	var all []Result
	for _, c := range r.Cells {
		if c.Dialer != direction[0] || c.Listener != direction[1] {
			continue
		}
		for _, result := range c.Results {
			if result.Check == label {
				all = append(all, result)
			}
		}
	}
	return all
}

// cannotTo writes what the other implementations are known not to do, and did
// not.
func (r *Report) cannotTo(b *strings.Builder) {
	fmt.Fprint(b, "\n## What the other side cannot do\n\n")
	found := r.findings(Cannot)
	if len(found) == 0 {
		fmt.Fprint(b, "Nothing of it came up in this run.\n")
	}
	for _, f := range found {
		fmt.Fprintf(b, "- %s\n", neutral(f.reason))
		for _, place := range f.few(12) {
			fmt.Fprintf(b, "  - %s\n", place)
		}
	}
	if len(r.Unseen) > 0 {
		fmt.Fprint(b, "\nKnown, but not seen in this run:\n\n")
	}
	for _, l := range r.Unseen {
		fmt.Fprintf(b, "- %s: %s\n", l, neutral(l.Reason))
	}
}

// restTo writes what failed and what was not run.
func (r *Report) restTo(b *strings.Builder) {
	for _, part := range []struct {
		Status
		head string
	}{{Failed, "What failed"}, {NotRun, "What was not run"}} {
		found := r.findings(part.Status)
		if len(found) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n\n", part.head)
		for _, f := range found {
			fmt.Fprintf(b, "- %s\n", neutral(f.reason))
			for _, place := range f.few(12) {
				fmt.Fprintf(b, "  - %s\n", place)
			}
		}
	}
}

// title is an implementation's name for readers.
func title(impl string) string {
	if impl == implTroupe {
		return "Troupe"
	}
	if slices.Contains(usualPeers(), impl) {
		return impl + "-libp2p"
	}
	return impl
}

// markdownTable writes a table whose columns also line up as text.
func markdownTable(b *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, field := range row {
			width[i] = max(width[i], 3, utf8.RuneCountInString(field))
		}
	}
	write := func(field func(i int) string, pad string) {
		b.WriteString("|")
		for i := range width {
			text := field(i)
			b.WriteString(" " + text + strings.Repeat(pad, width[i]-utf8.RuneCountInString(text)) + " |")
		}
		b.WriteString("\n")
	}
	for n, row := range rows {
		write(func(i int) string { return strings.ReplaceAll(row[i], "|", "/") }, " ")
		if n == 0 {
			write(func(int) string { return "" }, "-")
		}
	}
}

// neutral is a reason in one line of reasonable length, without the places of
// this machine.
func neutral(reason string) string {
	var places []string
	for _, get := range []func() (string, error){os.UserCacheDir, os.UserHomeDir, os.Getwd, os.Executable} {
		if place, err := get(); err == nil {
			places = append(places, place, filepath.Dir(place))
		}
	}
	places = append(places, os.TempDir())
	slices.SortFunc(places, func(a, b string) int { return len(b) - len(a) })
	for _, place := range places {
		if len(place) > 1 {
			reason = strings.ReplaceAll(reason, place, "…")
		}
	}
	reason = strings.Join(strings.Fields(reason), " ")
	if runes := []rune(reason); len(runes) > maxReason {
		reason = string(runes[:maxReason-1]) + "…"
	}
	return strings.ReplaceAll(reason, "|", "/")
}

// maxReason is how many characters of a reason the page shows.
const maxReason = 400
