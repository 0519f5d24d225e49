package noise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// writing returns a connection that writes into the pipe.
func writing(t testing.TB) (*Conn, *pipe) {
	t.Helper()
	p := new(pipe)
	c, _ := sessions(t, p, &pipe{})
	return c, p
}

func TestAWriteIsSealedIntoAsFewRecordsAsPossible(t *testing.T) {
	held := buf.Live()
	for n, want := range map[int][]int{
		0:                    nil,
		1:                    {1},
		100:                  {100},
		494:                  {494}, // fills the smallest pooled buffer with head and tag
		495:                  {495},
		fullPlain:            {fullPlain},
		fullPlain + 1:        {fullPlain, 1},
		3 * fullPlain:        {fullPlain, fullPlain, fullPlain},
		gather*fullPlain + 9: slices.Concat(slices.Repeat([]int{fullPlain}, gather), []int{9}),
	} {
		c, p := writing(t)
		if m, err := c.Write(text(n)); m != n || err != nil {
			t.Errorf("Write of %d bytes returned %d, %v", n, m, err)
		}
		plain, sizes := opened(t, p.taken)
		if diff := cmp.Diff(want, sizes); diff != "" || !bytes.Equal(plain, text(n)) {
			t.Errorf("%d bytes (-want +got):\n%s", n, diff)
		}
		if len(want) == 1 && p.calls != 1 {
			t.Errorf("%d bytes took %d calls of the pipe", n, p.calls)
		}
	}
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestPiecesAreSealedTogether(t *testing.T) {
	for name, sizes := range map[string][]int{
		"none":           {},
		"empty ones":     {0, 0},
		"small ones":     {5, 100, 0, 5, 100, 5, 0},
		"head and body":  {5, 60000},
		"over one":       {5, fullPlain},
		"exactly one":    {5, fullPlain - 5},
		"a large one":    {5 * fullPlain},
		"large and many": {0, 3, fullPlain + 8, 3, 2*fullPlain - 6, 0, 1, 1, 4*fullPlain + 11, 0},
	} {
		c, p := writing(t)
		var pieces [][]byte
		want := 0
		for i, n := range sizes {
			pieces = append(pieces, bytes.Repeat([]byte{byte(i + 1)}, n))
			want += n
		}
		n, err := c.WriteBuffers(pieces)
		if n != int64(want) || err != nil {
			t.Errorf("%s: WriteBuffers returned %d, %v; want %d", name, n, err, want)
		}
		plain, records := opened(t, p.taken)
		if !bytes.Equal(plain, slices.Concat(pieces...)) {
			t.Errorf("%s: other bytes left", name)
		}
		if least := (want + fullPlain - 1) / fullPlain; len(records) != least {
			t.Errorf("%s: %d records, want %d", name, len(records), least)
		}
		if want > 0 && want <= fullPlain && p.calls != 1 {
			t.Errorf("%s: %d calls of the pipe", name, p.calls)
		}
		for i, piece := range pieces {
			if len(piece) > 0 && (piece[0] != byte(i+1) || piece[len(piece)-1] != byte(i+1)) {
				t.Errorf("%s: piece %d was changed", name, i)
			}
		}
	}
}

func TestADeadlineInsideAWriteLosesNothing(t *testing.T) {
	held := buf.Live()
	const size = gather*fullPlain + 1000
	for _, n := range []int{10, 3000, 2*fullPlain + 7, size} {
		for _, at := range []int{0, 1, 2, 20, 26, 3000, 65536, 70000, 200000} {
			c, p := writing(t)
			passed := false
			// Let whole calls pass until at bytes have been taken.
			p.writes = func() take {
				room := at - len(p.taken)
				if passed || room > buf.MaxSize {
					return take{n: 1 << 20}
				}
				passed = true
				return take{n: max(room, 0), err: os.ErrDeadlineExceeded}
			}
			want := text(n)
			m, err := c.Write(want)
			if passed != errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%d bytes, deadline after %d: %v", n, at, err)
			}
			if m < n {
				if more, err := c.Write(want[m:]); more != n-m || err != nil {
					t.Fatalf("%d bytes, deadline after %d: then %d, %v", n, at, more, err)
				}
			} else if _, err := c.Write(nil); err != nil {
				t.Fatal(err)
			}
			if plain, _ := opened(t, p.taken); !bytes.Equal(plain, want) {
				t.Errorf("%d bytes, deadline after %d: %d bytes arrived", n, at, len(plain))
			}
		}
	}
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestWritesAfterADeadlineStayInOrderUntilThePipeTakesThem(t *testing.T) {
	c, p := writing(t)
	p.writes = func() take { return take{n: 3, err: os.ErrDeadlineExceeded} }
	if n, err := c.Write([]byte("first ")); n != 6 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the sealed bytes count as written: %d, %v", n, err)
	}
	for range 4 {
		if n, err := c.Write([]byte("second")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("behind what is left nothing is sealed: %d, %v", n, err)
		}
	}
	p.writes = nil
	if n, err := c.WriteBuffers([][]byte{[]byte("sec"), []byte("ond")}); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if plain, _ := opened(t, p.taken); string(plain) != "first second" {
		t.Errorf("%q arrived", plain)
	}
}

func TestAWriteThatFailsOnceFailsForGood(t *testing.T) {
	held := buf.Live()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		result take
		want   error
	}{
		"broken":          {take{n: 5, err: broken}, broken},
		"fewer bytes":     {take{n: 5}, io.ErrShortWrite},
		"a count below 0": {take{n: -1}, errCount},
	} {
		for _, size := range []int{100, 2 * fullPlain} {
			if size > fullPlain && test.result.n < 0 {
				continue // net.Buffers trusts counts; only a pipe of our own could lie so
			}
			c, p := writing(t)
			p.writes = func() take { return test.result }
			if n, err := c.Write(text(size)); n != 0 || err != test.want {
				t.Errorf("%s: Write of %d returned %d, %v", name, size, n, err)
			}
			p.writes = nil
			if n, err := c.Write(text(9)); n != 0 || err != test.want {
				t.Errorf("%s: then Write returned %d, %v", name, n, err)
			}
		}
	}
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestCloseGivesBackWhatADeadlineLeftBehind(t *testing.T) {
	held := buf.Live()
	c, p := writing(t)
	p.writes = func() take { return take{n: 1, err: os.ErrDeadlineExceeded} }
	if _, err := c.Write(text(2 * fullPlain)); err == nil {
		t.Fatal("no deadline passed")
	}
	c.Close()
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held after Close", now-held)
	}
}

func TestABusyConnectionAllocatesNothing(t *testing.T) {
	a, b := tcp(t)
	from, to := sessions(t, a, b)
	slice := make([]byte, buf.MaxSize)
	most := 0.0
	if poolsLeak {
		most = 4 // one a call
	}
	for _, size := range []int{100, 4 << 10, 60000} {
		p := make([]byte, size)
		pieces := [][]byte{p[:size/3], p[size/3:]}
		round := func() {
			if _, err := from.Write(p); err != nil {
				t.Fatal(err)
			}
			if _, err := from.WriteBuffers(pieces); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(to, slice[:size]); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(to, slice[:size]); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, round); n > most && !buf.Debug {
			t.Errorf("%d bytes: %v allocations in two writes and their reads", size, n)
		}
	}
}

func TestTwoGoroutinesInOneDirectionAreToldSo(t *testing.T) {
	c, _ := writing(t)
	if err := c.out.enter(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("x")); err != ErrConcurrentUse {
		t.Errorf("Write: %v", err)
	}
	if c.out.leave() {
		t.Error("the gate was closed")
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := c.in.enter(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != ErrConcurrentUse {
		t.Errorf("Read: %v", err)
	}
}

func TestTheSizesOfAFullRecordFitABuffer(t *testing.T) {
	if got := fmt.Sprint(fullPlain, maxPlain, headSize+fullPlain+tagSize); got != "65518 65519 65536" {
		t.Error(got)
	}
}
