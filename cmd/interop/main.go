package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The exit codes.
const (
	exitFailed = 1 // a check failed or was not run, or a peer could not be started
	exitUsage  = 2 // the command line is wrong
)

// errNotAll says that not every check passed. The report has said it already.
var errNotAll = errors.New("not every check passed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(program(ctx, startPeer, os.Args))
}

// program is main without the process around it. It returns the exit code.
func program(ctx context.Context, start starter, args []string) int {
	err := command(start).Run(ctx, args)
	var code cli.ExitCoder
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code.ExitCode()
	case errors.Is(err, errNotAll):
		return exitFailed
	default:
		fmt.Fprintln(os.Stderr, "interop:", err)
		return exitFailed
	}
}

func command(start starter) *cli.Command {
	return &cli.Command{
		Name:           "interop",
		Usage:          "let libp2p implementations talk to each other",
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // program does it
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error {
			return usageError(err)
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return usageError(fmt.Errorf("there is no command %q", c.Args().First()))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{runCommand(), listCommand(), peerCommand(start), recordCommand(start)},
	}
}

func usageError(err error) error {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return cli.Exit("", exitUsage)
}

func runCommand() *cli.Command {
	return &cli.Command{
		Name:         "run",
		Usage:        "run the matrix and print a table",
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "security", Value: usualSecurities(), Usage: "noise, noise-early (the muxer is agreed in the handshake), plaintext or tls"},
			&cli.StringSliceFlag{Name: "muxer", Value: usualMuxers(), Usage: "mplex or yamux"},
			&cli.StringSliceFlag{Name: "pair", Value: usualPairs(), Usage: "`DIALER:LISTENER`"},
			&cli.StringSliceFlag{Name: "check", Usage: "only this check (see interop list)"},
			&cli.StringFlag{Name: "json", Usage: "write the results to `FILE`"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "show what the peers write to their standard errors"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			cells, err := cellsOf(c.StringSlice("security"), c.StringSlice("muxer"), c.StringSlice("pair"))
			if err != nil {
				return usageError(err)
			}
			checks, err := checksOf(c.StringSlice("check"))
			if err != nil {
				return usageError(err)
			}
			m := matrix{limits: usualLimits()}
			if c.Bool("verbose") {
				m.log = os.Stderr
			}
			return runAll(ctx, m, cells, checks, c.String("json"), os.Stdout, os.Stderr)
		},
	}
}

// runAll runs the cells, telling each result on progress as it comes, and then
// prints the table. It returns errNotAll unless every check passed.
func runAll(ctx context.Context, m matrix, cells []Cell, checks []talk.Check, file string, out, progress io.Writer) error {
	rep := newReport(time.Now())
	for _, cell := range cells {
		results := make([]Result, 0, len(checks))
		m.run(ctx, cell, checks, func(r Result) {
			results = append(results, r)
			fmt.Fprintln(progress, resultLine(cell, r))
		})
		rep.add(cell, results)
	}
	if err := rep.table(out); err != nil {
		return err
	}
	if file != "" {
		if err := rep.save(file); err != nil {
			return err
		}
	}
	if !rep.allPassed() {
		return errNotAll
	}
	return nil
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

func listCommand() *cli.Command {
	return &cli.Command{
		Name:         "list",
		Usage:        "list the checks and what each shows",
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Action: func(context.Context, *cli.Command) error {
			w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
			for _, c := range talk.Checks() {
				fmt.Fprintf(w, "%s\t%s\n", c.Label(), c.Shows)
			}
			fmt.Fprintf(w, "%s\tat the end of each cell both peers stop by themselves, without an error\n", cleanEnd)
			return w.Flush()
		},
	}
}

func peerCommand(start starter) *cli.Command {
	return &cli.Command{
		Name:  "peer",
		Usage: "be one peer, driven by JSON lines on standard input",
		Description: `The first line on standard output says who and where the peer is. Then each line
on standard input is a command and is answered by a line:

   {"do":"connect","addr":"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW..."}
   {"do":"check","name":"ping"}
   {"do":"check","name":"echo","size":1000000}
   {"do":"quit"}`,
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "impl", Value: implGo, Usage: "the implementation"},
			&cli.StringFlag{Name: "security", Value: "noise", Usage: "noise, noise-early, plaintext or tls"},
			&cli.StringFlag{Name: "muxer", Value: "mplex", Usage: "mplex or yamux"},
			&cli.DurationFlag{Name: "grace", Value: usualLimits().grace, Usage: "how long a check may run past its limit"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			want := ready{Impl: c.String("impl"), Security: c.String("security"), Muxer: c.String("muxer")}
			return servePeer(ctx, start, want, c.Duration("grace"), os.Stdin, os.Stdout)
		},
	}
}
