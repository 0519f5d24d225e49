package sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A paper is a reporter that keeps what it is told.
type paper struct {
	text   strings.Builder
	failed bool
}

func (p *paper) Helper()      {}
func (p *paper) Name() string { return "TestMine/part" }
func (p *paper) Failed() bool { return p.failed }
func (p *paper) Errorf(format string, args ...any) {
	p.failed = true
	p.Logf(format, args...)
}
func (p *paper) Logf(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// runOn runs a scenario as Test does.
func runOn(folder string, scenario func(*World), change func(*runner)) *paper {
	p := &paper{}
	r := &runner{t: p, scenario: scenario, folder: folder, pkg: "example.org/mine", seeds: 1, shrink: true}
	if change != nil {
		change(r)
	}
	r.all()
	return p
}

// amnesia is a planted bug that takes two faults: a host that has lost its disk
// while nobody could tell it what was on it.
func amnesia(w *World) {
	w.Hosts(6, nil)
	w.Chaos(Chaos{Faults: 40, Until: 20 * time.Second, Kinds: []Kind{KindCrash, KindDegrade, KindReset, KindRefuse}})
	w.Always("somebody knows", func() error {
		crashed, refused := "", ""
		for _, l := range w.play.lasting {
			if l.Kind == KindCrash && l.Forgets {
				crashed = l.Hosts[0]
			}
			if l.Kind == KindRefuse {
				refused = l.Hosts[0]
			}
		}
		if crashed != "" && refused != "" {
			return fmt.Errorf("%s has forgotten while %s listened to nobody", crashed, refused)
		}
		return nil
	})
	w.Run(20 * time.Second)
}

func TestAFailingSeedIsShrunkToAPlanThatIsRunFromThenOn(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "TestMine")
	first := runOn(folder, amnesia, func(r *runner) { r.first, r.seeds = 1, 50 })
	if !first.failed {
		t.Fatal("50 seeds have not found the bug")
	}
	plans, _ := filepath.Glob(filepath.Join(folder, "*.plan"))
	if len(plans) != 1 {
		t.Fatalf("there are %d plans: %s", len(plans), first.text.String())
	}
	p, err := readPlan(plans[0])
	if err != nil || len(p.Faults) < 1 || len(p.Faults) > 3 || p.Failure != "always somebody knows" {
		t.Fatalf("%d faults are left, %v:\n%s", len(p.Faults), err, first.text.String())
	}
	for _, want := range []string{
		fmt.Sprintf("go test example.org/mine -run '^TestMine$/^part$' -sim.seed=%d", p.Seed),
		fmt.Sprintf("%d of the 40 faults are enough", len(p.Faults)), "always somebody knows: after ", p.Faults[0].String(),
	} {
		if !strings.Contains(first.text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, first.text.String())
		}
	}
	again := runOn(folder, amnesia, nil) // the plan comes first
	if !again.failed || !strings.Contains(again.text.String(), "-sim.plan="+filepath.ToSlash(plans[0])) {
		t.Errorf("it was not run again:\n%s", again.text.String())
	}
	if alone := runOn("", amnesia, func(r *runner) { r.plan = plans[0] }); !alone.failed {
		t.Error("the plan alone does not fail")
	}
	fixed := runOn(folder, func(w *World) { w.Hosts(6, nil); w.Run(20 * time.Second) }, nil)
	if fixed.failed {
		t.Errorf("the plan fails without the bug:\n%s", fixed.text.String())
	}
}

func TestAFailureWithoutFaultsIsNotShrunk(t *testing.T) {
	p := runOn(t.TempDir(), func(w *World) { w.Must(errors.New("no")) }, nil)
	if text := p.text.String(); !p.failed || strings.Contains(text, "are enough") || !strings.Contains(text, "the scenario: after 0s: no") {
		t.Errorf("got %s", text)
	}
}

// What the faults do not decide cannot be shrunk: here it takes the scenario's own
// count of runs.
func TestAFailureThatDoesNotComeBackIsSaidToBeSo(t *testing.T) {
	runs := 0
	p := runOn(t.TempDir(), func(w *World) {
		w.Hosts(1, nil)
		w.Now(Crash("host-1"))
		if runs++; runs == 1 {
			w.Must(errors.New("no"))
		}
	}, nil)
	if !strings.Contains(p.text.String(), "were not shrunk") {
		t.Errorf("got %s", p.text.String())
	}
}

func TestADamagedPlanIsAFailureWithItsName(t *testing.T) {
	folder := t.TempDir()
	os.WriteFile(filepath.Join(folder, "9.plan"), []byte("?"), 0o666)
	if p := runOn(folder, func(*World) {}, nil); !p.failed || !strings.Contains(p.text.String(), "9.plan") {
		t.Errorf("got %s", p.text.String())
	}
}

func TestACheckedRunThatDependsOnMoreThanItsSeedIsReportedWithItsFirstEvent(t *testing.T) {
	check := func(r *runner) { r.check = true }
	if p := runOn(t.TempDir(), amnesia, func(r *runner) { r.check, r.shrink, r.first = true, false, 1000 }); strings.Contains(p.text.String(), "two runs") {
		t.Errorf("got %s", p.text.String())
	}
	runs := 0
	p := runOn(t.TempDir(), func(w *World) {
		w.Hosts(2, nil)
		w.Sleep(time.Second)
		runs++
		w.Log("run %d", runs)
	}, check)
	for _, want := range []string{"two runs", "- 1s log run 1", "+ 1s log run 2"} {
		if !strings.Contains(p.text.String(), want) {
			t.Errorf("%q is missing in %s", want, p.text.String())
		}
	}
}

func TestTheTraceOfARunIsWrittenAsItsNameSays(t *testing.T) {
	folder := t.TempDir()
	for name, begin := range map[string]string{"a.txt": "1 0s step world", "a.jsonl": "{\"n\":1", "a.json": "[\n{\"name\"", "a.trace": traceMagic} {
		path := filepath.Join(folder, name)
		if p := runOn(folder, func(w *World) { w.Hosts(1, nil) }, func(r *runner) { r.trace = path }); p.failed {
			t.Fatal(p.text.String())
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(data), begin) {
			t.Errorf("%s begins with %.40q, %v", name, data, err)
		}
	}
}

func TestTheCommandNamesThePackageOfTheScenario(t *testing.T) {
	if got := packageOf(amnesia); got != "github.com/troupe-p2p/troupe/sim" {
		t.Errorf("got %q", got)
	}
	if got := packageOf(func(*World) {}); got != "github.com/troupe-p2p/troupe/sim" {
		t.Errorf("got %q", got)
	}
}
