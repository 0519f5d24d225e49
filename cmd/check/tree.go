package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A tree is the repository as the rules see it.
type tree struct {
	fsys     fs.FS
	module   string   // the module's path, from go.mod
	requires []string // the modules that go.mod requires
	names    []string // every file, slash-separated and sorted
	ignored  []string // the patterns of .gitignore
	fset     *token.FileSet
	packages []*pkg // the module's own packages, by folder
	broken   []finding
	typed    *typed
}

// A pkg is one folder with Go files in it.
type pkg struct {
	dir   string // relative to the root; "." for the root itself
	files []*file
}

// A file is one parsed Go file.
type file struct {
	name      string // relative to the root
	ast       *ast.File
	test      bool // its name ends in _test.go
	generated bool // it says so, in the form of go generate
	lines     int
}

// base returns the file's name without its folder.
func (f *file) base() string { return path.Base(f.name) }

// load reads and parses the repository in fsys. A file that does not parse is
// not an error but a finding of the rule syntax.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys, fset: token.NewFileSet()}
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	if err := t.readModule(string(mod)); err != nil {
		return nil, err
	}
	if err := t.readIgnored(); err != nil {
		return nil, err
	}
	if err := t.readNames(); err != nil {
		return nil, err
	}
	if err := t.parse(); err != nil {
		return nil, err
	}
	t.typed = typeCheck(t)
	return t, nil
}

// readModule takes the module's path and its requirements from go.mod.
func (t *tree) readModule(mod string) error {
	block := false
	for line := range strings.Lines(mod) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "module" && len(words) == 2:
			t.module = words[1]
		case words[0] == ")":
			block = false
		case words[0] == "require" && len(words) == 2:
			block = words[1] == "("
		case words[0] == "require" && len(words) > 2:
			t.requires = append(t.requires, words[1])
		case block:
			t.requires = append(t.requires, words[0])
		}
	}
	if t.module == "" {
		return errors.New("go.mod names no module")
	}
	return nil
}

// readIgnored takes the two kinds of patterns that the repository's .gitignore
// uses: /folder/ at the root, and *.ending anywhere.
func (t *tree) readIgnored() error {
	content, err := fs.ReadFile(t.fsys, ".gitignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	t.ignored = strings.Fields(string(content))
	return nil
}

// ignores reports whether git leaves a file or folder out.
func (t *tree) ignores(name string, folder bool) bool {
	for _, pattern := range t.ignored {
		if folder && pattern == "/"+name+"/" {
			return true
		}
		if ending, ok := strings.CutPrefix(pattern, "*"); ok && strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// readNames lists the files of the repository, git's own ones excepted.
func (t *tree) readNames() error {
	return fs.WalkDir(t.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || t.ignores(name, true)):
			return fs.SkipDir
		case d.Type().IsRegular() && name != ".git" && !t.ignores(name, false):
			t.names = append(t.names, name)
		}
		return nil
	})
}

// parse reads every Go file that belongs to the module itself.
func (t *tree) parse() error {
	nested := map[string]bool{}
	for _, name := range t.names {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			nested[path.Dir(name)] = true
		}
	}
	packages := map[string]*pkg{}
	for _, name := range t.names {
		dir := path.Dir(name)
		if path.Ext(name) != ".go" || !inModule(dir, nested) {
			continue
		}
		f, err := t.parseFile(name)
		if err != nil {
			return err
		}
		if packages[dir] == nil {
			packages[dir] = &pkg{dir: dir}
		}
		packages[dir].files = append(packages[dir].files, f)
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		t.packages = append(t.packages, packages[dir])
	}
	return nil
}

// inModule reports whether the go tool counts a folder as part of the module.
func inModule(dir string, nested map[string]bool) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		base := path.Base(dir)
		if nested[dir] || base == "testdata" || base[0] == '.' || base[0] == '_' {
			return false
		}
	}
	return true
}

// parseFile parses one file. What the parser does not understand goes to
// t.broken; what it understood of the file is used.
func (t *tree) parseFile(name string) (*file, error) {
	src, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	var list scanner.ErrorList
	if errors.As(err, &list) {
		t.broken = append(t.broken, finding{file: name, line: list[0].Pos.Line, fix: list[0].Msg})
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &file{
		name:      name,
		ast:       tree,
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(tree),
		lines:     strings.Count(string(src), "\n"),
	}, nil
}

// syntax is the rule that every Go file parses.
func syntax(t *tree) []finding { return t.broken }

// sources visits every file that is part of the program: not its tests.
func (t *tree) sources(visit func(p *pkg, f *file)) {
	for _, p := range t.packages {
		for _, f := range p.files {
			if !f.test {
				visit(p, f)
			}
		}
	}
}

// within reports whether dir is one of the folders or below one of them.
func within(dir string, folders ...string) bool {
	for _, folder := range folders {
		if dir == folder || strings.HasPrefix(dir, folder+"/") {
			return true
		}
	}
	return false
}
