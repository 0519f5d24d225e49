package sim

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everyKind is a fault of each kind.
func everyKind() []Fault {
	slow := Degrade("a", "b").OneWay().For(time.Minute)
	slow.By, slow.Jitter, slow.Rate, slow.Loss, slow.Flip = 30*time.Millisecond, time.Millisecond, 1<<20, 20_000, 1
	return []Fault{
		Partition([]string{"a", "b"}, []string{"c"}, []string{"d"}).For(1500 * time.Millisecond), slow,
		Refuse("a"), BlackHole("a", "b"), Reset("a", "c"), Crash("b").Forgetting().For(time.Second), PowerOff("c"),
		Stop("d").For(time.Nanosecond), Pause("a"), SlowReader(1000, "b"), SlowCPU(time.Microsecond, "b"), Skew(-time.Hour, "c"),
	}
}

func TestAPlanIsReadAsItWasWritten(t *testing.T) {
	p := &Plan{Seed: 18, Failure: "eventually <all> delivered", Faults: everyKind()}
	for i := range p.Faults {
		p.Faults[i].At = time.Duration(i) * time.Second
	}
	if len(p.Faults) != len(Kinds()) {
		t.Errorf("%d kinds are not tried", len(Kinds())-len(p.Faults))
	}
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := ReadPlan(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Error(diff)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "every_kind.plan"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("plans that were written before could not be read any more:\n%s", diff)
	}
}

func TestAPlanWithAMistakeIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct{ plan, want string }{
		{"", "empty"},
		{"{}{}", "line 1"},
		{"{\"seed\":1}\n{\"kind\":\"flood\",\"at\":\"1s\",\"hosts\":[\"a\"]}", "line 2 of the plan: sim: the fault \"1s flood a\": there is no such kind"},
		{"{\"seed\":1}\n{\"kind\":\"crash\",\"at\":\"1s\"}", "befalls nobody"},
		{"{\"seed\":1}\n{\"kind\":\"crash\",\"at\":\"soon\",\"hosts\":[\"a\"]}", "line 2"},
		{"{\"seed\":1}\n{\"kind\":\"crash\",\"at\":\"-1s\",\"hosts\":[\"a\"]}", "negative"},
		{"{\"seed\":1}\n{\"kind\":\"degrade\",\"at\":\"1s\",\"sides\":[[\"a\"],[\"b\"]]}", "changes nothing"},
		{"{\"seed\":1}\n{\"kind\":\"degrade\",\"at\":\"1s\",\"sides\":[[\"a\"],[\"b\"]],\"loss\":1000001}", "parts per million"},
		{"{\"seed\":1}\n{\"kind\":\"partition\",\"at\":\"1s\",\"sides\":[[\"a\"]]}", "two sides"},
		{"{\"seed\":1}\n{\"kind\":\"slow reader\",\"at\":\"1s\",\"hosts\":[\"a\"]}", "needs a rate"},
		{"{\"seed\":1}\n{\"kind\":\"crash\",\"at\":\"1s\",\"hosts\":[\"a\"],\"colour\":1}", "colour"},
	} {
		if _, err := ReadPlan(strings.NewReader(c.plan)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.plan, err)
		}
	}
}

func FuzzAPlanThatIsReadIsWrittenAndReadAgain(f *testing.F) {
	var b bytes.Buffer
	(&Plan{Seed: 1, Faults: everyKind()}).WriteTo(&b)
	f.Add(b.String())
	f.Add("{\"seed\":1}\n{\"kind\":\"crash\",\"at\":\"1s\",\"hosts\":[\"a\"]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadPlan(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := p.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		again, err := ReadPlan(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Error(diff)
		}
	})
}
