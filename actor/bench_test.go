package actor

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

// A benchMessage is as large as a tagged message of the hot path.
type benchMessage struct {
	kind int
	_    [2]uint64
	_    []byte
}

// senders starts a number of actors that call send b.N times together.
func senders(b *testing.B, self *Self, count int, send func(self *Self)) {
	for i := range count {
		n := b.N / count
		if i < b.N%count {
			n++
		}
		self.Go(strconv.Itoa(i), func(self *Self) error {
			for range n {
				send(self)
			}
			return nil
		})
	}
}

// The same exchange through a plain channel and through a mailbox.
func BenchmarkMailbox(b *testing.B) {
	const limit = 256
	for _, count := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("channel/senders=%d", count), func(b *testing.B) {
			b.ReportAllocs()
			Run(context.Background(), "root", func(self *Self) error {
				c := make(chan benchMessage, limit)
				senders(b, self, count, func(*Self) { c <- benchMessage{kind: 1} })
				for range b.N {
					<-c
				}
				return nil
			})
		})
		b.Run(fmt.Sprintf("mailbox/senders=%d", count), func(b *testing.B) {
			b.ReportAllocs()
			Run(context.Background(), "root", func(self *Self) error {
				box := NewMailbox[benchMessage](self, limit)
				senders(b, self, count, func(self *Self) { box.Put(self, benchMessage{kind: 1}) })
				for range b.N {
					box.Recv()
				}
				return nil
			})
		})
		b.Run(fmt.Sprintf("pointers/senders=%d", count), func(b *testing.B) {
			b.ReportAllocs()
			message := &benchMessage{kind: 1}
			Run(context.Background(), "root", func(self *Self) error {
				box := NewMailbox[*benchMessage](self, limit)
				senders(b, self, count, func(self *Self) { box.Put(self, message) })
				for range b.N {
					box.Recv()
				}
				return nil
			})
		})
	}
}

// One TryPut and one Recv by one goroutine: what a mailbox adds to a channel.
func BenchmarkTryPutAndRecv(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		c := make(chan benchMessage, 16)
		for range b.N {
			c <- benchMessage{kind: 1}
			<-c
		}
	})
	b.Run("mailbox", func(b *testing.B) {
		Run(context.Background(), "root", func(self *Self) error {
			box := NewMailbox[benchMessage](self, 16)
			for range b.N {
				box.TryPut(benchMessage{kind: 1})
				box.Recv()
			}
			return nil
		})
	})
}

// The same source on the deterministic carrier.
func BenchmarkMailboxInASimulation(b *testing.B) {
	b.ReportAllocs()
	NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
		box := NewMailbox[benchMessage](self, 64)
		senders(b, self, 8, func(self *Self) { box.Put(self, benchMessage{kind: 1}) })
		for range b.N {
			box.Recv()
		}
		return nil
	})
}

// A question and its answer, beside the same over plain channels.
func BenchmarkAsk(b *testing.B) {
	b.Run("channels", func(b *testing.B) {
		b.ReportAllocs()
		Run(context.Background(), "root", func(self *Self) error {
			type request struct {
				q     int
				reply chan int
			}
			c := make(chan request, 16)
			self.Go("doubler", func(*Self) error {
				for r := range c {
					r.reply <- 2 * r.q
				}
				return nil
			})
			for i := range b.N {
				r := request{i, make(chan int, 1)}
				c <- r
				<-r.reply
			}
			close(c)
			return nil
		})
	})
	b.Run("call", func(b *testing.B) {
		b.ReportAllocs()
		Run(context.Background(), "root", thenStop(func(self *Self) error {
			_, box := withBox(self, "doubler", 16, func(_ *Self, box *Mailbox[question]) error {
				for q := range box.All() {
					q.Answer(2*q.Q, nil)
				}
				return nil
			})
			b.ResetTimer()
			for i := range b.N {
				Call(self, box, asQuestion, i)
			}
			b.StopTimer()
			return nil
		}))
	})
}

func BenchmarkSpawnAndEnd(b *testing.B) {
	b.ReportAllocs()
	Run(context.Background(), "root", func(self *Self) error {
		for range b.N {
			self.Supervise("child", Restart{}, func(*Self) error { return nil }).Wait(self)
		}
		return nil
	})
}

// A child with a mailbox: started, seen to run, stopped, seen to have ended.
func BenchmarkSpawnAndStop(b *testing.B) {
	b.ReportAllocs()
	Run(context.Background(), "root", func(self *Self) error {
		runs := NewMailbox[struct{}](self, 1)
		for range b.N {
			ref := self.Supervise("child", Restart{}, func(self *Self) error {
				box := NewMailbox[*int](self, 16)
				runs.TryPut(struct{}{})
				for range box.All() {
				}
				return nil
			})
			runs.Recv()
			ref.Stop(nil)
			ref.Wait(self)
		}
		return nil
	})
}

func BenchmarkRestart(b *testing.B) {
	b.ReportAllocs()
	Run(context.Background(), "root", func(self *Self) error {
		return self.Supervise("flaky", Restart{When: OnFailure, Max: 1 << 30}, func(self *Self) error {
			if self.Restarts() == b.N {
				return nil
			}
			return errBoom
		}).Wait(self)
	})
}

// idlers starts actors that wait in their mailboxes, and returns when all do.
func idlers(self *Self, count int) {
	ready := NewMailbox[struct{}](self, count)
	for i := range count {
		self.Supervise(strconv.Itoa(i), Restart{}, func(self *Self) error {
			box := NewMailbox[*int](self, 16)
			ready.TryPut(struct{}{})
			for range box.All() {
			}
			return nil
		})
	}
	for range count {
		ready.Recv()
	}
}

func BenchmarkTreeOf10000Actors(b *testing.B) {
	b.ReportAllocs()
	Run(context.Background(), "root", thenStop(func(self *Self) error {
		idlers(self, 10_000)
		b.ResetTimer()
		for range b.N {
			if n := self.Tree().Count(); n != 10_001 {
				b.Errorf("%d actors", n)
			}
		}
		b.StopTimer()
		return nil
	}))
}

// What an idle actor with a mailbox of 16 costs, in stack and heap.
func BenchmarkIdleActors(b *testing.B) {
	const count = 10_000
	for range b.N {
		Run(context.Background(), "root", thenStop(func(self *Self) error {
			stack, heap := memory()
			idlers(self, count)
			stackAfter, heapAfter := memory()
			b.ReportMetric(float64(stackAfter-stack)/count, "stackB/actor")
			b.ReportMetric(float64(heapAfter-heap)/count, "heapB/actor")
			b.ReportMetric(float64(stackAfter-stack+heapAfter-heap)/count, "B/actor")
			return nil
		}))
	}
}

func memory() (stack, heap uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.StackInuse, m.HeapAlloc
}
