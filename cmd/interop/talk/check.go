package talk

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Target is the peer that a check talks to.
type Target struct {
	ID string
	// Addrs are the addresses it says it listens on, as in Peer.Addrs.
	Addrs []string
	// Agent is the agent version it says it has.
	Agent string
}

// A Check is one thing that two implementations must be able to do.
type Check struct {
	Name  string
	Shows string // what a pass shows, in one sentence
	// Size is the number of bytes, where the check has one.
	Size int64
	// Limit is the time limit of the check.
	Limit time.Duration
	// Back means that the peer that was dialed runs the check over the
	// connection that it accepted.
	Back bool
	// Kills says whose process is killed when Run says that the moment has come
	// (see WithUnderWay). The survivor's stream must fail within KillLimit: Run
	// returns nil if it has seen that, and Ended judges it if the dialer, with its
	// Run, is the one that is killed.
	Kills Victim
	// Run talks to the target over the connection that is there.
	Run func(ctx context.Context, p Peer, to Target) error
	// Awaits is the protocol whose ending the other side must report
	// afterwards, and Ended judges it. Empty: none.
	Awaits string
	Ended  func(Ending) error
}

// Checks are all checks in the order in which they are run.
func Checks() []Check {
	const quick = 20 * time.Second
	all := []Check{
		{Name: "identify", Limit: quick, Run: identify,
			Shows: "agent, protocols, listen addresses and the observed address arrive by identify"},
		{Name: "ping", Limit: quick, Run: ping,
			Shows: "five pings come back"},
		sized("echo", 0, quick),
		sized("echo", 1, quick),
		sized("echo", 1<<20+1, quick),
		sized("echo", 64<<20, 2*time.Minute),
		sized("upload", 1<<20+1, quick),
		sized("download", 1<<20+1, quick),
		{Name: "parallel-100", Limit: time.Minute, Run: parallel,
			Shows: "100 echo streams are open at once on one connection, and nothing is mixed up"},
		{Name: "half-close", Limit: quick, Run: halfClose,
			Shows: "the listener goes on writing after the dialer closed its write side"},
		{Name: "close-first", Limit: quick, Run: closeFirst, Awaits: CloseFirst, Ended: closeFirstEnded,
			Shows: "the dialer goes on writing after the listener closed its write side"},
		{Name: "reset-by-listener", Limit: quick, Run: resetByListener,
			Shows: "the dialer sees the listener's reset as a reset, not as an end"},
		{Name: "reset-by-dialer", Limit: quick, Run: resetByDialer, Awaits: Wait, Ended: endedByReset,
			Shows: "the listener sees the dialer's reset as a reset, not as an end"},
		{Name: "unknown-protocol", Limit: quick, Run: unknownProtocol,
			Shows: "an unknown protocol is refused eight times, and the connection goes on"},
		{Name: "second-choice", Limit: quick, Run: secondChoice,
			Shows: "after a refused proposal the next one on the same stream is agreed"},
		{Name: "deadline", Limit: quick, Run: deadline, Awaits: Wait, Ended: endedByReset,
			Shows: "a read from a silent peer ends at its deadline"},
		{Name: "wrong-peer", Limit: quick, Run: wrongPeer,
			Shows: "a dial that expects another peer ID fails, and the connection that is there goes on"},
	}
	for _, c := range []Check{
		{Name: "identify", Limit: quick, Run: identify,
			Shows: "the dialed peer identifies the dialer"},
		{Name: "ping", Limit: quick, Run: ping,
			Shows: "the dialed peer pings the dialer"},
		sized("echo", 1<<20+1, quick),
		{Name: "unknown-protocol", Limit: quick, Run: unknownProtocol,
			Shows: "the dialer refuses what it does not know"},
	} {
		c.Name, c.Back = "back-"+c.Name, true
		all = append(all, c)
	}
	for _, victim := range []Victim{KillListener, KillDialer} {
		all = append(all, killed(victim, "download"), killed(victim, "upload"))
	}
	return all
}

// sized makes one of the checks that have a size.
func sized(name string, size int64, limit time.Duration) Check {
	c := Check{Name: name, Size: size, Limit: limit}
	switch name {
	case "echo":
		c.Shows = sizeText(size) + " come back unchanged, then the end"
		c.Run = func(ctx context.Context, p Peer, to Target) error { return echo(ctx, p, to, size) }
	case "upload":
		c.Awaits, c.Ended = Discard, endedInOrder
		c.Shows = sizeText(size) + " arrive unchanged, one way"
		c.Run = func(ctx context.Context, p Peer, to Target) error { return upload(ctx, p, to, size) }
	case "download":
		c.Awaits, c.Ended = Source, endedInOrder
		c.Shows = sizeText(size) + " are fetched unchanged, one way"
		c.Run = func(ctx context.Context, p Peer, to Target) error { return download(ctx, p, to, size) }
	}
	return c
}

// Label names the check in tables and on the command line: its name, and its
// size where it has one.
func (c Check) Label() string {
	if c.isSized() {
		return c.Name + "-" + sizeText(c.Size)
	}
	return c.Name
}

func (c Check) isSized() bool {
	return slices.Contains([]string{"echo", "upload", "download", "back-echo"}, c.Name)
}

// sizeText writes a size as "0B", "64MiB" or "1MiB+1".
func sizeText(n int64) string {
	const mib = 1 << 20
	switch {
	case n < mib:
		return fmt.Sprintf("%dB", n)
	case n%mib == 0:
		return fmt.Sprintf("%dMiB", n/mib)
	default:
		return fmt.Sprintf("%dMiB+%d", n/mib, n%mib)
	}
}

// FindCheck returns the check with a label. A check with a size can also be had
// by its name with any other size.
func FindCheck(name string, size int64) (Check, bool) {
	for _, c := range Checks() {
		if c.Label() == name {
			return c, true
		}
	}
	for _, c := range Checks() {
		if c.Name == name && c.isSized() && !c.Back && size >= 0 {
			return sized(name, size, 2*time.Minute), true
		}
	}
	return Check{}, false
}

// Alive is run after each check: one byte must come back over the connection
// that is there.
func Alive(ctx context.Context, p Peer, to Target) error { return echo(ctx, p, to, 1) }

// Progress can be asked what a check is doing.
type Progress struct{ doing atomic.Pointer[func() string] }

type progressKey struct{}

// WithProgress gives a check's context a Progress.
func WithProgress(ctx context.Context) (context.Context, *Progress) {
	p := &Progress{}
	return context.WithValue(ctx, progressKey{}, p), p
}

// Doing is what the check is doing now, for example "reading the echo: 0 of 1
// bytes came back".
func (p *Progress) Doing() string {
	if f := p.doing.Load(); f != nil {
		return (*f)()
	}
	return "starting"
}

// doing tells ctx's Progress, if it has one, what comes next.
func doing(ctx context.Context, f func() string) {
	if p, ok := ctx.Value(progressKey{}).(*Progress); ok {
		p.doing.Store(&f)
	}
}

// doingThis is doing with a constant text.
func doingThis(ctx context.Context, text string) { doing(ctx, func() string { return text }) }

// converse opens a stream, gives it the deadline of ctx, and runs f on it. The
// stream is closed when f returns nil, and reset when f fails.
func converse(ctx context.Context, p Peer, to Target, want Want, f func(s Stream) error) error {
	doingThis(ctx, fmt.Sprintf("opening a stream for %v", want.Protocols))
	s, err := p.Open(ctx, to.ID, want)
	if err != nil {
		return fmt.Errorf("open %v: %w", want.Protocols, err)
	}
	if t, ok := ctx.Deadline(); ok {
		if err := s.SetDeadline(t); err != nil {
			_ = s.Reset()
			return fmt.Errorf("set the deadline: %w", err)
		}
	}
	if err := f(s); err != nil {
		_ = s.Reset()
		return err
	}
	doingThis(ctx, "closing the stream")
	if err := s.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
