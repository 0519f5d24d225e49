package main

import (
	"bufio"
	"io"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// The protocol /troupe/recipe/1.0.0 is text: the dialer writes a line, the
// listener answers with a line, until the dialer closes its half.
//
//	steak    a first line about it
//	next     the next step; an empty line when there is none
//
// Lines end in a newline and have at most 400 bytes.
const recipeProtocol negotiate.Protocol = "/troupe/recipe/1.0.0"

const maxRecipeLine = 400

// steak is the recipe.
var steak = [...]string{
	"Gladly! You need a thick ribeye, salt, butter, garlic and a heavy pan.",
	"Take the steak out of the fridge an hour before; pat it dry and salt it.",
	"Heat the pan until a drop of water dances on it, then add a little oil.",
	"Lay the steak in, away from you, and leave it alone for two minutes.",
	"Turn it, two minutes more, then stand it on its fat edge for one.",
	"Down with the heat; in with butter, garlic and thyme; baste, baste, baste.",
	"54 °C in the middle is medium rare. A thermometer knows, a watch guesses.",
	"Rest it for five minutes, slice it across the grain, pepper, and eat.",
}

// kitchen is the service that knows the recipe.
func kitchen(self *actor.Self, h *host.Host) error {
	if err := h.Handle(self, recipeProtocol, cook); err != nil {
		return err
	}
	return idle(self)
}

// cook answers one guest, as the handler actor of the stream.
func cook(self *actor.Self, s *stream.Stream) error {
	self.State("cooking")
	lines := lineReader(s)
	step := -1
	for lines.Scan() {
		answer := ""
		switch dish := strings.TrimSpace(lines.Text()); {
		case strings.EqualFold(dish, "steak"):
			step = 0
			answer = steak[0]
		case strings.EqualFold(dish, "next") && step >= 0:
			if step++; step < len(steak) {
				answer = steak[step]
			}
		default:
			answer = "I only know steak."
		}
		self.Note("step", step)
		if _, err := io.WriteString(s, answer+"\n"); err != nil {
			return err
		}
	}
	return lines.Err()
}

// askRecipe asks for a dish on a fresh stream and calls each with every line of
// the answer; each may wait, and its error ends the conversation.
func askRecipe(s *stream.Stream, dish string, each func(step int, line string) error) error {
	lines, word := lineReader(s), dish
	for step := 0; ; step++ {
		if _, err := io.WriteString(s, word+"\n"); err != nil {
			return err
		}
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return err
			}
			return io.ErrUnexpectedEOF
		}
		if lines.Text() == "" {
			return s.CloseWrite()
		}
		if err := each(step, lines.Text()); err != nil {
			return err
		}
		word = "next"
	}
}

func lineReader(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxRecipeLine+1), maxRecipeLine+1)
	return lines
}

// idle waits until the actor is told to end, while its handlers work.
func idle(self *actor.Self) error {
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}
