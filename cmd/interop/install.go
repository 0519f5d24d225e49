package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

func installCommand() *cli.Command {
	return &cli.Command{
		Name:      "install",
		Usage:     "install implementations before they are needed; run does so by itself",
		ArgsUsage: "[" + strings.Join(usualPeers(), "|") + "]...",
		Description: `What an implementation needs besides this program is kept in the user's cache
directory, below troupe-interop. Without an argument everything is installed.`,
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Action: func(ctx context.Context, c *cli.Command) error {
			impls := c.Args().Slice()
			for _, impl := range impls {
				if !slices.Contains(usualPeers(), impl) {
					return usageError(fmt.Errorf("there is no implementation %q; there are %s", impl, strings.Join(usualPeers(), ", ")))
				}
			}
			if len(impls) == 0 {
				impls = usualPeers()
			}
			return installAll(ctx, impls, installPeer, os.Stderr)
		},
	}
}

// installAll installs implementations, each also if another one cannot be.
func installAll(ctx context.Context, impls []string, install func(context.Context, string, io.Writer) error, log io.Writer) error {
	var errs []error
	for _, impl := range impls {
		if err := install(ctx, impl, log); err != nil {
			errs = append(errs, fmt.Errorf("install %s: %w", impl, err))
			continue
		}
		fmt.Fprintf(log, "%s is ready\n", impl)
	}
	return errors.Join(errs...)
}
