package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run the matrix and print a table",
		Description: `Exit code 0: everything was run, and passed, or cannot be done by the other side and
is known to be so. 1: something failed or was not run. 2: the command line is wrong.
130: interrupted; the table and the files have what was done until then.`,
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "peer", Value: usualPeers(), Usage: "let Troupe and this `IMPLEMENTATION` talk, either dialing"},
			&cli.StringSliceFlag{Name: "pair", Usage: "only these `DIALER:LISTENER`, instead of --peer"},
			&cli.StringSliceFlag{Name: "security", Value: usualSecurities(), Usage: "noise, noise-early (the muxer is agreed in the handshake), plaintext or tls"},
			&cli.StringSliceFlag{Name: "muxer", Value: usualMuxers(), Usage: "mplex or yamux"},
			&cli.StringSliceFlag{Name: "check", Usage: "only this check (see interop list)"},
			&cli.StringSliceFlag{Name: "optional", Usage: "accept that this `IMPLEMENTATION` cannot be installed here"},
			&cli.StringFlag{Name: "json", Usage: "write the results to `FILE`"},
			&cli.StringFlag{Name: "markdown", Usage: "write a page with the results to `FILE`"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "a line for each check, and what the peers write to their standard errors"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			p := plan{
				optional: c.StringSlice("optional"),
				json:     c.String("json"),
				markdown: c.String("markdown"),
				install:  installPeer,
			}
			var err error
			if p.cells, err = cellsFor(c.StringSlice("peer"), c.StringSlice("pair"), c.StringSlice("security"), c.StringSlice("muxer")); err != nil {
				return usageError(err)
			}
			if p.checks, err = checksOf(c.StringSlice("check")); err != nil {
				return usageError(err)
			}
			m := matrix{limits: usualLimits(), known: knownLimits()}
			tell := progressOn(os.Stderr, c.Bool("verbose"))
			if c.Bool("verbose") {
				m.log = os.Stderr
			}
			return runAll(ctx, m, p, os.Stdout, tell)
		},
	}
}

// plan is what to run and where to write what came of it.
type plan struct {
	cells    []Cell
	checks   []talk.Check
	optional []string // implementations that need not be on this machine
	json     string   // a file, or empty
	markdown string   // a file, or empty
	// install puts an implementation on this machine, if that is not done yet and
	// it needs that. It may be nil.
	install func(ctx context.Context, impl string, log io.Writer) error
}

// runAll runs the cells, and prints the table and writes the files at the end,
// also when ctx has ended. It returns errNotAll unless everything is as it should
// be, and errInterrupted if ctx has ended.
func runAll(ctx context.Context, m matrix, p plan, out io.Writer, tell progress) error {
	rep := newReport(time.Now(), m.known)
	m.absent = map[string]error{}
	tell.begin(len(p.cells))
	for _, cell := range p.cells {
		for _, impl := range []string{cell.Dialer, cell.Listener} {
			prepareOnce(ctx, m.absent, p.install, impl, tell)
		}
		if ctx.Err() != nil {
			rep.Interrupted = fmt.Sprintf("after %d of %d cells", len(rep.Cells), len(p.cells))
			break
		}
		done := m.run(ctx, cell, p.checks, tell)
		tell.cell(done)
		if done.Missing != "" && m.absent[done.Missing] == nil {
			m.absent[done.Missing] = done.hopeless
		}
		rep.add(done)
	}
	if ctx.Err() != nil && rep.Interrupted == "" {
		rep.Interrupted = fmt.Sprintf("in the last of %d cells", len(p.cells))
	}
	tell.end()
	rep.finish(time.Now())
	return errors.Join(rep.table(out, isTerminal(out)), rep.write(p), rep.verdict(p.optional))
}

// prepareOnce installs an implementation, and notes in absent if that cannot be
// done. Any other error shows when a peer starts.
func prepareOnce(ctx context.Context, absent map[string]error, install func(context.Context, string, io.Writer) error,
	impl string, tell progress) {
	if _, known := absent[impl]; known || install == nil {
		return
	}
	absent[impl] = nil
	err := install(ctx, impl, tell.notes())
	if errors.Is(err, talk.ErrNotInstalled) && ctx.Err() == nil {
		absent[impl] = fmt.Errorf("%w: %w", errAbsent, err)
	}
}

// write writes the files.
func (r *Report) write(p plan) error {
	var errs []error
	if p.json != "" {
		errs = append(errs, r.save(p.json))
	}
	if p.markdown != "" {
		errs = append(errs, os.WriteFile(p.markdown, []byte(r.page()), 0o644))
	}
	return errors.Join(errs...)
}

// cellsFor are the cells of the columns of the peers, one column after the other,
// or of the pairs if there are some.
func cellsFor(peers, pairs, securities, muxers []string) ([]Cell, error) {
	if len(pairs) > 0 {
		return cellsOf(securities, muxers, pairs)
	}
	var cells []Cell
	for _, peer := range peers {
		if !slices.Contains(usualPeers(), peer) {
			return nil, fmt.Errorf("there is no implementation %q to talk to; there are %s", peer, strings.Join(usualPeers(), ", "))
		}
		column, err := cellsOf(securities, muxers, []string{implTroupe + ":" + peer, peer + ":" + implTroupe})
		if err != nil {
			return nil, err
		}
		cells = append(cells, column...)
	}
	if len(cells) == 0 {
		return nil, errors.New("there is nothing to run")
	}
	return cells, nil
}

// cellsOf is every security with every muxer with every pair.
func cellsOf(securities, muxers, pairs []string) ([]Cell, error) {
	var cells []Cell
	for _, security := range securities {
		for _, muxer := range muxers {
			for _, pair := range pairs {
				dialer, listener, found := strings.Cut(pair, ":")
				if !found || dialer == "" || listener == "" {
					return nil, fmt.Errorf("a pair is DIALER:LISTENER, not %q", pair)
				}
				cells = append(cells, Cell{security, muxer, dialer, listener})
			}
		}
	}
	if len(cells) == 0 {
		return nil, errors.New("there is nothing to run")
	}
	return cells, nil
}

// checksOf finds checks by their labels. None means all.
func checksOf(labels []string) ([]talk.Check, error) {
	all := talk.Checks()
	if len(labels) == 0 {
		return all, nil
	}
	var some []talk.Check
	for _, label := range labels {
		i := slices.IndexFunc(all, func(c talk.Check) bool { return c.Label() == label })
		if i < 0 {
			return nil, fmt.Errorf("there is no check %q; interop list shows them", label)
		}
		some = append(some, all[i])
	}
	return some, nil
}
