package sim

import "math/bits"

// A PPM is a probability in parts per million: 1,000,000 is always. There are no
// floating-point numbers in what a network decides, because they are not the same
// on all processors.
type PPM uint32

// Percent returns a probability of so many hundredths.
func Percent(n uint32) PPM { return PPM(n * 10_000) }

// certain is the probability of what always happens.
const certain PPM = 1_000_000

// hits reports whether a random number falls into the probability.
func (p PPM) hits(random uint64) bool {
	million, _ := bits.Mul64(random, uint64(certain))
	return million < uint64(p)
}

// A domain is what a random number is for. Each has numbers of its own, so that
// asking for one kind of accident leaves the others where they were.
type domain uint8

const (
	ofJitter domain = iota
	ofLoss
	ofBurst
	ofDuplicate
	ofReorder
	ofFlip
	domains
)

// Dice are the random numbers of one direction: the n-th number of a domain is a
// hash of the key (seed, source and destination), the domain and n. Nothing else
// changes them.
type dice struct {
	key   uint64
	count [domains]uint64
}

// draw returns the next number of a domain.
func (d *dice) draw(of domain) uint64 {
	d.count[of]++
	return mix(mix(d.key+uint64(of)) + d.count[of])
}

// skip passes by numbers of a domain that nobody needs now, so that what comes
// later does not depend on that.
func (d *dice) skip(of domain, n int) { d.count[of] += uint64(n) }

// mix spreads a number over 64 bits (the finaliser of splitmix64: Steele, Lea,
// Flood, Fast Splittable Pseudorandom Number Generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
