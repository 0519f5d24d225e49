package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is one peer process as run sees it.
type process struct {
	ready
	cmd      *exec.Cmd
	in       io.WriteCloser
	replies  chan []byte   // lines of stdout; closed when the process has ended
	ended    chan struct{} // closed after replies, when exit is set
	exit     error
	errors   *tail
	grace    time.Duration
	survived bool   // a kill of the other one
	temp     string // a directory for its temporary files, removed after its end
}

// Why there is no peer, when that is not a mistake of the peer's.
var (
	// errLacking says that an implementation does not have what a cell needs.
	errLacking = errors.New("not in this implementation")
	// errAbsent says that an implementation is not on this machine.
	errAbsent = errors.New("not on this machine")
)

// launch starts a copy of this program as a peer and waits until it listens.
// What the peer writes to its standard error goes to log, if that is not nil.
func launch(ctx context.Context, want ready, l limits, log io.Writer) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "interop-")
	if err != nil {
		return nil, err
	}
	p := &process{
		cmd: exec.Command(self, "peer", "--impl", want.Impl, "--security", want.Security, "--muxer", want.Muxer,
			"--grace", l.grace.String()),
		replies: make(chan []byte),
		ended:   make(chan struct{}),
		errors:  &tail{also: log},
		grace:   l.grace,
		temp:    temp,
	}
	// A group of its own is what killGroup ends; and a Ctrl-C at the terminal goes
	// to run alone, which then ends the peers in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	p.cmd.Stderr = p.errors
	p.cmd.WaitDelay = 5 * time.Second // for a standard error that a grandchild keeps open
	out, err := p.start()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	go p.listen(out)

	line, err := p.next(ctx, l.start)
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("start the %s peer: %w", want.Impl, err)
	}
	if err := json.Unmarshal(line, &p.ready); err != nil {
		p.kill()
		return nil, fmt.Errorf("start the %s peer: its first line %q: %w", want.Impl, line, err)
	}
	if p.Error != "" {
		_ = p.stop(l.stop) // it has said what is wrong
		err := errors.New(p.Error)
		if p.Lacking {
			err = fmt.Errorf("%w: %s", errLacking, p.Error)
		} else if p.Absent {
			err = fmt.Errorf("%w: %s", errAbsent, p.Error)
		}
		return nil, fmt.Errorf("start the %s peer: %w", want.Impl, err)
	}
	if len(p.Addrs) == 0 {
		p.kill()
		return nil, fmt.Errorf("start the %s peer: it has no address", want.Impl)
	}
	return p, nil
}

// start starts the process and returns its standard output.
func (p *process) start() (out io.Reader, err error) {
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return out, p.cmd.Start()
}

// listen passes the lines of the process's output on, and sees it off.
func (p *process) listen(out io.Reader) {
	scan := bufio.NewScanner(out)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		p.replies <- append([]byte(nil), scan.Bytes()...)
	}
	p.exit = p.cmd.Wait()
	_ = os.RemoveAll(p.temp) // what a killed peer could not remove itself
	close(p.replies)
	close(p.ended)
}

// next waits for a line.
func (p *process) next(ctx context.Context, limit time.Duration) ([]byte, error) {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case line, ok := <-p.replies:
		if !ok {
			return nil, fmt.Errorf("the process ended: %w%s", orClean(p.exit), p.errors.ending())
		}
		return line, nil
	case <-patience.C:
		return nil, fmt.Errorf("no answer within %v", limit)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ask sends a request and waits for its reply, at most limit and twice the grace:
// the process itself gives up after limit and one grace.
func (p *process) ask(ctx context.Context, req request, limit time.Duration) (reply, error) {
	if err := p.send(ctx, req, limit); err != nil {
		return reply{}, err
	}
	return p.receive(ctx, limit)
}

// send sends a request, with the limit that its reply will have.
func (p *process) send(ctx context.Context, req request, limit time.Duration) error {
	req.LimitMS = max(1, limit.Milliseconds())
	line, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		// A process that has ended says why better than a broken pipe does.
		if _, why := p.next(ctx, p.grace); why != nil {
			err = why
		}
		return err
	}
	return nil
}

// receive waits for the next reply, at most limit and twice the grace.
func (p *process) receive(ctx context.Context, limit time.Duration) (reply, error) {
	line, err := p.next(ctx, limit+2*p.grace)
	if err != nil {
		return reply{}, err
	}
	var got reply
	if err := json.Unmarshal(line, &got); err != nil {
		return reply{}, fmt.Errorf("the reply %q: %w", line, err)
	}
	return got, nil
}

// target is this peer as the other one's target.
func (p *process) target() *target { return &target{ID: p.ID, Addrs: p.Addrs, Agent: p.Agent} }

// stop asks the process to end, and kills it if it does not within the time. The
// error says that it did not, or that it did not end in good order: a peer that
// cannot close its host, or a race that the race detector saw.
func (p *process) stop(within time.Duration) error {
	if line, err := json.Marshal(request{Do: doQuit}); err == nil {
		_, _ = p.in.Write(append(line, '\n')) // it may have ended already
	}
	_ = p.in.Close()
	if !p.gone(within) {
		p.kill()
		return fmt.Errorf("the %s peer did not end within %v%s", p.Impl, within, p.errors.ending())
	}
	if p.exit != nil {
		return fmt.Errorf("the %s peer ended badly: %w%s", p.Impl, p.exit, p.errors.ending())
	}
	return nil
}

// kill ends the process at once. Before, it has a moment to write where its
// goroutines stand.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	if !p.gone(p.grace) {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		p.gone(p.grace)
	}
	_ = p.in.Close()
}

// killGroup kills the process and all that it has started, as a machine that
// loses its power does: nothing is said, nothing is closed in order.
func (p *process) killGroup() error {
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the %s peer: %w", p.Impl, err)
	}
	if !p.gone(p.grace) {
		return fmt.Errorf("the %s peer survived its kill for %v", p.Impl, p.grace)
	}
	_ = p.in.Close()
	return nil
}

// gone waits for the end of the process and throws away what it still says.
func (p *process) gone(limit time.Duration) bool {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	for {
		select {
		case _, more := <-p.replies:
			if !more {
				<-p.ended
				return true
			}
		case <-patience.C:
			return false
		}
	}
}

// orClean makes a clean end printable with %w.
func orClean(err error) error {
	if err == nil {
		return errCleanEnd
	}
	return err
}

var errCleanEnd = errors.New("exit status 0")

// tail is a writer that keeps the last bytes, for error texts.
type tail struct {
	mu   sync.Mutex
	last []byte
	also io.Writer
}

// tailSize is how much of a process's standard error a failure's reason shows.
const tailSize = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if extra := len(t.last) - tailSize; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	if t.also != nil {
		return t.also.Write(b)
	}
	return len(b), nil
}

// ending is what was written last, for the end of a sentence.
func (t *tail) ending() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == 0 {
		return ", and wrote nothing"
	}
	return ", and wrote: " + string(t.last)
}
