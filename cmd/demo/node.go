package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// echoProtocol sends every byte back, until the dialer closes its half.
const echoProtocol negotiate.Protocol = "/troupe/echo/1.0.0"

// echoIdle is how long an echo stream may be silent.
const echoIdle = time.Minute

func (p *program) nodeCommand() *cli.Command {
	return &cli.Command{
		Name:      "node",
		Usage:     "run a node that others can ping and get files from",
		ArgsUsage: "[options]",
		Description: `The node prints its addresses; give one of them to ping, ls, get and send. It
serves ping, identify and echo, and with --share the files of one folder: only
what is inside it, no hidden files, and nothing that a symbolic link leads to
outside. Everybody who can reach the node can read them. Nothing is written
there unless you say --allow-receive.

Whom it meets, and where they can be reached, is kept in a file beside the key,
KEY.peers, so that the node knows them the next time, and so do the tools that
are given the same --key: they take a peer ID instead of an address then.

Ctrl-C stops it in order; a second Ctrl-C at once.

Examples:
  demo node
  demo node --share ./music --listen /ip4/0.0.0.0/tcp/4001
  demo node --share ./inbox --allow-receive --receive-limit 2GB --verbose

` + exitCodes,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "listen", Usage: "listen at `ADDR`, a multiaddr; may be given several times; without it, at a free TCP port, IPv4 and IPv6"},
			&cli.StringFlag{Name: "key", Usage: "be the peer of this key `FILE`, which is made if it is missing; without it, troupe/key among your settings"},
			&cli.StringFlag{Name: "share", Usage: "share the files of `DIR`"},
			&cli.BoolFlag{Name: "allow-receive", Usage: "let others send files into the shared folder; none is ever replaced"},
			&cli.StringFlag{Name: "receive-limit", Value: "10GB", Usage: "take at most so many `BYTES` from others, in all"},
			&cli.BoolFlag{Name: "forget", Usage: "do not keep whom it has met in the file beside the key"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print who comes and goes"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if _, err := arguments(cmd); err != nil {
				return err
			}
			n := node{program: p, listen: cmd.StringSlice("listen"), keyFile: cmd.String("key"), dir: cmd.String("share"),
				receive: cmd.Bool("allow-receive"), forget: cmd.Bool("forget"), verbose: cmd.Bool("verbose")}
			var err error
			if n.room, err = parseBytes(cmd.String("receive-limit")); err != nil {
				return err
			}
			return n.run(ctx)
		},
	}
}

// A node is a host that serves until it is told to stop.
//
//	node ─┬─ host    services: identify, ping, echo, share
//	      └─ work    prints: events of the swarm, requests for files
type node struct {
	*program
	listen  []string
	keyFile string
	dir     string
	receive bool
	room    int64
	forget  bool
	verbose bool

	box atomic.Pointer[actor.Mailbox[nodeMessage]] // work's, when it runs
}

// nodeMessage is what work receives: swarmEvent or fileRequest.
type nodeMessage interface{ nodeMessage() }

// swarmEvent: something happened in the swarm. From the subscription, which
// waits; its loss would cost a line of output.
type swarmEvent struct{ swarm.Event }

// fileRequest: the share has answered a request. From the share, which does not
// wait; its loss costs a line of output.
type fileRequest struct{ transferOver }

func (swarmEvent) nodeMessage()  {}
func (fileRequest) nodeMessage() {}

func (n *node) run(ctx context.Context) (err error) {
	if n.receive && n.dir == "" {
		return &usageError{"--allow-receive needs --share DIR, the folder that files are received into"}
	}
	if n.keyFile == "" {
		if n.keyFile, err = defaultKeyFile(); err != nil {
			return err
		}
	}
	key, made, err := loadKey(n.keyFile, true)
	if err != nil {
		return err
	}
	opts := []host.Option{host.Key(key), host.Run("echo", echo)}
	if !n.forget {
		keep, done, err := n.keepPeers(n.keyFile)
		if err != nil {
			return fmt.Errorf("%w (--key gives the node another identity with a file of its own, --forget does without)", err)
		}
		defer done()
		opts = append(opts, keep)
	}
	if len(n.listen) > 0 {
		opts = append(opts, host.Listen(n.listen...))
	}
	if n.dir != "" {
		root, err := os.OpenRoot(n.dir)
		if err != nil {
			return &diskError{did: "share the folder", path: n.dir, err: err, fix: "name an existing folder"}
		}
		defer root.Close()
		s := &share{root: root, dir: n.dir, receive: n.receive, room: n.room, tell: n.tell}
		opts = append(opts, host.Run("share", s.service))
	}
	err = withHost(ctx, "node", opts, func(self *actor.Self, h *host.Host) error {
		box := actor.NewMailbox[nodeMessage](self, 256)
		n.box.Store(box)
		if err := swarm.Subscribe(h.Swarm(), self, box, func(e swarm.Event) nodeMessage { return swarmEvent{e} }); err != nil {
			return err
		}
		introduced := false
		for m := range box.All() {
			switch m := m.(type) {
			case swarmEvent:
				if !introduced && n.serves(h) {
					n.introduce(h, made)
					introduced = true
				}
				n.happened(h, m.Event)
			case fileRequest:
				n.served(h, m.transferOver)
			}
		}
		return errInterrupted
	})
	if errors.Is(err, errInterrupted) && ctx.Err() != nil {
		n.emit(map[string]any{"event": "stopped"})
		n.warn("stopped")
		return nil // that is how a node ends
	}
	return err
}

// serves reports whether the node's own protocols are there. A change of the
// protocols is an event, so somebody will ask again.
func (n *node) serves(h *host.Host) bool {
	has := h.Swarm().Protocols()
	return slices.Contains(has, echoProtocol) && (n.dir == "" || slices.Contains(has, fileProtocol))
}

// introduce prints what others need to know.
func (n *node) introduce(h *host.Host, made bool) {
	addrs := h.Multiaddrs()
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	n.emit(map[string]any{"event": "listening", "id": h.ID().String(), "addrs": texts, "key_file": n.keyFile,
		"key_made": made, "peers_file": n.peersFile(), "peers": h.Swarm().Book().Peers(), "share": n.dir, "receive": n.receive, "protocols": h.Swarm().Protocols()})
	dim := func(s string) string { return n.look(lookDim, s) }
	n.say("%s %s", dim("peer   "), n.look(lookBold, h.ID().String()))
	note := ""
	if made {
		note = "  (just made; only you may read it)"
	}
	n.say("%s %s%s", dim("key    "), n.keyFile, note)
	if !n.forget {
		n.say("%s %s, kept in %s", dim("knows  "), count(h.Swarm().Book().Peers(), "peer"), n.peersFile())
	}
	for i, a := range texts {
		name := "listens"
		if i > 0 {
			name = "       "
		}
		n.say("%s %s", dim(name), n.look(lookCyan, a))
	}
	for i, p := range h.Swarm().Protocols() {
		name := "serves "
		if i > 0 {
			name = "       "
		}
		n.say("%s %s", dim(name), p)
	}
	switch {
	case n.dir == "":
		n.say("%s nothing (--share DIR shares a folder)", dim("shares "))
	case n.receive:
		n.say("%s %s, and others may send files there: %s in all", dim("shares "), n.dir, bytesText(n.room))
	default:
		n.say("%s %s, to read", dim("shares "), n.dir)
	}
	n.say("%s", dim("Ctrl-C stops it"))
}

// peersFile is where the node keeps whom it has met; empty: nowhere.
func (n *node) peersFile() string {
	if n.forget {
		return ""
	}
	return peersFile(n.keyFile)
}

// happened prints an event of the swarm.
func (n *node) happened(h *host.Host, e swarm.Event) {
	switch e := e.(type) {
	case swarm.ListenerDown:
		if e.Err != nil {
			n.warn("%s listening at %s broke off: %v; trying again", n.stamp(h), e.At, e.Err)
			n.emit(map[string]any{"event": "listener_down", "at": e.At.String(), "why": e.Err.Error()})
		}
	case swarm.ConnUp:
		n.log(h, map[string]any{"event": "connected", "peer": e.Conn.Peer().String(), "addr": e.Conn.Remote().String()},
			"%s connected from %s", e.Conn.Peer().Short(), e.Conn.Remote())
	case swarm.ConnDown:
		n.log(h, map[string]any{"event": "disconnected", "peer": e.Conn.Peer().String(), "sent": e.Conn.Sent(), "received": e.Conn.Received()},
			"%s left; %s to it, %s from it", e.Conn.Peer().Short(), bytesText(e.Conn.Sent()), bytesText(e.Conn.Received()))
	case swarm.Missed:
		n.log(h, map[string]any{"event": "missed", "events": e.N}, "%s were too many to print", count(e.N, "event"))
	}
}

// served prints what the share has answered. Files are always worth a line.
func (n *node) served(h *host.Host, t transferOver) {
	event := map[string]any{"event": "request", "peer": t.peer.String(), "request": t.asked.String(), "name": t.name,
		"end": t.end.String(), "bytes": t.moved, "seconds": t.took.Seconds()}
	if t.code != 0 {
		event["refusal"] = t.code.String()
	}
	n.emit(event)
	who := n.stamp(h) + " " + t.peer.Short()
	switch {
	case t.asked == sayList:
		if n.verbose {
			n.say("%s listed the files", who)
		}
	case t.end == endComplete && t.asked == sayGet:
		n.say("%s got %s: %s in %s", who, t.name, bytesText(t.moved), timeText(t.took))
	case t.end == endComplete && t.asked == sayPut:
		n.say("%s sent %s: %s in %s, SHA-256 checked", who, t.name, bytesText(t.moved), timeText(t.took))
	case t.end == endOurs:
		why := "there is no such file"
		if t.code != refuseNotFound {
			why = sentence(t.cause)
		}
		n.say("%s was refused %s of %s: %s", who, t.asked, quoted(t.name), why)
	case n.verbose:
		n.say("%s: %s of %s broke off after %s (%s)", who, t.asked, quoted(t.name), bytesText(t.moved), t.end)
	}
}

// log prints what only --verbose wants to know.
func (n *node) log(h *host.Host, event map[string]any, format string, args ...any) {
	if n.verbose {
		n.emit(event)
		n.say("%s "+format, append([]any{n.stamp(h)}, args...)...)
	}
}

// stamp is the time of day for people.
func (n *node) stamp(h *host.Host) string {
	return n.look(lookDim, actor.Now(h.Self()).Format("15:04:05"))
}

// tell passes a request to work, which may not be there yet. It is called by the
// share.
func (n *node) tell(t transferOver) {
	if box := n.box.Load(); box != nil {
		box.TryPut(fileRequest{t})
	}
}

// echo is the service that sends back what comes.
func echo(self *actor.Self, h *host.Host) error {
	err := h.Handle(self, echoProtocol, func(self *actor.Self, s *stream.Stream) error {
		p := make([]byte, 32<<10)
		for {
			s.SetDeadline(self.Now().Add(echoIdle))
			n, err := s.Read(p)
			if n > 0 {
				if _, err := s.Write(p[:n]); err != nil {
					return err
				}
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("echo: %w", err)
			}
		}
	})
	if err != nil {
		return err
	}
	return idle(self)
}
