package buf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t *testing.T, l *Lane, n int) string {
	t.Helper()
	p := make([]byte, n)
	got, err := l.Read(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return string(p[:got])
}

func TestSmallPiecesAreGatheredInOneChunk(t *testing.T) {
	l := NewLane(t.Context(), 100)
	for range 10 {
		l.Add([]byte("ab"))
	}
	chunks := l.Take(20, nil)
	if len(chunks) != 1 || string(chunks[0].Bytes()) != "abababababababababab" {
		t.Errorf("got %d chunks", len(chunks))
	}
	chunks[0].Release()
}

func TestTakeCutsChunksExactly(t *testing.T) {
	before := Live()
	l := NewLane(t.Context(), 1000)
	l.Put(Copy(bytes.Repeat([]byte{1}, 3000)))
	l.Put(Copy(bytes.Repeat([]byte{2}, 3000)))
	total := 0
	for _, n := range []int{1, 2999, 1500, 9000} {
		for _, c := range l.Take(n, nil) {
			total += c.Len()
			c.Release()
		}
	}
	if total != 6000 || l.Len() != 0 || Live() != before {
		t.Errorf("took %d bytes, %d left, %d buffers lost", total, l.Len(), Live()-before)
	}
}

func TestAddTakesOnlyWhatThereIsRoomFor(t *testing.T) {
	l := NewLane(t.Context(), 10)
	n, tell, err := l.Add([]byte("0123456789ab"))
	if n != 10 || !tell || err != nil {
		t.Errorf("first: %d, %v, %v", n, tell, err)
	}
	n, tell, _ = l.Add([]byte("ab"))
	if n != 0 || tell {
		t.Errorf("full: %d, %v", n, tell)
	}
	if l.Told() != 10 {
		t.Error("the consumer is told another number")
	}
	if read(t, l, 4) != "0123" {
		t.Error("other bytes came out")
	}
	if n, tell, _ = l.Add([]byte("ab")); n != 2 || !tell {
		t.Errorf("after a look: %d, %v", n, tell)
	}
	l.Cut(io.ErrClosedPipe)
}

func TestAReaderGetsTheRestThenTheReason(t *testing.T) {
	l := NewLane(t.Context(), 10)
	l.Add([]byte("rest"))
	l.End(io.ErrNoProgress)
	if read(t, l, 10) != "rest" {
		t.Error("the rest was lost")
	}
	if _, err := l.Read(t.Context(), make([]byte, 1)); err != io.ErrNoProgress {
		t.Errorf("then came %v", err)
	}
	if _, _, err := l.Add([]byte("x")); err != ErrClosed {
		t.Errorf("the producer got %v", err)
	}
}

func TestACutDropsWhatIsInTheLane(t *testing.T) {
	before := Live()
	l := NewLane(t.Context(), 10)
	l.Add([]byte("lost"))
	l.Cut(io.ErrClosedPipe)
	if _, err := l.Read(t.Context(), make([]byte, 1)); err != io.ErrClosedPipe {
		t.Errorf("read %v", err)
	}
	if l.Put(Copy([]byte("late"))) {
		t.Error("a chunk went into a cut lane")
	}
	if Live() != before {
		t.Errorf("%d buffers lost", Live()-before)
	}
}

func TestARefusedProducerLeavesItsBytesToTheConsumer(t *testing.T) {
	l := NewLane(t.Context(), 10)
	l.Add([]byte("promised"))
	l.Refuse(io.ErrClosedPipe)
	if _, _, err := l.Add([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("the producer got %v", err)
	}
	chunks := l.Take(8, nil)
	if len(chunks) != 1 || string(chunks[0].Bytes()) != "promised" {
		t.Errorf("got %v", chunks)
	}
	chunks[0].Release()
}

func TestEverybodyWhoWaitsIsWokenByTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLane(t.Context(), 4)
		l.Add([]byte("full"))
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := l.WaitRoom(t.Context()); err != io.ErrClosedPipe {
					t.Errorf("a writer got %v", err)
				}
			})
		}
		empty := NewLane(t.Context(), 4)
		for range 5 {
			all.Go(func() {
				if _, err := empty.Read(t.Context(), make([]byte, 1)); err != io.ErrClosedPipe {
					t.Errorf("a reader got %v", err)
				}
			})
		}
		synctest.Wait()
		l.Cut(io.ErrClosedPipe)
		empty.Cut(io.ErrClosedPipe)
		all.Wait()
	})
}

func TestADeadlineEndsWaitsAndCanBeMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLane(t.Context(), 4)
		began := time.Now()
		l.SetReadDeadline(began.Add(time.Second))
		go func() {
			time.Sleep(500 * time.Millisecond)
			l.SetReadDeadline(began.Add(3 * time.Second))
		}()
		if _, err := l.Read(t.Context(), make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the read ended after %v", took)
		}
		l.Add([]byte("x"))
		if _, err := l.Read(t.Context(), make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline a read with bytes there returned %v", err)
		}
		l.SetReadDeadline(time.Time{})
		if read(t, l, 1) != "x" {
			t.Error("the byte was lost")
		}
		l.Add([]byte("full"))
		l.SetWriteDeadline(time.Now().Add(time.Second))
		if err := l.WaitRoom(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a writer got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if !l.Late(t.Context()) {
			t.Error("a deadline that has passed is not late")
		}
		l.SetWriteDeadline(time.Now().Add(1))
		if l.Late(t.Context()) {
			t.Error("a deadline to come is late")
		}
		l.SetWriteDeadline(time.Time{})
		if l.Late(t.Context()) {
			t.Error("no deadline is late")
		}
		if err := l.WaitRoom(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a writer with a context got %v", err)
		}
		l.Cut(io.EOF)
	})
}

func TestAnEndIsNotReadAtADeadlineWhileBytesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLane(t.Context(), 0)
		l.Put(Copy([]byte("end")))
		l.Close()
		l.SetReadDeadline(time.Now())
		if n, err := l.Read(t.Context(), make([]byte, 3)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("at the deadline: %d, %v", n, err)
		}
		l.SetReadDeadline(time.Time{})
		if got := read(t, l, 3); got != "end" {
			t.Errorf("got %q", got)
		}
		l.SetReadDeadline(time.Now())
		if _, err := l.Read(t.Context(), make([]byte, 1)); err != io.EOF {
			t.Errorf("when all was read: %v", err)
		}
	})
}

func TestBytesComeOutInOrderWhateverTheSizes(t *testing.T) {
	before := Live()
	chance := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{3}).Read(data)
	l := NewLane(t.Context(), 100<<10)
	var all sync.WaitGroup
	all.Go(func() {
		defer l.Close()
		rest := data
		for len(rest) > 0 {
			n := min(1+chance.IntN(20000), len(rest))
			if chance.IntN(2) == 0 {
				l.Put(Copy(rest[:n]))
				rest = rest[n:]
				continue
			}
			n, _, err := l.Add(rest[:n])
			if err == nil {
				err = l.WaitRoom(t.Context())
			}
			if err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	})
	var got bytes.Buffer
	p := make([]byte, 7000)
	for i := 0; ; i++ {
		if i%3 == 0 && l.Len() > 0 {
			for _, c := range l.Take(5000, nil) {
				got.Write(c.Bytes())
				c.Release()
			}
			continue
		}
		n, err := l.Read(t.Context(), p)
		got.Write(p[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if !bytes.Equal(got.Bytes(), data) {
		t.Error("the bytes differ")
	}
	if Live() != before {
		t.Errorf("%d buffers lost", Live()-before)
	}
}

func TestReleasingTwicePanics(t *testing.T) {
	c := Copy([]byte("x"))
	c.Release()
	defer func() {
		if recover() == nil {
			t.Error("nothing happened")
		}
	}()
	c.Release()
}

func BenchmarkLane(b *testing.B) {
	l := NewLane(context.Background(), 1<<20)
	p := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		l.Add(p)
		l.Read(context.Background(), p)
	}
}

func TestTheFirstChunkOfABufferHasRoomInFront(t *testing.T) {
	l := NewLane(t.Context(), MaxSize)
	body := bytes.Repeat([]byte("body"), 300)
	l.Add(body)
	l.Add(body)
	chunks := l.Take(len(body), nil)
	whole := chunks[0].Front(4)
	if whole == nil {
		t.Fatal("there is no room in front")
	}
	copy(whole, "head")
	if string(whole[:4]) != "head" || !bytes.Equal(whole[4:], body) {
		t.Errorf("head and body are %q...", whole[:16])
	}
	if chunks[0].Front(FrontRoom+1) != nil {
		t.Error("there is more room than there is")
	}
	rest := l.Take(len(body), nil)
	if rest[0].Front(1) != nil {
		t.Error("the rest of the buffer has room in front, where the first chunk lies")
	}
	if !bytes.Equal(rest[0].Bytes(), body) {
		t.Error("the head was written over the rest")
	}
	if c := Static(body); c.Front(1) != nil {
		t.Error("bytes of no pool have room in front")
	}
	for _, c := range append(chunks, rest...) {
		c.Release()
	}
	in := NewLane(t.Context(), 0)
	in.Put(Copy([]byte("small")))
	got := in.Take(5, nil)
	if got[0].Front(1) != nil {
		t.Error("a lane without a limit has room in front")
	}
	got[0].Release()
}
