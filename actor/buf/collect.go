package buf

// Collect fills to from pieces, beginning at byte at of the first, and returns
// where the bytes after it are. The pieces must have that many bytes.
func Collect(to []byte, at int, pieces [][]byte) (int, [][]byte) {
	for n := 0; n < len(to); {
		if at == len(pieces[0]) {
			at, pieces = 0, pieces[1:]
			continue
		}
		more := copy(to[n:], pieces[0][at:])
		n, at = n+more, at+more
	}
	return at, pieces
}
