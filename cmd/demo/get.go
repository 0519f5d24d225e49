package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// retriesFlag is shared by get and send.
func retriesFlag() cli.Flag {
	return &cli.IntFlag{Name: "retries", Value: 5, Usage: "give up after `N` attempts in a row that brought nothing, once the connection broke"}
}

func keyFlag() cli.Flag {
	return &cli.StringFlag{Name: "key", Usage: "be the peer of this key `FILE`, and know whom it has met; without it, a new one each time"}
}

func (p *program) getCommand() *cli.Command {
	return &cli.Command{
		Name:      "get",
		Usage:     "get a file from a node",
		ArgsUsage: "[options] NAME ADDR",
		Description: `NAME is a file that the node shares, as ls lists it; ADDR is the node's
address as it prints it, with /p2p/ID at its end. The data is kept in
.NAME.troupe-part beside the target until the whole file is there and its
SHA-256 is that of the source; then it gets its name.

When the connection breaks, get tries again and goes on where it was. Ctrl-C
keeps what has come; the same command goes on later. If the source has changed
meanwhile, it begins anew.

Examples:
  demo get song.wav /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…
  demo get music/song.wav ADDR -o /tmp/song.wav
  demo get song.wav 12D3KooW… --key ./alice.key   of a node that alice has met
  demo --json get song.wav ADDR

` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "save as `FILE`, or under its name if that is a folder; without it, in this folder"},
			&cli.BoolFlag{Name: "force", Usage: "replace the target when the new file is complete"},
			retriesFlag(), keyFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			args, err := arguments(cmd, "NAME", "ADDR")
			if err != nil {
				return err
			}
			return p.get(ctx, getting{
				name: args[0], addr: args[1], output: cmd.String("output"),
				force: cmd.Bool("force"), retries: cmd.Int("retries"), key: cmd.String("key"),
			})
		},
	}
}

// getting is what get was asked for.
type getting struct {
	name, addr, output string
	force              bool
	retries            int
	key                string

	root      *os.Root // the folder of the target
	dir, base string   // its path, and the target's name in it
}

// transferResult is the last object of get and send.
type transferResult struct {
	Event   string  `json:"event"` // "result"
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256"`
	From    int64   `json:"resumed_at"` // bytes that were there before the last attempt
	Moved   int64   `json:"bytes_moved"`
	Seconds float64 `json:"seconds"`
	Speed   float64 `json:"bytes_per_second"`
	Peer    string  `json:"peer"`
}

func (p *program) get(ctx context.Context, g getting) error {
	to, opts, done, err := p.dialer(g.addr, g.key)
	if err != nil {
		return err
	}
	defer done()
	if err := checkName(g.name); err != nil {
		return &usageError{err.Error()}
	}
	target, err := targetOf(g.output, g.name)
	if err != nil {
		return err
	}
	dir, base := filepath.Split(target)
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &diskError{did: "write into the folder", path: dir, err: err, fix: "make it first"}
	}
	defer root.Close()
	// Before anything goes over the network: the target, and who else writes it.
	part, err := openPartial(root, dir, base, g.force)
	if err != nil {
		return err
	}
	if err := part.leave(); err != nil {
		return err
	}
	g.root, g.dir, g.base = root, dir, base
	return withHost(ctx, "get", opts, func(self *actor.Self, h *host.Host) error { return p.fetch(self, h, to, g) })
}

// fetch is the work of get.
func (p *program) fetch(self *actor.Self, h *host.Host, to peer.Info, g getting) error {
	meter, began := newMeter(self, p.console, g.name), self.Now()
	a := attempts{console: p.console, h: h, to: to, retries: g.retries, name: g.name, verb: "give"}
	a.kept = func() string { return keptIn(g.root, g.dir, g.base) }
	a.once = func(self *actor.Self) (outcome, error) {
		part, err := openPartial(g.root, g.dir, g.base, g.force)
		if err != nil {
			return outcome{}, err
		}
		defer part.close()
		r := receiving{part: part, name: g.name, news: p.news(meter)}
		r.open = func() (*stream.Stream, error) {
			st, err := h.Open(self, to.ID, fileProtocol)
			if err != nil {
				return nil, err
			}
			return st.WithContext(self), nil
		}
		out := r.run(self, receiveMachine{limit: -1})
		meter.end(out.end == endComplete)
		if r.s != nil {
			farewell(self, r.s, out.end)
		}
		return out, nil
	}
	out, moved, err := a.run(self)
	if err != nil {
		return err
	}
	target := filepath.Join(g.dir, g.base)
	p.transferred(transferResult{
		Name: g.name, File: target, Size: out.size, SHA256: out.sum.String(), From: out.from, Moved: moved,
		Peer: to.ID.String(),
	}, self.Now().Sub(began), "saved as "+target)
	return nil
}

// dialer reads what the tools have in common: the peer, who we are, and whom we
// know. done is called after the host has ended.
func (p *program) dialer(addr, keyFile string) (to peer.Info, opts []host.Option, done func(), err error) {
	if to, err = whom(addr, keyFile); err != nil {
		return to, nil, nil, err
	}
	opts = []host.Option{host.NoListen()}
	if keyFile == "" {
		return to, opts, func() {}, nil
	}
	key, _, err := loadKey(keyFile, false)
	if err != nil {
		return to, nil, nil, err
	}
	more, done, err := p.reuse(to, keyFile)
	if err != nil {
		return to, nil, nil, err
	}
	return to, append(append(opts, host.Key(key)), more...), done, nil
}

// targetOf is the path of the file to write.
func targetOf(output, name string) (string, error) {
	base := path.Base(name)
	switch info, err := os.Stat(output); {
	case output == "":
		return base, nil
	case err == nil && info.IsDir():
		return filepath.Join(output, base), nil
	case strings.HasSuffix(output, string(filepath.Separator)):
		return "", &diskError{did: "write into the folder", path: output, err: fs.ErrNotExist, fix: "make it first"}
	}
	return output, nil
}

// news shows a transfer with a meter.
func (p *program) news(m meter) transferNews {
	return transferNews{
		began: func(from, size int64) {
			if from > 0 {
				p.say("%s", p.look(lookDim, fmt.Sprintf("going on after %s of %s, which are the same there", bytesText(from), bytesText(size))))
			}
			m.begin(from, size)
		},
		moved: m.move,
		checking: func(done, of int64) {
			p.say("%s", p.look(lookDim, fmt.Sprintf("looking at what is there already: %s of %s", bytesText(done), bytesText(of))))
		},
	}
}

// transferred prints the result of a transfer.
func (p *program) transferred(r transferResult, took time.Duration, where string) {
	r.Event, r.Seconds, r.Speed = "result", took.Seconds(), perSecond(r.Moved, took)
	p.emit(r)
	speed := ""
	if r.Moved >= 1e6 || took > time.Second {
		speed = " (" + rateText(r.Moved, took) + ")"
	}
	p.say("%s  %s in %s%s, SHA-256 checked, %s", p.look(lookGreen, "✓ "+r.Name), bytesText(r.Size), timeText(took), speed, where)
	p.say("%s", p.look(lookDim, "  sha256 "+r.SHA256))
}

// keptIn says what is kept of a file that is not complete.
func keptIn(root *os.Root, dir, base string) string {
	info, err := root.Lstat(partName(base))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return "nothing had come yet"
	}
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s are kept in %s; the same command goes on from there", bytesText(info.Size()), filepath.Join(dir, partName(base)))
}
