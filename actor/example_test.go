package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A worker that fails is started again; its parent does not notice.
func ExampleRun() {
	err := actor.Run(context.Background(), "bakery", func(self *actor.Self) error {
		again := actor.Restart{When: actor.OnFailure, Max: 3}
		oven := self.Supervise("oven", again, func(self *actor.Self) error {
			if self.Restarts() < 2 {
				fmt.Printf("%s: try %d is burnt\n", self.Path(), self.Restarts())
				return errors.New("burnt")
			}
			fmt.Printf("%s: try %d is fine\n", self.Path(), self.Restarts())
			return nil
		})
		return oven.Wait(self)
	})
	fmt.Println("the bakery ended with", err)
	// Output:
	// bakery/oven: try 0 is burnt
	// bakery/oven: try 1 is burnt
	// bakery/oven: try 2 is fine
	// the bakery ended with <nil>
}

// An order is a question about a number, answered with a price or an error.
type order struct{ actor.Ask[int, float64] }

// An actor asks another one, which answers each question in its turn.
func ExampleCall() {
	actor.Run(context.Background(), "shop", func(self *actor.Self) error {
		defer self.Ref().Stop(nil)
		opened := make(chan *actor.Mailbox[order], 1)
		self.Supervise("clerk", actor.Restart{}, func(self *actor.Self) error {
			box := actor.NewMailbox[order](self, 16)
			opened <- box
			for o := range box.All() {
				if o.Q > 100 {
					o.Answer(0, errors.New("we have not that many"))
					continue
				}
				o.Answer(float64(o.Q)*1.5, nil)
			}
			return nil
		})
		clerk := <-opened
		wrap := func(k actor.Ask[int, float64]) order { return order{k} }
		for _, n := range []int{2, 1000} {
			price, err := actor.Call(self, clerk, wrap, n)
			fmt.Println(n, "loaves:", price, err)
		}
		return nil
	})
	// Output:
	// 2 loaves: 3 <nil>
	// 1000 loaves: 0 we have not that many
}

// The server depends on the store: when the store fails, both are restarted. The
// scheduler runs it in virtual time, and the same way each time.
func ExampleSelf_SuperviseGroup() {
	var tree actor.Node
	full := true
	store := func(self *actor.Self) error {
		fmt.Println("the store opens")
		self.Sleep(time.Second)
		if full {
			full = false
			return errors.New("disk full")
		}
		return self.Sleep(time.Hour)
	}
	server := func(self *actor.Self) error {
		self.OnEnd(func() { fmt.Println("the server closes:", context.Cause(self)) })
		self.State("serving")
		return self.Sleep(time.Hour)
	}
	err := actor.NewScheduler(1, nil).Run(context.Background(), "node", func(self *actor.Self) error {
		self.SuperviseGroup("services", actor.RestForOne, actor.Restart{},
			actor.Child{Name: "store", When: actor.Always, Run: store},
			actor.Child{Name: "server", When: actor.Always, Run: server})
		self.Sleep(time.Minute)
		tree = self.Tree()
		return nil
	})
	fmt.Print(tree)
	fmt.Println("the node ended with", err)
	// Output:
	// the store opens
	// the server closes: actor: told to stop
	// the store opens
	// the server closes: actor: told to stop
	// node
	// └─ services
	//    ├─ store
	//    └─ server  serving
	// failed: node/services/store: disk full
	// the node ended with <nil>
}
