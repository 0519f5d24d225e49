package main

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/host"
)

func (p *program) limitsCommand() *cli.Command {
	return &cli.Command{
		Name:      "limits",
		Usage:     "print what others can make a host hold",
		ArgsUsage: "[options]",
		Description: `All limits of a host follow from its budget of memory and descriptors. This
prints them, and what they come to when all places are taken: no more than the
budget. --set takes a name of the table; the others make room for it.

Examples:
  demo limits
  demo limits --memory 64MiB --descriptors 1024
  demo limits --memory 1GiB --set connections=2000 --set book-peers=500

` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "memory", Usage: "`BYTES` of memory; without it, half of what the machine has"},
			&cli.IntFlag{Name: "descriptors", Usage: "the `NUMBER` of sockets and files; without it, 3/4 of what the system allows", HideDefault: true},
			&cli.StringSliceFlag{Name: "set", Usage: "set a limit: `NAME=NUMBER`; can be given several times"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if _, err := arguments(cmd); err != nil {
				return err
			}
			budget := host.DefaultBudget()
			if cmd.IsSet("memory") {
				memory, err := parseBytes(cmd.String("memory"))
				if err != nil {
					return err
				}
				budget.Memory = memory
			}
			if cmd.IsSet("descriptors") {
				budget.Descriptors = cmd.Int("descriptors")
			}
			set, err := parseLimits(cmd.StringSlice("set"))
			if err != nil {
				return err
			}
			return p.limits(budget, set)
		},
	}
}

// parseLimits reads what --set was given.
func parseLimits(texts []string) (map[string]int, error) {
	set := make(map[string]int)
	for _, text := range texts {
		name, value, found := cutLast(text, '=')
		n, err := parseBytes(value)
		if !found || err != nil || n > math.MaxInt {
			return nil, &usageError{fmt.Sprintf("%s sets no limit: write it like connections=500 or send-buffer=32KiB", quoted(text))}
		}
		set[name] = int(n)
	}
	return set, nil
}

// cutLast cuts a text at the last of the given characters.
func cutLast(text string, at byte) (before, after string, found bool) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == at {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// limits prints the table.
func (p *program) limits(budget host.Budget, set map[string]int) error {
	plan, err := budget.Derive(set)
	if err != nil {
		return &usageError{err.Error()}
	}
	limits := make([]map[string]any, len(plan.Limits))
	p.say("%s", p.look(lookBold, "limit"))
	for i, l := range plan.Limits {
		value, note := strconv.Itoa(l.Value), ""
		if l.Bytes {
			value = binaryText(int64(l.Value))
		}
		if l.Set {
			note = " (set)"
		}
		for at, line := range wrap(l.What+note, helpWidth-42) {
			if at == 0 {
				p.say("%-29s %10s  %s", l.Name, value, p.look(lookDim, line))
				continue
			}
			p.say("%-29s %10s  %s", "", "", p.look(lookDim, line))
		}
		limits[i] = map[string]any{"name": l.Name, "value": l.Value, "set": l.Set, "bytes": l.Bytes, "what": l.What}
	}
	p.say("")
	p.say("%s", p.look(lookBold, fmt.Sprintf("%-28s %9s %12s %10s %11s", "when all places are taken", "of them", "memory", "goroutines", "descriptors")))
	costs := make([]map[string]any, len(plan.Costs))
	row := func(c host.PlanCost, n string) map[string]any {
		p.say("%-28s %9s %12s %10d %11d", c.What, n, binaryText(c.Memory), c.Goroutines, c.Descriptors)
		return map[string]any{"what": c.What, "n": c.N, "memory": c.Memory, "goroutines": c.Goroutines, "descriptors": c.Descriptors}
	}
	for i, c := range plan.Costs {
		costs[i] = row(c, strconv.Itoa(c.N))
	}
	worst := plan.Worst
	worst.What = "together"
	total := row(worst, "")
	p.say("%-28s %9s %12s %10s %11d", "the budget", "", binaryText(budget.Memory), "", budget.Descriptors)
	p.emit(map[string]any{"event": "result", "memory": budget.Memory, "descriptors": budget.Descriptors,
		"limits": limits, "costs": costs, "worst": total})
	return nil
}

// binaryText is a number of bytes in powers of 1024: "64.0 MiB".
func binaryText(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
