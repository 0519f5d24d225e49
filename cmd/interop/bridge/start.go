package bridge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Adapter says how to start an adapter.
type Adapter struct {
	Name    string    // for error texts: "js-libp2p"
	Command []string  // the program and its first arguments; the flags are appended
	Env     []string  // "KEY=value", in addition to this process's environment
	Dir     string    // the working directory; empty: this process's
	Log     io.Writer // takes its standard output and error; nil: this process's standard error
}

// The times that an adapter has.
const (
	startLimit = 25 * time.Second // to listen; the matrix waits 30 s for a peer
	closeLimit = 10 * time.Second // to stop; the matrix waits 15 s for a peer
)

// maxSocketPath is how long the name of a unix socket may be: 103 bytes and a zero
// on macOS, 107 and a zero on Linux (unix(7)).
const maxSocketPath = 103

// New starts an adapter and waits until its host listens, at most startLimit. The
// error wraps [talk.ErrUnknownChoice] if the adapter says that it does not have
// the security or the muxer.
func New(c talk.Config, a Adapter) (_ *Peer, err error) {
	if len(a.Command) == 0 {
		return nil, errors.New("the adapter has no command")
	}
	p := &Peer{
		name:     a.Name,
		handlers: c.Handlers,
		answers:  map[uint64]chan answer{},
		streams:  map[string]chan net.Conn{},
		hello:    make(chan control, 1),
		lost:     make(chan struct{}),
	}
	defer func() {
		if err != nil {
			p.end()
			err = fmt.Errorf("%s: %w", a.Name, err)
		}
	}()
	if p.dir, err = socketDir(); err != nil {
		return nil, err
	}
	socket := filepath.Join(p.dir, "s")
	if p.listener, err = net.Listen("unix", socket); err != nil {
		return nil, err
	}
	if p.child, err = startChild(c, a, socket); err != nil {
		return nil, err
	}
	p.running.Go(p.accept)

	patience := time.NewTimer(startLimit)
	defer patience.Stop()
	select {
	case got := <-p.hello:
		return p, p.begin(got)
	case <-p.child.gone:
		// What it said before it went is more telling.
		select {
		case got := <-p.hello:
			return p, p.begin(got)
		case <-time.After(lastWords):
			return nil, fmt.Errorf("the adapter ended before it listened: %w", p.child.exit())
		}
	case <-patience.C:
		return nil, fmt.Errorf("the adapter does not listen after %v", startLimit)
	}
}

// lastWords is how long something that a process wrote before its end may take
// to be read.
const lastWords = 200 * time.Millisecond

// control is the control connection with its first line.
type control struct {
	first
	conn net.Conn
}

// begin takes the control connection over.
func (p *Peer) begin(got control) error {
	p.control, p.first = got.conn, got.first
	switch {
	case got.Error != "" && got.Lacking:
		return fmt.Errorf("%w: %s", talk.ErrUnknownChoice, got.Error)
	case got.Error != "":
		return errors.New(got.Error)
	case got.ID == "" || len(got.Addrs) == 0:
		return fmt.Errorf("the adapter has the ID %q and the addresses %q", got.ID, got.Addrs)
	}
	p.running.Go(p.listen)
	return nil
}

// socketDir makes a directory whose name is short enough for a socket in it.
func socketDir() (string, error) {
	at := os.TempDir()
	if len(at)+len("/interop-bridge-0123456789/s") > maxSocketPath {
		at = "/tmp"
	}
	return os.MkdirTemp(at, "interop-bridge-")
}

// child is the adapter's process.
type child struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
	err  error         // how it ended; belongs to the waiting goroutine until gone
}

func startChild(c talk.Config, a Adapter, socket string) (*child, error) {
	protocols := make([]string, 0, len(c.Handlers))
	for name := range c.Handlers {
		protocols = append(protocols, name)
	}
	slices.Sort(protocols)
	args := append(slices.Clone(a.Command[1:]), "--socket", socket, "--security", c.Security, "--muxer", c.Muxer,
		"--protocols", strings.Join(protocols, ","))
	cmd := exec.Command(a.Command[0], args...)
	cmd.Dir = a.Dir
	cmd.Env = append(os.Environ(), a.Env...)
	cmd.Stdout, cmd.Stderr = a.Log, a.Log
	if a.Log == nil {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	cmd.WaitDelay = time.Second // for a standard error that a grandchild keeps open
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	k := &child{cmd: cmd, gone: make(chan struct{})}
	go func() {
		k.err = cmd.Wait()
		close(k.gone)
	}()
	return k, nil
}

// exit is how the process ended. It waits for the end.
func (k *child) exit() error {
	<-k.gone
	if k.err == nil {
		return errExitedWell
	}
	return k.err
}

var errExitedWell = errors.New("exit status 0")

// stop waits for the end of the process and kills it if that takes too long. The
// error is that it had to be killed, or its exit status.
func (k *child) stop(limit time.Duration) error {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case <-k.gone:
		return k.err
	case <-patience.C:
		_ = k.cmd.Process.Kill()
		<-k.gone
		return fmt.Errorf("the adapter did not end within %v", limit)
	}
}
