package install

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Run runs a program in a directory until it ends or ctx does. What it writes
// goes to log, if that is not nil; the last lines of it are in the error.
func Run(ctx context.Context, dir string, log io.Writer, program string, args ...string) error {
	end := &lastLines{also: log}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = end, end
	cmd.WaitDelay = time.Second // for an output that a grandchild keeps open
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%s %s: %w%s", program, strings.Join(args, " "), err, end)
	}
	return nil
}

// Output runs a program and returns what it writes to its standard output.
func Output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	end := &lastLines{}
	cmd.Stderr = end
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w%s", program, strings.Join(args, " "), err, end)
	}
	return strings.TrimSpace(string(out)), nil
}

// lastLines keeps the last bytes of what is written to it. It is used by one
// process's output, which is copied by one goroutine.
type lastLines struct {
	text []byte
	also io.Writer
}

const lastLinesSize = 1 << 10

func (l *lastLines) Write(b []byte) (int, error) {
	l.text = append(l.text, b...)
	if extra := len(l.text) - lastLinesSize; extra > 0 {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	if l.also != nil {
		return l.also.Write(b)
	}
	return len(b), nil
}

// String is what is kept, for the end of a sentence.
func (l *lastLines) String() string {
	if text := strings.TrimSpace(string(l.text)); text != "" {
		return ", and wrote: " + text
	}
	return ""
}
