package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The flags of a test binary that uses [Test].
var (
	flagSeed   = flag.Uint64("sim.seed", 0, "run simulated tests with this seed only (the first one, with -sim.seeds)")
	flagSeeds  = flag.Uint64("sim.seeds", 1, "how many seeds to run simulated tests with")
	flagPlan   = flag.String("sim.plan", "", "run simulated tests with the faults of this plan only")
	flagShards = flag.Int("sim.shards", 0, "play the hosts of simulated tests on so many threads; 0: in turns")
	flagCheck  = flag.Bool("sim.check", false, "run everything twice, with different numbers of threads, and report the first event that differs")
	flagShrink = flag.Bool("sim.shrink", true, "look for the faults that matter when a seed fails, and write them to testdata/sim")
	flagTrace  = flag.String("sim.trace", "", "write the trace of the last run to this file: as text (.txt), JSON lines (.jsonl), for Perfetto (.json), or else binary")
)

// usualLink is how the links of a test are where the scenario says nothing else.
var usualLink = LinkConfig{Latency: 20 * time.Millisecond}

// usualHorizon is how long a test may go on: one whose hosts talk to each other
// while nobody comes any further would never end.
const usualHorizon = 30 * 24 * time.Hour

// Test plays a scenario as a test, over links with 20 ms of latency and for 30
// days of virtual time at most: with the
// plans in testdata/sim/<name of the test>, and with the seed 1, or as the flags
// say.
//
//	go test -run TestMine -sim.seeds=1000              look for a seed that fails
//	go test -run TestMine -sim.seed=18 -sim.trace=t.json
//	go test -run TestMine -sim.check                   is every run repeated exactly?
//
// A run that fails ends the test. It names the seed with the command that runs it
// again. If it was a check of the world that failed, or an error given to
// [World.Must], the faults are taken away one by one as long as it fails in the
// same way, and those that are left are written to testdata/sim as a [Plan], which
// is run first from then on. What the scenario reports with t, as it may, fails the
// test as well, but cannot be shrunk, because nobody can take it back.
func Test(t *testing.T, scenario func(w *World)) {
	t.Helper()
	r := &runner{
		t: t, scenario: scenario, folder: filepath.Join("testdata", "sim", filepath.FromSlash(t.Name())),
		first: *flagSeed, seeds: *flagSeeds, shards: *flagShards, plan: *flagPlan, check: *flagCheck, shrink: *flagShrink, trace: *flagTrace,
		pkg: packageOf(scenario),
	}
	r.all()
}

// reporter is what a runner needs of a testing.T.
type reporter interface {
	Helper()
	Name() string
	Failed() bool
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// A runner is one call of Test.
type runner struct {
	t        reporter
	scenario func(w *World)
	folder   string // of the plans
	pkg      string // the import path to say in commands

	first, seeds  uint64
	shards        int
	plan, trace   string
	check, shrink bool
}

func (r *runner) all() {
	r.t.Helper()
	switch {
	case r.plan != "":
		r.file(r.plan)
		return
	case r.first == 0:
		r.first = 1
		plans, _ := filepath.Glob(filepath.Join(r.folder, "*.plan")) // in order
		for _, path := range plans {
			if r.file(path); r.t.Failed() {
				return
			}
		}
	}
	for seed := r.first; seed < r.first+r.seeds && !r.t.Failed(); seed++ {
		r.seed(seed)
	}
}

// file runs a plan.
func (r *runner) file(path string) {
	r.t.Helper()
	p, err := readPlan(path)
	if err != nil {
		r.t.Errorf("%s: %v", path, err)
		return
	}
	defer r.command("-sim.plan=" + filepath.ToSlash(path))
	if result, _, err := r.run(Config{Plan: p}); err != nil {
		r.t.Errorf("the plan %s: %v: %v", path, result, err)
	}
}

func readPlan(path string) (*Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadPlan(file)
}

// seed runs a seed.
func (r *runner) seed(seed uint64) {
	r.t.Helper()
	defer r.command(fmt.Sprintf("-sim.seed=%d", seed))
	result, faults, err := r.run(Config{Seed: seed})
	if err == nil {
		return
	}
	alone := !r.t.Failed() // nothing was reported with t
	r.t.Errorf("%v: %v", result, err)
	var parted *partedError
	if r.shrink && alone && len(faults) > 0 && !errors.As(err, &parted) {
		r.reduce(seed, FailureOf(err), faults)
	}
}

// command says how to run it again, when the test has failed: also when the
// scenario has ended it.
func (r *runner) command(flag string) {
	if r.t.Failed() {
		parts := strings.Split(r.t.Name(), "/")
		for i, part := range parts {
			parts[i] = "^" + part + "$"
		}
		r.t.Logf("run it again: go test %s -run '%s' %s", r.pkg, strings.Join(parts, "/"), flag)
	}
}

// run plays the scenario once, or, to check that, twice.
func (r *runner) run(c Config) (result Result, faults []Fault, err error) {
	c.Link, c.Horizon, c.Shards = usualLink, usualHorizon, r.shards
	if r.check || r.trace != "" {
		c.Record = &Trace{}
	}
	if r.trace != "" {
		defer func() {
			if problem := c.Record.WriteFile(r.trace); problem != nil {
				r.t.Errorf("write the trace: %v", problem)
			}
		}()
	}
	play := func(c Config) (Result, error) {
		return Run(context.Background(), c, func(w *World) error {
			defer func() { faults = w.Faults() }()
			r.scenario(w)
			return nil
		})
	}
	result, err = play(c)
	if r.check {
		again := c
		again.Record = &Trace{}
		again.Shards = max(1, 2*c.Shards)
		if second, _ := play(again); second != result {
			err = &partedError{result, second, Compare(c.Record, again.Record)}
		}
	}
	return result, faults, err
}

// A partedError says that one seed gave two runs.
type partedError struct {
	first, second Result
	at            *Divergence
}

func (e *partedError) Error() string {
	return fmt.Sprintf("the same seed gave two runs, this and %v: something in the scenario or the protocol depends on more than the seed (the real clock, the order of a map, a goroutine, a variable that several hosts use)\n%v", e.second, e.at)
}

// reduce looks for the faults that matter and writes them down.
func (r *runner) reduce(seed uint64, failure *Failure, faults []Fault) {
	r.t.Helper()
	plan, runs := shrink(seed, failure, faults, func(p *Plan) *Failure {
		_, _, err := (&runner{t: r.t, scenario: r.scenario, shards: r.shards}).run(Config{Plan: p})
		if err == nil {
			return nil
		}
		return FailureOf(err)
	})
	if plan == nil {
		r.t.Logf("the faults alone do not make it fail in the same way, so they were not shrunk")
		return
	}
	path := filepath.Join(r.folder, strconv.FormatUint(seed, 10)+".plan")
	if err := writePlan(path, plan); err != nil {
		r.t.Logf("write the plan: %v", err)
	}
	r.t.Logf("%d of the %d faults are enough (found in %d runs), written to %s:\n%s",
		len(plan.Faults), len(faults), runs, filepath.ToSlash(path), list(plan.Faults))
}

func list(faults []Fault) string {
	var b strings.Builder
	for _, f := range faults {
		b.WriteString("  " + f.String() + "\n")
	}
	return b.String()
}

func writePlan(path string, p *Plan) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = p.WriteTo(file)
	return errors.Join(err, file.Close())
}

// packageOf is the import path of the test that a function belongs to, "." if
// that cannot be known.
func packageOf(f func(*World)) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	folder, rest, found := cutLast(name, "/")
	base, _, _ := strings.Cut(rest, ".")
	if !found || base == "" {
		return "."
	}
	return folder + "/" + strings.TrimSuffix(base, "_test")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}
