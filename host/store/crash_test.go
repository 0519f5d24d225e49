package store

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host/swarm"
)

// crew is how many peers each batch of the process that is killed has.
const crew = 60

// writeForEver is the process that is killed. It goes on from what is in the
// file: all peers of the crew have the same number, the time they were saved at.
// It prints each number when it is on the disk.
func writeForEver(path string) int {
	s, err := Open(path)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	number := int64(0)
	if err := s.Load(func(p swarm.SavedPeer) { number = max(number, p.At.UnixMilli()) }); err != nil {
		fmt.Println("error", err)
		return 1
	}
	for {
		number++
		var batch []swarm.SavedPeer
		for i := range crew {
			p := someone(i, time.UnixMilli(number))
			if (int64(i)+number)%11 == 0 {
				p.Record = make([]byte, 5000)
			}
			batch = append(batch, p)
		}
		for i := range 40 { // some come and go
			p := someone(crew+i, time.UnixMilli(number))
			if (number+int64(i))%2 == 0 {
				p = swarm.SavedPeer{Peer: p.Peer}
			}
			batch = append(batch, p)
		}
		if err := s.Save(batch); err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println(number)
	}
}

// writeUntil starts that process, kills it when it has written so many batches,
// and returns the last number that it printed.
func writeUntil(t *testing.T, path string, batches int) int64 {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashVariable+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	lines := bufio.NewReader(out)
	last := int64(0)
	read := func() bool {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false // a line that is not complete was not printed
		}
		last, err = strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatalf("the process says %s", line)
		}
		return true
	}
	for range batches {
		if !read() {
			t.Fatal("the process ended by itself")
		}
	}
	must(t, child.Process.Kill())
	for read() {
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the process ended well")
	}
	_, _ = io.Copy(io.Discard, out)
	return last
}

func TestAProcessThatIsKilledLeavesTheLastBatchOrTheOneBefore(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 4))
	path, before := fresh(t), int64(0)
	for round := range 25 {
		last := writeUntil(t, path, chance.IntN(6))
		if _, err := os.Stat(path); os.IsNotExist(err) {
			if last > 0 {
				t.Fatalf("round %d: the file is gone", round)
			}
			continue // it was killed before it was made
		}
		s, err := Open(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		numbers := map[int64]int{}
		for _, p := range loaded(t, s) {
			for i := range crew {
				if p.Peer == stranger(i) {
					numbers[p.At.UnixMilli()]++
				}
			}
		}
		if s.Damaged() != 0 {
			t.Errorf("round %d: %d peers are damaged", round, s.Damaged())
		}
		must(t, s.Close())
		if before+last == 0 && len(numbers) == 0 {
			continue // it was killed before it had written anything
		}
		last = max(last, before)
		whole := len(numbers) == 1
		for number, peers := range numbers {
			whole = whole && peers == crew && (number == last || number == last+1)
			before = number
		}
		if !whole {
			t.Fatalf("round %d: it had written batch %d, and in the file are peers of batches %v", round, last, numbers)
		}
	}
}
