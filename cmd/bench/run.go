package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "measure everybody in turns, and print a table with the bars",
		Description: `Exit code 0: everything was measured, whether bars are met or not. 1: a measurement
failed; the table says which. 2: the command line is wrong. 130: interrupted; the
table and the files have what was measured until then.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "rows", Usage: "only rows whose names match `REGEXP` (see bench list)"},
			&cli.IntFlag{Name: "rounds", Value: 5, Usage: "measure everything `N` times"},
			&cli.DurationFlag{Name: "time", Value: time.Second, Usage: "how long one measurement is to take"},
			&cli.DurationFlag{Name: "limit", Value: 90 * time.Second, Usage: "how long one measurement may take until it has failed"},
			&cli.StringFlag{Name: "json", Usage: "write everything to `FILE`, after each round"},
			&cli.StringFlag{Name: "markdown", Usage: "write a page to `FILE`, with plots next to it"},
		}, profileFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			p := plan{rounds: c.Int("rounds"), time: c.Duration("time"), json: c.String("json"), markdown: c.String("markdown")}
			var err error
			if p.rows, err = rowsMatching(c.String("rows")); err != nil {
				return usageError(err)
			}
			if p.rounds < 1 || p.time <= 0 || c.Args().Present() {
				return usageError(errors.New("run takes no arguments, at least one round, and a time over 0"))
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "bench-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			r := &runner{self: self, limit: c.Duration("limit"), build: newBuilder(dir), profiles: profilesOf(c)}
			tell := progressOn(os.Stderr)
			r.build.prepare(ctx, p.rows, tell.building)
			return runAll(ctx, p, r.measure, os.Stdout, tell)
		},
	}
}

// plan is what to measure and where to write what came of it.
type plan struct {
	rows     []Row
	rounds   int
	time     time.Duration
	json     string // a file, or empty
	markdown string // a file, or empty
}

// measurer measures one contender at one work.
type measurer func(ctx context.Context, who string, w Work) (Figures, error)

// runAll measures all rows, and then all again: what disturbs the machine for a
// while disturbs one round of many rows, not all rounds of one. Within a row the
// contenders take turns at being the first.
//
// It prints the table and writes the files at the end, also when ctx has ended.
func runAll(ctx context.Context, p plan, measure measurer, out io.Writer, tell progress) error {
	rep := newReport(p.rows, p.rounds, p.time, time.Now())
	tell.begin(rep)
	var errs []error
	for round := 1; round <= p.rounds && ctx.Err() == nil; round++ {
		for _, row := range rep.Rows {
			if load, ok := loadNow(); ok {
				row.Load = append(row.Load, load)
			}
			who := slices.Concat(row.Who, row.Who)[(round-1)%len(row.Who):][:len(row.Who)]
			for _, name := range who {
				if ctx.Err() != nil {
					break
				}
				tell.measuring(round, row, name)
				w := row.Work
				w.Time = p.time
				f, err := measure(ctx, name, w)
				if ctx.Err() != nil {
					rep.Interrupted = fmt.Sprintf("in round %d of %d", round, p.rounds)
					break
				}
				s := Sample{Round: round, Figures: f}
				if err != nil {
					s = Sample{Round: round, Error: oneLine(err)}
				}
				row.add(name, s)
				tell.measured(round, row, name, s)
			}
		}
		rep.Ended = time.Now()
		if p.json != "" && round < p.rounds {
			errs = append(errs, rep.save(p.json))
		}
	}
	if ctx.Err() != nil && rep.Interrupted == "" {
		rep.Interrupted = "before the end"
	}
	tell.end()
	rep.judge()
	errs = append(errs, rep.table(out), rep.write(p))
	switch {
	case rep.Interrupted != "":
		errs = append(errs, errInterrupted)
	case rep.failed() > 0:
		errs = append(errs, errNotAll)
	}
	return firstOf(errs)
}

// firstOf joins errors. What is no news to the reader is left out if there is
// something else: then that must be said.
func firstOf(errs []error) error {
	news := slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		return err == nil || errors.Is(err, errNotAll) || errors.Is(err, errInterrupted)
	})
	if len(news) > 0 {
		return errors.Join(news...)
	}
	return errors.Join(errs...)
}

// oneLine is an error for a table.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines, "; ")
}

// write writes the files.
func (r *Report) write(p plan) error {
	var errs []error
	if p.json != "" {
		errs = append(errs, r.save(p.json))
	}
	if p.markdown != "" {
		errs = append(errs, r.page(p.markdown))
	}
	return errors.Join(errs...)
}

// rowsMatching are the rows whose names match; all of them without an expression.
func rowsMatching(expression string) ([]Row, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(rows(), func(r Row) bool { return !re.MatchString(r.Name) })
	if len(all) == 0 {
		return nil, fmt.Errorf("no row matches %q; bench list shows them", expression)
	}
	return all, nil
}
