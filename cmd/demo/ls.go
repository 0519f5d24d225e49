package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
)

func (p *program) lsCommand() *cli.Command {
	return &cli.Command{
		Name:      "ls",
		Usage:     "list the files that a node shares",
		ArgsUsage: "[options] ADDR",
		Description: `ADDR is the node's address as it prints it, with /p2p/ID at its end.

Examples:
  demo ls /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…
  demo --json ls ADDR

` + exitCodes,
		Flags: []cli.Flag{keyFlag()},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			args, err := arguments(cmd, "ADDR")
			if err != nil {
				return err
			}
			return p.ls(ctx, args[0], cmd.String("key"))
		},
	}
}

func (p *program) ls(ctx context.Context, addr, key string) error {
	to, opts, done, err := p.dialer(addr, key)
	if err != nil {
		return err
	}
	defer done()
	return withHost(ctx, "ls", opts, func(self *actor.Self, h *host.Host) error {
		if err := h.Connect(self, to); err != nil {
			return stopped(self, err)
		}
		st, err := h.Open(self, to.ID, fileProtocol)
		if err != nil {
			return stopped(self, err)
		}
		files, left, err := askList(self, st.WithContext(self))
		if err != nil {
			return stopped(self, err)
		}
		p.listing(to.ID.String(), files, left)
		return nil
	})
}

// listing prints the list.
func (p *program) listing(id string, files []listed, left int64) {
	total := int64(0)
	for _, f := range files {
		total += f.Size
		p.say("%10s  %s", bytesText(f.Size), f.Name)
		p.emit(map[string]any{"event": "file", "name": f.Name, "size": f.Size})
	}
	p.emit(map[string]any{"event": "result", "files": len(files), "bytes": total, "left_out": left, "peer": id})
	text := "the node shares no files"
	if len(files) > 0 {
		text = fmt.Sprintf("%s, %s", count(len(files), "file"), bytesText(total))
	}
	if left > 0 {
		text += fmt.Sprintf("; %d or more are not listed", left)
	}
	p.say("%s", p.look(lookDim, text))
}

// stopped turns the error of something that was broken off by Ctrl-C into that.
func stopped(self *actor.Self, err error) error {
	if err != nil && self.Err() != nil {
		return &interruptedError{}
	}
	return err
}
