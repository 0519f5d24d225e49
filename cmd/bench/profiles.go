package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/urfave/cli/v3"
)

// profiles are folders to write the profiles of the processes to; empty for none.
type profiles struct{ cpu, heap string }

// profileFlags are for whoever looks for what limits a figure. A heap profile
// slows its process down.
func profileFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cpuprofile", Hidden: true, Usage: "write a CPU profile of each process into `FOLDER`"},
		&cli.StringFlag{Name: "heapprofile", Hidden: true, Usage: "write a heap and a goroutine profile at each look at a process's memory into `FOLDER`"},
	}
}

func profilesOf(c *cli.Command) profiles {
	return profiles{cpu: c.String("cpuprofile"), heap: c.String("heapprofile")}
}

// args are the arguments of a process that writes them.
func (p profiles) args(command string, rest ...string) []string {
	args := []string{command}
	if p.cpu != "" {
		args = append(args, "--cpuprofile", p.cpu)
	}
	if p.heap != "" {
		args = append(args, "--heapprofile", p.heap)
	}
	return append(args, rest...)
}

// begin starts to profile this process. end writes what is to be written at its
// end; see looks at it.
func (p profiles) begin(role string) (see eye, end func() error, err error) {
	see = eye{began: time.Now()}
	name := func(kind string) string { return fmt.Sprintf("%s-%d.%s.pprof", role, os.Getpid(), kind) }
	if p.heap != "" {
		runtime.MemProfileRate = 1 // everything that is made from here on
		looks := 0
		see.heap = func() error {
			looks++
			at := func(kind string) string { return filepath.Join(p.heap, name(fmt.Sprintf("%s-%d", kind, looks))) }
			return errors.Join(lookUp("heap", at("heap")), lookUp("goroutine", at("goroutines")))
		}
	}
	if p.cpu == "" {
		return see, func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Join(p.cpu, name("cpu")))
	if err != nil {
		return see, nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return see, nil, errors.Join(err, f.Close())
	}
	return see, func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

func lookUp(profile, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(profile).WriteTo(f, 0), f.Close())
}
