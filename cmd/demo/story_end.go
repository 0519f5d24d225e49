package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A tale is the story for programs: the document that --json prints.
type tale struct {
	Event      string         `json:"event"` // "result"
	OK         bool           `json:"ok"`    // both songs arrived as they were sent
	Alice      personTale     `json:"alice"`
	Bob        personTale     `json:"bob"`
	Connection connectionTale `json:"connection"`
	Recipe     []string       `json:"recipe"`
	Songs      []songTale     `json:"songs"`
	Streams    []streamTale   `json:"streams"`
	Actors     int            `json:"actors"` // at the busiest moment
	Tree       []treeNode     `json:"tree"`   // at that moment

	trees [2]actor.Node // alice's and bob's
}

type personTale struct {
	ID   string `json:"id"`
	Addr string `json:"addr"`
}

func tellerOf(id, addr string) personTale { return personTale{id, addr} }

type connectionTale struct {
	Security string  `json:"security"`
	Muxer    string  `json:"muxer"`
	Seconds  float64 `json:"seconds"` // to make it
	Ping     float64 `json:"ping_seconds"`
	Sent     int64   `json:"sent"`     // by alice, with the muxer's frames
	Received int64   `json:"received"` // by alice
}

type songTale struct {
	Name     string  `json:"name"`
	From     string  `json:"from"`
	To       string  `json:"to"`
	Size     int64   `json:"size"`
	Sent     string  `json:"sha256_sent"`
	Received string  `json:"sha256_received"`
	Same     bool    `json:"same"`
	Seconds  float64 `json:"seconds"`
	Speed    float64 `json:"bytes_per_second"`
	File     string  `json:"file,omitempty"` // where it was kept

	tape []byte
}

type streamTale struct {
	Protocol string  `json:"protocol"`
	Dialer   string  `json:"dialer"`
	Listener string  `json:"listener"`
	Sent     int64   `json:"sent"` // by the dialer
	Received int64   `json:"received"`
	Seconds  float64 `json:"seconds"`
}

// ending compares the songs, keeps them if that was asked for, and tells the
// rest. Its error is a [*checksumError] when a song was not the same at both
// ends.
func (s *story) ending(parts map[string]partOver) error {
	s.compare(parts["dance"], parts["jukebox"])
	for _, part := range []string{"dinner", "dance"} {
		p := parts[part]
		s.tale.Streams = append(s.tale.Streams, streamTale{p.talk.protocol, "alice", "bob", p.talk.sent, p.talk.received, p.ended.Sub(p.began).Seconds()})
	}
	if c := s.alice.Swarm().Conn(s.bob.ID()); c != nil {
		s.tale.Connection.Sent, s.tale.Connection.Received = c.Sent(), c.Received()
	}
	s.tale.Event = "result"
	for i := range s.tale.Songs {
		song := &s.tale.Songs[i]
		if song.Same && s.keep != "" {
			file, err := keepSong(s.keep, song.Name, song.tape)
			if err != nil {
				return err
			}
			song.File = file
		}
	}
	s.tale.Tree = []treeNode{treeJSON(s.tale.trees[0]), treeJSON(s.tale.trees[1])}
	s.report()
	s.emit(s.tale)
	if !s.tale.OK {
		return &checksumError{"a song"}
	}
	return nil
}

// compare holds what came against what was sent.
func (s *story) compare(dance, box partOver) {
	bobs := songOf(bobsSong.name, "bob", "alice", s.songs.bobs, dance.tape, dance.ended.Sub(dance.began))
	alices := songOf(alicesSong.name, "alice", "bob", s.songs.alices, box.tape, box.ended.Sub(dance.began))
	s.tale.Songs, s.tale.OK = []songTale{bobs, alices}, bobs.Same && alices.Same
}

func songOf(name, from, to string, sent []byte, t tape, took time.Duration) songTale {
	sum := digest(sha256.Sum256(sent))
	return songTale{
		Name: name, From: from, To: to, Size: int64(len(t.song)), tape: t.song,
		Sent: sum.String(), Received: t.played.String(), Same: t.played == sum && t.said == sum && bytes.Equal(sent, t.song),
		Seconds: took.Seconds(), Speed: perSecond(int64(len(t.song)), took),
	}
}

// report tells people who talked to whom, and shows the tree.
func (s *story) report() {
	s.title("Who talked to whom, over one connection")
	s.say("%s", s.look(lookDim, fmt.Sprintf("  %-13s %-21s %9s %9s %8s %10s", "from → to", "protocol", "sent", "received", "time", "speed")))
	sent, received := int64(0), int64(0)
	for _, t := range s.tale.Streams {
		sent, received = sent+t.Sent, received+t.Received
		took := time.Duration(t.Seconds * float64(time.Second))
		speed := "-"
		if t.Sent+t.Received > 1<<20 {
			speed = rateText(t.Sent+t.Received, took)
		}
		s.say("  %-13s %-21s %9s %9s %8s %10s", t.Dialer+" → "+t.Listener, t.Protocol, bytesText(t.Sent), bytesText(t.Received), timeText(took), speed)
	}
	c := s.tale.Connection
	s.say("  %-13s %-21s %9s %9s", "", "and ping, identify", bytesText(max(c.Sent-sent, 0)), bytesText(max(c.Received-received, 0)))
	s.say("")
	for _, song := range s.tale.Songs {
		mark := s.look(lookGreen, "✓ same at both ends")
		if !song.Same {
			mark = s.look(lookRed, "✗ DIFFERENT from what was sent: "+song.Sent[:16])
		}
		s.say("  %-16s %-11s %8s  sha256 %s…  %s", song.Name, song.From+" → "+song.To, bytesText(song.Size), song.Received[:8], mark)
		if song.File != "" {
			s.say("  %s", s.look(lookDim, "  kept as "+song.File))
		}
	}
	s.title(fmt.Sprintf("The actors at the busiest moment (%d of them, each a goroutine)", s.tale.Actors))
	for _, t := range s.tale.trees {
		s.drawTree(t)
	}
	s.say("")
	s.say("%s", s.look(lookDim, "Next: demo node --share . in one terminal, demo ls ADDR in another; demo --help"))
}

// mayKeep finds out before the story whether the songs can be kept.
func (s *story) mayKeep() error {
	if s.keep == "" {
		return nil
	}
	root, err := os.OpenRoot(s.keep)
	if err != nil {
		return &diskError{did: "write into the folder", path: s.keep, err: err, fix: "make it first"}
	}
	defer root.Close()
	for _, name := range []string{bobsSong.name, alicesSong.name} {
		part, err := openPartial(root, s.keep, name, false)
		if err != nil {
			return err
		}
		if err := part.leave(); err != nil {
			return err
		}
	}
	return nil
}

// keepSong writes a song into the folder and returns its path.
func keepSong(dir, name string, song []byte) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", &diskError{did: "write into the folder", path: dir, err: err}
	}
	defer root.Close()
	part, err := openPartial(root, dir, name, false)
	if err != nil {
		return "", err
	}
	defer part.close()
	if err := part.restart(); err != nil {
		return "", err
	}
	if err := part.write(song); err != nil {
		return "", err
	}
	return part.path, part.store()
}
