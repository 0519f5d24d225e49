package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// A Cell is one pairing of the matrix.
type Cell struct {
	Security string `json:"security"`
	Muxer    string `json:"muxer"`
	Dialer   string `json:"dialer"`   // the implementation that dials
	Listener string `json:"listener"` // the implementation that is dialed
}

func (c Cell) String() string {
	return fmt.Sprintf("%s/%s/%s dials %s", c.Security, c.Muxer, c.Dialer, c.Listener)
}

// A Status says what came of a check.
type Status string

// The four statuses.
const (
	Passed Status = "passed"
	Failed Status = "failed"
	Cannot Status = "cannot"  // it failed, or was not tried, and the other side is known not to do it
	NotRun Status = "not run" // nothing is known about it
)

// A Result is what came of one check in one cell.
type Result struct {
	Check  string  `json:"check"`
	Status Status  `json:"status"`
	Reason string  `json:"reason,omitempty"` // of every status but Passed
	Detail string  `json:"detail,omitempty"` // of Cannot: what happened this time
	TookMS float64 `json:"took_ms,omitempty"`
	Bytes  int64   `json:"bytes,omitempty"` // of a check with a size
}

// limits are the times that do not belong to a check.
type limits struct {
	start time.Duration // for a process to listen
	step  time.Duration // for a dial, an echo of one byte, a handler's end, a disconnect
	grace time.Duration // for a peer that is past a limit
	stop  time.Duration // for a process to end in good order
}

func usualLimits() limits {
	return limits{start: 30 * time.Second, step: stepLimit, grace: 2 * time.Second, stop: 15 * time.Second}
}

// matrix runs cells.
type matrix struct {
	limits limits
	known  []Limit          // what the implementations are known not to do
	log    io.Writer        // for what the peers write to their standard errors; may be nil
	absent map[string]error // the implementations that are known not to be on this machine
}

// pairing runs the checks of one cell, with processes that it starts when they
// are needed.
type pairing struct {
	matrix
	cell             Cell
	dialer, listener *process
	hopeless         error // why no process can be started

	versions map[string]map[string]string // those that the implementations have told
	missing  string                       // the implementation that is not on this machine
}

func (m matrix) open(cell Cell) *pairing {
	s := &pairing{matrix: m, cell: cell, versions: map[string]map[string]string{}}
	for _, impl := range []string{cell.Dialer, cell.Listener} {
		if err := m.absent[impl]; err != nil && s.hopeless == nil {
			s.hopeless, s.missing = err, impl
		}
	}
	return s
}

// check runs one check. After a failure the processes are ended, so that the
// next check has fresh ones.
func (s *pairing) check(ctx context.Context, c talk.Check) Result {
	result := Result{Check: c.Label(), Status: NotRun, Bytes: c.Size}
	limit := limitOf(s.known, s.cell, c.Label())
	if limit != nil && limit.Untried && ctx.Err() == nil && s.hopeless == nil {
		result.Status, result.Reason = Cannot, limit.Reason
		return result
	}
	if err := s.prepare(ctx); err != nil {
		return s.unprepared(ctx, result, err)
	}
	steps := s.steps
	if c.Kills != talk.KillNobody {
		steps = s.killingSteps
	}
	took, err := steps(ctx, c)
	result.TookMS = took
	switch {
	case err == nil:
		result.Status = Passed
		return result
	case ctx.Err() != nil:
		result.Reason = fmt.Sprintf("interrupted: %v", context.Cause(ctx))
	case limit != nil:
		result.Status, result.Reason, result.Detail = Cannot, limit.Reason, err.Error()+s.obituaries()
	default:
		result.Status, result.Reason = Failed, err.Error()+s.obituaries()
	}
	_ = s.close() // after a failure they need not end in good order
	return result
}

// unprepared is the result of a check that has no processes. The first process
// that does not start is a failure, unless nobody is to blame for it.
func (s *pairing) unprepared(ctx context.Context, result Result, err error) Result {
	result.Reason = err.Error()
	if ctx.Err() != nil {
		return result
	}
	first := s.hopeless == nil
	s.hopeless = err
	if result = s.without(result); first && result.Status == NotRun && !errors.Is(err, errLacking) && !errors.Is(err, errAbsent) {
		result.Status = Failed
	}
	return result
}

// without is the result of a check in a hopeless cell. That an implementation says
// that it lacks something counts as a limit only if it is known.
func (s *pairing) without(result Result) Result {
	result.Reason = s.hopeless.Error()
	if l := limitOf(s.known, s.cell, ""); l != nil && errors.Is(s.hopeless, errLacking) {
		result.Status, result.Reason, result.Detail = Cannot, l.Reason, s.hopeless.Error()
	}
	return result
}

// prepare sees to it that both processes are there.
func (s *pairing) prepare(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	case s.hopeless != nil:
		return s.hopeless
	case s.dialer != nil:
		return nil
	}
	var both sync.WaitGroup
	var listening, dialing error
	both.Go(func() { s.listener, listening = s.start(ctx, s.cell.Listener) })
	both.Go(func() { s.dialer, dialing = s.start(ctx, s.cell.Dialer) })
	both.Wait()
	switch {
	case errors.Is(listening, errAbsent):
		s.missing = s.cell.Listener
	case errors.Is(dialing, errAbsent):
		s.missing = s.cell.Dialer
	}
	if listening != nil || dialing != nil {
		_ = s.close()
		return cmp.Or(listening, dialing)
	}
	for _, p := range []*process{s.listener, s.dialer} {
		s.versions[p.Impl] = p.Versions
	}
	return nil
}

func (s *pairing) start(ctx context.Context, impl string) (*process, error) {
	return launch(ctx, ready{Impl: impl, Security: s.cell.Security, Muxer: s.cell.Muxer}, s.limits, s.log)
}

// reconnects is how often a connection with a py-libp2p that listens is tried, and
// reconnectAfter the time between: when the connection before has just ended, its
// host may take the new one for the old one, and reset it.
const (
	reconnects     = 5
	reconnectAfter = 200 * time.Millisecond
)

// connect has the dialer connect.
func (s *pairing) connect(ctx context.Context, do func(who *process, what string, req request, limit time.Duration) (reply, error)) error {
	for try := 1; ; try++ {
		_, err := do(s.dialer, "connect", request{Do: doConnect, Addr: s.listener.Addrs[0]}, s.limits.step)
		if err == nil || s.cell.Listener != implPy || try == reconnects || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(reconnectAfter):
		case <-ctx.Done():
		}
	}
}

// steps are a check from its connection to its end. It returns how long the
// check itself took, in milliseconds.
func (s *pairing) steps(ctx context.Context, c talk.Check) (tookMS float64, err error) {
	from, to := s.dialer, s.listener
	if c.Back {
		from, to = to, from
	}
	do := func(who *process, what string, req request, limit time.Duration) (reply, error) {
		return s.do(ctx, who, what, req, limit)
	}
	if err := s.connect(ctx, do); err != nil {
		return 0, err
	}
	if c.Back {
		// An answer from the listener shows that it, too, has the connection.
		if _, err := do(s.dialer, "first echo", request{Do: doAlive, To: s.listener.target()}, s.limits.step); err != nil {
			return 0, err
		}
	}
	got, err := do(from, c.Label(), request{Do: doCheck, Name: c.Label(), To: to.target()}, c.Limit)
	if err != nil {
		return got.TookMS, err
	}
	tookMS = got.TookMS
	if c.Awaits != "" {
		got, err := do(to, c.Label()+", at the other end", request{Do: doAwait, Protocol: c.Awaits}, s.limits.step)
		if err != nil {
			return tookMS, err
		}
		if got.Ending == nil {
			return tookMS, fmt.Errorf("%s: no ending was reported", c.Label())
		}
		if err := c.Ended(*got.Ending); err != nil {
			return tookMS, fmt.Errorf("%s: %w", c.Label(), err)
		}
	}
	if _, err := do(from, "echo afterwards", request{Do: doAlive, To: to.target()}, s.limits.step); err != nil {
		return tookMS, err
	}
	return tookMS, s.disconnect(ctx)
}

// do has a process do something. An error says what and who.
func (s *pairing) do(ctx context.Context, who *process, what string, req request, limit time.Duration) (reply, error) {
	got, err := who.ask(ctx, req, limit)
	if err == nil && !got.OK {
		err = errors.New(got.Reason)
	}
	if err != nil {
		return got, fmt.Errorf("%s (%s): %w", what, who.Impl, err)
	}
	return got, nil
}

// disconnect closes the connection from both sides.
func (s *pairing) disconnect(ctx context.Context) error {
	for _, end := range []struct{ a, b *process }{{s.dialer, s.listener}, {s.listener, s.dialer}} {
		if _, err := s.do(ctx, end.a, "disconnect", request{Do: doDisconnect, To: end.b.target()}, s.limits.step); err != nil {
			return err
		}
	}
	return nil
}

// obituaries names the processes that ended by themselves, for the end of a
// reason: what one peer reports may be the other one's crash.
func (s *pairing) obituaries() string {
	text := ""
	for _, p := range []*process{s.dialer, s.listener} {
		if p != nil && p.gone(obituaryPatience) {
			text += fmt.Sprintf("; the %s peer's process ended: %v%s", p.Impl, orClean(p.exit), p.errors.ending())
		}
	}
	return text
}

// obituaryPatience is how long a failed check waits for a process that may be
// about to end. It is long enough for a crash and short enough not to be noticed.
const obituaryPatience = 100 * time.Millisecond

// cleanEnd names the last result of a cell.
const (
	cleanEnd      = "clean-end"
	cleanEndShows = "at the end of each cell both peers stop by themselves, without an error"
)

// finish ends the cell: told to, both processes must end by themselves, without
// an error.
func (s *pairing) finish() Result {
	result := Result{Check: cleanEnd, Status: NotRun, Reason: "no peers are running any more"}
	if s.hopeless != nil {
		return s.without(result)
	}
	if s.dialer == nil {
		return result
	}
	begin := time.Now()
	err := s.close()
	result.Status, result.Reason, result.TookMS = Passed, "", milliseconds(time.Since(begin))
	if err != nil {
		result.Status, result.Reason = Failed, err.Error()
	}
	return result
}

// close ends the processes. Nothing happens if there are none.
func (s *pairing) close() error {
	var errs []error
	for _, p := range []*process{s.dialer, s.listener} {
		if p != nil {
			errs = append(errs, p.stop(s.limits.stop))
		}
	}
	s.dialer, s.listener = nil, nil
	return errors.Join(errs...)
}

// run runs all checks of a cell, the clean end last, and tells what it does.
func (m matrix) run(ctx context.Context, cell Cell, checks []talk.Check, tell progress) CellReport {
	s := m.open(cell)
	begin := time.Now()
	rep := CellReport{Cell: cell}
	add := func(r Result) {
		rep.Results = append(rep.Results, r)
		tell.result(cell, r)
	}
	for _, c := range checks {
		tell.check(cell, c.Label())
		add(s.check(ctx, c))
	}
	tell.check(cell, cleanEnd)
	if n := len(rep.Results); n > 0 && rep.Results[n-1].Status == Cannot && s.hopeless == nil && s.dialer == nil {
		_ = s.prepare(ctx) // what is known must not hide how peers end; finish says if there are none
	}
	add(s.finish())
	rep.TookMS, rep.Missing, rep.versions = milliseconds(time.Since(begin)), s.missing, s.versions
	rep.hopeless = s.hopeless
	return rep
}
