package capture

import (
	"fmt"
	"os"
	"path/filepath"
)

// Load reads the captures whose files match a pattern, by the names of the files.
// None at all is an error.
func Load(pattern string) (map[string]*Capture, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("capture: no file matches %s", pattern)
	}
	all := map[string]*Capture{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if all[filepath.Base(file)], err = Parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return all, nil
}
