package negotiate

import "io"

// A dialogue moves lines between a machine and a pipe. It reads exactly the
// bytes of the lines it returns, because what follows them belongs to the
// protocol that is being agreed on, and it gathers lines to write until a read
// could block.
type dialogue struct {
	r     io.Reader
	w     io.Writer
	byter io.ByteReader // r, when it can
	buffd buffered      // r, when it can

	received int      // bytes read
	out      []byte   // lines not written yet
	do       []Effect // reused by every step

	// The line in hand. It survives a deadline, so that reading can go on.
	head   [2]byte // its length, as far as it is read
	heads  int     // how many bytes of head are read
	length int     // the length once it is known, 0 before
	in     []byte  // the body, as far as it is read

	// The first room of the slices above: enough for names of usual length, so
	// that a negotiation costs one allocation.
	outRoom [96]byte
	inRoom  [64]byte
	doRoom  [3]Effect
}

// buffered is a reader that knows how many bytes it can give without waiting,
// as *bufio.Reader does.
type buffered interface{ Buffered() int }

// flushAt bounds what a dialogue holds back: a remote that pipelines "ls" makes
// it write earlier, not grow.
const flushAt = MaxLine

func (d *dialogue) start(r io.Reader, w io.Writer) {
	d.out, d.in, d.do = d.outRoom[:0], d.inRoom[:0], d.doRoom[:0]
	d.attach(r, w)
}

// attach changes the pipe and keeps the line in hand.
func (d *dialogue) attach(r io.Reader, w io.Writer) {
	d.r, d.w = r, w
	d.byter, _ = r.(io.ByteReader)
	d.buffd, _ = r.(buffered)
}

// line reads one line, and before that writes what is pending if the line is
// not there yet. The text is valid until the next call. A *badLine means that
// the remote broke the form of a line; any other error is the pipe's. After an
// error of the pipe it may be called again and goes on where it stood.
func (d *dialogue) line() ([]byte, error) {
	for d.length == 0 {
		b, err := d.readByte()
		if err != nil {
			if d.heads > 0 {
				err = unexpected(err)
			}
			return nil, err
		}
		d.head[d.heads] = b
		d.heads++
		length, n, rule := decodeLength(d.head[:d.heads])
		if rule != NoRule {
			return nil, &badLine{rule: rule}
		}
		if n > 0 {
			d.length, d.in = length, d.in[:0]
		}
	}
	if err := d.readBody(); err != nil {
		return nil, err
	}
	d.heads, d.length = 0, 0
	text, rule := trimLine(d.in)
	if rule != NoRule {
		return nil, &badLine{rule: rule, got: cut(string(text))}
	}
	return text, nil
}

func (d *dialogue) readByte() (byte, error) {
	if err := d.flushUnless(1); err != nil {
		return 0, err
	}
	if d.byter != nil {
		b, err := d.byter.ReadByte()
		if err == nil {
			d.received++
		}
		return b, err
	}
	n, err := io.ReadFull(d.r, d.inRoom[:1])
	d.received += n
	return d.inRoom[0], err
}

// readBody reads the rest of the line in hand. Memory follows the bytes that
// arrive, not the length that was announced.
func (d *dialogue) readBody() error {
	if err := d.flushUnless(d.length - len(d.in)); err != nil {
		return err
	}
	for len(d.in) < d.length {
		if len(d.in) == cap(d.in) {
			grown := make([]byte, len(d.in), min(4*cap(d.in), MaxLine))
			copy(grown, d.in)
			d.in = grown
		}
		at := len(d.in)
		n, err := io.ReadFull(d.r, d.in[at:min(d.length, cap(d.in))])
		d.received += n
		d.in = d.in[:at+n]
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// flushUnless writes what is pending unless n bytes can be read without waiting.
func (d *dialogue) flushUnless(n int) error {
	if len(d.out) == 0 || len(d.out) < flushAt && d.buffd != nil && d.buffd.Buffered() >= n {
		return nil
	}
	return d.flush()
}

// flush writes what is pending with one Write.
func (d *dialogue) flush() error {
	if len(d.out) == 0 {
		return nil
	}
	n, err := d.w.Write(d.out)
	if err == nil && n < len(d.out) {
		err = io.ErrShortWrite
	}
	d.out = d.out[:0]
	return err
}

// next reads a line and makes it the event of a machine: Line, or Gone with the
// reason. proposal is a text that is likely to come.
func (d *dialogue) next(proposal string) (Event, error) {
	line, err := d.line()
	if err != nil {
		return Event{Kind: Gone}, err
	}
	return Event{Kind: Line, Text: word(line, proposal)}, nil
}

// failure turns a Failed effect into the error of this package. cause is why
// the event was Gone, when it was.
func (d *dialogue) failure(f Effect, stage string, wanted []Protocol, cause error) error {
	if f.Rule != NoRule {
		return &ProtocolError{Stage: stage, Rule: f.Rule, Got: cut(f.Text)}
	}
	if bad, ok := cause.(*badLine); ok {
		return &ProtocolError{Stage: stage, Rule: bad.rule, Got: bad.got}
	}
	return &InterruptedError{Stage: stage, Wanted: wanted, Received: d.received, Cause: cause}
}

// A badLine is bytes that are no line. It never leaves the package, so that it
// cannot be mistaken for an error of the pipe.
type badLine struct {
	rule Rule
	got  string
}

func (e *badLine) Error() string { return e.rule.String() }

// word turns a line into a string, without an allocation for the words that an
// honest remote uses.
func word(line []byte, proposal string) string {
	switch string(line) {
	case Header:
		return Header
	case NotAvailable:
		return NotAvailable
	case List:
		return List
	case proposal:
		return proposal
	}
	return string(line)
}

// unexpected says that a stream ended within a line.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
