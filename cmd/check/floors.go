package main

import (
	"errors"
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// floorsFile is the table of the packages and their floors.
const floorsFile = "docs/floors.txt"

// The kinds of packages in the table.
const (
	root           = "root"           // a contract and its engine
	implementation = "implementation" // one choice behind a contract
	vocabulary     = "vocabulary"     // types that everybody on the floor may use
	helper         = "test"           // helps tests, and is imported by nothing else
	composition    = "composition"    // puts implementations together
	program        = "program"        // a command
	wire           = "wire"           // generated messages; every folder named pb, not in the table
)

// A floor is one line of the table.
type floor struct {
	number int
	kind   string
	dir    string
	line   int
}

// readFloors reads the table. Lines it does not understand are findings.
func readFloors(t *tree) (map[string]floor, []finding) {
	content, err := fs.ReadFile(t.fsys, floorsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, []finding{{file: floorsFile, line: 1, fix: "write the table: a line of floor, kind and folder for every package"}}
	}
	if err != nil {
		return nil, []finding{{file: floorsFile, line: 1, fix: err.Error()}}
	}
	table := map[string]floor{}
	var found []finding
	for i, line := range strings.Split(string(content), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		bad := func(fix string) { found = append(found, finding{file: floorsFile, line: i + 1, fix: fix}) }
		if len(words) < 3 {
			bad("write floor, kind, folder, and what the package is if you like")
			continue
		}
		number, err := strconv.Atoi(words[0])
		if err != nil {
			bad(fmt.Sprintf("%q is no floor: write a number", words[0]))
			continue
		}
		switch words[1] {
		case root, implementation, vocabulary, helper, composition, program:
		default:
			bad(fmt.Sprintf("%q is no kind: write root, implementation, vocabulary, test, composition or program", words[1]))
			continue
		}
		if _, twice := table[words[2]]; twice {
			bad(fmt.Sprintf("%s stands in the table twice: delete one line", words[2]))
			continue
		}
		table[words[2]] = floor{number: number, kind: words[1], dir: words[2], line: i + 1}
	}
	return table, found
}

// floors is the rule of who may import whom inside the module.
func floors(t *tree) []finding {
	table, found := readFloors(t)
	if table == nil {
		return found
	}
	exists := map[string]bool{}
	for _, p := range t.packages {
		exists[p.dir] = true
		if _, ok := floorOf(table, p.dir); !ok {
			found = append(found, t.at(p.files[0].ast.Package,
				"%s is not listed: give it a line (floor, kind, folder) in %s", p.dir, floorsFile))
		}
	}
	for dir, f := range table {
		if !exists[dir] {
			found = append(found, finding{file: floorsFile, line: f.line, fix: fmt.Sprintf("there is no package %s: delete the line", dir)})
		}
	}
	t.sources(func(p *pkg, f *file) {
		from, ok := floorOf(table, p.dir)
		if !ok {
			return
		}
		for _, spec := range f.ast.Imports {
			to, ok := floorOf(table, t.imported(spec))
			if !ok {
				continue
			}
			if why := forbidden(from, to); why != "" {
				found = append(found, t.at(spec.Pos(), "%s (%d, %s) must not import %s (%d, %s): %s",
					from.dir, from.number, from.kind, to.dir, to.number, to.kind, why))
			}
		}
	})
	return found
}

// floorOf returns the floor of a folder. A folder named pb stands on its
// parent's floor without a line of its own.
func floorOf(table map[string]floor, dir string) (floor, bool) {
	if path.Base(dir) == "pb" {
		parent, ok := table[path.Dir(dir)]
		return floor{number: parent.number, kind: wire, dir: dir, line: parent.line}, ok
	}
	f, ok := table[dir]
	return f, ok
}

// imported returns the folder of the module that an import names, or "".
func (t *tree) imported(spec *ast.ImportSpec) string {
	importPath, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	if importPath == t.module {
		return "."
	}
	dir, ok := strings.CutPrefix(importPath, t.module+"/")
	if !ok {
		return ""
	}
	return dir
}

// forbidden says why a package must not import another one, or "".
func forbidden(from, to floor) string {
	below := within(from.dir, to.dir) // to is from's own root, if both are on one floor
	switch {
	case from.kind == wire && to.kind != wire:
		return "generated messages know only other generated messages"
	case to.kind == wire && from.kind != wire && path.Dir(to.dir) != from.dir:
		return "generated messages stay inside the package they belong to"
	case to.kind == program:
		return "nothing imports a program"
	case to.kind == helper && from.kind != helper:
		return "a test helper is for test files and other test helpers"
	case to.number > from.number:
		return "imports go down only"
	case to.kind == implementation && from.kind == implementation && to.number == from.number:
		return "siblings never import each other; move what they share into their root or below"
	case to.kind == implementation && within(to.dir, from.dir) && to.number == from.number:
		return "a root never imports its implementations"
	case to.kind == implementation && from.kind != composition && from.kind != program && from.kind != helper:
		return "only compositions, programs and tests name implementations; take the root's contract as a parameter"
	case to.number == from.number && to.kind != vocabulary && to.kind != wire && to.kind != helper && !below:
		return "imports go down, and on one floor only to the own root and to vocabulary"
	}
	return ""
}
