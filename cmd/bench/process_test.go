package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

func testRunner(t *testing.T) *runner {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := newBuilder(t.TempDir())
	b.flags = nil // what the tests are built with is in the cache
	return &runner{self: self, limit: time.Minute, build: b}
}

// moment is how long a measurement takes here: what is measured does not matter.
const moment = 5 * time.Millisecond

// Two contenders, in processes, and files: the whole way.
func TestARunOfTwoTrivialContenders(t *testing.T) {
	dir := t.TempDir()
	p := plan{rounds: 2, time: moment, json: filepath.Join(dir, "a.json"), markdown: filepath.Join(dir, "a.md"), rows: []Row{{
		Name: "bulk", Figure: megabytes, Work: bulkWork(2, kib), Who: []string{rawTCP, rawRecords},
		Bars: []Bar{against(rawTCP, 1e-9, rawRecords)}, Points: []Point{at("sizes-noise", kib)},
	}}}
	var out strings.Builder
	if err := runAll(t.Context(), p, testRunner(t).measure, &out, &lineProgress{out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	rep, err := load(p.json)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range p.rows[0].Who {
		if n := len(rep.Rows[0].values(who, megabytes)); n != 2 {
			t.Errorf("%s has %d figures", who, n)
		}
	}
	if v := rep.Rows[0].Verdicts[0]; v.State != Met {
		t.Errorf("%+v", v)
	}
	if !strings.Contains(out.String(), "1 bar: 1 met") {
		t.Errorf("the table:\n%s", &out)
	}
}

// What each work has to find out, on the simplest contender that can do it.
func TestEveryWorkHasItsFigures(t *testing.T) {
	for _, c := range []struct {
		who     string
		work    Work
		figures []string
	}{
		{rawTCP, Work{Kind: "bulk", Conns: 3, Streams: 2, Size: kib}, []string{megabytes, messages}},
		{rawTCP, Work{Kind: "echo", Size: 32}, []string{p50, p99}},
		{rawTCP, Work{Kind: "requests", Streams: 3, Size: 100}, []string{perSecond}},
		{rawTCP, Work{Kind: "open", Streams: 3, Size: 1}, []string{perSecond}},
		{goYamux, Work{Kind: "connect", Conns: 2}, []string{perSecond}},
		{goYamux, Work{Kind: "idle-conns", Conns: 5}, []string{listenBytes, listenGo, bothBytes, bothGo}},
		{goYamux, Work{Kind: "idle-streams", Streams: 5}, []string{listenBytes, bothBytes, bothGo}},
		{goYamux, Work{Kind: "idle-work", Conns: 3}, []string{cpuTime, wakeUps}},
		{rawTCP, Work{Kind: "allocations", Streams: 1, Size: kib}, []string{perWrite, perRead}},
		{troupeYamux, Work{Kind: "machines", Streams: 2, Size: kib}, []string{perFrame, frameTime}},
		{troupeMplex, Work{Kind: "machines", Streams: 2, Size: kib}, []string{perFrame, frameTime}},
	} {
		t.Run(c.who+" "+c.work.Kind, func(t *testing.T) {
			t.Parallel()
			c.work.Time = moment
			f, err := testRunner(t).measure(t.Context(), c.who, c.work)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range c.figures {
				if _, ok := f[name]; !ok {
					t.Errorf("%s is missing in %v", name, f)
				}
			}
		})
	}
}

func TestEveryContenderAnswers(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			f, err := testRunner(t).measure(t.Context(), c.Name, Work{Kind: "requests", Streams: 3, Size: 100, Time: 10 * moment})
			if err != nil || f[perSecond] <= 0 {
				t.Errorf("%v, %v", f, err)
			}
		})
	}
}

func TestAnIdleGoroutineIsCounted(t *testing.T) {
	f, err := testRunner(t).measure(t.Context(), rawTCP, Work{Kind: "idle-streams", Streams: 20})
	if err != nil {
		t.Fatal(err)
	}
	// A stream of raw TCP is a connection and its goroutine at the listener.
	if f[listenGo] != 1 || f[listenBytes] < 2000 {
		t.Errorf("%v", f)
	}
}

func TestAFailureSaysWhatWentWrong(t *testing.T) {
	for _, c := range []struct{ who, kind, want string }{
		{deaf, "echo", "listener: listen: it has no ears"},
		{crashing, "echo", "it fell"},
		{rawTCP, "nothing", `there is no work "nothing"`},
		{"nobody", "echo", `there is no contender "nobody"`},
		{rawTCP, "machines", "has no machine of ours"},
		{rawTCP, "size", "is no program of its own"},
	} {
		t.Run(c.who+" "+c.kind, func(t *testing.T) {
			t.Parallel()
			f, err := testRunner(t).measure(t.Context(), c.who, Work{Kind: c.kind, Time: moment})
			if err == nil || f != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v", f, err)
			}
		})
	}
}

func TestAMeasurementThatHangsIsEnded(t *testing.T) {
	r := testRunner(t)
	r.limit = 500 * time.Millisecond
	_, err := r.measure(t.Context(), hanging, Work{Kind: "echo", Time: moment})
	if err == nil || !strings.Contains(err.Error(), "it took longer than 500ms") {
		t.Error(err)
	}
}

func TestAnInterruptEndsTheProcesses(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errInterrupted)
	defer cancel()
	if _, err := testRunner(t).measure(ctx, hanging, Work{Kind: "echo", Time: moment}); !errors.Is(err, errInterrupted) {
		t.Error(err)
	}
}

func TestAProcessEndsWithTheRunner(t *testing.T) {
	r := testRunner(t)
	work, err := json.Marshal(Work{Kind: "echo", Time: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	d, err := start(t.Context(), "dialer", r.self, "drive", hanging, "nowhere", string(work))
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := d.end(); !errors.As(err, &exit) || exit.ExitCode() != exitOrphaned {
		t.Errorf("the dialer: %v", err)
	}
	l, err := start(t.Context(), "listener", r.self, "serve", rawTCP)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.next(); err != nil {
		t.Error(err)
	}
	if err := l.end(); err != nil {
		t.Errorf("the listener: %v", err)
	}
}

func TestProfilesAreWritten(t *testing.T) {
	r, dir := testRunner(t), t.TempDir()
	r.profiles = profiles{cpu: dir, heap: dir}
	if _, err := r.measure(t.Context(), rawTCP, Work{Kind: "idle-streams", Streams: 1}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"serve-*.cpu.pprof", "drive-*.cpu.pprof", "serve-*.heap-1.pprof", "drive-*.goroutines-2.pprof"} {
		files, err := filepath.Glob(filepath.Join(dir, name))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", name, files, err)
			continue
		}
		if info, err := os.Stat(files[0]); err != nil || info.Size() == 0 {
			t.Errorf("%s is empty: %v", files[0], err)
		}
	}
}

func TestTheMinimalNodeIsBuiltStartedAndWeighed(t *testing.T) {
	r := testRunner(t)
	var built []string
	r.build.prepare(t.Context(), []Row{{Who: []string{rawTCP, minimalTroupe}}}, func(who string) { built = append(built, who) })
	if len(built) != 1 {
		t.Errorf("built were %q", built)
	}
	for kind, figure := range map[string]string{"start": startTime, "size": fileSize} {
		f, err := r.measure(t.Context(), minimalTroupe, Work{Kind: kind, Time: moment})
		if err != nil || f[figure] <= 0 {
			t.Errorf("%s: %v, %v", kind, f, err)
		}
	}
}

func TestAProgramThatCannotBeBuiltIsReported(t *testing.T) {
	r := testRunner(t)
	r.build.flags = []string{"-no-such-flag"}
	for range 2 { // the second time from memory
		if _, err := r.measure(t.Context(), minimalGo, Work{Kind: "size"}); err == nil || !strings.Contains(err.Error(), "go build") {
			t.Error(err)
		}
	}
}

// The machines' turns: every message arrives, in one frame each.
func TestAPairOfMachinesCarriesEveryMessage(t *testing.T) {
	for name, factory := range machines() {
		p := newPair(factory, 3)
		if len(p.streams) != 3 {
			t.Fatalf("%s opened %d streams", name, len(p.streams))
		}
		for i := range 1000 {
			frames, err := p.turn(kib)
			if err != nil || frames < 3 {
				t.Fatalf("%s, turn %d: %d frames, %v", name, i, frames, err)
			}
		}
		if n := p.listener.Streams(); n != 3 {
			t.Errorf("%s: the listener has %d streams", name, n)
		}
	}
}

func TestEveryContenderOfTheTestsIsFound(t *testing.T) {
	if _, err := find(append(contenders(), broken()...), hanging); err != nil {
		t.Error(err)
	}
	if _, err := find([]peer.Contender{}, rawTCP); err == nil {
		t.Error("one was found among none")
	}
}
