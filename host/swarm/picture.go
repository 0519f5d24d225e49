package swarm

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A picture is what a subscriber can know of the swarm. Each event turns one
// into the next.
type picture struct {
	peers     map[peer.ID]*peerPicture // those that are connected; never ranged over
	listeners []ListenerUp
	addrs     []ma.Multiaddr
	protocols []negotiate.Protocol
}

type peerPicture struct {
	conns []*conn.Conn // oldest first; empty between PeerUp and ConnUp, ConnDown and PeerDown
	knows *PeerKnows
	last  error // why the last connection that ended did
}

// peer returns what is known of a peer; nil: it is not connected.
func (p *picture) peer(id peer.ID) *peerPicture { return p.peers[id] }

// apply notes what an event says.
func (p *picture) apply(e Event) {
	switch e := e.(type) {
	case PeerUp:
		if p.peers == nil {
			p.peers = make(map[peer.ID]*peerPicture)
		}
		p.peers[e.Peer] = &peerPicture{}
	case PeerDown:
		delete(p.peers, e.Peer)
	case ConnUp:
		at := p.peers[e.Peer]
		at.conns = append(at.conns, e.Conn)
	case ConnDown:
		at := p.peers[e.Peer]
		at.last = e.Err
		at.conns = slices.DeleteFunc(at.conns, func(c *conn.Conn) bool { return c == e.Conn })
		if at.knows != nil && at.knows.Conn == e.Conn {
			at.knows = nil
		}
	case PeerKnows:
		if at := p.peers[e.Peer]; at != nil {
			at.knows = &e
		}
	case ListenerUp:
		p.listeners = append(withoutListener(p.listeners, e.At), e)
	case ListenerDown:
		p.listeners = withoutListener(p.listeners, e.At)
	case AddrsChanged:
		p.addrs = e.Addrs
	case ProtocolsChanged:
		p.protocols = e.Protocols
	}
}

// others are the events that lead from p to now, apart from those of peers.
func (p *picture) others(now *picture) []Event {
	var out []Event
	for _, l := range p.listeners {
		if !slices.ContainsFunc(now.listeners, l.isAt) {
			out = append(out, ListenerDown{At: l.At})
		}
	}
	for _, l := range now.listeners {
		if !slices.ContainsFunc(p.listeners, l.same) {
			out = append(out, l)
		}
	}
	if !slices.EqualFunc(p.addrs, now.addrs, ma.Multiaddr.Equal) {
		out = append(out, AddrsChanged{now.addrs})
	}
	if !slices.Equal(p.protocols, now.protocols) {
		out = append(out, ProtocolsChanged{now.protocols})
	}
	return out
}

// isAt and same compare listeners, by the address asked for and as a whole.
func (e ListenerUp) isAt(other ListenerUp) bool { return e.At.Equal(other.At) }

func (e ListenerUp) same(other ListenerUp) bool {
	return e.isAt(other) && slices.EqualFunc(e.Addrs, other.Addrs, ma.Multiaddr.Equal)
}

func withoutListener(all []ListenerUp, at ma.Multiaddr) []ListenerUp {
	return slices.DeleteFunc(all, ListenerUp{At: at}.isAt)
}

// newer reports whether k says something else than the told one did.
func (k *PeerKnows) newer(told *PeerKnows) bool {
	return told == nil || k.Conn != told.Conn || !slices.Equal(k.Protocols, told.Protocols)
}

// peerOf is the peer that an event is about, empty for the others.
func peerOf(e Event) peer.ID {
	switch e := e.(type) {
	case PeerUp:
		return e.Peer
	case PeerDown:
		return e.Peer
	case ConnUp:
		return e.Peer
	case ConnDown:
		return e.Peer
	case PeerKnows:
		return e.Peer
	}
	return ""
}
