package conn

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
)

// What was read is reported in steps that fit into the smallest buffer: a reader
// who reads at once is never taken for a slow one.
func TestAReaderWhoReadsAtOnceIsNoSlowOneHoweverSmallTheBufferIs(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 100, 4 << 10, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			p := memPair(t, func(c *Config) {
				c.Muxers = []muxer.Factory{mplex.Factory(mplex.PauseThenReset)}
				c.Limits = muxer.Limits{StreamBuffer: limit, SlowReader: time.Second, Frame: max(limit, 64)}
			})
			s, err := p.dialer.Open(context.Background(), false, "/echo/1")
			if err != nil {
				t.Fatal(err)
			}
			p1 := make([]byte, 50)
			for i := range 20 {
				if _, err := s.Write(p1); err != nil {
					t.Fatalf("limit %d: write %d: %v", limit, i, err)
				}
				if _, err := io.ReadFull(s, p1); err != nil {
					t.Fatalf("limit %d: read %d: %v", limit, i, err)
				}
				time.Sleep(500 * time.Millisecond)
			}
			s.Reset(0)
		})
	}
}
