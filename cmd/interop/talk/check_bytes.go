package talk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// echo sends size bytes and compares what comes back.
func echo(ctx context.Context, p Peer, to Target, size int64) error {
	return converse(ctx, p, to, Want{Protocols: []string{Echo}}, func(s Stream) error {
		var sent, back atomic.Int64
		doing(ctx, func() string {
			return fmt.Sprintf("echoing %d bytes: %d sent, %d came back", size, sent.Load(), back.Load())
		})
		return exchange(s, uint64(size), size, &sent, &back)
	})
}

// exchange writes size bytes of Pattern(seed) and the end, and at the same time
// reads them back up to the end. The two directions must run together: mplex has
// no windows, so who writes everything first stops the other side's reader.
func exchange(s Stream, seed uint64, size int64, sent, back *atomic.Int64) error {
	var both errgroup.Group
	both.Go(func() error {
		if err := writePattern(s, seed, size, sent); err != nil {
			_ = s.Reset() // wakes the reader
			return err
		}
		return nil
	})
	both.Go(func() error { return readPattern(s, seed, size, back) })
	return both.Wait()
}

// writePattern sends size bytes of Pattern(seed) and closes the write side.
func writePattern(s Stream, seed uint64, size int64, sent *atomic.Int64) error {
	from, buf := Pattern(seed), make([]byte, 64<<10)
	for at := int64(0); at < size; {
		part := buf[:min(int64(len(buf)), size-at)]
		if _, err := io.ReadFull(from, part); err != nil {
			return err
		}
		n, err := s.Write(part)
		at += int64(n)
		sent.Add(int64(n))
		if err != nil {
			return fmt.Errorf("write after %d of %d bytes: %w", at, size, err)
		}
		if n != len(part) {
			return fmt.Errorf("write took %d of %d bytes without an error", n, len(part))
		}
	}
	if err := s.CloseWrite(); err != nil {
		return fmt.Errorf("close the write side after %d bytes: %w", size, err)
	}
	return nil
}

// readPattern reads to the end and compares with the first size bytes of
// Pattern(seed). It notices the first byte that differs, so that a mistake in the
// middle of 64 MiB is found where it is.
func readPattern(s io.Reader, seed uint64, size int64, back *atomic.Int64) error {
	want, h := Pattern(seed), sha256.New()
	buf, expect := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := s.Read(buf)
		if _, err := io.ReadFull(want, expect[:n]); err != nil {
			return err
		}
		if i := differ(buf[:n], expect[:n]); i >= 0 {
			return fmt.Errorf("byte %d of %d is not the one that was sent", at+int64(i), size)
		}
		at += int64(n)
		back.Add(int64(n))
		h.Write(buf[:n])
		if at > size {
			return fmt.Errorf("more than the %d bytes that were sent", size)
		}
		// Only io.EOF itself is the end (package io): a reset or a lost connection
		// may well wrap the io.EOF of a socket.
		switch {
		case err == io.EOF && at < size:
			return fmt.Errorf("the end came after %d of %d bytes", at, size)
		case err == io.EOF:
			if sum := PatternSum(seed, size); !bytes.Equal(h.Sum(nil), sum[:]) {
				return fmt.Errorf("SHA-256 %s… is not %s…", short(h.Sum(nil)), short(sum[:]))
			}
			return nil
		case err != nil:
			return fmt.Errorf("read after %d of %d bytes: %w", at, size, err)
		}
	}
}

// differ is the index of the first difference, or -1.
func differ(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// upload sends size bytes and compares the checksum that comes back.
func upload(ctx context.Context, p Peer, to Target, size int64) error {
	return converse(ctx, p, to, Want{Protocols: []string{Discard}}, func(s Stream) error {
		var sent atomic.Int64
		doing(ctx, func() string { return fmt.Sprintf("uploading: %d of %d bytes sent", sent.Load(), size) })
		if err := writePattern(s, uint64(size), size, &sent); err != nil {
			return err
		}
		doingThis(ctx, "waiting for the checksum of the upload")
		got, err := io.ReadAll(io.LimitReader(s, 1<<10))
		if err != nil {
			return fmt.Errorf("read the checksum: %w", err)
		}
		if sum := PatternSum(uint64(size), size); !bytes.Equal(got, sum[:]) {
			return fmt.Errorf("the listener read %s… (%d bytes), sent was %s…", short(got), len(got), short(sum[:]))
		}
		return nil
	})
}

// download asks for size bytes and compares them.
func download(ctx context.Context, p Peer, to Target, size int64) error {
	return converse(ctx, p, to, Want{Protocols: []string{Source}}, func(s Stream) error {
		doingThis(ctx, "asking for the download")
		if _, err := s.Write(binary.BigEndian.AppendUint64(nil, uint64(size))); err != nil {
			return fmt.Errorf("write the size: %w", err)
		}
		if err := s.CloseWrite(); err != nil {
			return fmt.Errorf("close the write side: %w", err)
		}
		var back atomic.Int64
		doing(ctx, func() string { return fmt.Sprintf("downloading: %d of %d bytes", back.Load(), size) })
		return readPattern(s, uint64(size), size, &back)
	})
}

// Figures of parallel: the streams have different lengths, 5 MB in all.
const (
	parallelStreams = 100
	parallelStep    = 1000 // bytes by which a stream is longer than the one before
)

// parallel opens 100 echo streams. Each sends one byte and waits until the first
// byte of every stream has come back, so that all are open at the same moment;
// then each sends a pattern of its own.
func parallel(ctx context.Context, p Peer, to Target) error {
	var open sync.WaitGroup
	var opened, done atomic.Int64
	open.Add(parallelStreams)
	all := make(chan struct{})
	go func() { open.Wait(); close(all) }()

	g, ctx := errgroup.WithContext(ctx)
	for i := range parallelStreams {
		g.Go(func() error {
			counted := false
			defer func() {
				if !counted {
					open.Done() // a stream that failed must not hold up the counting
				}
			}()
			quiet := context.WithValue(ctx, progressKey{}, nil) // 100 streams share one progress
			err := converse(quiet, p, to, Want{Protocols: []string{Echo}}, func(s Stream) error {
				first := []byte{byte(i)}
				if _, err := s.Write(first); err != nil {
					return fmt.Errorf("write the first byte: %w", err)
				}
				got := make([]byte, 1)
				if _, err := io.ReadFull(s, got); err != nil {
					return fmt.Errorf("read the first byte: %w", err)
				}
				if got[0] != first[0] {
					return fmt.Errorf("the first byte is %d and should be %d", got[0], first[0])
				}
				opened.Add(1)
				counted = true
				open.Done()
				select {
				case <-all:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				var sent, back atomic.Int64
				return exchange(s, uint64(i), int64(i)*parallelStep+1, &sent, &back)
			})
			if err != nil {
				return fmt.Errorf("stream %d: %w", i, err)
			}
			done.Add(1)
			return nil
		})
	}
	doing(ctx, func() string {
		return fmt.Sprintf("%d of %d streams open, %d done", opened.Load(), parallelStreams, done.Load())
	})
	return g.Wait()
}
