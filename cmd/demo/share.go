package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// A share is the folder that a node shares: the service that answers to the file
// protocol. Its actor grants who may send which file (claimsMachine); each
// stream is served by a handler actor of its own, which asks it and reports to
// it.
//
//	handler ── wish ──▶ share actor ── granted, or why not ──▶ handler
//	handler ── transferOver ──▶ share actor ──▶ tell
//
// Everything goes through an os.Root, so that no name and no symbolic link leads
// out of the folder.
type share struct {
	root    *os.Root
	dir     string // root's path for messages
	receive bool   // others may send files here
	room    int64  // bytes that may come in all
	tell    func(transferOver)
	numbers atomic.Int64 // of requests
}

// shareMessage is what the share's actor receives: wish or transferOver.
type shareMessage interface{ shareMessage() }

// wish: a handler wants to receive a file; the answer is 0 or why not. Its loss
// would leave the handler waiting.
type wish struct {
	actor.Ask[*request, refusal]
}

// request is what one handler works on.
type request struct {
	claim
	id   int64
	over atomic.Bool // the handler has ended: nothing may be granted any more
}

// transferOver: a handler is done with a request. It comes in a reserved place;
// its loss would leave a claim for ever.
type transferOver struct {
	peer  peer.ID
	asked messageKind // get, put or list
	name  string
	id    int64
	took  time.Duration
	outcome
}

func (wish) shareMessage()         {}
func (transferOver) shareMessage() {}

// service is the share as a service of a host.
func (s *share) service(self *actor.Self, h *host.Host) error {
	box := actor.NewMailbox[shareMessage](self, 64)
	err := h.Handle(self, fileProtocol, func(self *actor.Self, st *stream.Stream) error {
		return s.handle(self, st, box)
	})
	if err != nil {
		return err
	}
	self.Note("folder", s.dir)
	claims := claimsMachine{room: s.room}
	var do []claimEffect
	for m := range box.All() {
		switch m := m.(type) {
		case wish:
			// The end of a handler overtakes its wish.
			if m.Q.over.Load() {
				continue
			}
			do = claims.Step(self.Now(), claimEvent{id: m.Q.id, claim: m.Q.claim}, do[:0])
			m.Answer(do[0].code, nil)
		case transferOver:
			claims.Step(self.Now(), claimEvent{id: m.id, over: true, moved: m.moved}, nil)
			if s.tell != nil {
				s.tell(m)
			}
		}
		self.Note("receiving", len(claims.claims))
	}
	return nil
}

// handle serves one stream, as its handler actor. What the peer did wrong has
// been said to it and ends the stream in order; a broken stream and a stop are
// returned, so that the stream is reset.
func (s *share) handle(self *actor.Self, st *stream.Stream, box *actor.Mailbox[shareMessage]) error {
	req := &request{id: s.numbers.Add(1)}
	over := transferOver{peer: st.Peer(), id: req.id, outcome: outcome{end: endLost, from: -1}}
	place, began := actor.Reserve(box, 1), self.Now()
	self.OnEnd(func() {
		req.over.Store(true)
		over.took = actor.Now(self).Sub(began)
		place.Put(over)
	})
	t := talk{self: self, s: st}
	t.readBy(began.Add(transferIdle))
	first, err := hear(st)
	if err != nil {
		t.failed(err)
		over.cause = err
		return err
	}
	over.asked, over.name = first.kind, first.name
	self.State(first.kind.String())
	self.Note("name", first.name)
	switch first.kind {
	case sayList:
		over.outcome = s.list(t)
	case sayGet:
		over.outcome = s.give(t, first)
	case sayPut:
		req.claim = claim{st.Peer(), first.name, first.size}
		over.outcome = s.take(t, req, box)
	default:
		t.refuse(refuseBroken)
		over.outcome = outcome{end: endBroken, from: -1, cause: &wireError{first.kind.String() + " is no request"}}
	}
	switch over.end {
	case endLost, endLate, endStopped:
		return over.cause
	}
	return nil
}

// decline refuses a request for a reason of ours.
func decline(t talk, code refusal, cause error) outcome {
	t.refuse(code)
	return outcome{end: endOurs, code: code, from: -1, cause: cause}
}

// give answers get.
func (s *share) give(t talk, first fileMessage) outcome {
	if err := checkName(first.name); err != nil {
		return decline(t, refuseName, err)
	}
	from, err := s.open(first.name)
	if err != nil {
		return decline(t, codeOf(err), err)
	}
	defer from.close()
	sender := sending{talk: t, from: from}
	return sender.run(t.self, &first)
}

// open opens a shared file. Whatever is no regular file inside the folder does
// not exist for others.
func (s *share) open(name string) (*source, error) {
	missing := &diskError{did: "share", path: name, err: fs.ErrNotExist}
	// Looked at first, because opening a named pipe would wait.
	if info, err := s.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, missing
	}
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, &diskError{did: "share", path: name, err: err}
	}
	return openSource(name, f)
}

// take answers put.
func (s *share) take(t talk, req *request, box *actor.Mailbox[shareMessage]) outcome {
	if !s.receive {
		return decline(t, refuseForbidden, errors.New("files are not received here"))
	}
	if err := checkReceived(req.name); err != nil {
		return decline(t, refuseName, err)
	}
	code, err := actor.Call(t.self, box, func(ask actor.Ask[*request, refusal]) shareMessage { return wish{ask} }, req)
	switch {
	case err != nil:
		return outcome{end: endStopped, from: -1, cause: err}
	case code != 0:
		return decline(t, code, errors.New("the limits of what is received at once, or in all, are reached"))
	}
	part, err := openPartial(s.root, s.dir, req.name, false)
	if err != nil {
		return decline(t, codeOf(err), err)
	}
	defer part.close()
	receiver := receiving{talk: t, part: part}
	return receiver.run(t.self, receiveMachine{limit: req.size})
}

// maxEntries is how many files a list names. As many again are counted.
const maxEntries = 10_000

// list answers list.
func (s *share) list(t talk) outcome {
	sent, left := int64(0), int64(0)
	err := s.walk(func(name string, size int64) error {
		switch {
		case sent == maxEntries && left == maxEntries:
			return fs.SkipAll
		case sent == maxEntries:
			left++
			return nil
		}
		sent++
		t.writeBy(t.self.Now().Add(transferIdle))
		return say(t.s, fileMessage{kind: sayEntry, name: name, size: size})
	})
	if err == nil {
		err = say(t.s, fileMessage{kind: sayEnd, size: sent, offset: left})
	}
	if err != nil {
		return outcome{end: endLost, from: -1, cause: err}
	}
	return outcome{end: endComplete, from: -1}
}

// walk visits the files that may be asked for, in the order of their names.
// Folders that cannot be read are passed over.
func (s *share) walk(visit func(name string, size int64) error) error {
	return fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && checkName(name) != nil
		switch {
		case d == nil:
			return nil
		case d.IsDir() && (err != nil || hidden):
			return fs.SkipDir
		case err != nil || hidden || !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // deleted meanwhile
		}
		return visit(name, info.Size())
	})
}

// listed is one file that a peer shares.
type listed struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// askList asks for the list of files on a fresh stream, which it closes. left
// counts the files that the peer left out.
func askList(self *actor.Self, s *stream.Stream) (files []listed, left int64, err error) {
	defer s.Close()
	t := talk{self: self, s: s}
	t.writeBy(self.Now().Add(transferIdle))
	if err := say(s, fileMessage{kind: sayList}); err != nil {
		return nil, 0, err
	}
	for {
		t.readBy(self.Now().Add(transferIdle))
		m, err := hear(s)
		switch {
		case err == io.EOF:
			return nil, 0, io.ErrUnexpectedEOF
		case err != nil:
			return nil, 0, err
		}
		switch {
		case m.kind == sayEnd && m.size == int64(len(files)):
			return files, m.offset, nil
		case m.kind == sayRefused:
			return nil, 0, &refusedError{code: m.code}
		case m.kind != sayEntry:
			return nil, 0, &wireError{m.kind.String() + " comes where an entry should"}
		case len(files) == maxEntries:
			return nil, 0, &wireError{"the list has too many entries"}
		}
		if err := checkName(m.name); err != nil {
			return nil, 0, &wireError{err.Error()}
		}
		files = append(files, listed{m.name, m.size})
	}
}
