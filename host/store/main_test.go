package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// crashVariable has the test binary be the process that is killed: see
// crash_test.go.
const crashVariable = "TROUPE_STORE_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		os.Exit(writeForEver(path))
	}
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stranger is the n-th of many peer IDs.
func stranger(n int) peer.ID { return peer.ID("\x12\x20" + fmt.Sprintf("%032d", n)) }

// someone is a peer as the book has it, saved at a time.
func someone(n int, at time.Time) swarm.SavedPeer {
	p := swarm.SavedPeer{Peer: stranger(n), At: at}
	for i := range 1 + n%4 {
		a := swarm.SavedAddr{Addr: ma.StringCast(fmt.Sprintf("/ip4/192.0.2.%d/tcp/%d", n%250, 4000+i)), Certified: i == 1}
		a.Until[swarm.Said] = at.Add(time.Hour)
		if i == 0 {
			a.Until[swarm.Given] = at.Add(swarm.Forever)
		}
		p.Addrs = append(p.Addrs, a)
	}
	if n%4 > 0 {
		p.Record, p.RecordUntil = []byte(fmt.Sprintf("the record of %d, whatever it is", n)), at.Add(time.Minute)
	}
	return p
}

func loaded(t testing.TB, s *Store) []swarm.SavedPeer {
	t.Helper()
	var all []swarm.SavedPeer
	must(t, s.Load(func(p swarm.SavedPeer) { all = append(all, p) }))
	return all
}

func opened(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// fresh is the path of a store that does not exist yet.
func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "peers") }

// known reports whether an error is one of those that are promised.
func known(err error) bool {
	var a *InUseError
	var b *SchemaError
	var c *CorruptError
	var d *FileError
	return errors.As(err, &a) || errors.As(err, &b) || errors.As(err, &c) || errors.As(err, &d)
}
