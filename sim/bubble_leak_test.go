package sim

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// leak names what a copy of this test leaks, to be seen from outside.
const leak = "TROUPE_SIM_LEAK"

func TestALeakFailsABubble(t *testing.T) {
	switch os.Getenv(leak) {
	case "a socket":
		Bubble(t, 1, func(n *Net) {
			must(n.Host("alice").Listen("tcp", ":80"))
			must(n.Host("alice").ListenPacket("udp", ":53"))
			must(n.Host("alice").Dial(n.T().Context(), "udp", "localhost:53")).Close()
		})
	case "a connection":
		Bubble(t, 1, func(n *Net) {
			_, b := n.pair("alice", "bob")
			b.Close()
		})
	case "a goroutine":
		Bubble(t, 1, func(n *Net) {
			go waitForEver(make(chan int))
		})
	default:
		for what, names := range map[string][]string{
			"a socket":     {"the listener at 10.0.0.1:80 was left open", "the socket at 10.0.0.1:53 was left open"},
			"a connection": {"the connection of 10.0.0.2:49152 to 10.0.0.1:49152 was left open"},
			"a goroutine":  {"blocked goroutines remain", "sim.waitForEver"},
		} {
			c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
			c.Env = append(os.Environ(), leak+"="+what)
			out, err := c.CombinedOutput()
			if err == nil {
				t.Errorf("%s was not found", what)
			}
			if n := strings.Count(string(out), "left open"); n > len(names) {
				t.Errorf("%s: %d were left open", what, n)
			}
			for _, name := range names {
				if !strings.Contains(string(out), name) {
					t.Errorf("%s: the output does not have %q:\n%s", what, name, out)
				}
			}
		}
	}
}

func waitForEver(c chan int) { <-c }
