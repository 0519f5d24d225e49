package main

import "encoding/binary"

// The form of the songs: what a compact disc has.
const (
	wavRate     = 44_100 // samples a second
	wavChannels = 2
	wavBits     = 16
	wavHead     = 44 // bytes before the samples
)

// wavFile wraps samples of two channels (left, right, left, …) into a WAV file:
// RIFF with one fmt and one data chunk, little endian (Microsoft, Multimedia
// Programming Interface and Data Specifications 1.0, "Waveform Audio File
// Format").
func wavFile(samples []int16) []byte {
	const frame = wavChannels * wavBits / 8
	data := len(samples) * wavBits / 8
	p := make([]byte, 0, wavHead+data)
	p = append(p, "RIFF"...)
	p = binary.LittleEndian.AppendUint32(p, uint32(wavHead-8+data))
	p = append(p, "WAVEfmt "...)
	p = binary.LittleEndian.AppendUint32(p, 16) // bytes of the fmt chunk
	p = binary.LittleEndian.AppendUint16(p, 1)  // PCM
	p = binary.LittleEndian.AppendUint16(p, wavChannels)
	p = binary.LittleEndian.AppendUint32(p, wavRate)
	p = binary.LittleEndian.AppendUint32(p, wavRate*frame)
	p = binary.LittleEndian.AppendUint16(p, frame)
	p = binary.LittleEndian.AppendUint16(p, wavBits)
	p = append(p, "data"...)
	p = binary.LittleEndian.AppendUint32(p, uint32(data))
	for _, s := range samples {
		p = binary.LittleEndian.AppendUint16(p, uint16(s))
	}
	return p
}
