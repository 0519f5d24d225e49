package conn

import (
	"context"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// purse is a lender with so many bytes.
type purse int

func (p *purse) Lend(n int) bool {
	*p -= purse(n)
	return *p >= 0
}

func TestWhatAWindowGrewByIsGivenBackWhenItsBytesAreRead(t *testing.T) {
	left := purse(100)
	k := &core{conn: &Conn{config: Config{Limits: muxer.Limits{Lender: &left}}}, table: map[muxer.StreamID]*muxed{}}
	ctx := context.Background()
	for i, unread := range []int{0, 3} {
		s := &muxed{id: muxer.NewStreamID(uint64(i), true), in: buf.NewLane(ctx, 0), out: buf.NewLane(ctx, 1)}
		s.in.Put(buf.Copy(make([]byte, unread)))
		k.table[s.id] = s
		if !k.Lend(40) || !k.Lend(-40) {
			t.Fatal("nothing is lent")
		}
		k.forget(s.id)
		k.repay()
		if i == 0 {
			if left != 100 {
				t.Fatalf("%d is left after a stream without unread bytes", left)
			}
			continue
		}
		if left != 60 {
			t.Fatalf("%d is left while somebody may still read", left)
		}
		if _, err := s.in.Read(ctx, make([]byte, unread)); err != nil {
			t.Fatal(err)
		}
		k.repay()
		if left != 100 || len(k.debts) != 0 {
			t.Fatalf("%d is left when everything is read", left)
		}
	}
}
