package transporttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/troupe-p2p/troupe/actor"
)

// block is how many bytes the checks write and read at a time.
const block = 64 << 10

// source gives the bytes that a check sends: other ones for each number.
func source(number int, size int64) io.Reader {
	var seed [32]byte
	copy(seed[:], fmt.Sprint("bytes of check ", number))
	return io.LimitReader(rand.NewChaCha8(seed), size)
}

// echo sends back what it reads, until the other end closes.
func echo(rw io.ReadWriter) error {
	_, err := io.CopyBuffer(onlyWriter{rw}, onlyReader{rw}, make([]byte, block))
	return err
}

// onlyReader and onlyWriter hide the short cuts of a connection: Read and Write
// are to be checked.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// exchange sends size bytes to an echo and compares what comes back.
func (e *ends) exchange(self *actor.Self, rw io.ReadWriter, number int, size int64) error {
	sent, got := sha256.New(), sha256.New()
	writing := self.Supervise("write", actor.Restart{When: actor.Never}, func(*actor.Self) error {
		_, err := io.CopyBuffer(onlyWriter{rw}, io.TeeReader(source(number, size), sent), make([]byte, block))
		return err
	})
	n, err := io.CopyBuffer(got, io.LimitReader(rw, size), make([]byte, block))
	err = errors.Join(err, task{writing, self}.wait())
	switch {
	case err != nil:
		return fmt.Errorf("after %d of %d bytes: %w", n, size, err)
	case n != size:
		return fmt.Errorf("the end came after %d of %d bytes", n, size)
	case string(got.Sum(nil)) != string(sent.Sum(nil)):
		return fmt.Errorf("the checksum of %d bytes differs", size)
	}
	return nil
}

// drain counts bytes until the end of them.
func drain(r io.Reader) (int64, error) {
	return io.CopyBuffer(io.Discard, onlyReader{r}, make([]byte, block))
}

// fill writes until that fails, and returns how many bytes were taken over. It
// writes an odd number at a time, so that the last write is cut in the middle.
func fill(w io.Writer) (n int64, err error) {
	p := make([]byte, 49_999)
	for {
		k, err := w.Write(p)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
}
