package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// A starter starts a peer of the implementation with a name.
type starter func(impl string, c talk.Config) (talk.Peer, error)

// servant is a peer process's side of the conversation.
type servant struct {
	peer  talk.Peer
	rec   *talk.Recorder
	grace time.Duration
	last  talk.Target // the last peer dialed

	saying sync.Mutex // a check that is left behind may still say something
	out    *json.Encoder
}

// say writes one line.
func (s *servant) say(line any) error {
	s.saying.Lock()
	defer s.saying.Unlock()
	return s.out.Encode(line)
}

// servePeer is the peer process: it starts a peer, says so on out, and obeys the
// requests on in until "quit", the end of in, or the end of ctx.
func servePeer(ctx context.Context, start starter, want ready, grace time.Duration, in io.Reader, out io.Writer) error {
	s := &servant{rec: talk.NewRecorder(), grace: grace, out: json.NewEncoder(out)}
	p, err := start(want.Impl, talk.Config{Security: want.Security, Muxer: want.Muxer, Handlers: s.rec.Handlers()})
	if err != nil {
		want.Error = err.Error()
		want.Lacking, want.Absent = errors.Is(err, talk.ErrUnknownChoice), errors.Is(err, talk.ErrNotInstalled)
		return errors.Join(err, s.say(want))
	}
	want.ID, want.Addrs, want.Agent = p.ID(), p.Addrs(), p.Agent()
	if v, ok := p.(talk.Versioned); ok {
		want.Versions = v.Versions()
	}
	if err := s.say(want); err != nil {
		return errors.Join(err, p.Close())
	}

	s.peer = p
	for line := range lines(ctx, in) {
		var req request
		if err := json.Unmarshal(line, &req); err != nil {
			if err := s.say(reply{Reason: "not a request: " + err.Error()}); err != nil {
				return errors.Join(err, p.Close())
			}
			continue
		}
		if req.Do == doQuit {
			break
		}
		if err := s.say(s.obey(ctx, req)); err != nil {
			return errors.Join(err, p.Close())
		}
	}
	return p.Close()
}

// lines yields the lines of in until it ends or ctx does. The reading goroutine
// of a terminal that stays silent ends with the process.
func lines(ctx context.Context, in io.Reader) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		box := make(chan []byte)
		go func() {
			defer close(box)
			scan := bufio.NewScanner(in)
			for scan.Scan() {
				select {
				case box <- append([]byte(nil), scan.Bytes()...):
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			select {
			case line, ok := <-box:
				if !ok || !yield(line) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// obey carries out one request within its limit.
func (s *servant) obey(ctx context.Context, req request) reply {
	to, limit := s.last, stepLimit
	if req.To != nil {
		to = talk.Target{ID: req.To.ID, Addrs: req.To.Addrs, Agent: req.To.Agent}
	}
	answer := reply{Do: req.Do, Name: req.Name}

	var ending talk.Ending // belongs to run until it has ended
	var run func(ctx context.Context) error
	switch req.Do {
	case doConnect:
		run = func(ctx context.Context) error { return s.connect(ctx, req.Addr) }
	case doDisconnect:
		run = func(ctx context.Context) error { return s.peer.Disconnect(ctx, to.ID) }
	case doAlive:
		run = func(ctx context.Context) error { return talk.Alive(ctx, s.peer, to) }
	case doGone:
		run = func(ctx context.Context) error { return talk.Gone(ctx, s.peer, to.ID) }
	case doAwait:
		run = func(ctx context.Context) (err error) {
			ending, err = s.rec.Await(ctx, req.Protocol)
			return err
		}
	case doCheck:
		c, ok := talk.FindCheck(req.Name, req.Size)
		if !ok {
			answer.Reason = fmt.Sprintf("there is no check %q", req.Name)
			return answer
		}
		limit = c.Limit
		run = func(ctx context.Context) error {
			ctx = talk.WithUnderWay(ctx, func() {
				// If nobody can be told, nobody is killed, and the check says so.
				_ = s.say(reply{Do: req.Do, Name: req.Name, UnderWay: true})
			})
			return c.Run(ctx, s.peer, to)
		}
	default:
		answer.Reason = fmt.Sprintf("there is no command %q", req.Do)
		return answer
	}
	if req.LimitMS > 0 {
		limit = time.Duration(req.LimitMS) * time.Millisecond
	}

	begin := time.Now()
	stuck, err := within(ctx, limit, s.grace, run)
	answer.TookMS = milliseconds(time.Since(begin))
	answer.OK, answer.Stuck = err == nil, stuck
	if err != nil {
		answer.Reason = err.Error()
	}
	if err == nil && req.Do == doAwait {
		answer.Ending = &ending
	}
	return answer
}

// connect dials, and remembers whom for the checks that name no target.
func (s *servant) connect(ctx context.Context, addr string) error {
	if _, id, found := strings.Cut(addr, "/p2p/"); found {
		s.last = talk.Target{ID: id, Addrs: []string{addr}}
	}
	return s.peer.Connect(ctx, addr)
}

// errLimit is the cause of a context whose step ran out of time.
var errLimit = errors.New("the time limit is over")

// within runs f with a time limit and adds to an error what f was doing. If f
// takes no notice of the limit for the time of grace, it is left behind: stuck.
func within(ctx context.Context, limit, grace time.Duration, f func(ctx context.Context) error) (stuck bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLimit)
	defer cancel()
	ctx, progress := talk.WithProgress(ctx)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()

	patience := time.NewTimer(limit + grace)
	defer patience.Stop()
	select {
	case err = <-done:
	case <-patience.C:
		return true, fmt.Errorf("does not end: still %s %v after the limit of %v", progress.Doing(), grace, limit)
	}
	switch {
	case err == nil:
		return false, nil
	case errors.Is(context.Cause(ctx), errLimit):
		return false, fmt.Errorf("not done within %v, while %s: %w", limit, progress.Doing(), err)
	default:
		return false, fmt.Errorf("while %s: %w", progress.Doing(), err)
	}
}
