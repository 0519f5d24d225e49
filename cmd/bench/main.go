package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// The exit codes.
const (
	exitFailed      = 1   // a measurement failed, or a file could not be read or written
	exitUsage       = 2   // the command line is wrong
	exitInterrupted = 130 // Ctrl-C, as shells have it: 128 and the number of the signal
)

// What run ends with. The table has said it already.
var (
	errNotAll      = errors.New("not everything could be measured")
	errInterrupted = errors.New("interrupted")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(program(ctx, contenders(), os.Args))
}

// program is main without the process around it. It returns the exit code.
func program(ctx context.Context, all []peer.Contender, args []string) int {
	err := command(all).Run(ctx, args)
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		return exitFailed
	}
}

func command(all []peer.Contender) *cli.Command {
	root := &cli.Command{
		Name:           "bench",
		Usage:          "measure Troupe and its peers side by side",
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // program does it
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return usageError(fmt.Errorf("there is no command %q", c.Args().First()))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{runCommand(), listCommand(), plotCommand(), compareCommand(), serveCommand(all), driveCommand(all)},
	}
	for _, c := range append(root.Commands, root) {
		c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) }
	}
	return root
}

func usageError(err error) error {
	fmt.Fprintln(os.Stderr, "bench:", err)
	return cli.Exit("", exitUsage)
}

// arguments are the arguments of a command, if there are as many as names.
func arguments(c *cli.Command, names ...string) ([]string, error) {
	if c.Args().Len() != len(names) {
		return nil, usageError(fmt.Errorf("%s needs %d arguments, %v, and has %d", c.Name, len(names), names, c.Args().Len()))
	}
	return c.Args().Slice(), nil
}

func serveCommand(all []peer.Contender) *cli.Command {
	return &cli.Command{
		Name: "serve", Hidden: true, Flags: profileFlags(),
		Usage: "be the listening process of a contender (what run starts)", ArgsUsage: "CONTENDER",
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, "CONTENDER")
			if err != nil {
				return err
			}
			return process(c, all, args[0], func(who peer.Contender, see eye) error {
				return serve(ctx, who, see, os.Stdin, os.Stdout)
			})
		},
	}
}

func driveCommand(all []peer.Contender) *cli.Command {
	return &cli.Command{
		Name: "drive", Hidden: true, Flags: profileFlags(),
		Usage: "be the dialing process of a contender (what run starts)", ArgsUsage: "CONTENDER ADDRESS WORK",
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, "CONTENDER", "ADDRESS", "WORK")
			if err != nil {
				return err
			}
			var w Work
			if err := json.Unmarshal([]byte(args[2]), &w); err != nil {
				return usageError(err)
			}
			return process(c, all, args[0], func(who peer.Contender, see eye) error {
				return drive(ctx, who, args[1], w, see, os.Stdin, os.Stdout)
			})
		},
	}
}

// process is what serve and drive have in common. A Ctrl-C at the terminal is for
// run, which then ends its processes.
func process(c *cli.Command, all []peer.Contender, name string, do func(peer.Contender, eye) error) error {
	signal.Ignore(os.Interrupt)
	who, err := find(all, name)
	if err != nil {
		return usageError(err)
	}
	see, end, err := profilesOf(c).begin(c.Name)
	if err != nil {
		return err
	}
	if err := errors.Join(do(who, see), end()); err != nil {
		return errors.Join(errNotAll, err) // do has said it on standard output
	}
	return nil
}
