package capture

// A cut is where a frame begins in the bytes of one direction.
type cut struct {
	at, head int
	note     string
}

// A piece is bytes that are written together, with a comment before them.
type piece struct {
	data []byte
	head int
	note string
}

// cutter divides chunks at the beginnings of frames, so that a reader sees them.
type cutter struct {
	cuts [2][]cut
	at   [2]int
}

// newCuts follows a session; other kinds, and what cannot be followed, are not
// divided.
func newCuts(c *Capture) *cutter {
	if c.Kind == Session {
		if t, _ := follow(c); t != nil {
			return &cutter{cuts: t.cuts}
		}
	}
	return &cutter{}
}

// pieces divides the next chunk of its direction.
func (k *cutter) pieces(chunk Chunk) []piece {
	var all []piece
	at, data := k.at[chunk.From], chunk.Data
	end := at + len(data)
	k.at[chunk.From] = end
	current := piece{}
	for len(k.cuts[chunk.From]) > 0 && k.cuts[chunk.From][0].at < end {
		next := k.cuts[chunk.From][0]
		k.cuts[chunk.From] = k.cuts[chunk.From][1:]
		if n := next.at - at; n > 0 {
			current.data, data, at = data[:n], data[n:], next.at
			all = append(all, current)
		}
		current = piece{head: next.head, note: next.note}
	}
	if len(data) > 0 {
		current.data = data
		all = append(all, current)
	}
	return all
}
