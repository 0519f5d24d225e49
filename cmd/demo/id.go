package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

func (p *program) idCommand() *cli.Command {
	return &cli.Command{
		Name:      "id",
		Usage:     "print the peer ID of your node",
		ArgsUsage: "[options]",
		Description: `The ID belongs to the key in the key file. node makes that file when it is
missing; id does so with --create only. Only you may read it (mode 0600):
whoever has it can be you.

Examples:
  demo id
  demo id --create --key ./alice.key

` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "key", Usage: "the key `FILE`; without it, troupe/key among your settings"},
			&cli.BoolFlag{Name: "create", Usage: "make the key file if it is missing"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if _, err := arguments(cmd); err != nil {
				return err
			}
			return p.id(cmd.String("key"), cmd.Bool("create"))
		},
	}
}

func (p *program) id(path string, create bool) (err error) {
	if path == "" {
		if path, err = defaultKeyFile(); err != nil {
			return err
		}
	}
	key, made, err := loadKey(path, create)
	if err != nil {
		return err
	}
	id := key.Public().ID()
	p.emit(map[string]any{"event": "result", "id": id.String(), "cid": id.CID(), "type": key.Type().String(), "file": path, "created": made})
	p.say("%s", id)
	if made {
		p.warn("made the key file %s", path)
	}
	return nil
}
