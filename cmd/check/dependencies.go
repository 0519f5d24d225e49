package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// dependenciesFile is the golden list of other people's modules.
const dependenciesFile = "docs/dependencies.txt"

// Words that stand for packages in the list.
const (
	anyPackage = "*"     // every package may import the module
	testFiles  = "tests" // so may every test file
)

// unexplained is the comment that -update gives to a module that is new.
const unexplained = "# Why: ?"

// A dependency is one entry of the list: a comment that says why, and a line
// "module: packages".
type dependency struct {
	module  string
	why     []string
	used    []string
	line    int
	unasked bool // nobody has said why
}

// dependencies is the rule that each module is imported where the list says,
// and nowhere else.
func dependencies(t *tree) []finding {
	_, listed, found := readDependencies(t)
	byModule := map[string]dependency{}
	for _, d := range listed {
		byModule[d.module] = d
		if d.unasked {
			found = append(found, finding{file: dependenciesFile, line: d.line,
				fix: fmt.Sprintf("say in a comment above the line why %s is worth having", d.module)})
		}
	}
	uses := importers(t)
	for module, who := range uses {
		d, ok := byModule[module]
		for word, pos := range who {
			switch {
			case !ok:
				found = append(found, t.at(pos, "%s is not in %s: do without it, or run go run ./cmd/check -update and say why", module, dependenciesFile))
			case !slices.Contains(d.used, word) && !slices.Contains(d.used, anyPackage):
				found = append(found, t.at(pos, "%s is imported by %s, but %s gives it to %s only: go through that package, or run go run ./cmd/check -update and have it reviewed",
					module, word, dependenciesFile, strings.Join(d.used, ", ")))
			}
		}
	}
	for _, d := range listed {
		for _, word := range d.used {
			_, ok := uses[d.module][word]
			if word == anyPackage {
				ok = len(uses[d.module]) > 0
			}
			if !ok {
				found = append(found, finding{file: dependenciesFile, line: d.line,
					fix: fmt.Sprintf("%s does not import %s any more: run go run ./cmd/check -update", word, d.module)})
			}
		}
	}
	return found
}

// importers returns, for each module that is imported, the packages that do it
// and the first place where they do. All test files together count as "tests".
func importers(t *tree) map[string]map[string]token.Pos {
	uses := map[string]map[string]token.Pos{}
	for _, p := range t.packages {
		for _, f := range p.files {
			word := p.dir
			if f.test {
				word = testFiles
			}
			for _, spec := range f.ast.Imports {
				module := t.moduleOf(spec.Path.Value)
				if module == "" {
					continue
				}
				if uses[module] == nil {
					uses[module] = map[string]token.Pos{}
				}
				if _, ok := uses[module][word]; !ok {
					uses[module][word] = spec.Pos()
				}
			}
		}
	}
	return uses
}

// moduleOf returns the required module that a quoted import path belongs to: ""
// for this module and the standard library, the path itself if go.mod requires
// none that fits.
func (t *tree) moduleOf(quoted string) string {
	importPath, err := strconv.Unquote(quoted)
	first, _, _ := strings.Cut(importPath, "/")
	if err != nil || within(importPath, t.module) || !strings.Contains(first, ".") {
		return ""
	}
	module := ""
	for _, m := range t.requires {
		if within(importPath, m) && len(m) > len(module) {
			module = m
		}
	}
	return cmp.Or(module, importPath)
}

// readDependencies reads the list: the comment it opens with, and its entries.
func readDependencies(t *tree) (head []string, listed []dependency, found []finding) {
	content, err := fs.ReadFile(t.fsys, dependenciesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, []finding{{file: dependenciesFile, line: 1, fix: err.Error()}}
	}
	var comment []string
	for i, line := range strings.Split(string(content), "\n") {
		module, packages, entry := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "#"):
			comment = append(comment, line)
		case strings.TrimSpace(line) == "":
			if len(listed) == 0 && head == nil {
				head = comment
			}
			comment = nil
		case entry:
			listed = append(listed, dependency{
				module: module, why: comment, used: strings.Fields(packages), line: i + 1,
				unasked: len(comment) == 0 || slices.Contains(comment, unexplained),
			})
			comment = nil
		default:
			found = append(found, finding{file: dependenciesFile, line: i + 1, fix: "write module: packages"})
		}
	}
	return head, listed, found
}

// rewriteDependencies returns the list as it has to be for the imports of now.
// Comments stay, and so does the freedom of a module that everybody may import.
func rewriteDependencies(t *tree) string {
	head, listed, _ := readDependencies(t)
	why, free := map[string][]string{}, map[string]bool{}
	for _, d := range listed {
		why[d.module] = d.why
		free[d.module] = slices.Contains(d.used, anyPackage)
	}
	var out strings.Builder
	for _, line := range head {
		out.WriteString(line + "\n")
	}
	uses := importers(t)
	for _, module := range slices.Sorted(maps.Keys(uses)) {
		comment := why[module]
		if len(comment) == 0 {
			comment = []string{unexplained}
		}
		words := slices.Sorted(maps.Keys(uses[module]))
		if free[module] {
			words = []string{anyPackage}
		}
		fmt.Fprintf(&out, "\n%s\n%s: %s\n", strings.Join(comment, "\n"), module, strings.Join(words, " "))
	}
	return out.String()
}
