package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// reported is a report of cells with these results each.
func reported(cells ...CellReport) *Report {
	r := newReport(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), nil)
	for _, c := range cells {
		r.add(c)
	}
	return r
}

func results(all ...Status) []Result {
	var some []Result
	for _, s := range all {
		r := Result{Check: "ping", Status: s}
		if s != Passed {
			r.Reason = "because of " + string(s)
		}
		some = append(some, r)
	}
	return some
}

func TestTheVerdictIsGoodOnlyIfNothingFailedAndEverythingWasRun(t *testing.T) {
	for _, tt := range []struct {
		name        string
		cells       []CellReport
		interrupted string
		want        error
	}{
		{"everything passed", []CellReport{{Results: results(Passed, Passed)}}, "", nil},
		{"one cannot be done", []CellReport{{Results: results(Passed, Cannot)}}, "", nil},
		{"one failed", []CellReport{{Results: results(Passed, Failed)}}, "", errNotAll},
		{"one was not run", []CellReport{{Results: results(Passed, NotRun)}}, "", errNotAll},
		{"nothing was there", nil, "", errNotAll},
		{"nothing passed", []CellReport{{Results: results(Cannot)}}, "", errNotAll},
		{"what may be missing is missing",
			[]CellReport{{Results: results(Passed)}, {Missing: "py", Results: results(NotRun)}}, "", nil},
		{"what may be missing is all there is", []CellReport{{Missing: "py", Results: results(NotRun)}}, "", errNotAll},
		{"what may be missing is there and fails",
			[]CellReport{{Results: results(Passed)}, {Missing: "py", Results: results(NotRun, Failed)}}, "", errNotAll},
		{"something else is missing",
			[]CellReport{{Results: results(Passed)}, {Missing: "js", Results: results(NotRun)}}, "", errNotAll},
		{"it was interrupted", []CellReport{{Results: results(Passed)}}, "after 1 of 2 cells", errInterrupted},
	} {
		r := reported(tt.cells...)
		r.Interrupted = tt.interrupted
		if got := r.verdict([]string{"py"}); !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestARunPrintsATableAndWritesItsFiles(t *testing.T) {
	dir := t.TempDir()
	checks, err := checksOf([]string{"ping", "echo-1B"})
	if err != nil {
		t.Fatal(err)
	}
	p := plan{
		cells:    []Cell{{"plaintext", "mplex", implGo, implGo}, {"noise", "mplex", implGo, implNoStart}},
		checks:   checks,
		json:     filepath.Join(dir, "results.json"),
		markdown: filepath.Join(dir, "results.md"),
	}
	var out, lines bytes.Buffer
	if err := runAll(t.Context(), matrix{limits: impatient()}, p, &out, &lineProgress{out: &lines, each: true}); !errors.Is(err, errNotAll) {
		t.Errorf("got %v, want %v", err, errNotAll)
	}
	if n := strings.Count(lines.String(), "\n"); n != 8 {
		t.Errorf("%d lines of progress, want one for each check and each cell:\n%s", n, &lines)
	}
	for _, part := range []string{"go dials no-start", "failed: start the no-start peer", "not run: ",
		"2 cells, 3 passed, 1 failed, 2 not run", "this peer does not start"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the table does not show %q:\n%s", part, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("what is no terminal gets colours:\n%q", out.String())
	}
	text, err := os.ReadFile(p.json)
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := Counts{Passed: 3, Failed: 1, NotRun: 2}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts in the file (-want +got):\n%s", diff)
	}
	if len(got.Cells) != 2 || len(got.Modules) < 2 || got.Versions[implGo]["go"] == "" || got.Cells[0].TookMS <= 0 {
		t.Errorf("the file has %+v", got)
	}
	if diff := cmp.Diff([]Status{Failed, NotRun, NotRun}, statuses(got.Cells[1].Results)); diff != "" {
		t.Errorf("statuses in the file (-want +got):\n%s", diff)
	}
	page, err := os.ReadFile(p.markdown)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# Who talks to whom", "| plaintext / mplex |", "3 of 3 passed", "## What failed", "## What was not run"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the page does not show %q:\n%s", part, page)
		}
	}
}

// cuts is a progress that ends a run's context at a check.
type cuts struct {
	progress
	at  string
	cut func()
}

func (c *cuts) check(cell Cell, label string) {
	if label == c.at {
		c.cut()
	}
}

func TestAnInterruptedRunLosesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	checks, err := checksOf([]string{"ping", "echo-1B"})
	if err != nil {
		t.Fatal(err)
	}
	cell := Cell{"plaintext", "mplex", implGo, implGo}
	p := plan{cells: []Cell{cell, cell}, checks: checks, json: filepath.Join(t.TempDir(), "results.json")}
	p.markdown = p.json + ".md"
	var out bytes.Buffer
	err = runAll(ctx, matrix{limits: impatient()}, p, &out, &cuts{silent(), "echo-1B", cancel})
	if !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
	for _, part := range []string{"1 cell, 2 passed, 1 not run", "interrupted after 1 of 2 cells"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the table does not show %q:\n%s", part, &out)
		}
	}
	for _, file := range []string{p.json, p.markdown} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "nterrupted") {
			t.Errorf("%s does not tell of the interruption: %v", filepath.Base(file), err)
		}
	}
}

func TestWhatIsNotInstalledIsTriedOnceAndNotRun(t *testing.T) {
	checks, err := checksOf([]string{"ping"})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	p := plan{
		cells:    []Cell{{"noise", "mplex", implGo, "rare"}, {"tls", "mplex", "rare", implGo}, {"tls", "mplex", implGo, implGo}},
		checks:   checks,
		optional: []string{"rare"},
		install: func(_ context.Context, impl string, _ io.Writer) error {
			if impl != "rare" {
				return nil
			}
			tried++
			return fmt.Errorf("no tools: %w", talk.ErrNotInstalled)
		},
	}
	var out bytes.Buffer
	if err := runAll(t.Context(), matrix{limits: impatient()}, p, &out, silent()); err != nil {
		t.Errorf("what is optional is missing, and run says %v", err)
	}
	if tried != 1 {
		t.Errorf("the installation was tried %d times", tried)
	}
	if !strings.Contains(out.String(), "2 passed, 4 not run") || strings.Count(out.String(), "no tools") != 1 {
		t.Errorf("the table:\n%s", &out)
	}
	p.optional = nil
	if err := runAll(t.Context(), matrix{limits: impatient()}, p, io.Discard, silent()); !errors.Is(err, errNotAll) {
		t.Errorf("what is not optional is missing, and run says %v", err)
	}
}

func TestAPeerThatSaysItIsNotInstalledEndsItsColumn(t *testing.T) {
	checks, err := checksOf([]string{"ping"})
	if err != nil {
		t.Fatal(err)
	}
	p := plan{cells: []Cell{{"noise", "mplex", implGo, implAbsent}, {"tls", "mplex", implAbsent, implGo}}, checks: checks}
	rep := newReport(time.Now(), nil)
	m := matrix{limits: impatient(), absent: map[string]error{}}
	for _, cell := range p.cells {
		done := m.run(t.Context(), cell, checks, silent())
		if done.Missing != implAbsent {
			t.Errorf("%s: %q is missing", cell, done.Missing)
		}
		if diff := cmp.Diff([]Status{NotRun, NotRun}, statuses(done.Results)); diff != "" {
			t.Errorf("%s: statuses (-want +got):\n%s", cell, diff)
		}
		rep.add(done)
	}
	if err := rep.verdict([]string{implAbsent}); !errors.Is(err, errNotAll) {
		t.Errorf("nothing passed, and the verdict is %v", err)
	}
}

func TestAKnownLimitIsNoFailureAndAStaleOneIsTold(t *testing.T) {
	known := []Limit{
		{Peer: implLiar, Role: roleListener, Check: "half-close", Reason: "it lies"},
		{Peer: implLiar, Check: "ping", Reason: "it is said not to answer"},
		{Peer: implLiar, Role: roleDialer, Check: "echo-1B", Reason: "this is about another cell"},
		{Peer: implLiar, Check: "close-first", Untried: true, Reason: "it would take too long"},
	}
	checks, err := checksOf([]string{"ping", "half-close", "close-first", "echo-1B"})
	if err != nil {
		t.Fatal(err)
	}
	cell := Cell{"plaintext", "mplex", implGo, implLiar}
	done := matrix{limits: impatient(), known: known}.run(t.Context(), cell, checks, silent())
	if diff := cmp.Diff([]Status{Passed, Cannot, Cannot, Passed, Passed}, statuses(done.Results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if r := done.Results[1]; r.Reason != "it lies" || !strings.Contains(r.Detail, "the listener read") {
		t.Errorf("%+v", r)
	}
	if r := done.Results[2]; r.Reason != "it would take too long" || r.TookMS != 0 {
		t.Errorf("what is not to be tried: %+v", r)
	}
	rep := newReport(time.Now(), known)
	rep.add(done)
	rep.finish(time.Now())
	if diff := cmp.Diff([]Limit{known[1]}, rep.Unseen); diff != "" {
		t.Errorf("limits that were not seen (-want +got):\n%s", diff)
	}
}

func TestAKnownLimitInTheLastCheckDoesNotHideTheEnd(t *testing.T) {
	known := []Limit{{Peer: implLiar, Check: "half-close", Reason: "it lies"}}
	checks, err := checksOf([]string{"ping", "half-close"})
	if err != nil {
		t.Fatal(err)
	}
	cell := Cell{"plaintext", "mplex", implGo, implLiar}
	done := matrix{limits: impatient(), known: known}.run(t.Context(), cell, checks, silent())
	if diff := cmp.Diff([]Status{Passed, Cannot, Passed}, statuses(done.Results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestAKnownLimitOfAWholeCellExplainsWhatIsLacking(t *testing.T) {
	known := []Limit{{Peer: implGo, Security: "no such security", Reason: "nobody has it"}}
	cell := Cell{"no such security", "mplex", implGo, implGo}
	checks, err := checksOf([]string{"ping"})
	if err != nil {
		t.Fatal(err)
	}
	done := matrix{limits: impatient(), known: known}.run(t.Context(), cell, checks, silent())
	if diff := cmp.Diff([]Status{Cannot, Cannot}, statuses(done.Results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for _, r := range done.Results {
		if r.Reason != "nobody has it" {
			t.Errorf("%+v", r)
		}
	}
}

func TestTheTableShowsWhatIsThere(t *testing.T) {
	r := reported(
		CellReport{Cell: Cell{"noise", "yamux", "troupe", "go"}, TookMS: 1234, Results: results(Passed, Passed)},
		CellReport{Cell: Cell{"noise-early", "yamux", "go", "troupe"}, TookMS: 56789, Results: results(Passed, Failed, Cannot, NotRun)},
	)
	r.TookMS = 60000
	for _, terminal := range []bool{false, true} {
		t.Setenv("NO_COLOR", "")
		var out bytes.Buffer
		if err := r.table(&out, terminal); err != nil {
			t.Fatal(err)
		}
		got, row := out.String(), "noise-early/yamux  go dials troupe       1       1       1        1  56.8 s"
		want := `
                                    passed  failed  cannot  not run    time
noise/yamux        troupe dials go       2       -       -        -   1.2 s
` + row + `

cannot: because of cannot
   noise-early/yamux/go dials troupe: ping

not run: because of not run
   noise-early/yamux/go dials troupe: ping

failed: because of failed
   noise-early/yamux/go dials troupe: ping

2 cells, 3 passed, 1 failed, 1 cannot, 1 not run, in 60.0 s
`
		if terminal {
			want = strings.Replace(want, row, "\x1b[31m"+row+"\x1b[0m", 1)
			want = strings.Replace(want, "\nnot run", "\n\x1b[33mnot run\x1b[0m", 1)
			want = strings.Replace(want, "\nfailed", "\n\x1b[31mfailed\x1b[0m", 1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("terminal %v (-want +got):\n%s", terminal, diff)
		}
	}
}

func TestThePageHasTheMatrixAndNothingOfThisMachine(t *testing.T) {
	cannot := results(Passed, Cannot)
	cannot[1].Reason = "a | in " + os.TempDir() + "/x\nand more " + strings.Repeat("long ", 200)
	r := reported(
		CellReport{Cell: Cell{"noise", "yamux", "troupe", "go"}, TookMS: 1234, Results: results(Passed, Passed),
			versions: map[string]map[string]string{"go": {"go-libp2p": "v0.51.0", "go": "go1.26"}}},
		CellReport{Cell: Cell{"noise", "yamux", "go", "troupe"}, TookMS: 2345, Results: cannot},
		CellReport{Cell: Cell{"tls", "yamux", "troupe", "py"}, Missing: "py", Results: results(NotRun, NotRun)},
	)
	page := r.page()
	for _, part := range []string{
		"Written on 3 February 2026",
		"| go-libp2p | go go1.26, go-libp2p v0.51.0",
		"| noise / yamux    | 2 of 2 passed          | 1.2 s | 1 of 2 passed, 1 cannot | 2.3 s |",
		"| not run ",
		"- a / in …/x and more long",
		"  - noise/yamux/go dials troupe: ping\n",
		"go run . run --markdown ../../docs/interop.md",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not have %q:\n%s", part, page)
		}
	}
	if host, err := os.Hostname(); err == nil && len(host) > 3 && strings.Contains(page, host) {
		t.Errorf("the page names the machine %s", host)
	}
	if strings.Contains(page, os.TempDir()+"/x") {
		t.Error("the page has a path of this machine")
	}
	for _, line := range strings.Split(page, "\n") {
		if strings.HasSuffix(line, " ") || len(line) > 3*maxReason {
			t.Errorf("a line that is too long or ends in a space: %q", line)
		}
	}
}

func TestALongListOfPlacesIsShortened(t *testing.T) {
	f := finding{where: []string{"a", "b", "c", "d"}}
	if diff := cmp.Diff([]string{"a", "b", "and in 2 cells more"}, f.few(3)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(f.where, f.few(4)); diff != "" {
		t.Error(diff)
	}
}
