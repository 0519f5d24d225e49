package negotiate

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

// The bytes of the specification (multiformats/multistream-select, README.md),
// and the first packets that dialers of noise and yamux send.
func TestLinesHaveTheBytesOfTheSpecification(t *testing.T) {
	for text, want := range map[string]string{
		Header:         "132f6d756c746973747265616d2f312e302e300a",
		NotAvailable:   "036e610a",
		List:           "036c730a",
		"/noise":       "072f6e6f6973650a",
		"/yamux/1.0.0": "0d2f79616d75782f312e302e300a",
		"":             "010a",
	} {
		if got := hex.EncodeToString(AppendLine(nil, text)); got != want {
			t.Errorf("the line %q is written %s, want %s", text, got, want)
		}
		b, _ := hex.DecodeString(want)
		got, n, err := DecodeLine(append(b, "rest"...))
		if string(got) != text || n != len(b) || err != nil {
			t.Errorf("%s reads as %q, %d bytes, %v; want %q", want, got, n, err, text)
		}
	}
}

func TestEveryLineReadsBackAsItWasWritten(t *testing.T) {
	for n := range MaxLine {
		text := strings.Repeat("x", n)
		line := AppendLine([]byte("before"), text)[len("before"):]
		got, size, err := DecodeLine(line)
		if string(got) != text || size != len(line) || err != nil {
			t.Fatalf("a text of %d bytes reads back as %d bytes of %d with error %v", n, len(got), size, err)
		}
		for cut := range line {
			if got, size, err := DecodeLine(line[:cut]); got != nil || size != 0 || err != nil {
				t.Fatalf("%d of %d bytes of a line read as %q, %d, %v", cut, len(line), got, size, err)
			}
		}
	}
}

func TestBytesThatAreNoLineAreRefused(t *testing.T) {
	long := append([]byte{0x80, 0x08}, bytes.Repeat([]byte{'x'}, MaxLine)...)
	for name, c := range map[string]struct {
		in   []byte
		rule Rule
		got  string
	}{
		"length 0":                           {[]byte{0}, RuleEmpty, ""},
		"length 0 in two bytes":              {[]byte{0x80, 0}, RuleMinimal, ""},
		"length 3 in two bytes":              {[]byte{0x83, 0, 'n', 'a', '\n'}, RuleMinimal, ""},
		"length 1025":                        {[]byte{0x81, 0x08}, RuleLength, ""},
		"length 16384, of which two bytes":   {[]byte{0x80, 0x80}, RuleLength, ""},
		"a varint without end":               {bytes.Repeat([]byte{0x80}, 64), RuleLength, ""},
		"no newline":                         {[]byte{2, 'n', 'a'}, RuleNewline, "na"},
		"newline not at the end":             {[]byte{3, 'n', '\n', 'a'}, RuleNewline, "n\na"},
		"no newline in the longest line":     {long, RuleNewline, strings.Repeat("x", 64)},
		"an HTTP request":                    {[]byte("\x0eGET / HTTP/1.1\r\n\r\n"), RuleNewline, "GET / HTTP/1.1"},
		"a TLS record of at least 1.5 kByte": {[]byte{0x16, 3, 1, 6, 0, 1, 0, 5, 0xfc, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, RuleNewline, "\x03\x01\x06\x00\x01\x00\x05\xfc\x03\x03" + strings.Repeat("\x00", 12)},
	} {
		text, n, err := DecodeLine(c.in)
		var broken *ProtocolError
		if !errors.As(err, &broken) || text != nil || n != 0 {
			t.Errorf("%s: got %q, %d, %v; want a ProtocolError", name, text, n, err)
			continue
		}
		if diff := cmp.Diff(&ProtocolError{Rule: c.rule, Got: c.got}, broken); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAWrittenLineOverTheLimitIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a line of 1025 bytes was written")
		}
	}()
	AppendLine(nil, strings.Repeat("x", MaxLine))
}

// readList is the reader of AppendList's format: lines in a line.
func readList(t *testing.T, b []byte) []Protocol {
	t.Helper()
	body, n, err := DecodeLine(b)
	if err != nil || n != len(b) {
		t.Fatalf("a list of %d bytes reads as a line of %d bytes, %v", len(b), n, err)
	}
	var names []Protocol
	for len(body) > 0 {
		name, n, err := DecodeLine(body)
		if err != nil || n == 0 {
			t.Fatalf("the rest %q of a list is no line: %v", body, err)
		}
		names = append(names, Protocol(name))
		body = body[n:]
	}
	return names
}

func TestAListIsLinesInALine(t *testing.T) {
	if got := hex.EncodeToString(AppendList(nil, nil)); got != "010a" {
		t.Errorf("the empty list is %s, want 010a", got)
	}
	if got, want := string(AppendList(nil, []Protocol{"/a", "/bb"})), "\x0a\x03/a\n\x04/bb\n\n"; got != want {
		t.Errorf("the list of /a and /bb is %q, want %q", got, want)
	}
}

func TestAListLeavesOutWhatDoesNotFitALine(t *testing.T) {
	long := Protocol("/" + strings.Repeat("x", 499))
	tooLong := Protocol("/" + strings.Repeat("y", 1100))
	names := []Protocol{long, "/a", tooLong, "bad\nname", "na", long + "x", "/b", long, "/c"}
	got := AppendList(nil, names)
	if diff := cmp.Diff([]Protocol{long, "/a", long + "x", "/b", "/c"}, readList(t, got)); diff != "" {
		t.Errorf("the list holds other names (-want +got):\n%s", diff)
	}
}

func TestAListNeverExceedsALine(t *testing.T) {
	err := quick.Check(func(lengths []uint16) bool {
		var names []Protocol
		for _, n := range lengths {
			names = append(names, Protocol("/"+strings.Repeat("x", int(n%700))))
		}
		list := AppendList(nil, names)
		return len(readList(t, list)) <= len(names) && len(list) <= MaxLine+2
	}, &quick.Config{Rand: seeded(1)})
	if err != nil {
		t.Error(err)
	}
}

func TestNamesThatCannotBeNegotiatedAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for _, p := range []Protocol{"", Header, NotAvailable, List, "/a\n", "\n", "/\xff", Protocol(strings.Repeat("x", MaxLine))} {
		var bad *ProposalError
		if err := p.Check(); !errors.As(err, &bad) || bad.Protocol != p || bad.Rule == "" {
			t.Errorf("%q: got %v, want a ProposalError", p, err)
		}
		if _, err := NewOffer("/a", p); !errors.As(err, &bad) {
			t.Errorf("an offer of %q: got %v, want a ProposalError", p, err)
		}
		if _, err := NewLazyOffer(p); !errors.As(err, &bad) {
			t.Errorf("a lazy offer of %q: got %v, want a ProposalError", p, err)
		}
	}
	for _, p := range []Protocol{"/noise", "no-slash", "/a b", "/é", Protocol(strings.Repeat("x", MaxLine-1))} {
		if err := p.Check(); err != nil {
			t.Errorf("%q is refused: %v", p, err)
		}
	}
}

func TestAnOfferHoldsOneToSixteenProposals(t *testing.T) {
	var bad *ProposalError
	if _, err := NewOffer(); !errors.As(err, &bad) {
		t.Errorf("an offer of nothing: got %v, want a ProposalError", err)
	}
	many := make([]Protocol, MaxProposals+1)
	for i := range many {
		many[i] = Protocol("/" + strings.Repeat("x", i))
	}
	if _, err := NewOffer(many...); !errors.As(err, &bad) {
		t.Errorf("an offer of 17: got %v, want a ProposalError", err)
	}
	o, err := NewOffer(many[:MaxProposals]...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(many[:MaxProposals], o.Wanted()); diff != "" {
		t.Errorf("an offer of 16 (-want +got):\n%s", diff)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("\x13/multistream/1.0.0\n\x07/noise\n"))
	f.Add([]byte("\x80\x08"))
	f.Add([]byte("\x03na\n\x03ls\n"))
	f.Add(AppendLine(nil, strings.Repeat("x", 1000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, n, err := DecodeLine(b)
		var broken *ProtocolError
		switch {
		case err != nil && !errors.As(err, &broken):
			t.Fatalf("%v is no ProtocolError", err)
		case err != nil && (n != 0 || text != nil):
			t.Fatalf("a broken line gave %q, %d", text, n)
		case n == 0 && text != nil, n > len(b), len(text) >= MaxLine:
			t.Fatalf("%q, %d from %d bytes", text, n, len(b))
		case n > 0 && !bytes.Equal(AppendLine(nil, string(text)), b[:n]):
			t.Fatalf("%q is written otherwise than it was read, %q", text, b[:n])
		}
		// What is decided about a prefix is not changed by what follows, and
		// nothing is decided later than the bytes allow.
		for cut := range min(len(b), MaxLine+3) {
			_, early, earlyErr := DecodeLine(b[:cut])
			if early != 0 && early != n || earlyErr != nil && err == nil {
				t.Fatalf("%d bytes gave %d, %v; all gave %d, %v", cut, early, earlyErr, n, err)
			}
		}
	})
}
