package main

import "math/rand/v2"

// A song is what a small synthesizer needs to make one: the same song is the
// same file on every machine, because all of its arithmetic is on integers.
//
//	melody  plucked strings (Karplus and Strong, 1983: a delay line of noise that
//	        is averaged with itself), a walk through the scale of the chord
//	bass    the same, two octaves below, on the root of the chord
//	drums   a falling tone and a burst of noise
type song struct {
	name   string
	seed   uint64
	root   int   // the key: a MIDI note
	chords []int // the root of each bar, in semitones above the key
	minor  bool
	beats  int // a minute
	bars   int
}

// pitches are the frequencies of the octave from middle C on, in thousandths of
// a hertz: equal temperament, A4 = 440 Hz.
var pitches = [12]int{261626, 277183, 293665, 311127, 329628, 349228, 369994, 391995, 415305, 440000, 466164, 493883}

// period is the length of a MIDI note's wave in samples.
func period(note int) int {
	hertz := pitches[note%12]
	for octave := note/12 - 5; octave != 0; {
		if octave > 0 {
			hertz *= 2
			octave--
		} else {
			hertz /= 2
			octave++
		}
	}
	return (wavRate*1000 + hertz/2) / hertz
}

// band mixes voices into two channels.
type band struct {
	left, right []int32
	chance      *rand.Rand
}

// noise is a sample of noise of at most the given height.
func (b *band) noise(height int32) int32 { return b.chance.Int32N(2*height+1) - height }

// add mixes a sample in at a place between left (0) and right (16).
func (b *band) add(at int, sample, place int32) {
	if at < len(b.left) {
		b.left[at] += sample * (16 - place) / 16
		b.right[at] += sample * place / 16
	}
}

// pluck plays a string: soft from 0 (bright) to 4 (dull).
func (b *band) pluck(at, note, length, soft int, height, place int32) {
	line := make([]int32, max(period(note), 2))
	for i := range line {
		line[i] = b.noise(height)
	}
	for range soft {
		for i := range line {
			line[i] = (line[i] + line[(i+1)%len(line)]) / 2
		}
	}
	fade := length / 8
	for i := range length {
		here, next := i%len(line), (i+1)%len(line)
		out := line[here]
		line[here] = (line[here] + line[next]) * 509 / 1024
		if left := length - i; left < fade {
			out = int32(int64(out) * int64(left) / int64(fade))
		}
		b.add(at+i, out, place)
	}
}

// kick plays a drum: a tone that falls, as a parabola for each half wave.
func (b *band) kick(at int, height int32) {
	const length = wavRate / 6
	phase, half := 0, 200 // samples of half a wave
	sign := int32(1)
	for i := range length {
		x := int32(phase * 256 / half)
		wave := x * (256 - x) / 64 // 0 to 256
		b.add(at+i, sign*wave*height/256*int32(length-i)/length, 8)
		if phase++; phase >= half {
			phase, sign = 0, -sign
			half += 25
		}
	}
}

// hat plays a short noise.
func (b *band) hat(at int, height, place int32) {
	const length = wavRate / 25
	for i := range length {
		b.add(at+i, b.noise(height)*int32(length-i)/length, place)
	}
}

// compose makes the WAV file of a song.
func compose(s song) []byte {
	step := wavRate * 60 / s.beats / 4 // a sixteenth note
	bar := 16 * step
	size := s.bars*bar + wavRate // and a second to die away
	b := &band{left: make([]int32, size), right: make([]int32, size), chance: rand.New(rand.NewPCG(s.seed, 1983))}
	scale := []int{0, 2, 4, 7, 9, 12, 14, 16}
	if s.minor {
		scale = []int{0, 3, 5, 7, 10, 12, 15, 17}
	}
	at := len(scale) / 2
	for n := range s.bars {
		begin, chord := n*bar, s.root+s.chords[n%len(s.chords)]
		for beat := range 4 {
			here := begin + beat*4*step
			b.kick(here, 9000)
			b.hat(here+2*step, 2500, 11)
			b.pluck(here, chord-24, 4*step, 4, 9000, 8)
		}
		for k := range 8 { // the melody, with rests
			if b.chance.IntN(5) == 0 {
				continue
			}
			at = min(max(at+b.chance.IntN(5)-2, 0), len(scale)-1)
			b.pluck(begin+2*k*step, chord+scale[at], 12*step, 1, 7000, 5)
			if k%4 == 0 { // and a second voice below it
				b.pluck(begin+2*k*step, chord+scale[max(at-2, 0)], 12*step, 2, 5000, 12)
			}
		}
	}
	return wavFile(b.mix())
}

// mix brings the loudest sample to nine tenths of full scale.
func (b *band) mix() []int16 {
	loudest := int64(1)
	for i := range b.left {
		loudest = max(loudest, int64(max(b.left[i], -b.left[i])), int64(max(b.right[i], -b.right[i])))
	}
	samples := make([]int16, 0, 2*len(b.left))
	for i := range b.left {
		samples = append(samples,
			int16(int64(b.left[i])*29_490/loudest), int16(int64(b.right[i])*29_490/loudest))
	}
	return samples
}
