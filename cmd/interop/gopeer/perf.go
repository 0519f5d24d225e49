package gopeer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Perf is the protocol of libp2p specs, perf/perf.md. go-libp2p 0.51 does not
// contain it: both sides are here, over its streams.
const Perf = "/perf/1.0.0"

// ServePerf is the listener's handler of Perf.
func ServePerf(s talk.Stream) error {
	var header [8]byte
	if _, err := io.ReadFull(s, header[:]); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, s); err != nil {
		return err
	}
	if err := sendZeros(s, binary.BigEndian.Uint64(header[:])); err != nil {
		return err
	}
	return s.CloseWrite()
}

// MeasurePerf is the dialer of Perf, over the connection that is there. It
// uploads and downloads so many bytes, and fails if others come back.
func MeasurePerf(ctx context.Context, p talk.Peer, id string, upload, download uint64) error {
	s, err := p.Open(ctx, id, talk.Want{Protocols: []string{Perf}})
	if err != nil {
		return err
	}
	defer s.Reset() // harmless when all went well
	if t, ok := ctx.Deadline(); ok {
		if err := s.SetDeadline(t); err != nil {
			return err
		}
	}
	if _, err := s.Write(binary.BigEndian.AppendUint64(nil, download)); err != nil {
		return err
	}
	if err := sendZeros(s, upload); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	got, err := io.Copy(io.Discard, s)
	if err == nil && uint64(got) != download {
		err = fmt.Errorf("%d bytes came back, not %d", got, download)
	}
	return err
}

// sendZeros writes n zeros.
func sendZeros(w io.Writer, n uint64) error {
	block := make([]byte, 64<<10)
	for n > 0 {
		k, err := w.Write(block[:min(n, uint64(len(block)))])
		n -= uint64(k)
		if err != nil {
			return err
		}
	}
	return nil
}
