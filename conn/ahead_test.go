package conn

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/negotiate"
)

// scripted is a pipe that gives one piece per Read and counts what is done.
type scripted struct {
	net.Conn
	pieces        []string
	reads, writes int
}

func (s *scripted) Read(b []byte) (int, error) {
	s.reads++
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *scripted) Write(b []byte) (int, error) {
	s.writes++
	return len(b), nil
}

func TestAnUpgradeReadsWhatIsThereAtOnce(t *testing.T) {
	hello := string(negotiate.AppendLine(negotiate.AppendLine(nil, negotiate.Header), "/a/1"))
	raw := &scripted{pieces: []string{hello + "next"}}
	p := &countingPipe{Conn: raw}
	got, err := agree(p, negotiate.Listener, []negotiate.Protocol{"/a/1"})
	if err != nil || got != "/a/1" {
		t.Fatal(got, err)
	}
	if raw.reads != 1 || raw.writes != 1 {
		t.Errorf("two lines there and two back took %d reads and %d writes", raw.reads, raw.writes)
	}
	if got, err := io.ReadAll(p); err != nil || string(got) != "next" {
		t.Errorf("after the negotiation come %q, %v", got, err)
	}
	if want := int64(len(hello) + 4); p.received.Load() != want {
		t.Errorf("%d bytes are counted, not %d", p.received.Load(), want)
	}
}

func TestWhatWasReadAheadComesBeforeTheRest(t *testing.T) {
	raw := &scripted{pieces: []string{"abcdef", "ghi"}}
	p := &countingPipe{Conn: raw}
	if b, err := p.ReadByte(); err != nil || b != 'a' || p.Buffered() != 5 {
		t.Fatalf("%c, %v, and %d bytes are there", b, err, p.Buffered())
	}
	p.opened()
	var got []string
	for {
		b := make([]byte, readAhead)
		n, err := p.Read(b[:4])
		if err == io.EOF && n == 0 {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
	if diff := cmp.Diff([]string{"bcde", "f", "ghi"}, got); diff != "" {
		t.Error(diff)
	}
	if p.room != nil || p.held != nil {
		t.Error("an open pipe keeps its room")
	}
	if p.received.Load() != 6 {
		t.Errorf("%d bytes are counted: those before it was open are 6", p.received.Load())
	}
}

func TestALargeReadIsNotReadAhead(t *testing.T) {
	p := &countingPipe{Conn: &scripted{pieces: []string{"abc"}}}
	b := make([]byte, readAhead)
	if n, err := p.Read(b); err != nil || n != 3 || p.room != nil {
		t.Errorf("%d, %v, and its room is %v", n, err, p.room)
	}
	if _, err := bufio.NewReader(p).ReadByte(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if _, err := p.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
