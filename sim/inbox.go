package sim

import (
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
)

type packetKind uint8

const (
	packetDial     packetKind = iota // the question of a new connection
	packetAnswer                     // it is accepted
	packetRefusal                    // nobody listens
	packetBytes                      // of a connection
	packetCredit                     // n bytes of a connection have been read
	packetEnd                        // the sending end writes no more
	packetGone                       // the sending end is closed
	packetReset                      // there is no such connection, or none any more
	packetDatagram                   // bytes that travel by themselves
)

// A packet is all that hosts exchange. When it arrives, from whom and its number
// are decided when it is sent; what the receiving host makes of it, there.
type packet struct {
	kind   packetKind
	landed bool // it is through the downlink
	at     time.Time
	number uint64     // of the source
	link   *link      // it came over
	host   *Transport // where it goes
	bytes  buf.Chunk
	n      int // of a credit; of a dial and an answer: the window

	from, to     *end           // of a connection
	source, port netip.AddrPort // of a dial and a datagram: where it comes from and goes to
}

// before is the order in which a host gets what was sent to it: by time, source
// and number. It depends on nothing that differs from run to run.
func (p *packet) before(q *packet) bool {
	if !p.at.Equal(q.at) {
		return p.at.Before(q.at)
	}
	if a, b := p.link.from.place, q.link.from.place; a != b {
		return a < b
	}
	return p.number < q.number
}

// An inbox is what is on its way to a host, the next one first: a binary heap.
type inbox []*packet

func (h *inbox) push(p *packet) {
	*h = append(*h, p)
	all := *h
	i := len(all) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !p.before(all[up]) {
			break
		}
		all[i] = all[up]
		i = up
	}
	all[i] = p
}

// due takes out the next one, if it arrives by now.
func (h *inbox) due(now time.Time) *packet {
	all := *h
	if len(all) == 0 || all[0].at.After(now) {
		return nil
	}
	first, last := all[0], all[len(all)-1]
	all[len(all)-1] = nil
	all = all[:len(all)-1]
	*h = all
	for i := 0; len(all) > 0; {
		down := 2*i + 1
		if down+1 < len(all) && all[down+1].before(all[down]) {
			down++
		}
		if down >= len(all) || last.before(all[down]) {
			all[i] = last
			break
		}
		all[i] = all[down]
		i = down
	}
	return first
}
