//go:build unix

package tcp

import (
	"net"
	"os"
	"syscall"
)

// A trial is a write that does not wait, with what the call needs besides: made
// once, so that a write allocates nothing.
type trial struct {
	raw   syscall.RawConn
	write func(fd uintptr) bool
	p     []byte
	n     int
	err   error
}

// TryWrite implements [transport.TryWriter] with one system call.
func (p *pipe) TryWrite(b []byte) (int, error) {
	t := &p.trial
	if t.raw == nil {
		raw, err := p.SyscallConn()
		if err != nil {
			return 0, err
		}
		t.raw, t.write = raw, t.try
	}
	if len(b) == 0 {
		return 0, nil
	}
	t.p = b
	err := t.raw.Write(t.write)
	n, failed := t.n, t.err
	t.p, t.n, t.err = nil, 0, nil
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return n, &net.OpError{Op: "write", Net: "tcp", Source: p.LocalAddr(), Addr: p.RemoteAddr(), Err: os.NewSyscallError("write", failed)}
	}
	return n, nil
}

// try makes the call. It says true in any case: the socket is not waited for.
func (t *trial) try(fd uintptr) bool {
	for {
		t.n, t.err = syscall.Write(int(fd), t.p)
		if t.err != syscall.EINTR {
			break
		}
	}
	t.n = max(t.n, 0)
	if t.err == syscall.EAGAIN {
		t.err = nil
	}
	return true
}
