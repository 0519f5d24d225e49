package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupe-p2p/troupe/sim"
)

// small is a scenario that takes no time: bob crashes among pings.
const small = `# for people
{"scenario":"small","duration":"10s","latency":"25ms"}
{"hosts":"alice"}
{"hosts":"bob"}

{"traffic":"ping","hosts":["alice","bob"],"degree":2,"every":"500ms"}
{"traffic":"messages","name":"notes","from":["alice"],"to":["bob"],"every":"100ms","bytes":"1kB","until":"3s","arrive":100}
{"kind":"crash","at":"5s","for":"2s","hosts":["bob"]}
`

// scenarioFile writes a scenario into a file.
func scenarioFile(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "my.sim", text)
	return filepath.Join(dir, "my.sim")
}

func TestTheTableOfASeedIsAlwaysTheSame(t *testing.T) {
	out, errOut := want(t, exitOK, "sim", scenarioFile(t, small), "--seed", "7")
	// What the layers below say to each other may change.
	out = regexp.MustCompile(`\d+ events, trace [0-9a-f]{16}`).ReplaceAllString(out, "N events, trace HASH")
	out = regexp.MustCompile(` *[0-9.]+ k?B\b`).ReplaceAllString(out, " BYTES")
	const golden = `small
seed 7, 2 hosts, 25 s virtual, N events, trace HASH

  traffic  sent  due  arrived               p50      p90      p99     most
  ping       40   40       30   75.0 %  50.0 ms  50.0 ms  50.0 ms  50.0 ms
  notes      30   30       30  100.0 %  25.0 ms  25.0 ms   0.23 s   0.23 s
`
	head, _, _ := strings.Cut(out, "\n  host")
	if d := cmp.Diff(golden, head); d != "" {
		t.Error(d)
	}
	for _, line := range []string{"  bob         2 BYTES BYTES\n", "  5.00 s     crash bob, for 2s, until 7.00 s\n", "done: nobody panicked"} {
		if !strings.Contains(out, line) {
			t.Errorf("there is no %q in\n%s", line, out)
		}
	}
	if errOut != "" {
		t.Errorf("%q", errOut)
	}
}

func TestARunIsAnObjectForPrograms(t *testing.T) {
	path := scenarioFile(t, small)
	out, _ := want(t, exitOK, "--json", "sim", path)
	r := last(t, out)
	if r["event"] != "result" || r["ended"] != "done" || r["scenario"] != "small" || r["seed"] != 1.0 || len(r["hash"].(string)) != 16 || r["failure"] != nil {
		t.Errorf("%v", r)
	}
	traffic := r["traffic"].([]any)[1].(map[string]any)
	if traffic["name"] != "notes" || traffic["due"] != 30.0 || traffic["arrived"] != 30.0 || traffic["lost"] != 0.0 || traffic["p50_seconds"] != 0.025 {
		t.Errorf("%v", traffic)
	}
	bob := r["hosts"].([]any)[1].(map[string]any)
	if bob["name"] != "bob" || bob["starts"] != 2.0 || bob["received_bytes"].(float64) < 30_000 {
		t.Errorf("%v", bob)
	}
	fault := r["faults"].([]any)[0].(map[string]any)
	if fault["kind"] != "crash" || fault["from"] != 5.0 || fault["until"] != 7.0 {
		t.Errorf("%v", fault)
	}
	open := map[float64]bool{}
	for _, l := range r["connections"].([]any) {
		open[l.(map[string]any)["hosts_up"].(float64)] = true
	}
	if !open[1] || !open[2] {
		t.Errorf("hosts that were up: %v", open)
	}
	again, _ := want(t, exitOK, "--json", "sim", path)
	if a := last(t, again); a["hash"] != r["hash"] || a["events"] != r["events"] {
		t.Errorf("%v, and again %v", r["hash"], a["hash"])
	}
}

func TestAMistakeInAScenarioIsSaidWithItsLine(t *testing.T) {
	head := `{"scenario":"s","duration":"1s"}` + "\n" + `{"hosts":"a","count":2}` + "\n"
	for _, c := range []struct{ text, want string }{
		{"", "the file is empty"},
		{`{"hosts":"a"}`, "line 1: the first object says what the scenario is"},
		{`{"scenario":"s"}`, "line 1: scenario: it needs a duration"},
		{`{"scenario":"s","duration":5}`, `line 1: scenario: 5 is no time: write it like "1.5s"`},
		{`{"scenario":"s","duration":"1s"}`, "there are no hosts"},
		{head + `{"hosts":"b","acess":"cable"}`, `line 3: hosts: there is no field "acess" here`},
		{head + `{"hosts":"b","access":"rope"}`, `line 3: hosts: there is no access "rope"`},
		{head + `{"hosts":"b","count":"two"}`, `line 3: hosts: "count" cannot be a string`},
		{head + `{"hosts":"a-2"}`, "two hosts named `a-2`"},
		{head + `{"hosts":"b"`, "line 3: the object does not end"},
		{head + `{"hosts":"b"} {}`, "line 3: something follows the object"},
		{head + `[]`, "line 3: a line is an object in { }, and this is a array"},
		{head + `{"hosts" "b"}`, "line 3: this is no JSON at character 10"},
		{head + `{"animal":"cat"}`, "line 3: it is not clear what this is"},
		{head + "\n# remark\n" + `{"kind":"crash","at":"1s"}`, "line 5: kind: the fault \"1s crash\": it befalls nobody"},
		{head + `{"kind":"crash","at":"1s","hosts":["c"]}`, "the fault at 1s: there is no host named `c`"},
		{head + `{"traffic":"smoke","from":["a"],"to":["a"]}`, `line 3: traffic: there is no traffic "smoke"`},
		{head + `{"traffic":"file","from":["a"]}`, `line 3: traffic: it goes from "from" to "to"`},
		{head + `{"traffic":"file","from":["a"],"to":["b"]}`, "traffic file: there is no host named `b`"},
		{head + `{"traffic":"messages","from":["a"],"to":["a"],"bytes":"many"}`, `line 3: traffic: "many" is no number of bytes`},
		{head + `{"traffic":"flood","hosts":["a"],"degree":1}`, `line 3: traffic: it goes on among "hosts"`},
		{head + `{"regions":["eu","us"],"latencies":[["1ms","2ms"]]}`, "line 3: regions: 2 regions need as many rows"},
		{head + `{"hosts":"b","region":"eu"}`, "hosts b: there is no region `eu`"},
		{head + `{"link":["a"]}`, "line 3: link: a link has two ends"},
		{head + `{"chaos":3,"kinds":["rain"]}`, `line 3: chaos: there is no kind of fault "rain"`},
		{head + `{"chaos":3,"from":"9s"}`, "line 3: chaos: until is not after from"},
	} {
		path := scenarioFile(t, c.text)
		_, errOut := want(t, exitUsage, "sim", path)
		if !strings.Contains(strings.ReplaceAll(errOut, "“", "`"), c.want) && !strings.Contains(errOut, strings.ReplaceAll(c.want, "`", `"`)) || !strings.Contains(errOut, path) {
			t.Errorf("%s\nsays %q, not %q", c.text, errOut, c.want)
		}
	}
}

func TestARunStopsAtAnEventOfTheTraceAndShowsAllActors(t *testing.T) {
	path := scenarioFile(t, small)
	trace := filepath.Join(t.TempDir(), "run.jsonl")
	want(t, exitOK, "sim", path, "--trace", trace)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	numbers := []int{1, 2, len(lines) / 2, len(lines)} // and one of each kind
	seen := map[string]bool{}
	for i, line := range lines {
		if kind := objects(t, line)[0]["kind"].(string); !seen[kind] {
			seen[kind] = true
			numbers = append(numbers, i+1)
		}
	}
	for _, n := range numbers {
		e := objects(t, lines[n-1])[0]
		out, _ := want(t, exitOK, "--json", "sim", path, "--stop", fmt.Sprint(n), "--tree")
		r := last(t, out)
		at := fmt.Sprintf("event %d: %v %v %v", n, time.Duration(e["at"].(float64)), e["kind"], e["text"])
		if r["ended"] != "stopped" || r["stopped_at"] != at || r["virtual_seconds"] != e["at"].(float64)/1e9 {
			t.Errorf("%v at %v after %v s, not at %q", r["ended"], r["stopped_at"], r["virtual_seconds"], at)
		}
	}
	out, _ := want(t, exitOK, "sim", path, "--stop", fmt.Sprint(len(lines)/2), "--tree")
	for _, text := range []string{"world/alice", "world/bob", "ping: bob", "stopped at event"} {
		if !strings.Contains(out, text) {
			t.Errorf("there is no %q in\n%s", text, out)
		}
	}
	_, errOut := want(t, exitUsage, "sim", path, "--stop", "999999999")
	if !strings.Contains(errOut, fmt.Sprintf("the run has %d", len(lines))) {
		t.Errorf("%q", errOut)
	}
}

func TestThePageHasFourPictures(t *testing.T) {
	page := filepath.Join(t.TempDir(), "run.html")
	want(t, exitOK, "sim", scenarioFile(t, small), "--html", page)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	html := string(text)
	for _, outside := range []string{"<script", "http:", "https:", "ZgotmplZ", "NaN", "Inf"} {
		if strings.Contains(html, outside) {
			t.Errorf("the page has %q", outside)
		}
	}
	for tick, times := range map[string]int{">20 ms<": 0, ">50 ms<": 1, ">25 %<": 1} { // nothing came within 20 ms
		if n := strings.Count(html, tick); n != times {
			t.Errorf("%d ticks %s, not %d", n, tick, times)
		}
	}
	for id, inside := range map[string]string{
		"arrivals": "<polyline", "bytes": "<title>bob received ", "connections": "<polyline", "faults": "<title>crash bob, for 2s, from 5.00 s until 7.00 s</title>",
	} {
		_, figure, found := strings.Cut(html, `<figure id="`+id+`">`)
		_, figure, _ = strings.Cut(figure, "<svg")
		figure, _, _ = strings.Cut(figure, "</svg>")
		if !found || !strings.Contains(figure, inside) {
			t.Errorf("the picture %s has no %s", id, inside)
		}
		for d := xml.NewDecoder(strings.NewReader("<svg" + figure + "</svg>")); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("the picture %s: %v", id, err)
				break
			}
		}
	}
}

func TestCtrlCLeavesAResult(t *testing.T) {
	endless := strings.Replace(small, `"10s"`, `"1000h"`, 1)
	code, out := demoUntil(`"progress"`, "sim", scenarioFile(t, endless))
	all := objects(t, out)
	r := all[len(all)-2]
	if code != exitInterrupted || r["event"] != "result" || r["ended"] != "interrupted" || r["traffic"].([]any)[1].(map[string]any)["arrived"] != 30.0 {
		t.Errorf("%d, %v", code, r)
	}
	if e := all[len(all)-1]; e["event"] != "error" || e["exit"] != float64(exitInterrupted) {
		t.Errorf("%v", e)
	}
}

func TestTooFewArrivalsFailTheRun(t *testing.T) {
	path := scenarioFile(t, strings.Replace(small, `"every":"500ms"`, `"every":"500ms","arrive":90`, 1))
	out, errOut := want(t, exitFailure, "sim", path)
	if !strings.Contains(errOut, "ping: 75.0 % of the messages arrived, and the scenario wants 90 %") || !strings.Contains(out, "75.0 %") {
		t.Errorf("%q\n%s", errOut, out)
	}
	out, errOut = want(t, exitFailure, "sim", path, "--seeds", "2", "--seed", "5")
	if !strings.Contains(errOut, "2 seeds of 2 failed") || !strings.Contains(errOut, "--seed 5") || strings.Count(out, "75.0 %") < 2 {
		t.Errorf("%q\n%s", errOut, out)
	}
}

func TestSeveralSeedsAreSeveralRuns(t *testing.T) {
	out, _ := want(t, exitOK, "--json", "sim", scenarioFile(t, small), "--seeds", "3", "--seed", "5")
	all := objects(t, out)
	if len(all) != 4 || all[0]["seed"] != 5.0 || all[2]["seed"] != 7.0 || all[0]["hash"] == all[1]["hash"] || all[3]["seeds"] != 3.0 {
		t.Errorf("%v", all)
	}
}

func TestTheScenariosThatAreBuiltInComeToTheirEnd(t *testing.T) {
	list, _ := want(t, exitOK, "sim", "--list")
	for _, name := range scenarioNames() {
		if !strings.Contains(list, name) {
			t.Errorf("--list has no %s", name)
		}
		file, _ := want(t, exitOK, "sim", "--show", name)
		s, err := readScenario(name, []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if name == "flood" { // the whole of it takes seconds
			s.duration = 2 * time.Second
			s.chaos, s.faults = nil, []sim.Fault{sim.Crash("node-5").For(time.Second)}
		}
		r := &simRun{scenario: s, seed: s.seed}
		if _, err := r.play(context.Background()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(r.spans) == 0 || r.spans[0].Until < 0 || r.looks[len(r.looks)/2].Open == 0 {
			t.Errorf("%s: %v, %v", name, r.spans, r.looks[len(r.looks)/2])
		}
	}
}

func TestAFileArrivesWholeWhateverHappens(t *testing.T) {
	path := scenarioFile(t, `{"scenario":"s","duration":"1m","latency":"20ms","bandwidth":"1MB"}
{"hosts":"a","security":"plaintext","muxer":"mplex"}
{"hosts":"b","security":"plaintext","muxer":"mplex"}
{"traffic":"file","from":["a"],"to":["b"],"bytes":"8MB","arrive":100}
{"kind":"crash","at":"2s","for":"1s","hosts":["b"]}
{"kind":"crash","at":"5s","for":"1s","hosts":["a"]}
{"kind":"reset","at":"7s","sides":[["a"],["b"]]}
{"kind":"crash","at":"8s","for":"1s","hosts":["b"],"forgets":true}
{"kind":"degrade","at":"10s","for":"2s","sides":[["a"],["b"]],"flip":100000}
`)
	out, _ := want(t, exitOK, "--json", "sim", path, "--seed", "3")
	if f := last(t, out)["traffic"].([]any)[0].(map[string]any); f["arrived"] != 489.0 || f["last_arrival_seconds"].(float64) < 10 {
		t.Errorf("%v", f)
	}
}

func TestTheFaultsOfAPlanAreThoseOfAScenario(t *testing.T) {
	plan := sim.Plan{Faults: (sim.Chaos{Faults: 100, Kinds: sim.Kinds()}).Draw(5, []string{"a", "b", "c"})}
	var lines strings.Builder
	if _, err := plan.WriteTo(&lines); err != nil {
		t.Fatal(err)
	}
	_, faults, _ := strings.Cut(lines.String(), "\n") // without the head
	s, err := readScenario("s", []byte(`{"scenario":"s","duration":"1s"}
{"hosts":"a"}
{"hosts":"b"}
{"hosts":"c"}
`+faults))
	if err != nil || len(plan.Faults) < 50 {
		t.Fatal(len(plan.Faults), err)
	}
	if d := cmp.Diff(plan.Faults, s.faults, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func TestTheScenarioOfTheDocumentationRuns(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "```\n{\"scenario\"")
	text, _, _ = strings.Cut(text, "```")
	if !found {
		t.Fatal("the page has no scenario")
	}
	want(t, exitOK, "sim", scenarioFile(t, `{"scenario"`+text))
}

func TestHostsAreInTheirRegionsAndLinksAsTheirLinesSay(t *testing.T) {
	path := scenarioFile(t, `{"scenario":"s","duration":"5s"}
{"regions":["eu","us"],"latencies":[["2ms","40ms"],["60ms","3ms"]]}
{"hosts":"e","count":2,"region":"eu"}
{"hosts":"u","region":"us","access":"cable"}
{"hosts":"v","region":"us"}
{"link":["u","v"],"one-way":true,"latency":"500ms"}
{"traffic":"messages","name":"eu","from":["e-1"],"to":["e-2"],"at":"1s"}
{"traffic":"messages","name":"over","from":["e"],"to":["v"]}
{"traffic":"messages","name":"back","from":["v"],"to":["e"]}
{"traffic":"messages","name":"link","from":["u"],"to":["v"]}
`)
	out, _ := want(t, exitOK, "--json", "sim", path)
	r := last(t, out)
	for i, c := range []struct{ due, p50 float64 }{{4, 0.002}, {10, 0.040}, {10, 0.060}, {5, 0.500}} {
		f := r["traffic"].([]any)[i].(map[string]any)
		if got := f["p50_seconds"].(float64); f["due"] != c.due || f["arrived"] != c.due || got < c.p50 || got > c.p50+0.02 {
			t.Errorf("%v", f)
		}
	}
	if h := r["hosts"].([]any)[2].(map[string]any); h["name"] != "u" || h["region"] != "us" {
		t.Errorf("%v", h)
	}
}

func TestNeighboursReachEverybodyAndAreMutualOnce(t *testing.T) {
	for n := 2; n < 40; n++ {
		for degree := 2; degree < 9; degree++ {
			pairs, reached := map[[2]int]int{}, map[int]bool{0: true}
			for i := range n {
				for _, j := range neighbours(i, n, degree) {
					pairs[[2]int{min(i, j), max(i, j)}]++
					if i == j {
						t.Fatalf("%d of %d is its own neighbour", i, n)
					}
				}
			}
			for range n {
				for p := range pairs {
					if reached[p[0]] || reached[p[1]] {
						reached[p[0]], reached[p[1]] = true, true
					}
				}
			}
			for p, times := range pairs {
				if times > 1 {
					t.Errorf("n %d, degree %d: %v are neighbours %d times", n, degree, p, times)
				}
			}
			if len(reached) != n {
				t.Errorf("n %d, degree %d: %d are reached", n, degree, len(reached))
			}
		}
	}
}

func TestAFlowCountsFirstArrivals(t *testing.T) {
	f := newFlow("f", "messages")
	f.sends(1, 2, time.Second)
	f.sends(1, 2, 5*time.Second)
	f.sends(2, 2, time.Second)
	f.arrives(1, "a", 2*time.Second)
	f.arrives(1, "a", 3*time.Second)
	f.arrives(1, "b", 4*time.Second)
	f.arrives(9, "b", 4*time.Second) // nobody sent it
	f.skips(3, 1)
	r := f.result()
	if r.Sent != 5 || r.Due != 7 || r.Arrived != 2 || r.Lost != 5 || r.P50 != 1 || r.P99 != 3 || r.Most != 3 || r.Last != 4 {
		t.Errorf("%+v", r)
	}
	if newFlow("", "").share() != 1 || f.share() != 2.0/7 {
		t.Error(f.share())
	}
}
