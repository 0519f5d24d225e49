package main

import (
	"os"
	"regexp"
	"testing"
)

// There may be no docker where the tests run; a toolchain that is older than the
// module's would show only in the harness.
func TestTheImageIsBuiltWithTheGoReleaseOfTheModule(t *testing.T) {
	find := func(file, pattern string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has nothing like %s", file, pattern)
		}
		return string(found[1])
	}
	image := find("Dockerfile", `(?m)^FROM golang:(\d+\.\d+)-`)
	for _, file := range []string{"../go.mod", "../../../go.mod"} {
		if module := find(file, `(?m)^go (\d+\.\d+)`); image != module {
			t.Errorf("the image has Go %s, and %s says %s", image, file, module)
		}
	}
}
