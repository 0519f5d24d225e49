package main

import (
	"strings"
	"unicode/utf8"

	"github.com/troupe-p2p/troupe/actor"
)

// drawTree draws actors, a line each, for people: the name, what it says it
// does, and what it waits for.
func (c *console) drawTree(n actor.Node) {
	c.drawActor(n, "  ", "  ")
}

func (c *console) drawActor(n actor.Node, first, rest string) {
	name := n.Name
	look := ""
	switch {
	case n.LastErr != nil || n.Overdue:
		look = lookRed
	case isStream(name):
		look = lookCyan
	case len(first) <= len("  "):
		look = lookBold
	}
	does := n.State
	switch {
	case n.Stopping:
		does += " · stopping"
	case n.Waits != "":
		does += " · waits for " + n.Waits
	default:
		does += " · runs"
	}
	room := c.width - 1 - utf8.RuneCountInString(first)
	name = cut(name, room)
	does = cut(strings.TrimPrefix(does, " · "), room-utf8.RuneCountInString(name)-2)
	line := c.look(lookDim, first) + name
	if look != "" {
		line = c.look(lookDim, first) + c.look(look, name)
	}
	if does != "" && does != "…" {
		line += "  " + c.look(lookDim, does)
	}
	c.say("%s", line)
	for i, child := range n.Children {
		if i == len(n.Children)-1 {
			c.drawActor(child, rest+"└─ ", rest+"   ")
		} else {
			c.drawActor(child, rest+"├─ ", rest+"│  ")
		}
	}
}

// isStream reports whether a name is that of a stream's actor.
func isStream(name string) bool { return strings.HasPrefix(name, "stream") }

// treeNode is an actor for programs.
type treeNode struct {
	Name     string     `json:"name"`
	State    string     `json:"state,omitempty"`
	Waits    string     `json:"waits_for,omitempty"`
	Restarts int        `json:"restarts,omitempty"`
	Children []treeNode `json:"children,omitempty"`
}

func treeJSON(n actor.Node) treeNode {
	t := treeNode{Name: n.Name, State: n.State, Waits: n.Waits, Restarts: n.Restarts}
	for _, c := range n.Children {
		t.Children = append(t.Children, treeJSON(c))
	}
	return t
}
