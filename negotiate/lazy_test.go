package negotiate

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestALazyOfferIsOneWriteAndWaitsForNothing(t *testing.T) {
	s := &scripted{}
	l, err := OfferLazily(s, "/ping")
	if err != nil {
		t.Fatal(err)
	}
	if l.Protocol() != "/ping" {
		t.Errorf("the protocol is %s", l.Protocol())
	}
	if diff := cmp.Diff([][]byte{lines(Header, "/ping")}, s.writes); diff != "" {
		t.Errorf("the writes are others (-want +got):\n%s", diff)
	}
}

func TestConfirmReadsNotAByteBeyondTheAnswer(t *testing.T) {
	for name, wrap := range readers {
		l, err := OfferLazily(io.Discard, "/ping")
		if err != nil {
			t.Fatal(err)
		}
		r := wrap(&scripted{in: append(lines(Header, "/ping"), "pong"...)})
		for range 2 {
			if err := l.Confirm(r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if rest, _ := io.ReadAll(r); string(rest) != "pong" && name != "early error" {
			t.Errorf("%s: %q is left for the protocol", name, rest)
		}
	}
}

func TestARefusedLazyOfferStaysRefused(t *testing.T) {
	l, err := OfferLazily(io.Discard, "/ping")
	if err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if err := l.Confirm(&scripted{in: lines(Header, NotAvailable)}); !errors.As(err, &refused) || !refused.Lazy {
		t.Fatalf("got %v, want a RefusedError of a lazy offer", err)
	}
	if err := l.Confirm(&scripted{in: lines(Header, "/ping")}); err != error(refused) {
		t.Errorf("asked again: got %v, want the refusal", err)
	}
}

func TestAnUnconfirmedLazyOfferNamesItsStage(t *testing.T) {
	l, err := OfferLazily(io.Discard, "/ping")
	if err != nil {
		t.Fatal(err)
	}
	err = l.Confirm(io.MultiReader(bytes.NewReader(lines(Header)), iotest.ErrReader(iotest.ErrTimeout)))
	var gone *InterruptedError
	if !errors.As(err, &gone) || !errors.Is(err, iotest.ErrTimeout) || gone.Stage != "awaiting an answer to /ping" || gone.Received != 20 {
		t.Errorf("got %#v", err)
	}
}

// stutter is a pipe whose deadline passes before each byte.
type stutter struct {
	scripted
	passed bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.passed = !s.passed; s.passed {
		return 0, os.ErrDeadlineExceeded
	}
	return s.scripted.Read(p[:1])
}

func TestADeadlineDoesNotEndALazyOffer(t *testing.T) {
	name := Protocol("/" + strings.Repeat("x", 300))
	for _, answer := range []Protocol{name, NotAvailable} {
		l, err := OfferLazily(io.Discard, name)
		if err != nil {
			t.Fatal(err)
		}
		r := &stutter{scripted: scripted{in: append(lines(Header, string(answer)), "rest"...)}}
		passed := 0
		for err = l.Confirm(r); errors.Is(err, os.ErrDeadlineExceeded); err = l.Confirm(r) {
			var gone *InterruptedError
			if !errors.As(err, &gone) || gone.Received != passed {
				t.Fatalf("after %d bytes: %#v", passed, err)
			}
			passed++
		}
		var refused *RefusedError
		if answer == name && err != nil || answer != name && !errors.As(err, &refused) {
			t.Errorf("the answer %.10s gives %v", answer, err)
		}
		if want := len(lines(Header, string(answer))); passed != want || string(r.in) != "rest" {
			t.Errorf("%d deadlines passed, want %d; %q is left", passed, want, r.in)
		}
	}
}

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (dialer, listener *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		d.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); a.Close() })
	return d.(*net.TCPConn), a.(*net.TCPConn)
}

// A one-shot request: the dialer has closed its writing side before it reads
// the answer, and nothing is lost in either direction.
func TestADialerMayCloseItsHalfBeforeTheAnswer(t *testing.T) {
	dialer, listener := loopback(t)
	l, err := OfferLazily(dialer, "/echo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dialer.Write([]byte("request")); err != nil {
		t.Fatal(err)
	}
	if err := dialer.CloseWrite(); err != nil {
		t.Fatal(err)
	}

	p, err := Listen(listener, func(p Protocol) bool { return p == "/echo" }, nil)
	if p != "/echo" || err != nil {
		t.Fatalf("got %s, %v", p, err)
	}
	request, err := io.ReadAll(listener)
	if string(request) != "request" || err != nil {
		t.Fatalf("the listener read %q, %v", request, err)
	}
	if _, err := listener.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	listener.Close()

	if err := l.Confirm(dialer); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(dialer); string(answer) != "answer" || err != nil {
		t.Fatalf("the dialer read %q, %v", answer, err)
	}
}

func TestDialAndListenAgreeOverRealSockets(t *testing.T) {
	dialer, listener := loopback(t)
	type result struct {
		p   Protocol
		err error
	}
	done := make(chan result)
	go func() {
		p, err := Listen(listener, supportsAB, listAB)
		done <- result{p, err}
	}()
	p, err := Dial(dialer, "/x", "/y", "/b", "/a")
	if p != "/b" || err != nil {
		t.Errorf("the dialer got %s, %v", p, err)
	}
	if r := <-done; r.p != "/b" || r.err != nil {
		t.Errorf("the listener got %s, %v", r.p, r.err)
	}
}

// Over a pipe that takes no byte before it is read, the header of a listener
// that reads byte by byte meets the dialer still in its first Write. A buffered
// listener takes the dialer's lines in one read and answers them in one write.
func TestABufferedListenerNegotiatesOverAPipeThatHoldsNothing(t *testing.T) {
	dialer, listener := net.Pipe()
	defer dialer.Close()
	defer listener.Close()
	done := make(chan error)
	go func() {
		_, err := Listen(bufferedPipe{bufio.NewReader(listener), listener}, supportsAB, listAB)
		done <- err
	}()
	if p, err := Dial(dialer, "/x", "/b"); p != "/b" || err != nil {
		t.Errorf("the dialer got %s, %v", p, err)
	}
	if err := <-done; err != nil {
		t.Errorf("the listener got %v", err)
	}
}

func TestAfterARefusalTheListenerLearnsThatTheDialerLeft(t *testing.T) {
	dialer, listener := loopback(t)
	done := make(chan error)
	go func() {
		_, err := Listen(listener, supportsAB, listAB)
		done <- err
	}()
	var refused *RefusedError
	if _, err := Dial(dialer, "/x"); !errors.As(err, &refused) {
		t.Errorf("the dialer got %v, want a RefusedError", err)
	}
	dialer.Close()
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("the listener got %v, want the end of the stream", err)
	}
}
