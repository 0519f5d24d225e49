package swarm

import (
	"container/list"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The book machine decides what the book keeps.
//
//	          Heard     Said      Proven    Given      one queue for each source;
//	front ─▶ [ a ]     [ c ]     [ e ]     [ g ]       a peer stands in that of its
//	         [ b ]     [ d ]     [ f ]                 best address
//	back  ─▶   ▲         ▲
//	           └─────────┴── learned of again: to the back, of a better queue if so
//
// A newcomer takes the place of the first at the front that is not connected, in
// the worst queue that is not better than its own.

const (
	// sweepEvery is how long an entry may outlive its time.
	sweepEvery = time.Minute
	// renewEvery is how often the times of a connected peer, which grow, are
	// worth being saved: often enough that RecentTTL bridges it.
	renewEvery = 10 * time.Minute
	// Back-off after n failures in a row is backoffBase + n² seconds, at most
	// backoffMax (go-libp2p swarm, "dial backoff").
	backoffBase = 5 * time.Second
	backoffMax  = 5 * time.Minute
)

// bookEvent is one of the things that happen to the book. The loss of one would
// cost an address, or a dial in vain.
type bookEvent struct {
	kind   bookEventKind
	peer   peer.ID
	from   Source         // learn
	addrs  []ma.Multiaddr // learn, forget (none: all), worked, failed
	ttl    time.Duration  // learn
	record *bookRecord    // learn: what the addresses come from; nil: nothing signed
	err    error          // failed
	page   *bookPage      // restore
}

type bookEventKind uint8

const (
	learn   bookEventKind = iota // anybody: addresses of a peer
	forget                       // anybody, and dials that found somebody else there
	worked                       // a dial: the address led to the peer
	failed                       // a dial: it did not
	restore                      // the beginning: what a store has kept of a peer
	sweep                        // the deadline has come
)

// bookEffect is one of the things to be done.
type bookEffect struct {
	kind bookEffectKind
	peer peer.ID
	page *bookPage // show
	save bool      // show: it differs from what is kept in a way that counts
	err  error     // refuse
}

type bookEffectKind uint8

const (
	show   bookEffectKind = iota // this is what is known of the peer now
	hide                         // nothing is known of it any more
	refuse                       // the event changed nothing, for this reason
)

// bookMachine is the address book.
type bookMachine struct {
	// connected says whether a peer is connected now. The only thing the machine
	// asks of the world: events would tell it the same, later.
	connected func(peer.ID) bool
	most      int // peers

	places  map[peer.ID]*bookPlace
	queues  [sources]list.List // of *bookPlace, the one learned of longest ago first
	sweepAt time.Time
}

// bookPlace is one peer in its queue.
type bookPlace struct {
	page  *bookPage
	queue Source
	at    *list.Element
	saved time.Time // when its growing times were last worth saving
}

func newBookMachine(connected func(peer.ID) bool, most int) *bookMachine {
	return &bookMachine{connected: connected, most: most, places: make(map[peer.ID]*bookPlace)}
}

// Deadline is when the machine wants a sweep; zero: never.
func (m *bookMachine) Deadline() time.Time {
	if len(m.places) == 0 {
		return time.Time{}
	}
	return m.sweepAt
}

// Step takes one event and appends what is to be done.
func (m *bookMachine) Step(now time.Time, ev bookEvent, do []bookEffect) []bookEffect {
	if len(m.places) == 0 {
		m.sweepAt = now.Add(sweepEvery)
	}
	switch ev.kind {
	case learn:
		return m.learn(now, ev, do)
	case forget:
		return m.change(ev, true, do, func(l *bookLine) { l.until = [sources]time.Time{} })
	case worked:
		return m.change(ev, true, do, func(l *bookLine) {
			l.failures, l.retryAt, l.lastErr = 0, time.Time{}, nil
			l.hold(Proven, now.Add(ProvenTTL))
		})
	case failed:
		return m.change(ev, false, do, func(l *bookLine) {
			l.failures++
			l.retryAt, l.lastErr = now.Add(backoff(l.failures)), ev.err
		})
	case restore:
		return m.put(now, ev.page, false, do)
	case sweep:
		m.sweepAt = now.Add(sweepEvery)
		return m.sweep(now, do)
	}
	return do
}

// backoff is the pause after n failures in a row.
func backoff(n int) time.Duration {
	n = min(n, 60) // far beyond the limit; n² stays small
	return min(backoffBase+time.Duration(n*n)*time.Second, backoffMax)
}

// change changes the lines of a known peer that an event names, all when it
// names none.
func (m *bookMachine) change(ev bookEvent, save bool, do []bookEffect, f func(*bookLine)) []bookEffect {
	p := m.places[ev.peer]
	if p == nil {
		return do
	}
	lines, any := slices.Clone(p.page.lines), false
	for i := range lines {
		if len(ev.addrs) == 0 || slices.ContainsFunc(ev.addrs, lines[i].addr.Equal) {
			f(&lines[i])
			any = true
		}
	}
	if !any {
		return do
	}
	return m.write(p, lines, p.page.record, save, do)
}

// learn notes addresses, and what takes their place goes.
func (m *bookMachine) learn(now time.Time, ev bookEvent, do []bookEffect) []bookEffect {
	p := m.places[ev.peer]
	var lines []bookLine
	var record *bookRecord
	if p != nil {
		lines, record = slices.Clone(p.page.lines), p.page.record
	}
	until := now.Add(min(ev.ttl, Forever))
	if ev.record != nil {
		if record != nil && !ev.record.replaces(record) {
			return append(do, bookEffect{kind: refuse, peer: ev.peer, err: &RecordError{
				Peer: ev.peer, Rule: ErrStaleRecord, Seq: ev.record.seq, Have: record.seq,
			}})
		}
		fresh := *ev.record
		fresh.until = until
		if record != nil {
			fresh.until = later(until, record.until)
		}
		record = &fresh
	}
	for i := range lines {
		switch l := &lines[i]; {
		case slices.ContainsFunc(ev.addrs, l.addr.Equal):
		case ev.record != nil && l.certified:
			l.withdrawn()
		case ev.from == Said:
			l.until[Said] = time.Time{}
		}
	}
	lines = standing(lines)
	for _, addr := range ev.addrs {
		l := bookLine{addr: addr, size: sizeOf(addr)}
		i := find(lines, addr)
		if i >= 0 {
			l = lines[i]
		}
		l.hold(ev.from, until)
		l.certified = l.certified || ev.record != nil
		if i >= 0 {
			lines[i] = l
		} else {
			lines = place(lines, l)
		}
	}
	if p == nil {
		return m.put(now, &bookPage{id: ev.peer, lines: lines, record: record}, true, do)
	}
	m.queues[p.queue].MoveToBack(p.at)
	return m.write(p, lines, record, true, do)
}

// replaces reports whether a record takes the place of an older one (libp2p
// specs, RFC/0003: only one with a greater number), or says the very same again.
func (r *bookRecord) replaces(old *bookRecord) bool {
	return r.seq > old.seq || r.seq == old.seq && r.statement == old.statement
}

// put takes in a peer that is not known, if there is room or room can be made.
func (m *bookMachine) put(now time.Time, page *bookPage, save bool, do []bookEffect) []bookEffect {
	if len(page.lines) == 0 || m.places[page.id] != nil {
		return do
	}
	queue := rank(page.lines)
	if len(m.places) >= m.most {
		victim := m.victim(queue)
		if victim == nil {
			return append(do, bookEffect{kind: refuse, peer: page.id, err: &BookFullError{Peer: page.id, Source: queue, Peers: len(m.places)}})
		}
		do = m.drop(victim, do)
	}
	p := &bookPlace{queue: queue, page: page, saved: now}
	p.at = m.queues[queue].PushBack(p)
	m.places[page.id] = p
	return append(do, bookEffect{kind: show, peer: page.id, page: page, save: save})
}

// victim is who makes room for a newcomer of the given source; nil: nobody.
func (m *bookMachine) victim(newcomer Source) *bookPlace {
	for s := Heard; s <= newcomer; s++ {
		if p := m.oldest(s); p != nil {
			return p
		}
	}
	for s := newcomer + 1; s < Given; s++ {
		// A better source gives way when it has more than half of the book:
		// otherwise whoever makes this host dial thousands would shut out all
		// others for a day.
		if m.queues[s].Len() > m.most/2 {
			if p := m.oldest(s); p != nil {
				return p
			}
		}
	}
	if newcomer == Given {
		// Strangers who connect do not keep the user's peers out: what they say of
		// themselves can be heard again.
		for s := Heard; s <= Said; s++ {
			if at := m.queues[s].Front(); at != nil {
				return at.Value.(*bookPlace)
			}
		}
	}
	return nil
}

// oldest is the one learned of longest ago that is not connected. Those that are
// go to the back: they are alive now.
func (m *bookMachine) oldest(s Source) *bookPlace {
	queue := &m.queues[s]
	for range queue.Len() {
		at := queue.Front()
		p := at.Value.(*bookPlace)
		if !m.connected(p.page.id) {
			return p
		}
		queue.MoveToBack(at)
	}
	return nil
}

// write gives a known peer a new page; without lines it is dropped.
func (m *bookMachine) write(p *bookPlace, lines []bookLine, record *bookRecord, save bool, do []bookEffect) []bookEffect {
	lines = standing(lines)
	if len(lines) == 0 {
		return m.drop(p, do)
	}
	p.page = &bookPage{id: p.page.id, lines: lines, record: record}
	if queue := rank(lines); queue != p.queue {
		m.queues[p.queue].Remove(p.at)
		p.queue, p.at = queue, m.queues[queue].PushBack(p)
	}
	return append(do, bookEffect{kind: show, peer: p.page.id, page: p.page, save: save})
}

func (m *bookMachine) drop(p *bookPlace, do []bookEffect) []bookEffect {
	m.queues[p.queue].Remove(p.at)
	delete(m.places, p.page.id)
	return append(do, bookEffect{kind: hide, peer: p.page.id})
}

// sweep drops what has ended. What is known of a peer that is connected stays for
// RecentTTL more, and a day more where a dial led to it.
func (m *bookMachine) sweep(now time.Time, do []bookEffect) []bookEffect {
	for s := Heard; s < sources; s++ {
		var next *list.Element
		for at := m.queues[s].Front(); at != nil; at = next {
			next = at.Next() // this one may go to a queue that has been swept
			do = m.sweepOne(now, at.Value.(*bookPlace), do)
		}
	}
	return do
}

func (m *bookMachine) sweepOne(now time.Time, p *bookPlace, do []bookEffect) []bookEffect {
	connected := m.connected(p.page.id)
	lines, record, changed := slices.Clone(p.page.lines), p.page.record, false
	for i := range lines {
		l, before := &lines[i], lines[i].until
		if s, _ := l.source(); connected {
			l.hold(s, now.Add(RecentTTL))
			if !l.until[Proven].IsZero() {
				l.hold(Proven, now.Add(ProvenTTL))
			}
		}
		l.expire(now)
		changed = changed || before != l.until
	}
	if record != nil && connected && record.until.Before(now.Add(RecentTTL)) {
		longer := *record
		longer.until = now.Add(RecentTTL)
		record, changed = &longer, true
	}
	if record != nil && record.until.Before(now) {
		record, changed = nil, true
		for i := range lines {
			lines[i].certified = false
		}
	}
	if !changed {
		return do
	}
	save := connected && !now.Before(p.saved.Add(renewEvery))
	if save {
		p.saved = now
	}
	return m.write(p, lines, record, save, do)
}
