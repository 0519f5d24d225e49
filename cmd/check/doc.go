// Command check holds the repository to the rules that no linter knows: which
// package may import which, where goroutines and clocks may stand, what a
// machine must not touch, what has to be documented.
//
//	docs/floors.txt ───────┐
//	docs/dependencies.txt ─┤
//	*.go ─▶ load ─▶ tree ──┴─▶ rule, rule, rule … ─▶ file:line: rule: what to do
//
// It runs in two ways, over the module that the working folder belongs to:
//
//	go run ./cmd/check            print the findings; exit code 1 if there are any
//	go run ./cmd/check -update    rewrite docs/dependencies.txt to what is imported now
//	go test ./cmd/check           the same findings as a test, and the tests of the rules
//
// docs/checks.md says what each rule protects. A rule is one file here, with a
// folder of the same name in testdata: trees that break it and trees that keep
// it, each a text file with the findings it must cause.
//
// Limits. The module's own packages are type-checked, other modules and the
// standard library are not: a name of theirs is known by its import path and
// its spelling. Build constraints are ignored, so every file counts on every
// system. Nested modules (a folder with a go.mod of its own), folders named
// testdata, and folders whose names begin with a dot or an underscore are left
// to their own checks; only the rule about the text itself reads them too.
package main
