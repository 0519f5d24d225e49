package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func (p *program) pingCommand() *cli.Command {
	return &cli.Command{
		Name:      "ping",
		Usage:     "measure the way to a node and back",
		ArgsUsage: "[options] ADDR",
		Description: `ADDR is the node's address as it prints it, with /p2p/ID at its end; any
libp2p node that speaks TCP, Noise and mplex will do. A ping is 32 random bytes
that come back over an open stream. It is done when at least one was answered.

Examples:
  demo ping /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…
  demo ping ADDR -c 0 -i 200ms      until Ctrl-C, five times a second

` + exitCodes,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "count", Aliases: []string{"c"}, Value: 5, Usage: "ping `N` times; 0: until Ctrl-C"},
			&cli.DurationFlag{Name: "interval", Aliases: []string{"i"}, Value: time.Second, Usage: "ping every `TIME`, like 200ms or 1s"},
			keyFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			args, err := arguments(cmd, "ADDR")
			if err != nil {
				return err
			}
			g := pinging{count: cmd.Int("count"), every: cmd.Duration("interval")}
			if g.count < 0 || g.every < 0 {
				return &usageError{"a count or a pause below zero makes no sense"}
			}
			return p.ping(ctx, args[0], cmd.String("key"), g)
		},
	}
}

// pinging is what ping was asked for, and what came of it.
type pinging struct {
	count int
	every time.Duration

	sent, answered   int
	least, most, sum time.Duration
}

func (p *program) ping(ctx context.Context, addr, key string, g pinging) error {
	to, opts, done, err := p.dialer(addr, key)
	if err != nil {
		return err
	}
	defer done()
	return withHost(ctx, "ping", opts, func(self *actor.Self, h *host.Host) error {
		began := self.Now()
		if err := h.Connect(self, to); err != nil {
			return stopped(self, err)
		}
		if c := h.Swarm().Conn(to.ID); c != nil {
			p.say("%s at %s, connected in %s", p.look(lookBold, to.ID.String()), c.Remote(), timeText(self.Now().Sub(began)))
			p.emit(map[string]any{"event": "connected", "peer": to.ID.String(), "addr": c.Remote().String(), "seconds": self.Now().Sub(began).Seconds()})
		}
		err := g.run(self, h, to, p)
		g.report(p)
		switch {
		case err != nil:
			return err
		case g.count > 0 && self.Err() != nil:
			return &interruptedError{}
		case g.answered == 0:
			return errors.New("no ping was answered")
		}
		return nil
	})
}

// run pings. A ping that is not answered is lost and the next one goes over a
// new stream; a peer that does not speak the protocol is an error.
func (g *pinging) run(self *actor.Self, h *host.Host, to peer.Info, p *program) error {
	var pinger *ping.Pinger
	defer func() {
		if pinger != nil {
			pinger.Close()
		}
	}()
	for g.count == 0 || g.sent < g.count {
		began := self.Now()
		var rtt time.Duration
		err := h.Connect(self, to)
		if err == nil && pinger == nil {
			pinger, err = ping.Open(self, h.Swarm(), to.ID)
		}
		if err == nil {
			rtt, err = pinger.Ping(self)
		}
		if self.Err() != nil {
			return nil
		}
		var refused *negotiate.RefusedError
		if errors.As(err, &refused) {
			return err
		}
		g.sent++
		if err != nil {
			if pinger != nil {
				pinger.Close()
				pinger = nil
			}
			p.say("%3d  %s", g.sent, p.look(lookRed, "lost: "+sentence(err)))
			p.emit(map[string]any{"event": "lost", "ping": g.sent, "why": sentence(err)})
		} else {
			g.note(rtt)
			p.say("%3d  %s", g.sent, timeText(rtt))
			p.emit(map[string]any{"event": "ping", "ping": g.sent, "seconds": rtt.Seconds()})
		}
		if g.sent == g.count {
			return nil
		}
		if self.Sleep(g.every-self.Now().Sub(began)) != nil {
			return nil
		}
	}
	return nil
}

func (g *pinging) note(rtt time.Duration) {
	if g.answered == 0 || rtt < g.least {
		g.least = rtt
	}
	g.most = max(g.most, rtt)
	g.sum += rtt
	g.answered++
}

// report prints the sum of it all.
func (g *pinging) report(p *program) {
	if g.sent == 0 {
		return
	}
	result := map[string]any{"event": "result", "sent": g.sent, "answered": g.answered}
	text := fmt.Sprintf("%d of %s answered", g.answered, count(g.sent, "ping"))
	if g.answered > 0 {
		mean := g.sum / time.Duration(g.answered)
		text += fmt.Sprintf("; least %s, mean %s, most %s", timeText(g.least), timeText(mean), timeText(g.most))
		result["least_seconds"], result["mean_seconds"], result["most_seconds"] = g.least.Seconds(), mean.Seconds(), g.most.Seconds()
	}
	p.emit(result)
	p.say("%s", p.look(lookDim, text))
}
