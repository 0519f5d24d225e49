package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/sim"
)

// simFormat describes a scenario file, in --help.
const simFormat = `A scenario file is lines of JSON, one object a line; lines that are empty or
begin with # are for people. The first word of an object says what it is:

  {"scenario":"NAME","duration":"30s"}  the first one; more: "seed" (1), and how
      links are: "latency" ("20ms"), "jitter", "bandwidth" (bytes a second, like
      "2.5MB"), "loss" (parts per million)
  {"hosts":"alice"}                     a host; with "count":9 node-1 to node-9
      "access": datacentre, cable, mobile, supernode, fullnode or mixed;
      "region"; "muxer": yamux or mplex; "security": noise or plaintext
  {"regions":"libp2p"}                  eight of the world, or of your own:
      {"regions":["eu","us"],"latencies":[["2ms","40ms"],["45ms","2ms"]]}
  {"link":["alice","bob"]}              how that link is, as in the first line;
      "one-way":true: only from the first to the second
  {"traffic":"file"}                    "from", "to", "bytes"; it goes on after
      a failure from where the other one stands
  {"traffic":"messages"}                "from", "to", "every", "bytes"
  {"traffic":"ping"}                    "hosts", "degree" (neighbours), "every"
  {"traffic":"flood"}                   "hosts", "degree", "every", "bytes":
      hosts publish in turn, and each passes on what is new to it
      all: "name", "at", "until"; "arrive": the run fails if a smaller part of
      the messages arrives, in percent
  {"kind":"crash","at":"5s","for":"2s","hosts":["bob"]}
      a fault, as in the plan of a failed test: docs/simulation.md
  {"chaos":20,"from":"5s","until":"25s"}  faults that the seed draws; more:
      "longest", "kinds", "hosts"

Names of hosts may be those of a group: node stands for node-1 to node-9.`

// simScenarios are the scenarios that have names: files like those of users.
//
//go:embed scenarios/*.sim
var simScenarios embed.FS

// A scenario is what a file says.
type scenario struct {
	name     string
	duration time.Duration
	seed     uint64
	link     sim.LinkConfig
	regions  *sim.Regions
	hosts    []hostsLine
	links    []linkLine
	traffic  []trafficLine
	faults   []sim.Fault
	chaos    []sim.Chaos
	groups   map[string][]string // whom a name stands for
}

type headLine struct {
	Name     string   `json:"scenario"`
	Duration simTime  `json:"duration"`
	Seed     *uint64  `json:"seed"`
	Latency  *simTime `json:"latency"`
	linkProperties
}

type linkProperties struct {
	Jitter    simTime  `json:"jitter"`
	Bandwidth simBytes `json:"bandwidth"`
	Loss      uint32   `json:"loss"`
}

type hostsLine struct {
	Name     string `json:"hosts"`
	Count    *int   `json:"count"`
	Access   string `json:"access"`
	Region   string `json:"region"`
	Muxer    string `json:"muxer"`
	Security string `json:"security"`
}

type regionsLine struct {
	Regions   json.RawMessage `json:"regions"`
	Latencies [][]simTime     `json:"latencies"`
}

type linkLine struct {
	Ends    []string `json:"link"`
	OneWay  bool     `json:"one-way"`
	Latency *simTime `json:"latency"`
	linkProperties
}

type trafficLine struct {
	Kind   string   `json:"traffic"`
	Name   string   `json:"name"`
	From   []string `json:"from"`
	To     []string `json:"to"`
	Hosts  []string `json:"hosts"`
	Degree int      `json:"degree"`
	Every  simTime  `json:"every"`
	Bytes  simBytes `json:"bytes"`
	At     simTime  `json:"at"`
	Until  simTime  `json:"until"`
	Arrive float64  `json:"arrive"`
}

type chaosLine struct {
	Faults  int        `json:"chaos"`
	From    simTime    `json:"from"`
	Until   simTime    `json:"until"`
	Longest simTime    `json:"longest"`
	Kinds   []sim.Kind `json:"kinds"`
	Hosts   []string   `json:"hosts"`
}

// simTime is a duration as text: "1.5s".
type simTime time.Duration

func (d *simTime) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		if v, err := time.ParseDuration(text); err == nil && v >= 0 {
			*d = simTime(v)
			return nil
		}
	}
	return fmt.Errorf("%s is no time: write it like \"1.5s\" or \"200ms\"", data)
}

// simBytes is a number of bytes: 4096 or "4kB".
type simBytes int64

func (b *simBytes) UnmarshalJSON(data []byte) error {
	n, err := parseBytes(strings.Trim(string(data), `"`))
	*b = simBytes(n)
	return err
}

// A scenarioError is a mistake in a scenario file.
type scenarioError struct {
	path string
	line int // 0: of the whole file
	text string
}

func (e *scenarioError) Error() string {
	if e.line == 0 {
		return e.path + ": " + e.text
	}
	return fmt.Sprintf("%s, line %d: %s", e.path, e.line, e.text)
}

// loadScenario finds a scenario by its name, or reads a file.
func loadScenario(name string) (*scenario, error) {
	if text, err := simScenarios.ReadFile("scenarios/" + name + ".sim"); err == nil {
		return readScenario(name, text)
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Base(name) == name && filepath.Ext(name) == "":
		return nil, &usageError{fmt.Sprintf("there is no scenario %s, and no such file: the scenarios are %s", quoted(name), strings.Join(scenarioNames(), ", "))}
	case err != nil:
		return nil, &diskError{did: "read the scenario", path: name, err: err}
	}
	return readScenario(name, text)
}

// scenarioNames are the names of those that the program brings along.
func scenarioNames() (names []string) {
	files, _ := simScenarios.ReadDir("scenarios") // of this program: it cannot fail
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".sim"))
	}
	return names
}

// readScenario reads a file.
func readScenario(path string, text []byte) (*scenario, error) {
	s := &scenario{seed: 1}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := s.read(line); err != nil {
			return nil, &scenarioError{path, i + 1, err.Error()}
		}
		if s.name == "" {
			return nil, &scenarioError{path, i + 1, `the first object says what the scenario is: {"scenario":"NAME","duration":"30s"}`}
		}
	}
	if err := s.check(); err != nil {
		return nil, &scenarioError{path, 0, err.Error()}
	}
	return s, nil
}

// read reads a line.
func (s *scenario) read(line []byte) error {
	var fields map[string]json.RawMessage
	if err := decodeLine(line, &fields); err != nil {
		return err
	}
	for _, kind := range []string{"scenario", "regions", "link", "traffic", "kind", "chaos", "hosts"} {
		if _, is := fields[kind]; !is {
			continue
		}
		err := s.readAs(kind, line)
		if err != nil && !strings.HasPrefix(err.Error(), kind+": ") {
			err = fmt.Errorf("%s: %w", kind, err)
		}
		return err
	}
	return errors.New("it is not clear what this is: an object has one of scenario, hosts, regions, link, traffic, kind, chaos")
}

func (s *scenario) readAs(kind string, line []byte) error {
	switch kind {
	case "scenario":
		h := headLine{}
		if err := decodeLine(line, &h); err != nil {
			return err
		}
		return s.head(h)
	case "regions":
		var l regionsLine
		if err := decodeLine(line, &l); err != nil {
			return err
		}
		return s.readRegions(l)
	case "hosts":
		var l hostsLine
		if err := decodeLine(line, &l); err != nil {
			return err
		}
		s.hosts = append(s.hosts, l)
		return l.check()
	case "link":
		var l linkLine
		if err := decodeLine(line, &l); err != nil {
			return err
		}
		if len(l.Ends) != 2 {
			return errors.New("a link has two ends")
		}
		s.links = append(s.links, l)
	case "traffic":
		var l trafficLine
		if err := decodeLine(line, &l); err != nil {
			return err
		}
		err := l.complete(len(s.traffic))
		s.traffic = append(s.traffic, l)
		return err
	case "kind":
		var f sim.Fault
		if err := decodeLine(line, &f); err != nil {
			return err
		}
		s.faults = append(s.faults, f)
	case "chaos":
		var l chaosLine
		if err := decodeLine(line, &l); err != nil {
			return err
		}
		return s.readChaos(l)
	}
	return nil
}

// decodeLine reads an object, and says in plain words what is wrong with it.
func decodeLine(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && d.InputOffset() < int64(len(line)):
		return fmt.Errorf("something follows the object: %s", cut(string(line[d.InputOffset():]), 20))
	case errors.As(err, &syntax):
		return fmt.Errorf("this is no JSON at character %d: %v", syntax.Offset, err)
	case err != nil && strings.Contains(err.Error(), "unexpected EOF"):
		return errors.New("the object does not end: a bracket or a quote is missing")
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%q cannot be a %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("a line is an object in { }, and this is a %s", kind.Value)
	case err != nil && strings.HasPrefix(err.Error(), "json: unknown field "):
		return fmt.Errorf("there is no field %s here (--help lists them)", strings.TrimPrefix(err.Error(), "json: unknown field "))
	case err != nil:
		return errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "json: "), "sim: "))
	}
	return nil
}

func (s *scenario) head(h headLine) error {
	switch {
	case s.name != "":
		return errors.New("there is one of these in a file")
	case h.Name == "":
		return errors.New("it needs a name")
	case h.Duration <= 0:
		return errors.New(`it needs a duration, like "30s"`)
	}
	s.name, s.duration = h.Name, time.Duration(h.Duration)
	if h.Seed != nil {
		s.seed = *h.Seed
	}
	s.link = h.config(h.Latency)
	return nil
}

// usualLatency is that of a scenario that says nothing.
const usualLatency = 20 * time.Millisecond

func (p linkProperties) config(latency *simTime) sim.LinkConfig {
	c := sim.LinkConfig{Latency: usualLatency, Jitter: time.Duration(p.Jitter), Bandwidth: int64(p.Bandwidth), Loss: sim.PPM(p.Loss)}
	if latency != nil {
		c.Latency = time.Duration(*latency)
	}
	return c
}

func (s *scenario) readRegions(l regionsLine) error {
	var preset string
	if json.Unmarshal(l.Regions, &preset) == nil {
		if preset != "libp2p" {
			return fmt.Errorf("%q are no regions: there are \"libp2p\", or a list of your own", preset)
		}
		s.regions = sim.Regions8()
		return nil
	}
	var names []string
	if err := json.Unmarshal(l.Regions, &names); err != nil || len(names) == 0 {
		return errors.New("write a list of names")
	}
	table := make([][]time.Duration, len(l.Latencies))
	for i, row := range l.Latencies {
		for _, d := range row {
			table[i] = append(table[i], time.Duration(d))
		}
		if len(row) != len(names) {
			return fmt.Errorf("row %d of the latencies has %d of them, not %d", i+1, len(row), len(names))
		}
	}
	if len(table) != len(names) {
		return fmt.Errorf("%s need as many rows of latencies, and there are %d", count(len(names), "region"), len(table))
	}
	s.regions = sim.NewRegions(names, table)
	return nil
}

func (s *scenario) readChaos(l chaosLine) error {
	if l.Faults <= 0 {
		return errors.New("say how many faults there are")
	}
	for _, k := range l.Kinds {
		if !slices.Contains(sim.Kinds(), k) {
			return fmt.Errorf("there is no kind of fault %q", k)
		}
	}
	c := sim.Chaos{Faults: l.Faults, From: time.Duration(l.From), Until: time.Duration(l.Until), Longest: time.Duration(l.Longest), Kinds: l.Kinds, Hosts: l.Hosts}
	if c.Until == 0 {
		c.Until = s.duration
	}
	if c.Until <= c.From {
		return errors.New("until is not after from")
	}
	s.chaos = append(s.chaos, c)
	return nil
}
