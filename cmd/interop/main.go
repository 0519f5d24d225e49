package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/cmd/interop/perftest"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The exit codes.
const (
	exitFailed      = 1   // a check failed or was not run, or a peer could not be started
	exitUsage       = 2   // the command line is wrong
	exitInterrupted = 130 // Ctrl-C, as shells have it: 128 and the number of the signal
)

// What run ends with. The report has said it already.
var (
	errNotAll      = errors.New("not everything was run and did what it can")
	errInterrupted = errors.New("interrupted")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
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
	case errors.Is(err, errInterrupted):
		return exitInterrupted
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
		Commands: []*cli.Command{runCommand(), listCommand(), installCommand(), peerCommand(start), recordCommand(start), perftest.Command()},
	}
}

func usageError(err error) error {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return cli.Exit("", exitUsage)
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
			fmt.Fprintf(w, "%s\t%s\n", cleanEnd, cleanEndShows)
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
