package sim

import (
	"io"
	"time"
)

// A draw is a source of random numbers that are named, not drawn in turn: each
// is a hash of the seed, the domain and the names. Asking for one more, or one
// less, changes no other.
type draw uint64

// newDraw returns the numbers of one domain under a seed.
func newDraw(seed uint64, domain string) draw { return draw(mix(seed)).at(domain) }

// at returns the numbers of a part of the domain.
func (d draw) at(name string) draw {
	h := uint64(d)
	for _, c := range []byte(name) {
		h = mix(h ^ uint64(c))
	}
	return draw(mix(h + uint64(len(name))))
}

// number returns the numbers of the n-th part.
func (d draw) number(n int) draw { return draw(mix(uint64(d) + uint64(n))) }

// below is a number from 0 to n-1; 0 if n is not positive.
func (d draw) below(n int) int {
	if n <= 0 {
		return 0
	}
	return int(mix(uint64(d)) % uint64(n))
}

// between is a time from a to b.
func (d draw) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(mix(uint64(d))%uint64(b-a+1))
}

// chance is true with the given probability, in thousandths.
func (d draw) chance(thousandths int) bool { return d.below(1000) < thousandths }

// reader returns bytes without end.
func (d draw) reader() io.Reader { return &drawReader{d: d} }

type drawReader struct {
	d draw
	n int
}

// Read fills p. It never fails.
func (r *drawReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(mix(uint64(r.d.number(r.n))))
		r.n++
	}
	return len(p), nil
}
