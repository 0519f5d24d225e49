package negotiate

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// events turns fuzzed bytes into events: each byte chooses a kind and one of
// the given texts, or takes the following bytes as a text.
func events(data []byte, texts ...string) []Event {
	var all []Event
	for len(data) > 0 {
		b := data[0]
		data = data[1:]
		ev := Event{Kind: EventKind(b % 8 % 3), Supported: b&0x80 != 0}
		if b%8 >= 3 {
			ev.Kind = Line
		}
		if ev.Kind == Line {
			if i := int(b>>3) % (len(texts) + 1); i < len(texts) {
				ev.Text = texts[i]
			} else {
				n := min(len(data), int(b>>5))
				ev.Text, data = string(data[:n]), data[n:]
			}
		}
		all = append(all, ev)
	}
	return all
}

// checkEnd checks what holds for the effects of any machine: at most one end,
// nothing after it, and no effect of the kinds in never.
func checkEnd(t *testing.T, do []Effect, never ...EffectKind) {
	t.Helper()
	for i, f := range do {
		if f.Kind >= Agreed && i != len(do)-1 {
			t.Fatalf("%v is followed by %v", f, do[i+1:])
		}
		if slices.Contains(never, f.Kind) {
			t.Fatalf("%v is no effect of this machine", f)
		}
	}
}

func FuzzOfferStep(f *testing.F) {
	f.Add(uint8(2), []byte{0, 3, 11, 19})
	f.Add(uint8(0), []byte{0, 3, 19})
	f.Add(uint8(16), bytes.Repeat([]byte{0, 3, 11}, 12))
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		names := []Protocol{"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/k", "/l", "/m", "/n", "/o", "/p"}
		want := names[:1+int(n)%MaxProposals]
		o := mustOffer(t, want...)
		if n%17 == 0 {
			o, _ = NewLazyOffer(want[0])
			want = want[:1]
		}
		var do []Effect
		written, begun, headers, nas := 0, false, 0, 0
		for _, ev := range events(data, Header, NotAvailable, "/a", "/b", "/c", List) {
			before, from := o, len(do)
			do = o.Step(ev, do)
			checkEnd(t, do, WriteList)
			if before.phase >= offerAgreed && (o != before || len(do) != from) {
				t.Fatalf("after its end the machine did %v", do[from:])
			}
			begun = begun || ev.Kind == Begin
			if ev.Kind == Line && ev.Text == Header {
				headers++
			}
			if ev.Kind == Line && ev.Text == NotAvailable {
				nas++
			}
			for _, f := range do[from:] {
				switch f.Kind {
				case Write:
					if written == 0 && f.Text != Header || written > 0 && f.Text != string(want[written-1]) {
						t.Fatalf("line %d to be written is %s", written, f.Text)
					}
					written++
				case Assumed:
					if !o.lazy || Protocol(f.Text) != want[0] {
						t.Fatalf("%v of %v, lazy %v", f, want, o.lazy)
					}
				case Agreed:
					if ev.Kind != Line || ev.Text != f.Text || f.Text != string(want[written-2]) || headers == 0 || !begun {
						t.Fatalf("%v on %v after %d lines", f, ev, written)
					}
				case Refused:
					if nas < len(want) || written != len(want)+1 {
						t.Fatalf("refused after %d of %d", nas, len(want))
					}
				case Failed:
					if (f.Rule == NoRule) != (ev.Kind == Gone) {
						t.Fatalf("%v on %v", f, ev)
					}
				}
			}
			if o.Stage() == "" {
				t.Fatal("a state without a name")
			}
		}
		if written > 0 && !begun || written > MaxProposals+1 {
			t.Fatalf("%d lines were written, begun %v", written, begun)
		}
	})
}

func FuzzAnswerStep(f *testing.F) {
	f.Add([]byte{3, 131, 139})
	f.Add(bytes.Repeat([]byte{3, 11, 35}, 20))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a Answer
		var do []Effect
		headers, answers := 0, 0
		for _, ev := range events(data, Header, NotAvailable, "/a", "/b", List, SimultaneousConnect) {
			before, from := a, len(do)
			do = a.Step(ev, do)
			checkEnd(t, do, Assumed, Refused)
			if before.phase >= answerAgreed && (a != before || len(do) != from) {
				t.Fatalf("after its end the machine did %v", do[from:])
			}
			for _, f := range do[from:] {
				switch f.Kind {
				case Write:
					switch {
					case ev.Kind != Line:
						t.Fatalf("%v on %v", f, ev)
					case f.Text == Header && ev.Text == Header:
						headers++
					case f.Text == NotAvailable, f.Text == ev.Text && ev.Supported:
						answers++
					default:
						t.Fatalf("%v on %v", f, ev)
					}
					if headers == 0 {
						t.Fatalf("%v comes before the header", f)
					}
				case WriteList:
					answers++
				case Agreed:
					reserved := []string{Header, NotAvailable, List, SimultaneousConnect}
					if f.Text != ev.Text || !ev.Supported || slices.Contains(reserved, f.Text) {
						t.Fatalf("%v on %v, supported %v", f, ev, ev.Supported)
					}
				case Failed:
					if (f.Rule == NoRule) != (ev.Kind == Gone) {
						t.Fatalf("%v on %v", f, ev)
					}
				}
			}
			if a.Stage() == "" {
				t.Fatal("a state without a name")
			}
		}
		if headers > maxHeaders || answers > MaxProposals {
			t.Fatalf("%d headers and %d answers", headers, answers)
		}
	})
}

// checkTyped says that err is one of the errors a negotiation may end with.
func checkTyped(t *testing.T, err error) {
	t.Helper()
	var refused *RefusedError
	var broken *ProtocolError
	var gone *InterruptedError
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &broken):
		if broken.Rule == NoRule || broken.Stage == "" || len(broken.Got) > 64 {
			t.Fatalf("%#v says too little or too much", broken)
		}
	case errors.As(err, &gone):
		if gone.Stage == "" || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%#v says too little", gone)
		}
	default:
		t.Fatalf("%v (%T) has no type of this package", err, err)
	}
}

func FuzzListen(f *testing.F) {
	f.Add([]byte("\x13/multistream/1.0.0\n\x03/a\nrest"))
	f.Add([]byte("\x13/multistream/1.0.0\n\x03ls\n\x03na\n\x13/multistream/1.0.0\n\x03/x\n\x03/b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rw := &scripted{in: data}
		p, err := Listen(rw, func(p Protocol) bool { return p == "/a" || p == "/b" }, func() []Protocol { return []Protocol{"/a", "/b"} })
		if err != nil {
			checkTyped(t, err)
			return
		}
		line := AppendLine(nil, string(p))
		if !bytes.HasSuffix(data[:len(data)-len(rw.in)], line) || !bytes.HasSuffix(rw.written(), line) {
			t.Fatalf("agreed on %s after reading %q and writing %q", p, data[:len(data)-len(rw.in)], rw.written())
		}
	})
}

func FuzzDial(f *testing.F) {
	f.Add([]byte("\x13/multistream/1.0.0\n\x03/a\nrest"))
	f.Add([]byte("\x13/multistream/1.0.0\n\x03na\n\x13/multistream/1.0.0\n\x03/b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rw := &scripted{in: data}
		p, err := Dial(rw, "/a", "/b")
		if err != nil {
			checkTyped(t, err)
			return
		}
		line := AppendLine(nil, string(p))
		if !bytes.HasSuffix(data[:len(data)-len(rw.in)], line) || !bytes.HasSuffix(rw.written(), line) {
			t.Fatalf("agreed on %s after reading %q and writing %q", p, data[:len(data)-len(rw.in)], rw.written())
		}
	})
}
