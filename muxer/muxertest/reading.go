package muxertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// A Reading holds a machine to a second, slow writing of its rules: whatever
// bytes come, in whatever pieces, the machine tells what Expected says.
type Reading struct {
	// Machine makes a machine that some streams live on.
	Machine func() muxer.Machine
	Lines   Lines
	// Expected is what the machine should tell of bytes that come in one piece,
	// a line each: "deliver STREAM HEX", "fatal RULE", "fatal go-away CODE", and
	// other effects as Lines prints them.
	Expected func(p []byte) []string
	// Each may check a machine after every read.
	Each func(t *testing.T, m muxer.Machine)
}

// EverySplit compares over reads of several sizes, some of them from a seed.
func (r Reading) EverySplit(t *testing.T, p []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 3))
	want := joined(r.Expected(p))
	for name, size := range map[string]func() int{
		"all at once":  func() int { return len(p) },
		"byte by byte": func() int { return 1 },
		"in pieces":    func() int { return 1 + random.IntN(20) },
	} {
		if diff := difference(want, r.told(t, p, size)); diff != "" {
			t.Errorf("%x, %s: %s", p, name, diff)
		}
	}
}

// EveryCut compares over two reads, the first of which ends at every byte.
func (r Reading) EveryCut(t *testing.T, p []byte) {
	t.Helper()
	want := joined(r.Expected(p))
	for cut := range len(p) {
		next := cut
		got := r.told(t, p, func() int {
			n := next
			if next = 0; n == 0 {
				n = len(p)
			}
			return n
		})
		if diff := difference(want, got); diff != "" {
			t.Fatalf("%x cut at %d: %s", p, cut, diff)
		}
	}
}

// told feeds bytes to a machine in reads of the sizes that size gives, and
// returns what it tells: deliveries to one stream that follow each other are one,
// since they depend on the reads.
func (r Reading) told(t *testing.T, p []byte, size func() int) []string {
	t.Helper()
	m, live := r.Machine(), buf.Live()
	var out []string
	var last muxer.StreamID
	var bytes []byte
	flush := func() {
		if len(bytes) > 0 {
			out = append(out, fmt.Sprintf("deliver %v %x", last, bytes))
			bytes = nil
		}
	}
	var do []muxer.Effect
	for len(p) > 0 {
		n := max(1, min(size(), len(p), buf.MaxSize))
		c := buf.Copy(p[:n])
		p = p[n:]
		do = m.Step(Start, muxer.Event{Kind: muxer.Received, Data: c}, do[:0])
		c.Release()
		for _, e := range do {
			if e.Kind == muxer.Deliver {
				if e.Data.Len() == 0 {
					t.Error("nothing is delivered")
				}
				if last != e.Stream {
					flush()
				}
				last, bytes = e.Stream, append(bytes, e.Data.Bytes()...)
				e.Data.Release()
				continue
			}
			flush()
			if e.Kind == muxer.Fatal {
				out = append(out, fatal(t, m.Err()))
				continue
			}
			out = append(out, r.Lines.Effect(e))
		}
		if r.Each != nil {
			r.Each(t, m)
		}
	}
	flush()
	if n := buf.Live() - live; n != 0 {
		t.Errorf("%d buffers are lost", n)
	}
	return out
}

// fatal says why a machine has ended.
func fatal(t *testing.T, err error) string {
	t.Helper()
	var broken *muxer.ProtocolError
	var away *muxer.GoAwayError
	switch {
	case errors.As(err, &broken):
		return "fatal " + broken.Rule
	case errors.As(err, &away):
		return fmt.Sprintf("fatal go-away %d", away.Code)
	}
	t.Fatalf("fatal with %v", err)
	return ""
}

// joined makes one delivery of those to one stream that follow each other.
func joined(list []string) []string {
	var out []string
	for i, line := range list {
		var a, b string
		if _, err := fmt.Sscanf(line, "deliver %s %s", &a, &b); err == nil && i > 0 {
			var c, d string
			if _, err := fmt.Sscanf(out[len(out)-1], "deliver %s %s", &c, &d); err == nil && a == c {
				out[len(out)-1] += b
				continue
			}
		}
		out = append(out, line)
	}
	return out
}

// difference says where two lists part; it is empty when they are the same.
func difference(want, got []string) string {
	for n := range max(len(want), len(got)) {
		line := func(list []string) string {
			if n < len(list) {
				return list[n]
			}
			return "nothing"
		}
		if w, g := line(want), line(got); w != g {
			return fmt.Sprintf("after %d lines it tells %q, want %q", n, g, w)
		}
	}
	return ""
}
