package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// builder builds programs, each once.
type builder struct {
	dir   string   // where the programs go; the caller removes it
	flags []string // of go build
	built map[string]error
}

// newBuilder builds as one does for a release: nothing of this machine's folders
// in the program, no symbols.
func newBuilder(dir string) builder {
	return builder{dir: dir, flags: []string{"-trimpath", "-ldflags", "-s -w"}, built: map[string]error{}}
}

// program is the file of a program. The first call builds it, which may take
// minutes.
func (b builder) program(ctx context.Context, who string) (string, error) {
	pkg, ok := programs()[who]
	if !ok {
		return "", fmt.Errorf("%s is no program of its own", who)
	}
	file := filepath.Join(b.dir, strings.ReplaceAll(who, " ", "-"))
	err, done := b.built[who]
	if !done {
		args := append(append([]string{"build"}, b.flags...), "-o", file, pkg)
		var text []byte
		if text, err = exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
			err = fmt.Errorf("go build, which works in cmd/bench only: %w: %s", err, text)
		}
		if ctx.Err() != nil {
			return "", err // it was not its fault
		}
		b.built[who] = err
	}
	return file, err
}

// prepare builds the programs that the rows need, outside of any measurement. An
// error shows again in the row.
func (b builder) prepare(ctx context.Context, rows []Row, tell func(who string)) {
	for _, r := range rows {
		for _, who := range r.Who {
			if _, ok := programs()[who]; ok && ctx.Err() == nil {
				tell(who)
				_, _ = b.program(ctx, who)
			}
		}
	}
}

// timeStart starts a program again and again, and returns the median of how long
// it takes to print that it listens.
func (r *runner) timeStart(ctx context.Context, who string, w Work) (Figures, error) {
	file, err := r.build.program(ctx, who)
	if err != nil {
		return nil, err
	}
	var took []float64
	for begin := time.Now(); len(took) < 5 || time.Since(begin) < w.Time; {
		before := time.Now()
		p, err := start(ctx, "node", file)
		if err != nil {
			return nil, err
		}
		if !p.out.Scan() {
			err = errors.New("the node printed no address")
		}
		after := time.Since(before)
		if err := errors.Join(err, p.end()); err != nil {
			return nil, err
		}
		took = append(took, after.Seconds()*1000)
	}
	return Figures{startTime: median(took[1:])}, nil // the first one warms up
}

// weigh is the size of a program's file.
func (r *runner) weigh(ctx context.Context, who string) (Figures, error) {
	file, err := r.build.program(ctx, who)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	return Figures{fileSize: float64(info.Size()) / 1e6}, nil
}
