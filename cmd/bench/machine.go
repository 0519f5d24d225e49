package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// A Machine is what the figures depend on. It does not say whose machine it is.
type Machine struct {
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	System string `json:"system"` // as Go names it: linux/amd64
	Kernel string `json:"kernel,omitempty"`
	Go     string `json:"go"`
}

func thisMachine() Machine {
	return Machine{
		CPU: cpuid.CPU.BrandName, Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: kernel(), Go: runtime.Version(),
	}
}

// kernel is the version of the operating system's kernel, if it tells.
func kernel() string {
	out, err := exec.Command("uname", "-r").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// loadNow is the load average over a minute, if the system has one to read.
func loadNow() (load float64, ok bool) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), " ")
	load, err = strconv.ParseFloat(first, 64)
	return load, err == nil
}

// A Version is what was measured.
type Version struct {
	Module  string `json:"module"`
	Version string `json:"version"`
}

// versions are those of the contenders.
func versions() []Version {
	all := []Version{{"github.com/troupe-p2p/troupe", revision()}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	peers := []string{"github.com/libp2p/go-libp2p", "github.com/libp2p/go-yamux/v5", "github.com/libp2p/go-mplex",
		"github.com/hashicorp/yamux", "github.com/xtaci/smux"}
	for _, d := range info.Deps {
		if slices.Contains(peers, d.Path) {
			all = append(all, Version{d.Path, d.Version})
		}
	}
	return all
}

// revision is the commit of this repository, and whether files differ from it.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
