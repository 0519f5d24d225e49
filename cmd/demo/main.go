package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-p2p/troupe/actor"
)

func main() {
	// The first Ctrl-C asks for an orderly end; the second one is the system's
	// own and ends the process at once.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	actor.AfterDone(ctx, restore)
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr, os.Getenv))
}
