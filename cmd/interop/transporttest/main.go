package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// The exit codes.
const (
	exitFailed      = 1
	exitEnvironment = 2
)

// prefix begins each line on standard error.
const prefix = "transporttest: "

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := program(ctx, startTroupe, os.Getenv, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// program is main without the process around it. It returns the exit code.
func program(ctx context.Context, start starter, env environment, args []string, stdout, stderr io.Writer) int {
	logger := log.New(stderr, prefix, 0)
	if len(args) > 0 {
		logger.Print("there are no arguments: the harness speaks by the environment, see docs/harness.md")
		return exitEnvironment
	}
	s, err := env.settings()
	if err != nil {
		logger.Print(err)
		return exitEnvironment
	}
	detail := log.New(io.Discard, prefix, 0)
	if s.debug {
		logger.SetFlags(log.Ltime | log.Lmicroseconds)
		detail = logger
	}
	redis.SetLogger(redisLog{detail})

	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, &limitError{s.limit})
	defer cancel()
	r := &run{settings: s, start: start, say: logger, detail: detail}
	if s.dialer {
		var took times
		if took, err = r.dial(ctx); err == nil {
			_, err = fmt.Fprint(stdout, s.form.print(took))
		}
	} else {
		err = r.listen(ctx)
	}
	if err != nil {
		lines(logger, err.Error())
		return exitFailed
	}
	return 0
}

// lines logs a text line by line, so that each line has the prefix.
func lines(to *log.Logger, text string) {
	for line := range strings.Lines(text) {
		to.Print(line)
	}
}
