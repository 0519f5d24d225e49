package main

import (
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The most bytes of a name that goes over the wire, and of one part of it. A
// part leaves room for what [partName] adds below the 255 that file systems take.
const (
	maxName     = 1024
	maxNamePart = 230
)

// nameError is a name that is never shared, received or asked for.
type nameError struct {
	name string
	rule string
}

func (e *nameError) Error() string { return "the name " + quoted(e.name) + " " + e.rule }

// checkName holds a name of a shared file to the rules: relative to the shared
// folder, with slashes, no part that leaves it, begins with a dot (hidden files
// and partial data stay private) or could trouble a terminal or another file
// system. What the name leads to is guarded by os.Root besides.
func checkName(name string) error {
	bad := func(rule string) error { return &nameError{name, rule} }
	switch {
	case name == "":
		return bad("is empty")
	case len(name) > maxName:
		return bad("is too long")
	case !utf8.ValidString(name):
		return bad("is not UTF-8")
	case strings.HasPrefix(name, "/"):
		return bad("is absolute: say it relative to the shared folder")
	case strings.Contains(name, `\`):
		return bad("has a backslash: parts are separated by /")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return bad("has a character that cannot be shown")
	case !fs.ValidPath(name):
		return bad("has an empty part, . or ..")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part[0] == '.':
			return bad("has a part that begins with a dot: hidden files stay private")
		case len(part) > maxNamePart:
			return bad("has a part that is too long")
		}
	}
	return nil
}

// checkReceived holds a name that somebody else chose for a new file to the
// rules: a file in the shared folder itself.
func checkReceived(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if strings.Contains(name, "/") {
		return &nameError{name, "has a slash: received files go into the shared folder itself"}
	}
	return nil
}

// partName is where the data of a file that is not complete yet is kept, beside
// it.
func partName(name string) string { return "." + name + ".troupe-part" }

// quoted makes a text that came from elsewhere safe for a terminal.
func quoted(text string) string {
	const most = 80
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range text {
		if i >= most {
			b.WriteString("…")
			break
		}
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
