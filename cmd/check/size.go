package main

import "fmt"

// maxLines is how long a file may be. One idea a file: 100 to 300 lines are the
// aim, this is the end.
const maxLines = 500

// size is the rule that files stay short enough to be read in one go.
func size(t *tree) []finding {
	var found []finding
	t.sources(func(_ *pkg, f *file) {
		if !f.generated && f.lines > maxLines {
			found = append(found, finding{file: f.name, line: maxLines + 1, fix: fmt.Sprintf("%d lines are over the limit of %d: split the file by idea", f.lines, maxLines)})
		}
	})
	return found
}
