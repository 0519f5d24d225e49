package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fixture is a text file: a comment, files that begin with a line
// "-- name --", and as its last "file" the findings of the rule in whose folder
// it lies. %2F stands for a slash, for the sake of the rule that reads fixtures
// like any other text.
type fixture struct {
	tree fstest.MapFS
	want string
}

// readFixture reads a fixture. A go.mod is added where the fixture has none.
func readFixture(t *testing.T, name string) fixture {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{tree: fstest.MapFS{"go.mod": {Data: []byte("module example.org/m\n")}}}
	_, rest, ok := strings.Cut(string(content), "-- ")
	for ok {
		var head, body string
		head, rest, _ = strings.Cut(rest, " --\n")
		body, rest, ok = strings.Cut(rest, "\n-- ")
		if ok {
			body += "\n"
		}
		body = strings.ReplaceAll(body, "%2F", "/")
		if head == "want" {
			f.want = body
			continue
		}
		f.tree[head] = &fstest.MapFile{Data: []byte(body)}
	}
	return f
}

// printed returns findings as the command prints them.
func printed(found []finding) string {
	var out strings.Builder
	for _, f := range found {
		fmt.Fprintln(&out, f)
	}
	return out.String()
}

func TestEveryRuleFindsWhatItsFixturesSay(t *testing.T) {
	for _, r := range rules() {
		files, err := filepath.Glob(filepath.Join("testdata", r.name, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		broken, kept := 0, 0
		for _, name := range files {
			t.Run(r.name+"/"+strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
				f := readFixture(t, name)
				tree, err := load(f.tree)
				if err != nil {
					t.Fatal(err)
				}
				got := printed(check(tree, []rule{r}))
				if diff := cmp.Diff(strings.Split(f.want, "\n"), strings.Split(got, "\n")); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				if f.want == "" {
					kept++
				} else {
					broken++
				}
			})
		}
		if broken == 0 || kept == 0 {
			t.Errorf("the rule %s has %d fixtures that break it and %d that keep it; it needs both", r.name, broken, kept)
		}
	}
}

func TestEveryFixtureBelongsToARule(t *testing.T) {
	names := map[string]bool{}
	for _, r := range rules() {
		names[r.name] = true
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !names[e.Name()] {
			t.Errorf("testdata/%s belongs to no rule", e.Name())
		}
	}
}

func TestEveryRuleIsExplainedInDocs(t *testing.T) {
	dir, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		if !strings.Contains(string(content), "**"+r.name+"**") {
			t.Errorf("docs/checks.md does not say what the rule %s protects", r.name)
		}
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := load(fstest.MapFS{}); err == nil {
		t.Error("a tree without a go.mod was read")
	}
	if _, err := load(fstest.MapFS{"go.mod": {Data: []byte("go 1.26\n")}}); err == nil {
		t.Error("a go.mod that names no module was read")
	}
	unreadable := fstest.MapFS{
		"go.mod": {Data: []byte("module example.org/m\n")},
		"a/a.go": {Data: []byte("package a\n"), Mode: fs.ModeDir},
	}
	tree, err := load(unreadable)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.packages) != 0 {
		t.Error("a folder whose name ends in .go was taken for a file")
	}
}
