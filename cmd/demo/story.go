package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/stream"
)

// The songs that are swapped.
var (
	bobsSong   = song{name: "medium-rare.wav", seed: 54, root: 60, chords: []int{0, -3, 5, 7}, beats: 104, bars: 40}
	alicesSong = song{name: "well-done.wav", seed: 71, root: 57, chords: []int{0, 8, 3, 10}, minor: true, beats: 92, bars: 30}
)

// A story is two hosts in this process that talk over one real connection.
//
//	story ─┬─ bob     services: kitchen (recipe), jukebox (music)
//	       ├─ alice   yours: dinner asks for the recipe, dance swaps the songs
//	       └─ teller  tells it: recipe lines, bars, and the tree now and then
//
// dinner, dance and bob's jukebox report to teller's mailbox.
type story struct {
	*console
	keep string // folder for the songs; "" keeps none

	alice, bob *host.Host
	songs      struct{ alices, bobs []byte }
	box        *actor.Mailbox[storyMessage]
	playing    actor.Signal // set when both songs play and the tree has been looked at
	bars       *storyBars
	tale       tale
	talks      int // conversations in the busiest trees
}

// storyMessage is what teller receives: one of the types below. Each one's loss
// would leave the story without its end, so senders wait.
type storyMessage interface{ storyMessage() }

// curtain: the hosts are connected and the bars are there.
type curtain struct{}

// recipeLine: dinner has heard a line.
type recipeLine struct {
	step int
	text string
}

// musicPlays: dance has sent and received a first block, and waits for teller's
// look at the tree: so there is a moment at which both conversations go on.
type musicPlays struct {
	actor.Ask[struct{}, struct{}]
}

// lookAgain: time for another look at the tree. From teller to itself.
type lookAgain struct{}

// part of the story is over: dinner, dance, or the song at bob's end.
type partOver struct {
	part  string // "dinner", "dance" or "jukebox"
	talk  spoken
	tape  tape
	err   error
	began time.Time
	ended time.Time
}

// spoken is what went over one stream, as the dialer saw it.
type spoken struct {
	protocol       string
	sent, received int64
}

func (curtain) storyMessage()    {}
func (recipeLine) storyMessage() {}
func (musicPlays) storyMessage() {}
func (lookAgain) storyMessage()  {}
func (partOver) storyMessage()   {}

func (p *program) storyAction(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return unknown(cmd, cmd.Args().First())
	}
	s := &story{console: p.console, keep: cmd.String("keep")}
	if err := s.mayKeep(); err != nil {
		return err
	}
	result := errInterrupted
	err := actor.Run(ctx, "story", func(self *actor.Self) error {
		// The hosts are told to end before this actor is, so ctx knows first.
		if err := s.tell(self); ctx.Err() == nil {
			result = err
		}
		return nil
	})
	if err != nil && (result == nil || errors.Is(result, errInterrupted)) {
		return err
	}
	return result
}

// tell starts the hosts and the teller, and waits for the end of the story.
func (s *story) tell(self *actor.Self) error {
	s.title("Troupe: two hosts talk")
	s.say("%s", s.look(lookDim, "composing two songs …"))
	s.songs.bobs, s.songs.alices = compose(bobsSong), compose(alicesSong)
	// The teller is there before the hosts, so that it is told of everything.
	ready := actor.NewSignal(self, "the teller")
	var result error
	teller := self.Supervise("teller", actor.Restart{}, func(self *actor.Self) error {
		s.box = actor.NewMailbox[storyMessage](self, 64)
		s.playing = actor.NewSignal(self, "the music")
		ready.Set()
		result = s.listenAndTell(self)
		return nil
	})
	defer teller.Stop(nil)
	if err := ready.Wait(self, time.Time{}); err != nil {
		return err
	}
	defer s.close()
	if err := s.start(self); err != nil {
		return err
	}
	if err := teller.Wait(self); err != nil {
		return err
	}
	if err := teller.Err(); err != nil {
		return err
	}
	return result
}

// close ends the hosts.
func (s *story) close() {
	for _, h := range []*host.Host{s.alice, s.bob} {
		if h != nil {
			_ = h.Close() // who does not end in time is named by Run
		}
	}
}

// start starts bob and alice, connects them, and lets them talk.
func (s *story) start(self *actor.Self) (err error) {
	over := func(self *actor.Self, t tape, err error) {
		_ = s.box.Put(self, partOver{part: "jukebox", tape: t, err: err, ended: self.Now()})
	}
	// The simplest muxer there is: the story fits on a page.
	storyMuxer := host.Muxer(mplex.Factory(mplex.PauseThenReset))
	s.bob, err = host.New(self, host.Name("bob"), storyMuxer, host.Listen("/ip4/127.0.0.1/tcp/0"),
		host.Run("kitchen", kitchen), host.Run("jukebox", jukebox(s.songs.bobs, over)))
	if err != nil {
		return err
	}
	s.alice, err = host.New(self, host.Name("alice"), storyMuxer, host.NoListen())
	if err != nil {
		return err
	}
	began := self.Now()
	c, err := s.alice.Swarm().Connect(self, s.bob.Info())
	if err != nil {
		return err
	}
	took := self.Now().Sub(began)
	rtt, err := ping.Ping(self, s.alice.Swarm(), s.bob.ID())
	if err != nil {
		return err
	}
	s.introduce(c, took, rtt)
	s.bars = newStoryBars(s.console, len(s.songs.bobs), len(s.songs.alices))
	if err := s.box.Put(self, curtain{}); err != nil {
		return err
	}
	s.alice.Supervise("dinner", actor.Restart{}, s.dinner)
	return nil
}

// introduce says who is there.
func (s *story) introduce(c *conn.Conn, took, rtt time.Duration) {
	s.tale.Alice = tellerOf(s.alice.ID().String(), c.Local().String())
	s.tale.Bob = tellerOf(s.bob.ID().String(), c.Remote().String())
	s.tale.Connection = connectionTale{Security: string(c.Security()), Muxer: string(c.Muxer()), Seconds: took.Seconds(), Ping: rtt.Seconds()}
	s.say("")
	s.say("  %s  %s  dials from %s", s.look(lookBold, "alice"), s.alice.ID().Short(), c.Local())
	s.say("  %s    %s  listens at %s", s.look(lookBold, "bob"), s.bob.ID().Short(), c.Remote())
	s.say("  one connection: TCP, %s, %s; made in %s, ping %s", c.Security(), c.Muxer(), timeText(took), timeText(rtt))
	s.say("")
}

// dinner asks bob for the recipe. It hears the last line only when the music
// plays, so that both streams are open at the same time.
func (s *story) dinner(self *actor.Self, h *host.Host) error {
	self.State("asking for a recipe")
	over := partOver{part: "dinner", began: self.Now()}
	st, err := h.Open(self, s.bob.ID(), recipeProtocol)
	if err == nil {
		st = st.WithContext(self)
		over.err = askRecipe(st, "steak", func(step int, text string) error {
			if err := s.box.Put(self, recipeLine{step, text}); err != nil {
				return err
			}
			if step == len(steak)-2 {
				return s.playing.Wait(self, time.Time{})
			}
			if s.terminal {
				return self.Sleep(readingPause)
			}
			return nil
		})
		over.talk = wordsOf(st)
		st.Close()
	} else {
		over.err = err
	}
	over.ended = self.Now()
	return s.box.Put(self, over)
}

// readingPause is how long somebody at a terminal may look at a line before the
// next one is asked for.
const readingPause = 150 * time.Millisecond

// dance swaps songs with bob. It begins when the first line of the recipe is
// there, so that both conversations have begun when the music plays. (To wait
// for that line in here would be wrong: mplex stops the whole connection for a
// stream that nobody reads, so the line would not come.)
func (s *story) dance(self *actor.Self, h *host.Host) error {
	self.State("opening a stream")
	over := partOver{part: "dance", began: self.Now()}
	st, err := h.Open(self, s.bob.ID(), musicProtocol)
	if err == nil {
		st = st.WithContext(self)
		var both atomic.Int32
		first := func(count func(int)) blockMoved {
			begun := false
			return func(self *actor.Self, n int) {
				count(n)
				if begun {
					return
				}
				if begun = true; both.Add(1) == 2 {
					_, _ = actor.Call(self, s.box, func(ask actor.Ask[struct{}, struct{}]) storyMessage { return musicPlays{ask} }, struct{}{})
				}
			}
		}
		over.tape, over.err = swapSongs(self, st, s.songs.alices, first(s.bars.sang), first(s.bars.heard))
		over.talk = wordsOf(st)
		st.Close()
	} else {
		over.err = err
	}
	over.ended = self.Now()
	return s.box.Put(self, over)
}

func wordsOf(s *stream.Stream) spoken {
	return spoken{string(s.Protocol()), s.BytesWritten(), s.BytesRead()}
}

// lookEvery is how often teller looks at the tree.
const lookEvery = 5 * time.Millisecond

// listenAndTell is teller's body: it tells the story until all parts are over.
func (s *story) listenAndTell(self *actor.Self) error {
	parts := map[string]partOver{}
	for m := range s.box.All() {
		switch m := m.(type) {
		case curtain:
			defer s.bars.end()
		case musicPlays:
			s.lookAtTree() // both conversations go on
			m.Answer(struct{}{}, nil)
			s.playing.Set()
			actor.After[storyMessage](self, s.box, lookEvery, lookAgain{})
		case lookAgain:
			if len(parts) == 0 {
				s.lookAtTree()
				actor.After[storyMessage](self, s.box, lookEvery, lookAgain{})
			}
		case recipeLine:
			s.tale.Recipe = append(s.tale.Recipe, m.text)
			if m.step == 0 {
				s.alice.Supervise("dance", actor.Restart{}, s.dance)
			}
			s.bars.line(s.look(lookGreen, fmt.Sprintf("  %s ", recipeMark(m.step))) + m.text)
		case partOver:
			if m.err != nil {
				return fmt.Errorf("the story broke off at %s: %s", m.part, sentence(m.err))
			}
			parts[m.part] = m
		}
		if len(parts) == 3 {
			s.bars.end()
			return s.ending(parts)
		}
	}
	return errInterrupted
}

// recipeMark is what stands before a line of the recipe.
func recipeMark(step int) string {
	if step == 0 {
		return "»"
	}
	return fmt.Sprint(step)
}

// lookAtTree keeps the busiest trees seen: those with most conversations, and
// then those with most actors.
func (s *story) lookAtTree() {
	a, b := s.alice.Tree(), s.bob.Tree()
	talks, actors := conversations(a)+conversations(b), a.Count()+b.Count()
	if talks > s.talks || talks == s.talks && actors > s.tale.Actors {
		s.talks, s.tale.Actors, s.tale.trees = talks, actors, [2]actor.Node{a, b}
	}
}

// conversations counts the streams of a tree that speak a protocol of the story.
func conversations(n actor.Node) (count int) {
	if isStream(n.Name) && (n.State == string(recipeProtocol) || n.State == string(musicProtocol)) {
		count++
	}
	for _, c := range n.Children {
		count += conversations(c)
	}
	return count
}
