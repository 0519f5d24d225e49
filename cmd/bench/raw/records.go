package raw

import (
	"crypto/cipher"
	"encoding/binary"
	"io"
	"net"

	"golang.org/x/crypto/chacha20poly1305"
)

// A record is two bytes of length and that many bytes, sealed: as in Noise, and
// the least that an encrypted stream can cost. The keys are fixed: this measures
// sealing, not secrecy.
const (
	maxRecord = 65535
	maxPlain  = maxRecord - chacha20poly1305.Overhead
)

type records struct {
	*net.TCPConn
	seal, open     cipher.AEAD
	sealed, opened uint64
	out, in        []byte
	left           []byte // of the last record that was opened
}

func newRecords(c *net.TCPConn) *records {
	seal, _ := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	open, _ := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	return &records{TCPConn: c, seal: seal, open: open}
}

func nonce(n *uint64) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 4, 12), *n)
	*n++
	return b
}

func (r *records) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), maxPlain)
		if r.out == nil {
			r.out = make([]byte, 2+maxRecord)
		}
		sealed := r.seal.Seal(r.out[2:2], nonce(&r.sealed), p[:n], nil)
		binary.BigEndian.PutUint16(r.out, uint16(len(sealed)))
		if _, err := r.TCPConn.Write(r.out[:2+len(sealed)]); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

func (r *records) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.in == nil {
			r.in = make([]byte, 2+maxRecord)
		}
		if _, err := io.ReadFull(r.TCPConn, r.in[:2]); err != nil {
			return 0, err
		}
		record := r.in[2 : 2+int(binary.BigEndian.Uint16(r.in))]
		if _, err := io.ReadFull(r.TCPConn, record); err != nil {
			return 0, err
		}
		var err error
		if r.left, err = r.open.Open(record[:0], nonce(&r.opened), record, nil); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
