package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built.Load() { // by a test
			if path, err := builtDemo(); err == nil {
				os.RemoveAll(filepath.Dir(path))
			}
		}
		os.Exit(code)
	}))
}
