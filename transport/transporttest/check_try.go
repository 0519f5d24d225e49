package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/troupe-p2p/troupe/transport"
)

// tries checks a pipe that can be tried. One that cannot promises nothing here.
func tries(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	pipe, can := here.Pipe.(transport.TryWriter)
	if !can {
		return nil
	}
	const most = 64 << 20 // what any pipe holds
	var sent int64
	for sent < most {
		p := pattern(sent, 100_000)
		n, err := pipe.TryWrite(p)
		if err != nil || n < 0 || n > len(p) {
			return fmt.Errorf("after %d bytes %d of %d were taken: %w", sent, n, len(p), err)
		}
		if sent += int64(n); n < len(p) {
			break
		}
	}
	if sent == 0 || sent >= most {
		return fmt.Errorf("%d bytes were taken that nobody read", sent)
	}
	got := make([]byte, sent)
	if _, err := io.ReadFull(there.Pipe, got); err != nil {
		return err
	}
	if !bytes.Equal(got, pattern(0, len(got))) {
		return errors.New("other bytes arrived than were taken")
	}
	// A Write comes after what was taken; whether there is room yet is the network's
	// business.
	first := []byte("first ")
	n, err := pipe.TryWrite(first)
	if err != nil {
		return err
	}
	if _, err := here.Pipe.Write([]byte("then")); err != nil {
		return err
	}
	if err := here.Close(); err != nil {
		return err
	}
	rest, err := io.ReadAll(there.Pipe)
	if string(rest) != string(first[:n])+"then" || err != nil {
		return fmt.Errorf("read %q: %w", rest, err)
	}
	if _, err := pipe.TryWrite([]byte{1}); !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("after the close: %w", err)
	}
	return nil
}

// pattern is n bytes that tell where they stand.
func pattern(from int64, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		at := from + int64(i)
		p[i] = byte(at ^ at>>8 ^ at>>16)
	}
	return p
}
