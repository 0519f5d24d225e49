package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func twoRows() []Row {
	return []Row{
		{Name: "first", Figure: "f", Work: Work{Kind: "one"}, Who: []string{"a", "b"}, Bars: []Bar{against("a", 1, "b")}},
		{Name: "second", Figure: "f", Work: Work{Kind: "two"}, Who: []string{"b", "a"}},
	}
}

func TestRoundsAreInterleavedAndTheFirstChanges(t *testing.T) {
	var order []string
	measure := func(_ context.Context, who string, w Work) (Figures, error) {
		order = append(order, w.Kind+" "+who)
		if w.Time != 7 {
			t.Errorf("it is to take %v", w.Time)
		}
		return Figures{"f": 1}, nil
	}
	var lines strings.Builder
	if err := runAll(t.Context(), plan{rows: twoRows(), rounds: 2, time: 7}, measure, io.Discard, &lineProgress{out: &lines}); err != nil {
		t.Fatal(err)
	}
	want := []string{"one a", "one b", "two b", "two a", "one b", "one a", "two a", "two b"}
	if d := cmp.Diff(want, order); d != "" {
		t.Error(d)
	}
	if want := "round 2 of 2: first: b 1, a 1 (f)\n"; !strings.Contains(lines.String(), want) {
		t.Errorf("there is no %q in\n%s", want, &lines)
	}
}

func TestAFailureIsReportedAndEverythingElseGoesOn(t *testing.T) {
	measure := func(_ context.Context, who string, w Work) (Figures, error) {
		if who == "b" && w.Kind == "one" {
			return nil, errors.Join(errors.New("it fell"), errors.New("and lies there"))
		}
		return Figures{"f": 1}, nil
	}
	file := filepath.Join(t.TempDir(), "report.json")
	var out, lines strings.Builder
	err := runAll(t.Context(), plan{rows: twoRows(), rounds: 2, json: file}, measure, &out, &lineProgress{out: &lines})
	if !errors.Is(err, errNotAll) {
		t.Errorf("it ended with %v", err)
	}
	rep, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if failed, of := rep.row("first").failures("b"); len(failed) != 2 || of != 2 || failed[0].Error != "it fell; and lies there" {
		t.Errorf("%v of %d", failed, of)
	}
	if v := rep.row("first").Verdicts[0]; v.State != Open {
		t.Errorf("the bar is %s", v.State)
	}
	if n := len(rep.row("second").values("b", "f")); n != 2 {
		t.Errorf("b was measured %d times in the other row", n)
	}
	for where, text := range map[string]string{"table": out.String(), "progress": lines.String()} {
		if !strings.Contains(text, "it fell; and lies there") {
			t.Errorf("the %s does not say what went wrong:\n%s", where, text)
		}
	}
}

func TestAnInterruptKeepsWhatWasMeasured(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	measure := func(ctx context.Context, _ string, _ Work) (Figures, error) {
		if n++; n == 6 { // in the second round
			cancel()
			return nil, context.Cause(ctx)
		}
		return Figures{"f": 1}, nil
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	var out strings.Builder
	err := runAll(ctx, plan{rows: twoRows(), rounds: 3, json: file, markdown: filepath.Join(dir, "page.md")}, measure, &out, &lineProgress{out: io.Discard})
	if !errors.Is(err, errInterrupted) || n != 6 {
		t.Errorf("it ended with %v after %d measurements", err, n)
	}
	rep, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Interrupted != "in round 2 of 3" || rep.failed() != 0 {
		t.Errorf("interrupted %q, %d failed", rep.Interrupted, rep.failed())
	}
	if got := len(rep.row("second").values("a", "f")); got != 1 {
		t.Errorf("the report has %d of a's figures", got)
	}
	if !strings.Contains(out.String(), "INTERRUPTED in round 2 of 3") {
		t.Errorf("the table does not say so:\n%s", &out)
	}
}

func TestAFileThatCannotBeWrittenIsSaid(t *testing.T) {
	measure := func(context.Context, string, Work) (Figures, error) { return nil, errors.New("it fell") }
	missing := filepath.Join(t.TempDir(), "missing", "report.json")
	err := runAll(t.Context(), plan{rows: twoRows(), rounds: 1, json: missing}, measure, io.Discard, &lineProgress{out: io.Discard})
	if err == nil || errors.Is(err, errNotAll) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheLiveBarKeepsFailuresInSight(t *testing.T) {
	var out strings.Builder
	p := &liveProgress{out: &out}
	rep := newReport(twoRows(), 1, 0, time0)
	p.building("node")
	p.begin(rep)
	p.measuring(1, rep.Rows[0], "a")
	p.measured(1, rep.Rows[0], "a", Sample{Round: 1, Error: "it fell"})
	p.end()
	if !strings.Contains(out.String(), "round 1: first: a failed: it fell") {
		t.Errorf("%q", out.String())
	}
}
