package host_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheProgramsOfTheReadmeAreTheExamples(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?ms)^func \w+\([^\n]*\n(.*?)^}\n`)
	compared := 0
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, f := range function.FindAllStringSubmatch(block[1], -1) {
			compared++
			if !strings.Contains(string(examples), f[1]) {
				t.Errorf("this function of the README is not in example_test.go:\n%s", f[0])
			}
		}
	}
	if compared < 4 {
		t.Errorf("only %d functions were found in the README", compared)
	}
}
