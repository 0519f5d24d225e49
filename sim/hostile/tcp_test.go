package hostile

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/transport"
)

// The cases that time decides, and those after which nothing happens, would keep
// this test waiting for real seconds: the simulation has them.
func TestWhatEndsAConnectionInTheSimulationEndsItOverTCP(t *testing.T) {
	err := actor.Run(t.Context(), "tcp", func(self *actor.Self) error {
		listen := host.Listen("/ip4/127.0.0.1/tcp/0")
		target, err := host.New(self, host.Name("target"), listen)
		if err != nil {
			return err
		}
		defer target.Close()
		honest, err := host.New(self, host.Name("honest"), host.NoListen())
		if err != nil {
			return err
		}
		defer honest.Close()
		if err := honest.Connect(self, target.Info()); err != nil {
			return err
		}
		pinger, err := ping.Open(self, honest.Swarm(), target.ID())
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		hearing := actor.NewPromise(self, "the events")
		hearer := self.Supervise("hearer", actor.Restart{}, func(self *actor.Self) error {
			box, err := target.Events(self)
			hearing.Keep(err)
			for e := range box.All() {
				switch e := e.(type) {
				case swarm.InboundFailed:
					ended <- e.Err
				case swarm.ConnDown:
					ended <- e.Err
				}
			}
			return err
		})
		defer hearer.Stop(nil)
		if err := hearing.Wait(self); err != nil {
			return err
		}
		at, _ := transport.TCP(target.Addrs()[0])
		dial := func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", at.String())
		}
		for _, c := range All() {
			if c.Good.Does != EndsConnection || c.Good.Rule == Deadline || !applies(c, noise.ID) {
				continue
			}
			o, err := Play(self, c, Target{Dial: dial, Patience: time.Minute})
			if err != nil {
				return err
			}
			if !o.Ended {
				t.Errorf("%s: the connection goes on", c.Name)
				continue
			}
			if err := c.Good.Explains(<-ended); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			if _, err := pinger.Ping(self); err != nil {
				return fmt.Errorf("the honest peer after %s: %w", c.Name, err)
			}
		}
		return pinger.Close()
	})
	if err != nil {
		t.Error(err)
	}
}
