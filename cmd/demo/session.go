package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// withHost runs the work of a command, as an actor beside a host of its own:
//
//	command ─┬─ host
//	         └─ work
//
// Told to end, by the end of ctx, work stops first, while the host still serves
// it. withHost returns what work returned when all has ended.
func withHost(ctx context.Context, command string, opts []host.Option, work func(self *actor.Self, h *host.Host) error) error {
	result := errInterrupted // unless work says otherwise
	err := actor.Run(ctx, command, func(self *actor.Self) error {
		h, err := host.New(self, append(opts, host.Name("host"))...)
		if err != nil {
			if ctx.Err() == nil {
				result = err
			}
			return nil
		}
		// A file that is being stored cannot be left in the middle.
		ref := self.Supervise("work", actor.Restart{Grace: commitIdle}, func(self *actor.Self) error {
			result = work(self, h)
			return nil
		})
		if err := ref.Wait(self); err != nil {
			return err // told to end: the runtime stops work, and then the host
		}
		var panicked *actor.PanicError
		if err := ref.Err(); errors.As(err, &panicked) {
			result = panicked
		}
		return h.Close()
	})
	if err != nil && (result == nil || errors.Is(result, errInterrupted)) {
		return err // the work is done, and the host did not end as it should
	}
	return result
}

// defaultKeyFile is where the identity of this user's node is kept.
func defaultKeyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &usageError{"this machine does not say where your settings are kept: give a key file with --key FILE"}
	}
	return filepath.Join(dir, "troupe", "key"), nil
}

// loadKey loads the key file, or makes it when it is missing and create is set.
func loadKey(path string, create bool) (key peer.Key, made bool, err error) {
	if !create {
		key, err = peer.LoadKey(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no key file %s: make one with `demo id --create --key %s`", path, path)
		}
		return key, false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, false, &diskError{did: "make the folder of", path: path, err: err}
	}
	return peer.LoadOrCreateKey(path, nil)
}

// parsePeer reads the address of a peer, with something to dial in it.
func parsePeer(text string) (peer.Info, error) {
	info, err := peer.ParseInfo(text)
	if err == nil && len(info.Addrs) == 0 {
		err = &usageError{fmt.Sprintf("%s says who, but not where: give a whole address, like /ip4/127.0.0.1/tcp/4001/p2p/%s", text, info.ID)}
	}
	return info, err
}
