package host_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// The programs of the README, as far as it shows them; a test compares them.

func embed() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	h, err := host.New(ctx, host.Listen("/ip4/0.0.0.0/tcp/0"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("I am", h.ID(), "at", h.Multiaddrs())
	for _, arg := range os.Args[1:] {
		to, err := peer.ParseInfo(arg)
		if err != nil {
			log.Fatal(err)
		}
		if err := h.Connect(ctx, to); err != nil {
			log.Print(err)
			continue
		}
		rtt, err := ping.Ping(ctx, h.Swarm(), to.ID)
		fmt.Println(to.ID, "answers in", rtt, err)
	}
	fmt.Println(h.Tree())
	log.Print(h.Wait())
}

func node() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	key, _, err := peer.LoadOrCreateKey("node.key", nil)
	if err != nil {
		log.Fatal(err)
	}
	h, err := host.New(ctx, host.Key(key), host.Listen("/ip4/0.0.0.0/tcp/4001"), host.Run("watch", watch))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("reach me at", h.Multiaddrs())
	log.Print(h.Wait())
}

func watch(self *actor.Self, h *host.Host) error {
	events, err := h.Events(self)
	if err != nil {
		return err
	}
	for e := range events.All() {
		if up, ok := e.(swarm.PeerUp); ok {
			fmt.Println("hello", up.Peer, "from", up.Conn.Remote())
		}
	}
	return nil
}

func tally(self *actor.Self, h *host.Host) error {
	votes, count := actor.NewMailbox[string](self, 64), map[string]int{}
	err := h.Handle(self, "/vote/1.0.0", func(self *actor.Self, s *stream.Stream) error {
		in := bufio.NewScanner(s)
		for in.Scan() {
			if err := votes.Put(self, in.Text()); err != nil {
				return err
			}
		}
		return in.Err()
	})
	if err != nil {
		return err
	}
	for v := range votes.All() {
		count[v]++
		self.Note("count", count)
	}
	return nil
}

func tallyHost() {
	h, err := host.New(context.Background(), host.Run("tally", tally))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(h.Wait())
}

// A host in a program of one's own: it dials, pings, and shows its actors.
func Example() {
	_ = embed
}

// A node with an identity in a file, and a service that watches who comes.
func Example_node() {
	_ = node
}

// A supervised protocol actor: strangers vote over streams, one actor counts.
func Example_supervisedProtocol() {
	ctx := context.Background()
	counter, err := host.New(ctx, host.Listen("/ip4/127.0.0.1/tcp/0"), host.Run("tally", tally))
	if err != nil {
		log.Fatal(err)
	}
	defer counter.Close()
	voter, err := host.New(ctx, host.NoListen())
	if err != nil {
		log.Fatal(err)
	}
	defer voter.Close()
	if err := voter.Connect(ctx, counter.Info()); err != nil {
		log.Fatal(err)
	}
	s, err := voter.Open(ctx, counter.ID(), "/vote/1.0.0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(s, "tea\ncoffee\ntea\n")
	s.CloseWrite()
	s.Read(make([]byte, 1)) // the end comes when all votes are in the mailbox
	counter.Close()
	fmt.Println("voted over", s.Protocol())
	_ = tallyHost
	// Output: voted over /vote/1.0.0
}
