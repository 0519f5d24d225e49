package sim

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkScale plays meshes of full hosts, each with eight connections over 50 ms
// of latency, that send a message of 1 KiB each 19 times a second. It reports what
// a virtual second costs in real time, what connecting took, and the memory of a
// host with its connections. With -short there are 100 hosts only.
//
//	go test -run '^$' -bench Scale -benchtime 1x ./sim
func BenchmarkScale(b *testing.B) {
	for _, c := range []struct {
		hosts int
		noise bool
		span  time.Duration
	}{{100, false, 20 * time.Second}, {1000, false, 5 * time.Second}, {1000, true, 5 * time.Second}, {10000, false, 2 * time.Second}} {
		security := "plaintext"
		if c.noise {
			security = "noise"
		}
		if testing.Short() && c.hosts > 100 {
			continue // large worlds take minutes
		}
		for _, shards := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/hosts=%d/shards=%d", security, c.hosts, shards), func(b *testing.B) {
				for range b.N {
					scale(b, &mesh{hosts: c.hosts, degree: 8, noise: c.noise, size: 1024, every: time.Second / 19}, c.span, shards)
				}
			})
		}
	}
}

func scale(b *testing.B, m *mesh, span time.Duration, shards int) {
	before := inUse()
	config := Config{Seed: 1, Shards: shards, Link: LinkConfig{Latency: 50 * ms, Jitter: 5 * ms}}
	r, err := Run(context.Background(), config, func(w *World) error {
		m.start(w)
		began, busy := time.Now(), cpu()
		if err := m.connect(w); err != nil {
			return err
		}
		b.ReportMetric((cpu() - busy).Seconds(), "connect-cpu-s")
		b.ReportMetric(time.Since(began).Seconds(), "connect-s")
		w.Sleep(5 * time.Second) // identify has spoken
		b.ReportMetric(float64(inUse()-before)/float64(m.hosts)/1024, "KiB/host")
		b.ReportMetric(float64(runtime.NumGoroutine())/float64(m.hosts), "tasks/host")
		if err := m.talk(w, 2*time.Second); err != nil { // streams are open, windows known
			return err
		}
		sum := func() (n int) {
			for _, g := range m.got {
				n += g
			}
			return n
		}
		first := sum()
		busy = cpu()
		began = time.Now()
		if err := w.Sleep(span); err != nil {
			return err
		}
		took := time.Since(began)
		busy = cpu() - busy
		got := sum() - first
		b.ReportMetric(took.Seconds()/span.Seconds(), "wall-s/virtual-s")
		b.ReportMetric(float64(got)/span.Seconds()/float64(m.hosts), "messages/host/virtual-s")
		b.ReportMetric(busy.Seconds()/span.Seconds(), "cpu-s/virtual-s")
		b.ReportMetric(busy.Seconds()*1e6/float64(got), "cpu-us/message")
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(r.Steps)/1e6, "Msteps")
}

// inUse is how much memory is in use, stacks included.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// cpu is how much time the process has computed for, on all cores: on a machine
// that does other things as well, that says more than the time that has passed.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
