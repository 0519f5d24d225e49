package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// table prints all rows with their bars, and then what became of the bars.
func (r *Report) table(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s\n\n", r.what())
	for _, row := range r.Rows {
		row.print(w)
	}
	r.sum(w)
	return w.Flush()
}

// what is one line about the machine and the run.
func (r *Report) what() string {
	text := fmt.Sprintf("%s, %s, %s, kernel %s, %s; %d rounds, %v a measurement",
		r.Machine.CPU, count(r.Machine.Cores, "core"), r.Machine.System, r.Machine.Kernel, r.Machine.Go, r.Rounds, r.Time)
	if least, most, ok := r.load(); ok {
		text += fmt.Sprintf("; load average %.1f to %.1f", least, most)
	}
	if r.Interrupted != "" {
		text += "; INTERRUPTED " + r.Interrupted
	}
	return text
}

// load is the least and the largest load average.
func (r *Report) load() (least, most float64, ok bool) {
	var all []float64
	for _, row := range r.Rows {
		all = append(all, row.Load...)
	}
	if len(all) == 0 {
		return 0, 0, false
	}
	return slices.Min(all), slices.Max(all), true
}

// direction says what is better.
func (r Row) direction() string {
	if r.Smaller {
		return r.Figure + ", less is better"
	}
	return r.Figure + ", more is better"
}

func (r *RowReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\n", r.Name, r.direction())
	for _, who := range r.Who {
		fmt.Fprintf(w, "  %-28s", who)
		for i, figure := range r.figures() {
			values := r.values(who, figure)
			if len(values) == 0 {
				continue
			}
			if i > 0 {
				fmt.Fprintf(w, "; %s", figure)
			}
			fmt.Fprintf(w, " %8s", number(median(values)))
			if len(values) > 1 {
				fmt.Fprintf(w, "  [%s to %s]", number(slices.Min(values)), number(slices.Max(values)))
			}
		}
		failed, of := r.failures(who)
		switch {
		case of == 0:
			fmt.Fprint(w, "  not measured")
		case len(failed) > 0:
			fmt.Fprintf(w, "  FAILED in %d of %d rounds: %s", len(failed), of, failed[0].Error)
		}
		fmt.Fprintln(w)
	}
	for i, v := range r.Verdicts {
		b := r.Bars[i]
		fmt.Fprintf(w, "    %-6s %s: %s (%s)\n", v.State, b.Of+figureOf(b), v.text(b), b.text(r.Row))
	}
	fmt.Fprintln(w)
}

// figures are the row's figure and those that its bars are about.
func (r *RowReport) figures() []string {
	all := []string{r.Figure}
	for _, b := range r.Bars {
		if f := b.figure(r.Row); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

// figureOf is a bar's figure if it is not the row's.
func figureOf(b Bar) string {
	if b.Figure == "" || b.absolute() {
		return ""
	}
	return ", " + b.Figure
}

// sum prints the bars that are not met, and how many there are of each.
func (r *Report) sum(w io.Writer) {
	states := map[State]int{}
	for _, row := range r.Rows {
		for i, v := range row.Verdicts {
			states[v.State]++
			if v.State != Met {
				b := row.Bars[i]
				fmt.Fprintf(w, "%-6s %s: %s%s: %s (%s)\n", v.State, row.Name, b.Of, figureOf(b), v.text(b), b.text(row.Row))
			}
		}
	}
	fmt.Fprintf(w, "%s: %d met, %d missed, %d open; %s failed\n",
		count(states[Met]+states[Missed]+states[Open], "bar"), states[Met], states[Missed], states[Open], count(r.failed(), "measurement"))
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "list the rows, who takes part in each, and the bars",
		Action: func(context.Context, *cli.Command) error { return list(os.Stdout) },
	}
}

func list(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, r := range rows() {
		fmt.Fprintf(w, "%s (%s)\n    %s\n", r.Name, r.direction(), strings.Join(r.Who, ", "))
		for _, b := range r.Bars {
			fmt.Fprintf(w, "    bar: %s %s\n", b.Of+figureOf(b), b.text(r))
		}
	}
	return w.Flush()
}
