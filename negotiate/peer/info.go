package peer

import (
	"slices"

	ma "github.com/multiformats/go-multiaddr"
)

// Info is a peer and the addresses it may be reached at, none of which ends in
// /p2p/ID.
type Info struct {
	ID    ID
	Addrs []ma.Multiaddr
}

// exampleAddr is shown in errors.
const exampleAddr = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// maxAddrText bounds a text before it is parsed, because decoding base58 costs the
// square of the length. The longest addresses in use have some 500 characters.
const maxAddrText = 4 << 10

// ParseInfo reads a multiaddr that ends in /p2p/ID. With nothing before that, the
// addresses are empty. Error: *[AddrError], which says what is missing.
func ParseInfo(text string) (Info, error) {
	fail := func(rule string, err error) (Info, error) {
		return Info{}, &AddrError{Text: cut(text), Rule: rule + ", for example " + exampleAddr, Err: err}
	}
	if text == "" {
		return fail("it is empty; give a multiaddr that ends in /p2p/ and a peer ID", nil)
	}
	if len(text) > maxAddrText {
		return fail("it is longer than any address", nil)
	}
	if text[0] != '/' {
		if _, err := ParseID(text); err == nil {
			return fail("it is a peer ID alone; write the address and /p2p/ before it", nil)
		}
		return fail("it does not begin with /; give a multiaddr", nil)
	}
	addr, err := ma.NewMultiaddr(text)
	if err != nil {
		return fail("give a multiaddr", err)
	}
	transport, id := SplitAddr(addr)
	if id == "" {
		return fail("/p2p/ and the peer ID are missing at its end", nil)
	}
	if len(transport) == 0 {
		return Info{ID: id}, nil
	}
	return Info{ID: id, Addrs: []ma.Multiaddr{transport}}, nil
}

// Multiaddrs returns every address with /p2p/ID at its end, or /p2p/ID alone when
// there is no address. With an unknown or invalid ID it returns the addresses as
// they are.
func (i Info) Multiaddrs() []ma.Multiaddr {
	suffix, err := ma.NewComponent("p2p", i.ID.String())
	if err != nil {
		return slices.Clone(i.Addrs)
	}
	if len(i.Addrs) == 0 {
		return []ma.Multiaddr{suffix.Multiaddr()}
	}
	out := make([]ma.Multiaddr, 0, len(i.Addrs))
	for _, addr := range i.Addrs {
		out = append(out, append(slices.Clip(addr), *suffix)) // clipped: callers share the parts
	}
	return out
}

// SplitAddr cuts the last part /p2p/ID off an address. Earlier ones, as in a relay
// address, stay: /…/p2p/R/p2p-circuit/p2p/T gives /…/p2p/R/p2p-circuit and T. An
// address that does not end in /p2p, or whose ID [ID.Validate] refuses, comes back
// whole with an empty ID. With nothing before /p2p the transport is nil.
func SplitAddr(addr ma.Multiaddr) (transport ma.Multiaddr, id ID) {
	rest, last := ma.SplitLast(addr)
	if last == nil || last.Protocol().Code != ma.P_P2P {
		return addr, ""
	}
	id, err := IDFromBytes(last.RawValue())
	if err != nil {
		return addr, ""
	}
	return rest, id
}
