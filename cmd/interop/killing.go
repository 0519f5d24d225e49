package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// killingSteps are the steps of a check in which one process is killed in the
// middle of a transfer:
//
//	dialer                      run                       listener
//	  │◀── connect, check ───────┤                            │
//	  │════ a transfer ══════════╪═══════════════════════════▶│
//	  ├─── under way ───────────▶│                            │
//	  │                          ├── SIGKILL to one of them   │
//	  the survivor: its stream fails, the connection leaves its list; a fresh
//	  process of the killed one's kind connects and echoes, both ways.
//
// The two stay for the next check. A survivor is never killed: it must end by
// itself, without an error, at the end of the cell or before its side is to be
// killed.
//
// It returns how long after the kill the survivor's stream had failed, in
// milliseconds.
func (s *pairing) killingSteps(ctx context.Context, c talk.Check) (tookMS float64, err error) {
	place := &s.listener
	if c.Kills == talk.KillDialer {
		place = &s.dialer
	}
	if err := s.spare(ctx, place); err != nil {
		return 0, err
	}
	if _, err := s.do(ctx, s.dialer, "connect", request{Do: doConnect, Addr: s.listener.Addrs[0]}, s.limits.step); err != nil {
		return 0, err
	}
	if err := s.underWay(ctx, c); err != nil {
		return 0, fmt.Errorf("%s (%s): %w", c.Label(), s.dialer.Impl, err)
	}

	victim := *place
	*place = nil // from here on there is only the survivor
	survivor := cmp.Or(s.dialer, s.listener)
	survivor.survived = true
	begin := time.Now()
	if err := victim.killGroup(); err != nil {
		return 0, err
	}
	err = s.noticed(ctx, c, survivor)
	tookMS = milliseconds(time.Since(begin))
	if err != nil {
		return tookMS, fmt.Errorf("%s (%s), after the %s peer was killed: %w", c.Label(), survivor.Impl, victim.Impl, err)
	}
	if _, err := s.do(ctx, survivor, "forget the killed peer", request{Do: doGone, To: victim.target()}, talk.KillLimit); err != nil {
		return tookMS, err
	}

	if *place, err = s.start(ctx, victim.Impl); err != nil {
		return tookMS, err
	}
	if err := s.again(ctx); err != nil {
		return tookMS, fmt.Errorf("with a fresh %s peer: %w", victim.Impl, err)
	}
	return tookMS, nil
}

// spare puts a fresh process in the place of one that has survived a kill.
func (s *pairing) spare(ctx context.Context, place **process) error {
	old := *place
	if !old.survived {
		return nil
	}
	*place = nil
	if err := old.stop(s.limits.stop); err != nil {
		return fmt.Errorf("after it had survived a kill: %w", err)
	}
	var err error
	*place, err = s.start(ctx, old.Impl)
	return err
}

// underWay starts the check and waits until the transfer is in full swing.
func (s *pairing) underWay(ctx context.Context, c talk.Check) error {
	req := request{Do: doCheck, Name: c.Label(), To: s.listener.target()}
	if err := s.dialer.send(ctx, req, c.Limit); err != nil {
		return err
	}
	got, err := s.dialer.receive(ctx, c.Limit)
	switch {
	case err != nil:
		return err
	case got.UnderWay:
		return nil
	case got.Reason != "":
		return errors.New(got.Reason)
	default:
		return errors.New("it passed before anybody was killed")
	}
}

// noticed waits until the survivor's stream has failed, and judges how.
func (s *pairing) noticed(ctx context.Context, c talk.Check, survivor *process) error {
	if c.Kills == talk.KillListener {
		got, err := survivor.receive(ctx, talk.KillLimit)
		if err == nil && !got.OK {
			err = errors.New(got.Reason)
		}
		return err
	}
	got, err := survivor.ask(ctx, request{Do: doAwait, Protocol: c.Awaits}, talk.KillLimit)
	switch {
	case err != nil:
		return err
	case !got.OK:
		return errors.New(got.Reason)
	case got.Ending == nil:
		return errors.New("no ending was reported")
	}
	return c.Ended(*got.Ending)
}

// again has both processes talk, the listener to the dialer as well.
func (s *pairing) again(ctx context.Context) error {
	for _, step := range []struct {
		who  *process
		what string
		req  request
	}{
		{s.dialer, "connect", request{Do: doConnect, Addr: s.listener.Addrs[0]}},
		{s.dialer, "echo", request{Do: doAlive, To: s.listener.target()}},
		{s.listener, "echo", request{Do: doAlive, To: s.dialer.target()}},
	} {
		if _, err := s.do(ctx, step.who, step.what, step.req, s.limits.step); err != nil {
			return err
		}
	}
	return s.disconnect(ctx)
}
