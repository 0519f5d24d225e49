package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// limits is the hand-written part of the page: where a bar is missed, and what
// limits it.
//
//go:embed limits.md
var limits string

func plotCommand() *cli.Command {
	return &cli.Command{
		Name: "plot", Usage: "make the page and the plots again from a file that run has written", ArgsUsage: "FILE.json",
		Flags: []cli.Flag{&cli.StringFlag{Name: "markdown", Required: true, Usage: "write the page to `FILE`, with plots next to it"}},
		Action: func(_ context.Context, c *cli.Command) error {
			args, err := arguments(c, "FILE.json")
			if err != nil {
				return err
			}
			r, err := load(args[0])
			if err != nil {
				return err
			}
			return r.page(c.String("markdown"))
		},
	}
}

// page writes the page and the plots. The plots' names begin with the page's.
func (r *Report) page(file string) error {
	stem := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	var drawn []picture
	var errs []error
	for _, p := range pictures() {
		ok, err := p.draw(r, filepath.Join(filepath.Dir(file), stem+"-"+p.name+".svg"))
		errs = append(errs, err)
		if ok {
			drawn = append(drawn, p)
		}
	}
	return errors.Join(append(errs, os.WriteFile(file, []byte(r.markdown(stem, drawn)), 0o644))...)
}

// markdown is the text of the page.
func (r *Report) markdown(stem string, drawn []picture) string {
	var b strings.Builder
	b.WriteString(`# Performance

<!-- Made by cmd/bench. Do not edit: the figures come from "bench run", the last section from cmd/bench/limits.md. -->

Troupe and its peers, measured side by side on one machine: for each row the contenders
take turns, round after round, a listening and a dialing process each, over loopback TCP.
` + "`cmd/bench/doc.go`" + ` says what each one is configured with, and why. To measure again:

` + "```" + `
cd cmd/bench && go run . run --json bench.json --markdown ../../docs/performance.md
` + "```" + `

`)
	r.writeMachine(&b)
	r.writeBars(&b)
	fmt.Fprint(&b, "## Plots\n\nA point or a bar is the median of the rounds; the thin line through a point goes from the smallest to the largest.\n\n")
	for _, p := range drawn {
		fmt.Fprintf(&b, "![%s](%s-%s.svg)\n\n", p.title, stem, p.name)
	}
	r.writeRows(&b)
	b.WriteString(strings.TrimSpace(limits) + "\n")
	return b.String()
}

func (r *Report) writeMachine(b *strings.Builder) {
	fmt.Fprintf(b, "## The machine\n\n| | |\n|---|---|\n")
	line := func(what, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", what, escape(value))
		}
	}
	line("processor", r.Machine.CPU)
	line("cores", fmt.Sprint(r.Machine.Cores))
	line("system", r.Machine.System)
	line("kernel", r.Machine.Kernel)
	line("Go", r.Machine.Go)
	for _, v := range r.Versions {
		line(v.Module, v.Version)
	}
	line("measured", fmt.Sprintf("%s, %d rounds, %v a measurement", r.Began.UTC().Format("2006-01-02"), r.Rounds, r.Time))
	if least, most, ok := r.load(); ok {
		line("load average when a row began", fmt.Sprintf("%.1f to %.1f", least, most))
	}
	line("interrupted", r.Interrupted)
	fmt.Fprint(b, `
Such machines are noisy: others work on them too, and the load average counts the bench
itself. Compare figures of one run only, best as the quotients below; the range of the
rounds says how far a figure can be trusted.

`)
}

// escape is text for a cell of a table.
func escape(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func (r *Report) writeBars(b *strings.Builder) {
	fmt.Fprint(b, "## Bars\n\nWhat Troupe aims at, as a quotient of medians or a figure of its own.\n\n")
	fmt.Fprint(b, "| row | of | bar | is | |\n|---|---|---|---|---|\n")
	states := map[State]int{}
	for _, row := range r.Rows {
		for i, v := range row.Verdicts {
			bar := row.Bars[i]
			states[v.State]++
			state := string(v.State)
			if v.State != Met {
				state = "**" + state + "**"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", escape(row.Name), bar.Of+figureOf(bar), escape(bar.text(row.Row)), escape(v.text(bar)), state)
		}
	}
	fmt.Fprintf(b, "\n%d met, %d missed, %d open (somebody else's figure is missing).\n\n", states[Met], states[Missed], states[Open])
}

func (r *Report) writeRows(b *strings.Builder) {
	fmt.Fprint(b, "## All rows\n\n| row | who | figure | median | rounds: smallest to largest |\n|---|---|---|--:|---|\n")
	for _, row := range r.Rows {
		for _, who := range row.Who {
			for _, figure := range row.figures() {
				values := row.values(who, figure)
				if len(values) == 0 {
					continue
				}
				fmt.Fprintf(b, "| %s | %s | %s | %s | %s to %s |\n", escape(row.Name), who, figure,
					number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
			}
			if failed, of := row.failures(who); len(failed) > 0 {
				fmt.Fprintf(b, "| %s | %s | **failed** in %d of %d rounds | | %s |\n", escape(row.Name), who, len(failed), of, escape(failed[0].Error))
			}
		}
	}
	b.WriteString("\n")
}
