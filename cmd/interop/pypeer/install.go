package pypeer

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/troupe-p2p/troupe/cmd/interop/bridge/install"
)

//go:embed *.py requirements.txt requirements-build.txt
var files embed.FS

// The oldest Python that the releases in requirements.txt are chosen for.
const oldestMinor = 11 // of Python 3

// place says where everything is.
type place struct {
	python  string // the interpreter that has the packages
	adapter string // peer.py
}

// Install puts py-libp2p on this machine, unless it is there already. That takes
// about a minute, of which log is told unless it is nil. If it cannot be done the
// error wraps [install.Error]. Two processes may do it at the same time: the
// second waits for the first.
func Install(ctx context.Context, log io.Writer) error {
	_, err := prepare(ctx, log)
	return err
}

// prepare installs what is not there.
func prepare(ctx context.Context, log io.Writer) (place, error) {
	base, err := findPython(ctx)
	if err != nil {
		return place{}, err
	}
	packages, err := files.ReadFile("requirements.txt")
	if err != nil {
		return place{}, err
	}
	tools, err := files.ReadFile("requirements-build.txt")
	if err != nil {
		return place{}, err
	}
	name := install.Name("py", string(packages), string(tools), base.identity)
	env, err := install.Once(ctx, name, func(ctx context.Context, dir string) error {
		return makeEnvironment(ctx, dir, base, log)
	})
	if err != nil {
		return place{}, err
	}
	adapter, err := install.Files(ctx, "py-adapter", files)
	if err != nil {
		return place{}, err
	}
	return place{python: interpreter(env), adapter: filepath.Join(adapter, "peer.py")}, nil
}

// makeEnvironment makes a virtual environment with all packages in dir, which
// has the requirements as well.
func makeEnvironment(ctx context.Context, dir string, base python, log io.Writer) error {
	reqs, err := install.Files(ctx, "py-adapter", files)
	if err != nil {
		return err
	}
	install.Tell(log, "installing py-libp2p for the interop matrix (Python %s), about a minute", base.version)
	if err := install.Run(ctx, dir, log, base.path, "-m", "venv", dir); err != nil {
		return failed("venv", "install Python's module venv, on Debian the package python3-venv", err)
	}
	pip := func(args ...string) error {
		args = append([]string{"-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
			"--require-hashes"}, args...)
		err := install.Run(ctx, dir, log, interpreter(dir), args...)
		if err != nil {
			return failed("its packages", "PyPI must be reachable; to build fastecdsa, a C compiler and the headers of GMP must be there", err)
		}
		return nil
	}
	if err := pip("-r", filepath.Join(reqs, "requirements-build.txt")); err != nil {
		return err
	}
	// Packages without a wheel are built with the tools just installed, and not with
	// whatever is the newest of the day.
	if err := pip("--no-build-isolation", "-r", filepath.Join(reqs, "requirements.txt")); err != nil {
		return err
	}
	install.Tell(log, "py-libp2p is installed")
	return nil
}

func interpreter(env string) string { return filepath.Join(env, "bin", "python") }

func failed(missing, advice string, err error) error {
	return &install.Error{What: "py-libp2p", Missing: missing, Advice: advice, Err: err}
}

// python is an interpreter of this machine.
type python struct {
	path     string
	version  string
	identity string // what a virtual environment of it depends on
}

// findPython finds python3 in the path and asks it who it is.
func findPython(ctx context.Context) (python, error) {
	const advice = "install Python 3.11 or later"
	path, err := exec.LookPath("python3")
	if err != nil {
		return python{}, failed("python3", advice, err)
	}
	out, err := install.Output(ctx, path, "-c",
		"import platform, sys; print(platform.python_version(), platform.machine(), sys.base_prefix)")
	if err != nil {
		return python{}, failed("python3", advice, err)
	}
	p := python{path: path, identity: out}
	p.version, _, _ = strings.Cut(out, " ")
	if minor, ok := minorOf(p.version); !ok || minor < oldestMinor {
		return python{}, failed("python3", advice, fmt.Errorf("%s is Python %s", path, p.version))
	}
	return p, nil
}

// minorOf is 11 for "3.11.7".
func minorOf(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "3" {
		return 0, false
	}
	minor, err := strconv.Atoi(parts[1])
	return minor, err == nil
}
