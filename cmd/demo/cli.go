package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"
)

// program is one run of the command: what it prints to, and where it finds
// things.
type program struct {
	*console
	env func(string) string
}

// run runs the command line args, of which the first is the program's name, and
// returns the exit code. It ends early, in order, when ctx does.
func run(ctx context.Context, args []string, out, errOut io.Writer, env func(string) string) int {
	p := &program{console: newConsole(out, errOut, env), env: env}
	err := p.command().Run(ctx, args)
	p.report(err)
	return exitOf(err)
}

// report prints an error, once.
func (p *program) report(err error) {
	if err == nil {
		return
	}
	if p.json {
		p.emit(map[string]any{"event": "error", "message": sentence(err), "exit": exitOf(err)})
		return
	}
	name, look := "error:", lookRed
	if exitOf(err) == exitInterrupted {
		p.warn("%s", paint(p.errColor, lookYellow, sentence(err)))
		return
	}
	p.warn("%s %s", paint(p.errColor, look, name), sentence(err))
	var usage *usageError
	if errors.As(err, &usage) {
		p.warn("%s", paint(p.errColor, lookDim, "demo COMMAND --help explains, with examples"))
	}
}

// command is the whole command line.
func (p *program) command() *cli.Command {
	root := &cli.Command{
		Name:  "demo",
		Usage: "two libp2p hosts talk, and files go from node to node",
		Description: `Without a command it tells a story, on this machine alone: two hosts, one
real TCP connection between them, and over it a steak recipe and two songs at
the same time. Then it shows who talked to whom, and the actors that did it.

The commands are a small node and its tools. Try them in two terminals:

  demo node --share .     serve the files of this folder; prints addresses
  demo ls ADDR            in the other terminal: list them
  demo get NAME ADDR      get one; break it off with Ctrl-C; get it again

` + exitCodes,
		HideVersion:     true,
		HideHelpCommand: true,
		Writer:          p.out,
		ErrWriter:       io.Discard, // errors are reported once, by report
		ExitErrHandler:  func(context.Context, *cli.Command, error) {},
		OnUsageError:    usage,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON for programs: one object a line, the last one is the result or the error", Destination: &p.json},
			&cli.StringFlag{Name: "keep", Usage: "save the two songs in the folder `DIR`, to listen to them", Local: true},
		},
		Action: p.storyAction,
		Commands: []*cli.Command{
			p.nodeCommand(), p.pingCommand(), p.lsCommand(), p.getCommand(), p.sendCommand(), p.limitsCommand(), p.idCommand(), p.simCommand(),
		},
	}
	for _, c := range root.Commands {
		c.OnUsageError = usage
		c.CustomHelpTemplate = helpText(c, root.Flags[0])
	}
	root.CustomRootCommandHelpTemplate = rootHelp(root)
	return root
}

// usage turns an error of the command line library into ours.
func usage(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	text, _, _ := strings.Cut(err.Error(), ": strconv.") // whose function it was is no help
	return &usageError{cmd.FullName() + ": " + text}
}

// arguments returns the arguments of a command, which must be exactly those
// named.
func arguments(cmd *cli.Command, names ...string) ([]string, error) {
	got := cmd.Args().Slice()
	switch {
	case len(got) < len(names):
		return nil, &usageError{fmt.Sprintf("%s needs %s, and got %s", cmd.FullName(), strings.Join(names, " and "), orNothing(got))}
	case len(got) > len(names):
		return nil, &usageError{fmt.Sprintf("%s does not know what to do with %s", cmd.FullName(), quoted(got[len(names)]))}
	}
	return got, nil
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return "only " + quoted(strings.Join(words, " "))
}

// unknown is the error of a first word that is no command.
func unknown(root *cli.Command, word string) error {
	names := make([]string, len(root.Commands))
	for i, c := range root.Commands {
		names[i] = c.Name
	}
	return &usageError{fmt.Sprintf("demo has no command %s; it has %s", quoted(word), strings.Join(names, ", "))}
}
