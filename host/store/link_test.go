package store

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAProgramThatDoesNotKeepItsPeersDoesNotHaveTheDatabase asks the go command
// what is linked into a program that imports the host or the simulator.
func TestAProgramThatDoesNotKeepItsPeersDoesNotHaveTheDatabase(t *testing.T) {
	deps := func(packages ...string) string {
		out, err := exec.Command("go", append([]string{"list", "-deps"}, packages...)...).Output()
		must(t, err)
		return string(out)
	}
	const module = "github.com/troupe-p2p/troupe/"
	without := deps(module+"host", module+"sim", module+"host/swarm")
	for _, name := range []string{"go.etcd.io/bbolt", module + "host/store"} {
		if strings.Contains(without, name) {
			t.Errorf("a host without a store depends on %s", name)
		}
		if !strings.Contains(deps(module+"host/store"), name) {
			t.Errorf("this test does not see %s", name)
		}
	}
}
