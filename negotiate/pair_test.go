package negotiate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A pair is two machines joined by two queues of bytes, so that the codec and
// the cutting of lines take part.
type pair struct {
	t        *testing.T
	offer    Offer
	answer   Answer
	supports []Protocol

	toListener, toDialer []byte
	log                  []string
	dialer, listener     Effect // the last effect of each side
}

func (p *pair) begin() { p.dial(Event{Kind: Begin}) }

// deliver gives both machines the lines that stand whole in the first n bytes
// of their queues, and says whether there were any.
func (p *pair) deliver(n int) bool {
	any := false
	for {
		text, size, err := DecodeLine(p.toListener[:min(n, len(p.toListener))])
		if err != nil {
			p.t.Fatal(err)
		}
		if size == 0 || p.listener.Kind == Agreed {
			break
		}
		any = true
		line := string(text)
		p.toListener = p.toListener[size:]
		p.listen(Event{Kind: Line, Text: line, Supported: slices.Contains(p.supports, Protocol(line))})
	}
	for {
		text, size, err := DecodeLine(p.toDialer[:min(n, len(p.toDialer))])
		if err != nil {
			p.t.Fatal(err)
		}
		if size == 0 || p.dialer.Kind >= Agreed {
			break
		}
		any = true
		line := string(text)
		p.toDialer = p.toDialer[size:]
		p.dial(Event{Kind: Line, Text: line})
	}
	return any
}

func (p *pair) dial(ev Event) {
	for _, f := range p.offer.Step(ev, nil) {
		p.log = append(p.log, "dialer: "+f.String())
		if p.dialer = f; f.Kind == Write {
			p.toListener = AppendLine(p.toListener, f.Text)
		}
	}
}

func (p *pair) listen(ev Event) {
	for _, f := range p.answer.Step(ev, nil) {
		p.log = append(p.log, "listener: "+f.String())
		if p.listener = f; f.Kind == Write {
			p.toDialer = AppendLine(p.toDialer, f.Text)
		}
	}
}

func TestAPairAgreesInOneRoundTrip(t *testing.T) {
	p := &pair{t: t, offer: mustOffer(t, "/noise"), supports: []Protocol{"/tls/1.0.0", "/noise"}}
	p.begin()
	wire := [][]byte{bytes.Clone(p.toListener)}
	p.deliver(len(p.toListener))
	want := []string{
		"dialer: write /multistream/1.0.0",
		"dialer: write /noise",
		"listener: write /multistream/1.0.0",
		"listener: write /noise",
		"listener: agreed /noise",
		"dialer: agreed /noise",
	}
	if diff := cmp.Diff(want, p.log); diff != "" {
		t.Errorf("the dialogue went otherwise (-want +got):\n%s", diff)
	}
	if want := "\x13/multistream/1.0.0\n\x07/noise\n"; string(wire[0]) != want {
		t.Errorf("the dialer's first packet is %q, want %q", wire[0], want)
	}
}

func TestAPairWalksTheDialersList(t *testing.T) {
	p := &pair{t: t, offer: mustOffer(t, "/a", "/b", "/c"), supports: []Protocol{"/c", "/b"}}
	p.begin()
	for p.deliver(1 << 10) {
	}
	want := []string{
		"dialer: write /multistream/1.0.0",
		"dialer: write /a",
		"listener: write /multistream/1.0.0",
		"listener: write na",
		"dialer: write /b",
		"listener: write /b",
		"listener: agreed /b",
		"dialer: agreed /b",
	}
	if diff := cmp.Diff(want, p.log); diff != "" {
		t.Errorf("the dialogue went otherwise (-want +got):\n%s", diff)
	}
}

// However lists look and packets are cut, the pair agrees on the first wanted
// protocol that is supported, or the dialer is refused.
func TestAnyPairAgreesOnTheFirstCommonProtocol(t *testing.T) {
	rng := seeded(7)
	for range 3000 {
		want, supports := randomNames(rng, 1+rng.Intn(MaxProposals)), randomNames(rng, rng.Intn(24))
		p := &pair{t: t, offer: mustOffer(t, want...), supports: supports}
		p.begin()
		for stuck := 0; stuck < 2; {
			stuck++
			if p.deliver(1 + rng.Intn(64)) {
				stuck = 0
			}
			if p.deliver(MaxLine + 2) {
				stuck = 0
			}
		}
		best := scene{want: want, supports: supports}.best()
		end, listener := Effect{Kind: Agreed, Text: string(best)}, Effect{Kind: Agreed, Text: string(best)}
		if best == "" {
			end, listener = Effect{Kind: Refused}, Effect{Kind: Write, Text: NotAvailable}
		}
		if p.dialer != end || p.listener != listener || len(p.toDialer)+len(p.toListener) > 0 {
			t.Fatalf("want %v, supports %v: dialer %v, listener %v, left over %q and %q",
				want, supports, p.dialer, p.listener, p.toListener, p.toDialer)
		}
	}
}

// randomNames returns n different names, some of them long, from a set so small
// that two lists often share some.
func randomNames(rng *rand.Rand, n int) []Protocol {
	var names []Protocol
	for _, i := range rng.Perm(40)[:n] {
		name := fmt.Sprintf("/p%d", i)
		if i%7 == 0 {
			name += "/" + string(bytes.Repeat([]byte{'x'}, i*25))
		}
		names = append(names, Protocol(name))
	}
	return names
}

func TestSixteenProposalsFitBothSides(t *testing.T) {
	want := make([]Protocol, MaxProposals)
	for i := range want {
		want[i] = Protocol(fmt.Sprintf("/p%d", i))
	}
	p := &pair{t: t, offer: mustOffer(t, want...), supports: want[MaxProposals-1:]}
	p.begin()
	for p.deliver(MaxLine) {
	}
	if p.dialer.Kind != Agreed || p.listener.Kind != Agreed {
		t.Errorf("the sixteenth proposal ends in %v and %v", p.dialer, p.listener)
	}
}

func TestErrorsSayWhatIsNeeded(t *testing.T) {
	for want, err := range map[string]error{
		`multistream-select: the remote supports none of [/a /b]`:                                                          &RefusedError{Wanted: []Protocol{"/a", "/b"}},
		`multistream-select: the remote supports none of [/a]; data was sent already, so reset the stream`:                 &RefusedError{Wanted: []Protocol{"/a"}, Lazy: true},
		`multistream-select: awaiting a proposal: the remote broke the rule "a line ends in a newline", got "x\x00"`:       &ProtocolError{Stage: "awaiting a proposal", Rule: RuleNewline, Got: "x\x00"},
		`multistream-select: the remote broke the rule "a line's length is a minimal varint"`:                              &ProtocolError{Rule: RuleMinimal},
		`multistream-select: awaiting the remote's header, 0 bytes received: cause`:                                        &InterruptedError{Stage: "awaiting the remote's header", Cause: errors.New("cause")},
		`multistream-select: cannot propose "na": rule`:                                                                    &ProposalError{Protocol: "na", Rule: "rule"},
		`/noise handshake: awaiting message 2: the remote broke the rule "the signature covers the static key": cause`:     &HandshakeError{Security: "/noise", Stage: "awaiting message 2", Rule: "the signature covers the static key", Cause: errors.New("cause")},
		`/noise handshake: awaiting message 2: cause`:                                                                      &HandshakeError{Security: "/noise", Stage: "awaiting message 2", Cause: errors.New("cause")},
		`/plaintext/2.0.0 handshake: reading the exchange: the remote broke the rule "an exchange is at most 16384 bytes"`: &HandshakeError{Security: "/plaintext/2.0.0", Stage: "reading the exchange", Rule: "an exchange is at most 16384 bytes"},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for r := RuleMinimal; r <= RuleAttempts; r++ {
		if text := r.String(); text == fmt.Sprintf("rule %d", r) {
			t.Errorf("rule %d has no words", r)
		}
	}
}

func TestErrorsLeadToTheirCauses(t *testing.T) {
	mismatch := &peer.MismatchError{Want: "a", Got: "b"}
	err := fmt.Errorf("dialing: %w", &HandshakeError{Security: "/noise", Stage: "message 2", Cause: mismatch})
	var found *peer.MismatchError
	if !errors.As(err, &found) || found != mismatch {
		t.Errorf("there is no mismatch in %v", err)
	}
	if err := error(&InterruptedError{Cause: io.EOF}); !errors.Is(err, io.EOF) {
		t.Errorf("there is no end in %v", err)
	}
}

func TestRolesAreEachOthersOther(t *testing.T) {
	for role, text := range map[Role]string{Dialer: "dialer", Listener: "listener"} {
		if role.String() != text || role.Other().Other() != role || role.Other() == role {
			t.Errorf("role %d is called %s, its other %s", role, role, role.Other())
		}
	}
}
