package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// child is a process as the runner sees it.
type child struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	said firstWords // on its standard error
	// failed: the process has said what is wrong, so that its exit code is no news.
	failed bool
}

// start starts a program. It is killed when ctx ends.
func start(ctx context.Context, role, program string, args ...string) (*child, error) {
	p := &child{role: role, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Stderr = &p.said
	p.cmd.WaitDelay = time.Second // for a standard error that somebody keeps open
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	return p, nil
}

// next is the next thing that the process says.
func (p *child) next() (line, error) {
	var l line
	if !p.out.Scan() {
		return l, fmt.Errorf("the %s ended without a word", p.role)
	}
	if err := json.Unmarshal(p.out.Bytes(), &l); err != nil {
		return l, fmt.Errorf("the %s said %q: %w", p.role, p.out.Text(), err)
	}
	if l.Error != "" {
		p.failed = true
		return l, fmt.Errorf("%s: %s", p.role, l.Error)
	}
	return l, nil
}

func (p *child) tell(l line) error { return json.NewEncoder(p.in).Encode(l) }

// end has the process end, and waits for that. The error is nil if it ended in
// order.
func (p *child) end() error {
	p.in.Close()
	err := p.cmd.Wait()
	if err == nil || p.failed && p.cmd.ProcessState.ExitCode() == exitFailed {
		return nil
	}
	if words := p.said.String(); words != "" {
		return fmt.Errorf("the %s: %w: %s", p.role, err, words)
	}
	return fmt.Errorf("the %s: %w", p.role, err)
}

// firstWords keeps the beginning of what is written to it: of a panic that is the
// part that says why.
type firstWords struct {
	mu sync.Mutex
	b  []byte
}

func (w *firstWords) Write(p []byte) (int, error) {
	const most = 1 << 10
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p[:min(len(p), most-len(w.b))]...)
	return len(p), nil
}

func (w *firstWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}

// runner starts the processes.
type runner struct {
	self     string        // this program
	limit    time.Duration // of one measurement
	build    builder
	profiles profiles
}

// measure does one piece of work with two fresh processes, or with the program
// that it is about. All processes have ended when it returns.
func (r *runner) measure(ctx context.Context, who string, w Work) (Figures, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.limit, fmt.Errorf("it took longer than %v", r.limit))
	defer cancel()
	f, err := r.work(ctx, who, w)
	switch {
	case err == nil:
		return f, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	default:
		return nil, err
	}
}

func (r *runner) work(ctx context.Context, who string, w Work) (Figures, error) {
	switch w.Kind {
	case "start":
		return r.timeStart(ctx, who, w)
	case "size":
		return r.weigh(ctx, who)
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	l, err := start(ctx, "listener", r.self, r.profiles.args("serve", who)...)
	if err != nil {
		return nil, err
	}
	at, err := l.next()
	if err != nil {
		return nil, errors.Join(err, l.end())
	}
	d, err := start(ctx, "dialer", r.self, r.profiles.args("drive", who, at.Addr, string(text))...)
	if err != nil {
		return nil, errors.Join(err, l.end())
	}
	f, err := follow(d, l)
	// The dialer ends by itself, and first: the listener's end would disturb it.
	return f, errors.Join(err, d.end(), l.end())
}

// follow looks at the listener whenever the dialer wants that, until the dialer
// says what came of its work.
func follow(d, l *child) (Figures, error) {
	for {
		said, err := d.next()
		if err != nil {
			return nil, err
		}
		if said.Look == "" {
			return said.Figures, nil
		}
		if err := l.tell(line{Look: said.Look}); err != nil {
			return nil, err
		}
		answer, err := l.next()
		if err != nil {
			return nil, err
		}
		if err := d.tell(line{Stats: answer.Stats}); err != nil {
			return nil, err
		}
	}
}
