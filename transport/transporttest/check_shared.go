package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/troupe-p2p/troupe/actor"
)

// Several writers each write records of one value; a record is longer than what
// a transport buffers, so that writes overlap.
const (
	writers = 8
	records = 8
	record  = 100_000
)

func manyWriters(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	var tasks []task
	for i := range writers {
		tasks = append(tasks, e.begin(fmt.Sprint("write ", i), func(*actor.Self) error {
			p := bytes.Repeat([]byte{byte(i)}, record)
			for range records {
				if n, err := here.Pipe.Write(p); err != nil || n != record {
					return fmt.Errorf("wrote %d of %d bytes: %w", n, record, err)
				}
			}
			return nil
		}))
	}
	p := make([]byte, record)
	for i := range writers * records {
		if _, err := io.ReadFull(there.Pipe, p); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if n := bytes.Count(p, p[:1]); n != record {
			return fmt.Errorf("record %d holds only %d bytes of one write", i, n)
		}
	}
	return waitAll(tasks)
}

func manyReaders(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	const readers, total = 4, 1 << 20
	var counts [readers][256]int
	var tasks []task
	for i := range readers {
		tasks = append(tasks, e.begin(fmt.Sprint("read ", i), func(*actor.Self) error {
			p := make([]byte, 1000+i)
			for {
				n, err := there.Pipe.Read(p)
				for _, b := range p[:n] {
					counts[i][b]++
				}
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		}))
	}
	var want [256]int
	sent := source(0, total)
	p := make([]byte, block)
	for {
		n, err := sent.Read(p)
		if err != nil {
			break
		}
		for _, b := range p[:n] {
			want[b]++
		}
		if _, err := here.Pipe.Write(p[:n]); err != nil {
			return err
		}
	}
	here.Close()
	if err := waitAll(tasks); err != nil {
		return err
	}
	for b := range want {
		got := 0
		for i := range counts {
			got += counts[i][b]
		}
		if got != want[b] {
			return fmt.Errorf("the byte %d was sent %d times and read %d times", b, want[b], got)
		}
	}
	return nil
}

// everything uses one link from all sides while deadlines change and it is
// closed in the middle: nothing may hang, and the race detector looks on.
func everything(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	var tasks []task
	for i, link := range []struct{ a, b io.ReadWriteCloser }{{here.Pipe, there.Pipe}, {there.Pipe, here.Pipe}} {
		for j := range 3 {
			tasks = append(tasks,
				e.begin(fmt.Sprint("write ", i, j), func(*actor.Self) error { fill(link.a); return nil }),
				e.begin(fmt.Sprint("read ", i, j), func(*actor.Self) error {
					if j == 0 { // reads a while and closes its end
						io.CopyN(io.Discard, onlyReader{link.b}, 300_000)
						link.b.Close()
					}
					drain(link.b)
					return nil
				}))
		}
	}
	tasks = append(tasks, e.begin("deadlines", func(self *actor.Self) error {
		for range 20 {
			here.Pipe.SetReadDeadline(self.Now().Add(Patience))
			there.Pipe.SetWriteDeadline(self.Now().Add(Patience))
			here.Pipe.LocalAddr()
		}
		return nil
	}))
	return waitAll(tasks)
}
