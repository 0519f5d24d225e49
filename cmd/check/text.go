package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
)

var (
	// ownPath matches an absolute path into somebody's home or work folder.
	ownPath = regexp.MustCompile(`(?:^|[^\w.~-])(/(?:home|root|work|Users)/)`)
	// promise matches the words that stand for work left undone.
	promise = regexp.MustCompile(`\b(TODO|FIXME)\b`)
)

// text is the rule that what the repository says is about itself and finished:
// no path of the machine it was written on, no promise in a comment.
func text(t *tree) []finding {
	var found []finding
	for _, name := range t.names {
		content, err := fs.ReadFile(t.fsys, name)
		if err != nil {
			found = append(found, finding{file: name, line: 1, fix: err.Error()})
			continue
		}
		if bytes.IndexByte(content, 0) >= 0 {
			continue // not text
		}
		for i, line := range bytes.Split(content, []byte("\n")) {
			if match := ownPath.FindSubmatch(line); match != nil {
				found = append(found, finding{file: name, line: i + 1, fix: fmt.Sprintf("%q is a place on one machine: write a path relative to the repository, or a made-up one", match[1])})
			}
		}
	}
	for _, p := range t.packages {
		for _, f := range p.files {
			if f.generated {
				continue
			}
			for _, group := range f.ast.Comments {
				for _, c := range group.List {
					if word := promise.FindString(c.Text); word != "" {
						found = append(found, t.at(c.Pos(), "%s promises what is not there: do it now, or say plainly what is not supported", word))
					}
				}
			}
		}
	}
	return found
}
