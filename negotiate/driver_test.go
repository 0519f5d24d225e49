package negotiate

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A scripted pipe gives prepared bytes and remembers each write.
type scripted struct {
	in     []byte
	writes [][]byte
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error) {
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), nil
}

func (s *scripted) written() []byte { return slices.Concat(s.writes...) }

// readWriter joins a reader of any kind to a scripted pipe's writer.
type readWriter struct {
	io.Reader
	io.Writer
}

// bufferedPipe is a pipe that knows what it can give, as a stream does.
type bufferedPipe struct {
	*bufio.Reader
	io.Writer
}

func buffer(s *scripted) bufferedPipe { return bufferedPipe{bufio.NewReader(s), s} }

// lines is the wire form of some lines.
func lines(texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		b = AppendLine(b, text)
	}
	return b
}

func supportsAB(p Protocol) bool { return p == "/a" || p == "/b" }

func listAB() []Protocol { return []Protocol{"/a", "/b"} }

// readers are ways in which the same bytes can arrive.
var readers = map[string]func(s *scripted) io.ReadWriter{
	"plain":       func(s *scripted) io.ReadWriter { return s },
	"one byte":    func(s *scripted) io.ReadWriter { return readWriter{iotest.OneByteReader(s), s} },
	"half":        func(s *scripted) io.ReadWriter { return readWriter{iotest.HalfReader(s), s} },
	"early error": func(s *scripted) io.ReadWriter { return readWriter{iotest.DataErrReader(s), s} },
	"buffered":    func(s *scripted) io.ReadWriter { return buffer(s) },
}

func TestDialReadsNotAByteBeyondTheAgreement(t *testing.T) {
	long := Protocol("/" + strings.Repeat("x", 900))
	for name, wrap := range readers {
		for _, want := range []Protocol{"/b", long} {
			s := &scripted{in: append(lines(Header, NotAvailable, string(want)), "the protocol's own"...)}
			rw := wrap(s)
			p, err := Dial(rw, "/a", want)
			if p != want || err != nil {
				t.Errorf("%s: got %s, %v", name, p, err)
			}
			if rest, _ := io.ReadAll(rw); string(rest) != "the protocol's own" && name != "early error" {
				t.Errorf("%s: %q is left for the protocol", name, rest)
			}
			if diff := cmp.Diff([][]byte{lines(Header, "/a"), lines(string(want))}, s.writes); diff != "" {
				t.Errorf("%s: the writes are others (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestListenReadsNotAByteBeyondTheAgreement(t *testing.T) {
	for name, wrap := range readers {
		s := &scripted{in: append(lines(Header, "/x", "ls", "/b"), "the protocol's own"...)}
		rw := wrap(s)
		p, err := Listen(rw, supportsAB, listAB)
		if p != "/b" || err != nil {
			t.Errorf("%s: got %s, %v", name, p, err)
		}
		if rest, _ := io.ReadAll(rw); string(rest) != "the protocol's own" && name != "early error" {
			t.Errorf("%s: %q is left for the protocol", name, rest)
		}
		want := slices.Concat(lines(Header, NotAvailable), AppendList(nil, listAB()), lines("/b"))
		if !bytes.Equal(want, s.written()) {
			t.Errorf("%s: wrote %q, want %q", name, s.written(), want)
		}
		if name == "buffered" && len(s.writes) != 1 || name == "plain" && len(s.writes) != 4 {
			t.Errorf("%s: %d writes", name, len(s.writes))
		}
	}
}

// The reader knows that a byte of the next line is there, but not the rest: the
// header must not be held back, because the dialer may be waiting for it.
func TestListenHoldsNothingBackForAHalfLine(t *testing.T) {
	whole := lines(Header, "/b")
	for size := len(lines(Header)); size < len(whole); size++ {
		s := &scripted{in: whole}
		rw := bufferedPipe{bufio.NewReaderSize(io.MultiReader(bytes.NewReader(whole[:size]), iotest.ErrReader(io.ErrNoProgress)), 64), s}
		_, err := Listen(rw, supportsAB, listAB)
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("after %d bytes: got %v", size, err)
		}
		if !bytes.Equal(s.written(), lines(Header)) {
			t.Errorf("after %d bytes %q was written, want the header", size, s.written())
		}
	}
}

// A dialer that pipelines many lists makes the listener write, not grow.
func TestListenHoldsLittleBack(t *testing.T) {
	long := []Protocol{Protocol("/" + strings.Repeat("x", 900))}
	in := lines(Header)
	for range MaxProposals - 1 {
		in = append(in, lines(List)...)
	}
	s := &scripted{in: append(in, lines("/a")...)}
	if p, err := Listen(buffer(s), supportsAB, func() []Protocol { return long }); p != "/a" || err != nil {
		t.Fatalf("got %s, %v", p, err)
	}
	for _, w := range s.writes {
		if len(w) > flushAt+MaxLine+2 {
			t.Errorf("a write of %d bytes", len(w))
		}
	}
}

func TestListenWithoutAListRefusesLs(t *testing.T) {
	s := &scripted{in: lines(Header, List, "/a")}
	if p, err := Listen(s, supportsAB, nil); p != "/a" || err != nil {
		t.Fatalf("got %s, %v", p, err)
	}
	if want := lines(Header, NotAvailable, "/a"); !bytes.Equal(want, s.written()) {
		t.Errorf("wrote %q, want %q", s.written(), want)
	}
}

func TestTheWordsOfMultistreamAreNeverLookedUp(t *testing.T) {
	s := &scripted{in: lines(Header, NotAvailable, List, SimultaneousConnect, Header, "/a")}
	var asked []Protocol
	_, err := Listen(s, func(p Protocol) bool { asked = append(asked, p); return true }, listAB)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Protocol{"/a"}, asked); diff != "" {
		t.Errorf("looked up (-want +got):\n%s", diff)
	}
}

func TestARefusalNamesWhatWasWanted(t *testing.T) {
	_, err := Dial(&scripted{in: lines(Header, NotAvailable, NotAvailable)}, "/a", "/b")
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a RefusedError", err)
	}
	if diff := cmp.Diff(&RefusedError{Wanted: []Protocol{"/a", "/b"}}, refused); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingIsWrittenForAnOfferThatCannotBeMade(t *testing.T) {
	s := &scripted{}
	var bad *ProposalError
	if _, err := Dial(s); !errors.As(err, &bad) {
		t.Errorf("got %v, want a ProposalError", err)
	}
	if _, err := Dial(s, "/a", "na"); !errors.As(err, &bad) {
		t.Errorf("got %v, want a ProposalError", err)
	}
	if _, err := OfferLazily(s, "ls"); !errors.As(err, &bad) {
		t.Errorf("got %v, want a ProposalError", err)
	}
	if len(s.writes) > 0 {
		t.Errorf("%q was written", s.written())
	}
}

func TestARemoteThatBreaksARuleIsNamed(t *testing.T) {
	dial := func(s *scripted) error { _, err := Dial(s, "/a"); return err }
	listen := func(s *scripted) error { _, err := Listen(s, supportsAB, listAB); return err }
	many := lines(Header)
	for range MaxProposals + 1 {
		many = append(many, lines("/x")...)
	}
	for name, c := range map[string]struct {
		run  func(*scripted) error
		in   []byte
		want ProtocolError
	}{
		"dial, no header":          {dial, lines("/a"), ProtocolError{"awaiting the remote's header", RuleHeader, "/a"}},
		"dial, other answer":       {dial, lines(Header, "/b"), ProtocolError{"awaiting an answer to /a", RuleAnswer, "/b"}},
		"dial, long answer":        {dial, lines(Header, strings.Repeat("x", 900)), ProtocolError{"awaiting an answer to /a", RuleAnswer, strings.Repeat("x", 64)}},
		"dial, three headers":      {dial, lines(Header, Header, Header), ProtocolError{"awaiting an answer to /a", RuleRepeat, Header}},
		"dial, length 0":           {dial, append(lines(Header), 0), ProtocolError{"awaiting an answer to /a", RuleEmpty, ""}},
		"dial, no newline":         {dial, []byte("\x02hi"), ProtocolError{"awaiting the remote's header", RuleNewline, "hi"}},
		"listen, no header":        {listen, lines("/a"), ProtocolError{"awaiting the dialer's header", RuleHeader, "/a"}},
		"listen, length 1025":      {listen, []byte{0x81, 0x08}, ProtocolError{"awaiting the dialer's header", RuleLength, ""}},
		"listen, endless varint":   {listen, bytes.Repeat([]byte{0x80}, 100), ProtocolError{"awaiting the dialer's header", RuleLength, ""}},
		"listen, padded varint":    {listen, append(lines(Header), 0x83, 0), ProtocolError{"awaiting a proposal", RuleMinimal, ""}},
		"listen, 17 proposals":     {listen, many, ProtocolError{"awaiting another proposal", RuleAttempts, "/x"}},
		"listen, three headers":    {listen, lines(Header, Header, Header), ProtocolError{"awaiting a proposal", RuleRepeat, Header}},
		"listen, the wrong header": {listen, lines("/multistream/9.9.9"), ProtocolError{"awaiting the dialer's header", RuleHeader, "/multistream/9.9.9"}},
	} {
		err := c.run(&scripted{in: c.in})
		var broken *ProtocolError
		if !errors.As(err, &broken) {
			t.Errorf("%s: got %v, want a ProtocolError", name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, broken); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAPipeThatEndsIsReportedWithStageAndBytes(t *testing.T) {
	answer := lines(Header, NotAvailable, "/b")
	for cut := range answer {
		_, err := Dial(&scripted{in: answer[:cut]}, "/a", "/b")
		want := &InterruptedError{Stage: "awaiting the remote's header", Wanted: []Protocol{"/a", "/b"}, Received: cut, Cause: io.ErrUnexpectedEOF}
		switch {
		case cut >= len(lines(Header, NotAvailable)):
			want.Stage = "awaiting an answer to /b"
		case cut >= len(lines(Header)):
			want.Stage = "awaiting an answer to /a"
		}
		if cut == 0 || cut == len(lines(Header)) || cut == len(lines(Header, NotAvailable)) {
			want.Cause = io.EOF
		}
		var gone *InterruptedError
		if !errors.As(err, &gone) {
			t.Fatalf("after %d bytes: got %v, want an InterruptedError", cut, err)
		}
		if diff := cmp.Diff(*want, *gone, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("after %d bytes (-want +got):\n%s", cut, diff)
		}
	}
	_, err := Listen(&scripted{in: []byte{0x80}}, supportsAB, listAB)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a length: got %v", err)
	}
	_, err = Listen(&scripted{in: lines(Header, "/x")}, supportsAB, listAB)
	var gone *InterruptedError
	if !errors.As(err, &gone) || gone.Stage != "awaiting another proposal" || gone.Cause != io.EOF {
		t.Errorf("a dialer that found nothing: got %v", err)
	}
}

func TestADeadlineEndsANegotiation(t *testing.T) {
	for name, run := range map[string]func(c net.Conn) error{
		"dial":   func(c net.Conn) error { _, err := Dial(c, "/a"); return err },
		"listen": func(c net.Conn) error { _, err := Listen(c, supportsAB, listAB); return err },
		"lazy":   func(c net.Conn) error { _, err := OfferLazily(c, "/a"); return err },
	} {
		here, there := net.Pipe()
		here.SetDeadline(time.Unix(1, 0))
		err := run(here)
		var gone *InterruptedError
		var timeout net.Error
		if !errors.As(err, &gone) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: got %v, want an InterruptedError with the deadline in it", name, err)
		}
		here.Close()
		there.Close()
	}
}

func TestAClosedPipeEndsABlockedNegotiation(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	done := make(chan error)
	go func() {
		_, err := Listen(here, supportsAB, listAB)
		done <- err
	}()
	here.Close()
	var gone *InterruptedError
	if err := <-done; !errors.As(err, &gone) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want an InterruptedError with the closed pipe in it", err)
	}
}

type failingWriter struct {
	n   int
	err error
}

func (w failingWriter) Write(p []byte) (int, error) { return min(w.n, len(p)), w.err }

func TestAFailedWriteEndsANegotiation(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		w    failingWriter
		want error
	}{"error": {failingWriter{0, broken}, broken}, "short": {failingWriter{3, nil}, io.ErrShortWrite}} {
		for side, run := range map[string]func(rw io.ReadWriter) error{
			"dial":   func(rw io.ReadWriter) error { _, err := Dial(rw, "/a"); return err },
			"listen": func(rw io.ReadWriter) error { _, err := Listen(rw, supportsAB, listAB); return err },
			"lazy":   func(rw io.ReadWriter) error { _, err := OfferLazily(rw, "/a"); return err },
		} {
			for _, r := range []io.Reader{bytes.NewReader(lines(Header, "/a")), bufio.NewReader(bytes.NewReader(lines(Header, "/a")))} {
				err := run(readWriter{r, c.w})
				var gone *InterruptedError
				if !errors.As(err, &gone) || !errors.Is(err, c.want) {
					t.Errorf("%s, %s: got %v, want an InterruptedError", name, side, err)
				}
			}
		}
	}
}

// secondWriteFails is a pipe that breaks while the list is walked through.
type secondWriteFails struct {
	scripted
	err error
}

func (w *secondWriteFails) Write(p []byte) (int, error) {
	if len(w.writes) > 0 {
		return 0, w.err
	}
	return w.scripted.Write(p)
}

func TestAWriteThatFailsLaterNamesTheProposal(t *testing.T) {
	broken := errors.New("broken")
	_, err := Dial(&secondWriteFails{scripted{in: lines(Header, NotAvailable)}, broken}, "/a", "/b")
	var gone *InterruptedError
	if !errors.As(err, &gone) || gone.Cause != broken || gone.Stage != "awaiting an answer to /b" {
		t.Errorf("the dialer got %v", err)
	}
	// The header is flushed when only a part of the next line is there.
	rw := bufferedPipe{bufio.NewReader(bytes.NewReader(lines(Header, "/a")[:22])), failingWriter{0, broken}}
	if _, err = Listen(rw, supportsAB, listAB); !errors.As(err, &gone) || gone.Cause != broken {
		t.Errorf("the listener got %v", err)
	}
}

// A pipe may itself be a stream with a negotiation of its own: its errors are
// the pipe's, and are not taken for faults of this dialogue.
func TestAnErrorOfThePipeIsNotTakenForAFaultOfTheDialogue(t *testing.T) {
	inner := &ProtocolError{Stage: "inner", Rule: RuleAnswer}
	_, err := Dial(readWriter{iotest.ErrReader(inner), io.Discard}, "/a")
	var gone *InterruptedError
	if !errors.As(err, &gone) || gone.Cause != error(inner) || inner.Stage != "inner" {
		t.Errorf("got %#v, want an InterruptedError around the pipe's error", err)
	}
}

// No input makes a negotiation allocate more than a small constant over what
// was received.
func TestMemoryFollowsTheBytesThatArrived(t *testing.T) {
	const constant, factor = 8 << 10, 4
	rng := seeded(3)
	words := []string{Header, Header, NotAvailable, List, "/a", "/x", SimultaneousConnect, strings.Repeat("x", 200), strings.Repeat("y", 1023)}
	var before, after runtime.MemStats
	for round := range 2000 {
		in := lines(Header)
		for range rng.Intn(24) {
			in = append(in, lines(words[rng.Intn(len(words))])...)
		}
		switch round % 4 {
		case 1:
			in = in[:rng.Intn(len(in)+1)]
		case 2:
			in = append(in, 0x80, 0x08) // 1024 bytes are announced and do not come
		case 3:
			in[rng.Intn(len(in))] = byte(rng.Intn(256))
		}
		for name, run := range map[string]func(rw io.ReadWriter) error{
			"dial":   func(rw io.ReadWriter) error { _, err := Dial(rw, "/a"); return err },
			"listen": func(rw io.ReadWriter) error { _, err := Listen(rw, supportsAB, listAB); return err },
		} {
			for _, rw := range []io.ReadWriter{
				&readWriter{bytes.NewReader(in), io.Discard},
				&bufferedPipe{bufio.NewReader(bytes.NewReader(in)), io.Discard},
			} {
				runtime.ReadMemStats(&before)
				run(rw)
				runtime.ReadMemStats(&after)
				if used := after.TotalAlloc - before.TotalAlloc; used > constant+factor*uint64(len(in)) {
					t.Fatalf("%s of %d bytes allocated %d bytes: %q", name, len(in), used, in)
				}
			}
		}
	}
}

func TestMachinesAllocateNothing(t *testing.T) {
	room := make([]Effect, 0, 4)
	offer := mustOffer(t, "/a", "/b")
	n := testing.AllocsPerRun(100, func() {
		o, a := offer, Answer{}
		for _, ev := range []Event{{Kind: Begin}, {Kind: Line, Text: Header}, {Kind: Line, Text: NotAvailable}, {Kind: Line, Text: "/b"}} {
			room = o.Step(ev, room[:0])
		}
		for _, ev := range []Event{{Kind: Line, Text: Header}, {Kind: Line, Text: "/a"}, {Kind: Line, Text: List}, {Kind: Line, Text: "/b", Supported: true}} {
			room = a.Step(ev, room[:0])
		}
	})
	if n != 0 {
		t.Errorf("a dialogue of two machines allocates %v times", n)
	}
}
