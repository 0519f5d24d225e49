package bridge

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// onPipe runs f in virtual time with a stream and the adapter's end of it.
func onPipe(t *testing.T, f func(t *testing.T, s *Stream, adapter net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newStream(near, "/a")
		f(t, s, far)
		_ = far.Close()
		_ = s.Reset()
	})
}

// give writes bytes as the adapter, without waiting.
func give(adapter net.Conn, parts ...[]byte) {
	go func() { _, _ = adapter.Write(bytes.Join(parts, nil)) }()
}

func TestAReadThatADeadlineCutsGoesOnLater(t *testing.T) {
	frame := appendFrame(nil, frameData, []byte("abcdef"))
	for cut := range len(frame) {
		onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
			give(adapter, frame[:cut])
			if err := s.SetDeadline(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			got, b := []byte(nil), make([]byte, 10)
			for {
				n, err := s.Read(b)
				got = append(got, b[:n]...)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					break
				}
				if err != nil {
					t.Fatalf("cut at %d: %v", cut, err)
				}
			}
			if err := s.SetDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			give(adapter, frame[cut:], appendFrame(nil, frameData, nil), appendFrame(nil, frameData, []byte("g")), appendFrame(nil, frameEnd, nil))
			rest, err := io.ReadAll(s)
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if diff := cmp.Diff("abcdefg", string(append(got, rest...))); diff != "" {
				t.Errorf("cut at %d (-want +got):\n%s", cut, diff)
			}
		})
	}
}

func TestAWriteThatADeadlineCutsIsFinishedByTheNext(t *testing.T) {
	for cut := range headerSize + 3 {
		onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
			taken := make([]byte, cut)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = io.ReadFull(adapter, taken)
			}()
			if err := s.SetDeadline(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := s.Write([]byte("abc"))
			if !errors.Is(err, os.ErrDeadlineExceeded) || (n == 3) != (cut > 0) {
				t.Fatalf("cut at %d: %d bytes, %v", cut, n, err)
			}
			<-done
			if err := s.SetDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = s.Write([]byte("def"))
				_ = s.CloseWrite()
			}()
			want := appendFrame(appendFrame(nil, frameData, []byte("def")), frameEnd, nil)
			if cut > 0 {
				want = append(appendFrame(nil, frameData, []byte("abc")), want...)
			}
			got := append(taken, make([]byte, len(want)-cut)...)
			if _, err := io.ReadFull(adapter, got[cut:]); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cut at %d (-want +got):\n%s", cut, diff)
			}
		})
	}
}

func TestWhatTheAdapterSaysIsWhatReadAndWriteReturn(t *testing.T) {
	for _, tt := range []struct {
		name string
		says []byte
		want error // nil: an error without a name
	}{
		{"reset", appendFrame(nil, frameReset, []byte("why")), talk.ErrReset},
		{"refused", appendFrame(nil, frameRefused, []byte("why")), talk.ErrRefused},
		{"an unknown frame", appendFrame(nil, 'x', nil), nil},
		{"a frame that is too long", []byte{frameData, 0, 1, 0, 1}, nil},
	} {
		onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
			give(adapter, appendFrame(nil, frameData, []byte("a")), tt.says)
			got, err := io.ReadAll(s)
			_, again := s.Read(make([]byte, 1))
			_, writing := s.Write([]byte{1})
			for when, err := range map[string]error{"read": err, "second read": again, "write": writing} {
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) ||
					tt.want == nil && (errors.Is(err, talk.ErrReset) || errors.Is(err, talk.ErrRefused)) {
					t.Errorf("%s, %s: %v", tt.name, when, err)
				}
			}
			if string(got) != "a" {
				t.Errorf("%s: %q was read before", tt.name, got)
			}
			if err := s.Close(); err != nil {
				t.Errorf("%s: close: %v", tt.name, err)
			}
		})
	}
}

func TestAnAdapterThatDropsAStreamIsNeitherAnEndNorAReset(t *testing.T) {
	onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
		_ = adapter.Close()
		if _, err := s.Read(make([]byte, 1)); err == nil || errors.Is(err, talk.ErrReset) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAResetWakesAReaderAndAWriterAndTellsTheAdapter(t *testing.T) {
	onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
		errs := make(chan error, 2)
		go func() {
			_, err := s.Read(make([]byte, 1))
			errs <- err
		}()
		synctest.Wait()
		told := make(chan byte, 1)
		go func() {
			kind, _, _ := readFrame(adapter)
			told <- kind
		}()
		if err := s.Reset(); err != nil {
			t.Error(err)
		}
		if kind := <-told; kind != frameReset {
			t.Errorf("the adapter was told %q", kind)
		}
		if err := <-errs; !errors.Is(err, talk.ErrReset) {
			t.Errorf("the reader saw %v", err)
		}
	})
	onPipe(t, func(t *testing.T, s *Stream, _ net.Conn) {
		errs := make(chan error, 1)
		go func() {
			_, err := s.Write([]byte("nobody takes this"))
			errs <- err
		}()
		synctest.Wait()
		if err := s.Reset(); err != nil {
			t.Error(err)
		}
		if err := <-errs; err == nil {
			t.Error("the write succeeded")
		}
		if _, err := s.Write([]byte{1}); !errors.Is(err, talk.ErrReset) {
			t.Errorf("a write afterwards: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("a close afterwards: %v", err)
		}
	})
}

func TestACloseWaitsForTheAdapterAndThrowsAwayWhatComes(t *testing.T) {
	onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
		said := make(chan []byte, 1)
		go func() {
			var kinds []byte
			for len(kinds) < 2 {
				kind, _, err := readFrame(adapter)
				if err != nil {
					break
				}
				kinds = append(kinds, kind)
			}
			_, _ = adapter.Write(appendFrame(appendFrame(nil, frameData, make([]byte, 1000)), frameEnd, nil))
			said <- kinds
			_ = adapter.Close()
		}()
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff("ec", string(<-said)); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
		if _, err := s.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a read afterwards: %v", err)
		}
	})
}

func TestACloseThatIsNotAnsweredEnds(t *testing.T) {
	onPipe(t, func(t *testing.T, s *Stream, adapter net.Conn) {
		go func() { _, _, _ = readFrame(adapter) }()
		if err := s.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestALineThatIsTooLongIsNotReadToItsEnd(t *testing.T) {
	for name, line := range map[string]io.Reader{
		"endless":  endless{},
		"cut":      bytes.NewReader([]byte(`{"kind":`)),
		"not JSON": bytes.NewReader([]byte("hello\n")),
	} {
		if _, err := readFirst(line); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
