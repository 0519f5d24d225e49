package main

import (
	"os"
	"testing"
)

func TestTheRepositoryKeepsItsRules(t *testing.T) {
	dir, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range check(tree, rules()) {
		t.Error(f)
	}
}
