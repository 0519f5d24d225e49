package noise

import (
	"encoding/binary"
	"fmt"
	"io"
)

// headSize is the size of the length before every message (libp2p specs,
// noise/README.md, "Wire Format").
const headSize = 2

// drive carries out the effects of a handshake over raw until it ends. Only raw
// ends its waits.
func drive(raw io.ReadWriter, m *machine) (*session, error) {
	do := m.Step(event{kind: begin}, nil)
	for sent := 0; ; {
		for _, f := range do {
			switch f.kind {
			case send:
				sent++
				if err := writeMessage(raw, f.data); err != nil {
					return nil, interrupted(fmt.Sprintf("sending message %d", 2*sent-1+int(m.role)), err)
				}
			case done:
				return f.session, nil
			case fail:
				return nil, f.err
			}
		}
		n, err := readHead(raw)
		if err != nil {
			return nil, interrupted(m.stage(), err)
		}
		do = m.Step(event{kind: announced, n: n}, do[:0])
		if len(do) > 0 {
			continue
		}
		data, err := readMessage(raw, n)
		if err != nil {
			return nil, interrupted(m.stage(), err)
		}
		do = m.Step(event{kind: message, data: data}, do)
	}
}

// writeMessage sends a message and its head with one Write.
func writeMessage(w io.Writer, data []byte) error {
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, headSize+len(data)), uint16(len(data)))
	_, err := w.Write(append(frame, data...))
	return err
}

// readHead reads the length of the next message.
func readHead(r io.Reader) (int, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(head[:])), nil
}

// smallMessage is what nearly all messages fit: room for that is made at once.
const smallMessage = 512

// readMessage reads n bytes and not one more. Memory grows with the bytes that
// arrive, not with the length that was announced.
func readMessage(r io.Reader, n int) ([]byte, error) {
	if n <= smallMessage {
		data := make([]byte, n)
		_, err := io.ReadFull(r, data)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // the head is there
		}
		return data, err
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(data) < n {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}
