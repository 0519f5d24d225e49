package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command without the process around it. It returns the exit code:
// 0 when the tree keeps every rule, 1 when it does not, 2 when it could not be
// read.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	update := flags.Bool("update", false, "rewrite "+dependenciesFile+" to what is imported now")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	root, err := moduleRoot()
	if err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	t, err := load(os.DirFS(root))
	if err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	if *update {
		text := rewriteDependencies(t)
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(dependenciesFile)), []byte(text), 0o644); err != nil {
			fmt.Fprintln(stderr, "check:", err)
			return 2
		}
		if t, err = load(os.DirFS(root)); err != nil {
			fmt.Fprintln(stderr, "check:", err)
			return 2
		}
	}
	found := check(t, rules())
	for _, f := range found {
		fmt.Fprintln(stdout, f)
	}
	if len(found) > 0 {
		fmt.Fprintf(stdout, "check: %d findings; docs/checks.md says what each rule protects\n", len(found))
		return 1
	}
	fmt.Fprintf(stdout, "check: %d packages keep %d rules\n", len(t.packages), len(rules()))
	return 0
}

// moduleRoot returns the nearest folder upwards from the working folder that
// holds a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod in this folder or above it")
		}
		dir = up
	}
}
