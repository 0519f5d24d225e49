package securitytest

import "net"

// An ending is what follows when a tamper lets nothing more pass.
type ending uint8

const (
	silence ending = iota // the rest is swallowed
	closing               // the pipe is closed
)

func (e ending) String() string {
	if e == closing {
		return "leaves"
	}
	return "falls silent"
}

// A tamper is a pipe that changes what is written to it. It belongs to one
// handshake, which writes from one goroutine.
type tamper struct {
	net.Conn
	pass int    // how many bytes pass; -1: all
	flip int    // the byte that is changed; -1: none
	bit  byte   // the bits of it that are changed
	then ending // what comes when pass is used up
	sent int    // bytes written so far
}

func (t *tamper) Write(p []byte) (int, error) {
	from := t.sent
	t.sent += len(p)
	out := append([]byte(nil), p...)
	if at := t.flip - from; t.flip >= 0 && at >= 0 && at < len(out) {
		out[at] ^= t.bit
	}
	if t.pass < 0 || t.sent <= t.pass {
		return t.Conn.Write(out)
	}
	if keep := t.pass - from; keep > 0 {
		if _, err := t.Conn.Write(out[:keep]); err != nil {
			return 0, err
		}
	}
	if t.then == closing {
		t.Conn.Close()
	}
	return len(p), nil
}

// A holder is a pipe that gathers what is written until its owner reads: the
// end of a handshake and the first data then arrive together. It belongs to one
// goroutine.
type holder struct {
	net.Conn
	held []byte
}

func (h *holder) Write(p []byte) (int, error) {
	h.held = append(h.held, p...)
	return len(p), nil
}

func (h *holder) Read(p []byte) (int, error) {
	if len(h.held) > 0 {
		if _, err := h.Conn.Write(h.held); err != nil {
			return 0, err
		}
		h.held = nil
	}
	return h.Conn.Read(p)
}
