package sim

// A Reason is why something that was sent did not arrive.
type Reason uint8

const (
	unknown Reason = iota
	// LostByChance: LinkConfig.Loss or Burst.
	LostByChance
	// LostByQueue: a full queue, of a link, an uplink, a downlink or of what a
	// program has not read.
	LostByQueue
	// LostByMTU: a datagram larger than LinkConfig.MTU.
	LostByMTU
	// LostByCut: the direction is cut.
	LostByCut
	// LostByDown: the receiving host is down, or there is none.
	LostByDown
	reasons
)

// String names the reason in a word.
func (r Reason) String() string {
	return [...]string{"unknown", "chance", "queue", "mtu", "cut", "down"}[min(r, reasons-1)]
}

// A Count is a number of packets and the bytes in them. What belongs to a
// connection but has no bytes (a dial, an answer, an end) is a packet too.
type Count struct{ Packets, Bytes int64 }

func (c *Count) add(packets, bytes int) {
	c.Packets += int64(packets)
	c.Bytes += int64(bytes)
}

func (c *Count) sum(d Count) {
	c.Packets += d.Packets
	c.Bytes += d.Bytes
}

// A Traffic is what became of what was sent in a direction. At any time
//
//	Sent = Delivered + the sum of Lost + what is on its way
//
// A datagram that arrives twice was sent twice, a segment that was lost and sent
// again too.
type Traffic struct {
	Sent, Delivered Count
	lost            [reasons]Count
	Flipped         int64 // packets of which a bit was changed
	Duplicated      int64 // datagrams that were sent twice
}

// Lost is what did not arrive for one reason.
func (t Traffic) Lost(r Reason) Count { return t.lost[min(r, reasons-1)] }

// AllLost is what did not arrive for any reason.
func (t Traffic) AllLost() (all Count) {
	for _, c := range t.lost {
		all.sum(c)
	}
	return all
}

// OnTheWay is what has been sent and has neither arrived nor been lost.
func (t Traffic) OnTheWay() Count {
	lost := t.AllLost()
	return Count{t.Sent.Packets - t.Delivered.Packets - lost.Packets, t.Sent.Bytes - t.Delivered.Bytes - lost.Bytes}
}

// add sums up two.
func (t *Traffic) add(u Traffic) {
	t.Sent.sum(u.Sent)
	t.Delivered.sum(u.Delivered)
	for i := range t.lost {
		t.lost[i].sum(u.lost[i])
	}
	t.Flipped += u.Flipped
	t.Duplicated += u.Duplicated
}
