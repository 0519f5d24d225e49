package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
)

func (p *program) simCommand() *cli.Command {
	return &cli.Command{
		Name:      "sim",
		Usage:     "play a whole network in virtual time",
		ArgsUsage: "[options] SCENARIO",
		Description: `SCENARIO is the name of one that is built in (--list), or a file. Its hosts are
real ones, every layer from the connection up; the network, the clock and what
goes wrong are simulated. One seed gives one run, event by event.

Examples:
  demo sim --list
  demo sim flood --html flood.html
  demo sim churn --seeds 20
  demo sim file --stop 5000 --tree
  demo sim --show file > mine.sim; demo sim mine.sim

` + simFormat + `

` + exitCodes,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "list the scenarios that are built in"},
			&cli.StringFlag{Name: "show", Usage: "print the file of the built-in scenario `NAME`"},
			&cli.Uint64Flag{Name: "seed", Usage: "play the seed `N`, not that of the scenario"},
			&cli.IntFlag{Name: "seeds", Value: 1, Usage: "play `N` seeds, one after another"},
			&cli.StringFlag{Name: "html", Usage: "write a page with pictures to `FILE`"},
			&cli.StringFlag{Name: "trace", Usage: "write all events to `FILE`: .jsonl, .txt, .json for ui.perfetto.dev, or else binary"},
			&cli.Uint64Flag{Name: "stop", Usage: "stop at the event `N` of the trace"},
			&cli.BoolFlag{Name: "tree", Usage: "print the actors of all hosts, at the end or where it stops"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			switch {
			case cmd.Bool("list"):
				return p.listScenarios()
			case cmd.String("show") != "":
				return p.showScenario(cmd.String("show"))
			}
			args, err := arguments(cmd, "SCENARIO")
			if err != nil {
				return err
			}
			g := simulating{
				name: args[0], seeds: cmd.Int("seeds"), html: cmd.String("html"), trace: cmd.String("trace"),
				stop: cmd.Uint64("stop"), tree: cmd.Bool("tree"),
			}
			if g.seeds < 1 {
				return &usageError{"fewer than one seed makes no sense"}
			}
			if g.seeds > 1 && (g.trace != "" || g.html != "" || g.stop > 0 || g.tree) {
				return &usageError{"--html, --trace, --stop and --tree are about one run: leave out --seeds, and say --seed N"}
			}
			s, err := loadScenario(g.name)
			if err != nil {
				return err
			}
			if cmd.IsSet("seed") {
				s.seed = cmd.Uint64("seed")
			}
			return p.simulate(ctx, s, g)
		},
	}
}

// simulating is what demo sim was asked for.
type simulating struct {
	name, html, trace string
	seeds             int
	stop              uint64
	tree              bool
}

func (p *program) listScenarios() error {
	for _, name := range scenarioNames() {
		s, err := loadScenario(name)
		if err != nil {
			return err
		}
		p.say("%s  %s", p.look(lookBold, pad(name, 6)), s.name)
		p.emit(map[string]any{"event": "scenario", "name": name, "title": s.name, "seconds": s.duration.Seconds()})
	}
	return nil
}

func (p *program) showScenario(name string) error {
	text, err := simScenarios.ReadFile("scenarios/" + name + ".sim")
	if err != nil {
		return &usageError{fmt.Sprintf("no scenario %s is built in: there are %s", quoted(name), strings.Join(scenarioNames(), ", "))}
	}
	p.say("%s", strings.TrimRight(string(text), "\n"))
	p.emit(map[string]any{"event": "scenario", "name": name, "file": string(text)})
	return nil
}

func (p *program) simulate(ctx context.Context, s *scenario, g simulating) error {
	if g.seeds > 1 {
		return p.explore(ctx, s, g)
	}
	stop := stopAt{}
	if g.stop > 0 {
		var err error
		if stop, err = p.find(ctx, s, g.stop); err != nil {
			return err
		}
	}
	r := &simRun{scenario: s, seed: s.seed}
	if g.trace != "" {
		r.record = &sim.Trace{}
	}
	var trees []treeNode
	var nodes []actor.Node
	r.tree = func() {
		if g.tree {
			nodes, trees = r.trees()
		}
	}
	if g.stop > 0 {
		r.watch = func(e sim.Event) error {
			if !stop.is(e) {
				return nil
			}
			r.look()
			r.tree()
			return errAtStop
		}
	}
	began := actor.Now(ctx)
	m := p.simMeter(ctx, s)
	r.moves = m.move
	result, err := r.play(ctx)
	m.end()
	report := r.report(result, err, actor.Now(ctx).Sub(began))
	report.Trees, report.Stopped = trees, stop.text
	if report.Ended == "stopped" {
		err = nil
	}
	p.show(report)
	for _, n := range nodes {
		p.say("")
		p.drawTree(n)
	}
	for _, file := range []struct {
		path, what string
		write      func(string) error
	}{
		{g.html, "pictures", func(path string) error { return writePage(path, report) }},
		{g.trace, "trace", func(path string) error { return r.record.WriteFile(path) }},
	} {
		if file.path == "" {
			continue
		}
		if problem := file.write(file.path); problem != nil {
			return errors.Join(err, &diskError{did: "write the " + file.what, path: file.path, err: problem})
		}
		p.say("%s", p.look(lookDim, file.what+": "+file.path))
	}
	p.emit(report)
	return simEnd(err)
}

// simEnd makes an error of how a run ended.
func simEnd(err error) error {
	switch {
	case errors.Is(err, errInterrupted):
		return &interruptedError{"the table shows how far it came"}
	case err != nil:
		return fmt.Errorf("the run failed: %w", err)
	}
	return nil
}

// trees are the actors of all hosts, for people and for programs.
func (r *simRun) trees() (nodes []actor.Node, all []treeNode) {
	if r.world.Self() == nil {
		return nil, nil // before the first step nothing runs
	}
	world := r.world.Tree()
	nodes = append(nodes, world.Children...)
	for _, n := range nodes {
		all = append(all, treeJSON(n))
	}
	return nodes, all
}

// stopAt is an event to stop at: the n-th one that reads the same.
type stopAt struct {
	event sim.Event
	n     int
	text  string
	seen  int
}

func (s *stopAt) is(e sim.Event) bool {
	if e == s.event {
		s.seen++
	}
	return e == s.event && s.seen == s.n
}

// find plays the scenario to its end to find out what the event with a number is:
// a trace is put in order when all has happened.
func (p *program) find(ctx context.Context, s *scenario, number uint64) (stop stopAt, err error) {
	r := &simRun{scenario: s, seed: s.seed, record: &sim.Trace{}}
	m := p.simMeter(ctx, s)
	r.moves = m.move
	_, err = r.play(ctx)
	m.end()
	if errors.Is(err, errInterrupted) {
		return stop, &interruptedError{"the event to stop at was not found yet"}
	}
	if number > uint64(r.record.Len()) {
		return stop, &usageError{fmt.Sprintf("there is no event %d: the run has %d", number, r.record.Len())}
	}
	var events []sim.Event
	c := r.record.Cursor()
	for uint64(len(events)) < number && c.Next() {
		events = append(events, c.Event())
	}
	stop.event = events[number-1]
	for _, e := range events {
		if e == stop.event {
			stop.n++
		}
	}
	stop.text = fmt.Sprintf("event %d: %v", number, stop.event)
	return stop, c.Err()
}

// explore plays several seeds.
func (p *program) explore(ctx context.Context, s *scenario, g simulating) error {
	type summary struct {
		Event  string   `json:"event"`
		Seeds  int      `json:"seeds"`
		Failed []uint64 `json:"failed"`
	}
	sum := summary{Event: "result", Failed: []uint64{}}
	p.say("%s", p.look(lookDim, seedHead))
	for seed := s.seed; sum.Seeds < g.seeds; seed++ {
		began := actor.Now(ctx)
		r := &simRun{scenario: s, seed: seed}
		result, err := r.play(ctx)
		if errors.Is(err, errInterrupted) {
			break
		}
		report := r.report(result, err, actor.Now(ctx).Sub(began))
		report.Event = "seed"
		sum.Seeds++
		if err != nil {
			sum.Failed = append(sum.Failed, seed)
		}
		p.say("%s", p.seedLine(report))
		report.Hosts, report.Connections, report.Faults = nil, nil, nil
		p.emit(report)
	}
	p.say("%s: %s failed", count(sum.Seeds, "seed"), orNone(len(sum.Failed)))
	p.emit(sum)
	switch {
	case ctx.Err() != nil:
		return &interruptedError{count(sum.Seeds, "seed") + " played"}
	case len(sum.Failed) > 0:
		return fmt.Errorf("%s of %d failed: look at one with `demo sim %s --seed %d --html FILE`", count(len(sum.Failed), "seed"), sum.Seeds, g.name, sum.Failed[0])
	}
	return nil
}

func orNone(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

func writePage(path string, report *simReport) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.page(file), file.Close())
}
