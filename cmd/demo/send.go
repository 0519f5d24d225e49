package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func (p *program) sendCommand() *cli.Command {
	return &cli.Command{
		Name:      "send",
		Usage:     "send a file to a node",
		ArgsUsage: "[options] FILE ADDR",
		Description: `The node must have been started with --share DIR --allow-receive; the file
goes into that folder under its own name and never replaces another. The node
keeps what has come when the connection breaks, and send goes on from there,
by itself or when it is run again. It is done when the node has the whole file
on its disk and its SHA-256 is that of FILE.

Examples:
  demo send song.wav /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…
  demo send draft.txt ADDR --as final.txt

` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "the `NAME` that it gets there; without it, that of FILE"},
			retriesFlag(), keyFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			args, err := arguments(cmd, "FILE", "ADDR")
			if err != nil {
				return err
			}
			return p.send(ctx, putting{file: args[0], addr: args[1], name: cmd.String("as"), retries: cmd.Int("retries"), key: cmd.String("key")})
		},
	}
}

// putting is what send was asked for.
type putting struct {
	file, addr, name string
	retries          int
	key              string
}

func (p *program) send(ctx context.Context, s putting) error {
	to, opts, done, err := p.dialer(s.addr, s.key)
	if err != nil {
		return err
	}
	defer done()
	if s.name == "" {
		s.name = filepath.Base(s.file)
	}
	if err := checkReceived(s.name); err != nil {
		return &usageError{err.Error() + " (--as gives it another one)"}
	}
	from, err := openLocal(s.file)
	if err != nil {
		return err
	}
	from.close()
	return withHost(ctx, "send", opts, func(self *actor.Self, h *host.Host) error { return p.bring(self, h, to, s) })
}

// bring is the work of send.
func (p *program) bring(self *actor.Self, h *host.Host, to peer.Info, s putting) error {
	meter, began := newMeter(self, p.console, s.name), self.Now()
	a := attempts{console: p.console, h: h, to: to, retries: s.retries, name: s.name, verb: "take"}
	a.kept = func() string { return "the node keeps what it has got; the same command goes on from there" }
	a.once = func(self *actor.Self) (outcome, error) {
		lost := outcome{end: endLost, from: -1}
		from, err := openLocal(s.file)
		if err != nil {
			return outcome{}, err
		}
		defer from.close()
		st, err := h.Open(self, to.ID, fileProtocol)
		if err != nil {
			lost.cause = err
			return lost, err
		}
		st = st.WithContext(self)
		t := sending{talk: talk{s: st}, from: from, name: s.name, news: p.news(meter)}
		out := t.run(self, nil)
		meter.end(out.end == endComplete)
		farewell(self, st, out.end)
		return out, nil
	}
	out, moved, err := a.run(self)
	if err != nil {
		return err
	}
	p.transferred(transferResult{
		Name: s.name, File: s.file, Size: out.size, SHA256: out.sum.String(), From: out.from, Moved: moved,
		Peer: to.ID.String(),
	}, self.Now().Sub(began), "the node has it on its disk")
	return nil
}

// openLocal opens a file of this machine to be sent.
func openLocal(path string) (*source, error) {
	// Looked at first, because opening a named pipe would wait.
	info, err := os.Stat(path)
	if err != nil {
		return nil, &diskError{did: "read", path: path, err: err}
	}
	if !info.Mode().IsRegular() {
		return nil, &usageError{path + " is not a regular file: send takes one file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &diskError{did: "read", path: path, err: err}
	}
	return openSource(path, f)
}
