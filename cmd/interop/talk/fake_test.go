package talk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A fault is a mistake that an implementation could make.
type fault string

const (
	flipsAByte        fault = "flips a byte"
	losesTheLastByte  fault = "loses the last byte"
	doublesAByte      fault = "doubles a byte"
	closesBothWays    fault = "takes a close of the write side for a close of both"
	resetLooksLikeEnd fault = "shows a reset as an end"
	endLooksLikeReset fault = "shows an end as a reset"
	speaksEverything  fault = "agrees to every protocol"
	dropsOnRefusal    fault = "loses the connection when a protocol is refused"
	picksTheFirst     fault = "says it agreed on the first protocol"
	ignoresDeadlines  fault = "takes a deadline for an end"
	neverAnswers      fault = "never answers"
	talksToStrangers  fault = "does not check the peer ID"
	hidesItsAgent     fault = "sends no agent"
	hidesProtocols    fault = "sends no protocols"
	hidesAddresses    fault = "sends no listen addresses"
	observesWrongly   fault = "observes a wrong address"
	writesAfterClose  fault = "writes after its close"
	serialStreams     fault = "serves one stream at a time"
	losesPings        fault = "loses pings"
	lossLooksLikeEnd  fault = "shows a lost connection as an end"
	lossIsNotNoticed  fault = "does not notice that a connection is lost"
	lossHasNoName     fault = "gives a lost connection no name"
	keepsTheLost      fault = "keeps a lost connection in its list"
	opensOnTheLost    fault = "opens streams on a lost connection"
)

const (
	fakeID   = "12D3KooWfake"
	fakeAddr = "/ip4/127.0.0.1/tcp/4001/p2p/" + fakeID
	ownAddr  = "/ip4/127.0.0.1/tcp/50000"
)

// fakePeer dials into its own handlers, over pairs of net.Pipe.
type fakePeer struct {
	fault    fault
	handlers map[string]Handler
	serial   chan struct{} // one token; a mutex would stop the virtual clock
	running  sync.WaitGroup
	lost     atomic.Bool

	mu   sync.Mutex
	open []*fakeStream // both ends of each stream
}

// kill ends one side of the connection without a word.
func (p *fakePeer) kill(victim Victim) {
	p.lost.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.open {
		s.lost.Store(true)
		switch {
		case p.fault != lossIsNotNoticed:
			_ = s.Close()
		case s.listening == (victim == KillListener):
			_ = s.SetDeadline(time.Unix(1, 0)) // it says nothing any more
		}
	}
}

func (p *fakePeer) Connected(context.Context, string) (bool, error) {
	return !p.lost.Load() || p.fault == keepsTheLost, nil
}

func (p *fakePeer) ID() string                               { return "12D3KooWdialer" }
func (p *fakePeer) Addrs() []string                          { return []string{ownAddr} }
func (p *fakePeer) Agent() string                            { return "fake" }
func (p *fakePeer) Disconnect(context.Context, string) error { return nil }

func (p *fakePeer) Close() error {
	p.mu.Lock()
	for _, s := range p.open {
		_ = s.shut()
	}
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

func (p *fakePeer) Connect(_ context.Context, addr string) error {
	if addr != fakeAddr && p.fault != talksToStrangers {
		return errors.New("somebody else is there")
	}
	return nil
}

func (p *fakePeer) Ping(_ context.Context, _ string, n int) ([]time.Duration, error) {
	if p.fault == losesPings {
		n--
	}
	return slices.Repeat([]time.Duration{time.Millisecond}, n), nil
}

func (p *fakePeer) Identify(context.Context, string) (Identity, error) {
	id := Identity{Agent: "fake", ProtocolVersion: "ipfs/0.1.0", Listen: []string{fakeAddr},
		Observed: ownAddr, Local: ownAddr, Protocols: []string{Ping, Identify}}
	for name := range p.handlers {
		id.Protocols = append(id.Protocols, name)
	}
	switch p.fault {
	case hidesItsAgent:
		id.Agent = ""
	case hidesProtocols:
		id.Protocols = nil
	case hidesAddresses:
		id.Listen = nil
	case observesWrongly:
		id.Observed = "/ip4/127.0.0.1/tcp/1"
	}
	return id, nil
}

func (p *fakePeer) Open(_ context.Context, _ string, want Want) (Stream, error) {
	if p.lost.Load() && p.fault != opensOnTheLost {
		return nil, errors.New("the connection is gone")
	}
	name := ""
	for _, w := range want.Protocols {
		if _, ok := p.handlers[w]; ok {
			name = w
			break
		}
	}
	serve := p.handlers[name]
	switch {
	case name != "":
	case p.fault == speaksEverything:
		name, serve = want.Protocols[0], p.handlers[Wait]
	default:
		p.lost.Store(p.fault == dropsOnRefusal)
		return nil, fmt.Errorf("%v: %w", want.Protocols, ErrRefused)
	}
	if p.fault == neverAnswers {
		serve = p.handlers[Wait]
	}
	if p.fault == picksTheFirst {
		name = want.Protocols[0]
	}
	dialer, listener := fakeStreams(name, p.fault)
	p.mu.Lock()
	p.open = append(p.open, dialer, listener)
	p.mu.Unlock()
	p.running.Go(func() {
		if p.fault == serialStreams {
			p.serial <- struct{}{}
			defer func() { <-p.serial }()
		}
		switch err := serve(listener); {
		case listener.lost.Load(): // there is no connection to say it on
		case err != nil:
			_ = listener.Reset()
		default:
			_ = listener.Close()
		}
	})
	return dialer, nil
}

// fakeStream is one end of two pipes, one for each direction.
type fakeStream struct {
	protocol  string
	fault     fault
	listening bool
	in, out   net.Conn
	reset     *atomic.Bool // shared by both ends
	closed    atomic.Bool  // the write side
	lost      atomic.Bool  // with the connection
	read      int64        // bytes read so far
}

func fakeStreams(protocol string, f fault) (dialer, listener *fakeStream) {
	a, b := net.Pipe()
	c, d := net.Pipe()
	reset := &atomic.Bool{}
	return &fakeStream{protocol: protocol, fault: f, in: b, out: c, reset: reset},
		&fakeStream{protocol: protocol, fault: f, in: d, out: a, reset: reset, listening: true}
}

func (s *fakeStream) Protocol() string { return s.protocol }

func (s *fakeStream) Read(b []byte) (int, error) {
	n, err := s.in.Read(b)
	err = s.named(err)
	if n > 0 && !s.listening {
		before := s.read
		s.read += int64(n)
		switch {
		case s.fault == flipsAByte && before <= 40 && 40 < s.read:
			b[40-before] ^= 1
		case s.fault == doublesAByte && before == 0 && n < len(b):
			copy(b[1:n+1], bytes.Clone(b[:n]))
			n++
		case s.fault == losesTheLastByte:
			n--
		}
	}
	return n, err
}

func (s *fakeStream) Write(b []byte) (int, error) {
	if s.closed.Load() && s.fault == writesAfterClose {
		return len(b), nil
	}
	n, err := s.out.Write(b)
	return n, s.named(err)
}

// named gives a pipe's error the name it has in this package, or the wrong one.
func (s *fakeStream) named(err error) error {
	switch {
	case err == nil:
		return nil
	case s.lost.Load() && s.fault == lossLooksLikeEnd:
		return io.EOF
	case s.lost.Load() && s.fault == lossHasNoName:
		return errors.New("something happened")
	case s.lost.Load() && s.fault != lossIsNotNoticed:
		return ErrConnEnded
	case s.reset.Load() && s.fault == resetLooksLikeEnd:
		return io.EOF
	case s.reset.Load(), errors.Is(err, io.EOF) && s.fault == endLooksLikeReset:
		return ErrReset
	case errors.Is(err, os.ErrDeadlineExceeded) && s.fault == ignoresDeadlines:
		return io.EOF
	}
	return err
}

func (s *fakeStream) CloseWrite() error {
	s.closed.Store(true)
	if s.fault == closesBothWays {
		_ = s.in.Close()
	}
	return s.out.Close()
}

func (s *fakeStream) Close() error {
	if s.lost.Load() && s.fault == lossIsNotNoticed {
		return nil // nothing reaches the other side
	}
	return s.shut()
}

func (s *fakeStream) shut() error { return errors.Join(s.in.Close(), s.out.Close()) }

func (s *fakeStream) Reset() error {
	s.reset.Store(true)
	return s.Close()
}

func (s *fakeStream) SetDeadline(t time.Time) error {
	return errors.Join(s.in.SetDeadline(t), s.out.SetDeadline(t))
}

// faultFinders says which check must notice which fault.
func faultFinders() map[fault][]string {
	return map[fault][]string{
		flipsAByte:        {"echo-1MiB+1", "download-1MiB+1", "parallel-100"},
		losesTheLastByte:  {"echo-1B", "echo-1MiB+1", "download-1MiB+1", "half-close", "upload-1MiB+1"},
		doublesAByte:      {"echo-1B", "upload-1MiB+1"},
		closesBothWays:    {"half-close", "close-first", "upload-1MiB+1"},
		resetLooksLikeEnd: {"reset-by-listener", "reset-by-dialer", "deadline"},
		endLooksLikeReset: {"echo-0B", "close-first"},
		speaksEverything:  {"unknown-protocol", "back-unknown-protocol"},
		dropsOnRefusal:    {"unknown-protocol"},
		picksTheFirst:     {"second-choice"},
		ignoresDeadlines:  {"deadline"},
		neverAnswers:      {"echo-1B", "upload-1MiB+1", "parallel-100", "half-close", "close-first", "reset-by-listener"},
		talksToStrangers:  {"wrong-peer"},
		hidesItsAgent:     {"identify", "back-identify"},
		hidesProtocols:    {"identify"},
		hidesAddresses:    {"identify"},
		observesWrongly:   {"identify"},
		writesAfterClose:  {"half-close"},
		serialStreams:     {"parallel-100"},
		losesPings:        {"ping", "back-ping"},
		lossLooksLikeEnd:  {"killed-listener-download", "killed-listener-upload", "killed-dialer-upload"},
		lossIsNotNoticed:  {"killed-listener-download", "killed-listener-upload", "killed-dialer-download", "killed-dialer-upload"},
		lossHasNoName:     {"killed-listener-download", "killed-listener-upload", "killed-dialer-download", "killed-dialer-upload"},
		keepsTheLost:      {"killed-listener-download", "killed-dialer-upload"},
		opensOnTheLost:    {"killed-listener-download", "killed-dialer-upload"},
	}
}

// faults are the faults in a fixed order.
func faults() []fault {
	var all []fault
	for f := range faultFinders() {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}
