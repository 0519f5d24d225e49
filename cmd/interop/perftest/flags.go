package perftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// The names of the flags (test-plans, perf/README.md); the last two are ours.
const (
	flagServer    = "run-server"
	flagAddress   = "server-address"
	flagTransport = "transport"
	flagUpload    = "upload-bytes"
	flagDownload  = "download-bytes"
	flagSecurity  = "security"
	flagMuxer     = "muxer"
)

// Command is the command "perf".
func Command() *cli.Command { return command(os.Getenv, os.Stdout, os.Stderr) }

func command(env func(string) string, stdout, stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "perf",
		Usage: "take part in libp2p's performance tests",
		Description: `With flags as a program of test-plans, and without any, by the environment, as
one of unified-testing. "go doc ./perftest" has the variables and the results.

   interop perf --run-server --server-address 0.0.0.0:4001
   interop perf --server-address 192.0.2.7:4001 --upload-bytes 1000000000`,
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error {
			return exit(stderr, err, exitUsage)
		},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: flagServer, Usage: "listen and serve"},
			&cli.StringFlag{Name: flagAddress, Usage: "where to listen or whom to dial, `HOST:PORT` or a multiaddr"},
			&cli.StringFlag{Name: flagTransport, Value: "tcp", Usage: "tcp"},
			&cli.Uint64Flag{Name: flagUpload, Usage: "how many `BYTES` to upload"},
			&cli.Uint64Flag{Name: flagDownload, Usage: "how many `BYTES` to download"},
			&cli.StringFlag{Name: flagSecurity, Value: "noise", Usage: "noise or tls"},
			&cli.StringFlag{Name: flagMuxer, Value: "yamux", Usage: "yamux or mplex"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			err := act(ctx, c, env, stdout, log.New(stderr, "perf: ", 0))
			var usage *usageError
			switch {
			case err == nil:
				return nil
			case errors.As(err, &usage):
				return exit(stderr, err, exitUsage)
			default:
				return exit(stderr, err, exitFailed)
			}
		},
	}
}

// exit says an error and turns it into an exit code.
func exit(stderr io.Writer, err error, code int) error {
	fmt.Fprintln(stderr, "perf:", err)
	return cli.Exit("", code)
}

func act(ctx context.Context, c *cli.Command, env func(string) string, stdout io.Writer, say *log.Logger) error {
	if c.Args().Present() {
		return wrong("perf", "takes no argument %q", c.Args().First())
	}
	if len(c.FlagNames()) == 0 {
		e, err := environment(env).settings()
		if err != nil {
			return err
		}
		return e.run(ctx, stdout, say)
	}
	f := flags{
		stack:   stack{c.String(flagTransport), c.String(flagSecurity), c.String(flagMuxer)},
		address: c.String(flagAddress), upload: c.Uint64(flagUpload), download: c.Uint64(flagDownload),
	}
	if err := f.check(stack{"--" + flagTransport, "--" + flagSecurity, "--" + flagMuxer}); err != nil {
		return err
	}
	if c.Bool(flagServer) {
		return f.listen(ctx, stdout)
	}
	return f.dial(ctx, stdout, say)
}

// flags are what the command line asks for.
type flags struct {
	stack
	address          string
	upload, download uint64
}

// listen serves until ctx ends. It prints where others reach it.
func (f flags) listen(ctx context.Context, stdout io.Writer) error {
	at, err := multiaddr("--"+flagAddress, f.address)
	if err != nil {
		return err
	}
	key, err := knownKey()
	if err != nil {
		return err
	}
	h, err := f.serve(context.WithoutCancel(ctx), at.String(), host.Key(key))
	if err != nil {
		return err
	}
	for _, a := range h.Multiaddrs() {
		if _, err := fmt.Fprintln(stdout, a); err != nil {
			return errors.Join(err, h.Close())
		}
	}
	return untilTold(ctx, h)
}

// A line is what the dialer prints (test-plans, perf/README.md).
type line struct {
	Type          string  `json:"type"`
	TimeSeconds   float64 `json:"timeSeconds"`
	UploadBytes   uint64  `json:"uploadBytes"`
	DownloadBytes uint64  `json:"downloadBytes"`
}

// The types of a line.
const (
	intermediary = "intermediary" // of the time since the line before
	final        = "final"        // of everything
)

// dial measures once.
func (f flags) dial(ctx context.Context, stdout io.Writer, say *log.Logger) (err error) {
	to, stranger, err := f.target()
	if err != nil {
		return err
	}
	h, err := f.start(context.WithoutCancel(ctx), host.NoListen())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	began := time.Now()
	err = h.Connect(ctx, to)
	var other *peer.MismatchError
	if stranger && errors.As(err, &other) {
		say.Printf("the listener is %s", other.Got)
		to.ID, began = other.Got, time.Now()
		err = h.Connect(ctx, to)
	}
	if err != nil {
		return err
	}
	print := json.NewEncoder(stdout)
	var unprinted error
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, err = perf.Measure(ctx, h.Swarm(), to.ID, f.upload, f.download, func(p perf.Progress) {
		if unprinted = print.Encode(line{intermediary, p.Took.Seconds(), p.Uploaded, p.Downloaded}); unprinted != nil {
			cancel(unprinted) // nobody reads the results any more
		}
	})
	if err != nil {
		return err
	}
	return print.Encode(line{final, time.Since(began).Seconds(), f.upload, f.download})
}

// target is who is to be dialed; stranger says that it may be somebody else.
func (f flags) target() (to peer.Info, stranger bool, err error) {
	addr, err := multiaddr("--"+flagAddress, f.address)
	if err != nil {
		return peer.Info{}, false, err
	}
	if rest, id := peer.SplitAddr(addr); id != "" {
		to.ID, addr = id, rest
	} else {
		key, err := knownKey()
		if err != nil {
			return peer.Info{}, false, err
		}
		to.ID, stranger = key.Public().ID(), true
	}
	to.Addrs = append(to.Addrs, addr)
	return to, stranger, nil
}
