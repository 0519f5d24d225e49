package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// folders is the rule that the top-level folders are those of the table of
// floors, and docs. Names that begin with a dot are free.
func folders(t *tree) []finding {
	table, _ := readFloors(t)
	if table == nil {
		return nil // the rule floors asks for the table
	}
	want := map[string]bool{"docs": true}
	for dir := range table {
		top, _, _ := strings.Cut(dir, "/")
		want[top] = true
	}
	have := map[string]string{} // the first file of each folder
	for _, name := range t.names {
		top, _, ok := strings.Cut(name, "/")
		if ok && top[0] != '.' && have[top] == "" {
			have[top] = name
		}
	}
	list := strings.Join(slices.Sorted(maps.Keys(want)), " ")
	var found []finding
	for top, name := range have {
		if !want[top] {
			found = append(found, finding{file: name, line: 1, fix: fmt.Sprintf("the top-level folders are %s: move %s into one of them", list, top)})
		}
	}
	for top := range want {
		if have[top] == "" {
			found = append(found, finding{file: floorsFile, line: 1, fix: fmt.Sprintf("the top-level folders are %s: there is no %s", list, top)})
		}
	}
	return found
}
