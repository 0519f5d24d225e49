package main

import (
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The limits of what others may send at the same time.
const (
	maxReceiving        = 16 // files in all
	maxReceivingPerPeer = 4
)

// claimsMachine decides who may send which file now: one transfer a name, a few
// a peer, and no more bytes in all than there is room for. Bytes of a transfer
// that broke off count as well, because they are kept.
type claimsMachine struct {
	room int64 // bytes that may still come, those promised to claims left out

	claims map[int64]claim
}

type claim struct {
	peer peer.ID
	name string
	size int64
}

// claimEvent is a wish for a claim, or the end of one.
type claimEvent struct {
	id    int64
	over  bool
	claim claim // of a wish
	moved int64 // of an end: bytes that came
}

// claimEffect is the answer to a wish: granted when the code is 0.
type claimEffect struct {
	id   int64
	code refusal
}

// Deadline is zero: claims end with their transfers.
func (m *claimsMachine) Deadline() time.Time { return time.Time{} }

// Step takes one event and appends its effects to do.
func (m *claimsMachine) Step(_ time.Time, ev claimEvent, do []claimEffect) []claimEffect {
	if ev.over {
		if c, ok := m.claims[ev.id]; ok {
			delete(m.claims, ev.id)
			m.room += c.size - min(ev.moved, c.size)
		}
		return do
	}
	code := m.judge(ev.claim)
	if code == 0 {
		if m.claims == nil {
			m.claims = map[int64]claim{}
		}
		m.claims[ev.id] = ev.claim
		m.room -= ev.claim.size
	}
	return append(do, claimEffect{ev.id, code})
}

func (m *claimsMachine) judge(wish claim) refusal {
	ofPeer := 0
	for _, c := range m.claims {
		if c.name == wish.name {
			return refuseBusy
		}
		if c.peer == wish.peer {
			ofPeer++
		}
	}
	switch {
	case len(m.claims) >= maxReceiving, ofPeer >= maxReceivingPerPeer:
		return refuseBusy
	case wish.size > m.room:
		return refuseRoom
	}
	return 0
}
