package sim

import (
	"errors"
	"maps"
	"slices"

	"github.com/troupe-p2p/troupe/host/swarm"
)

// ErrNoPower is what a Disk returns to actors of a host that has crashed.
var ErrNoPower = errors.New("sim: the host of this disk has crashed")

// A Disk is what a site stores, as the host that was started last sees it. What
// is written is there at once and outlives the host, unless a fault says
// otherwise ([Fault].Forgets). After a crash of its host it refuses everything, so
// that actors which are still on their way out change nothing. It holds the
// host's address book too (it is its [swarm.Store]).
//
// It belongs to the actors of its site.
type Disk struct {
	kept *kept
	off  bool
}

// kept is what is on the disk.
type kept struct {
	files map[string][]byte
	peers swarm.MemoryStore
}

func newKept() *kept { return &kept{files: make(map[string][]byte)} }

// Read returns a copy of a file, nil if there is none.
func (d *Disk) Read(name string) ([]byte, error) {
	if d.off {
		return nil, ErrNoPower
	}
	return slices.Clone(d.kept.files[name]), nil
}

// Write replaces a file; nil removes it.
func (d *Disk) Write(name string, data []byte) error {
	switch {
	case d.off:
		return ErrNoPower
	case data == nil:
		delete(d.kept.files, name)
	default:
		d.kept.files[name] = slices.Clone(data)
	}
	return nil
}

// Files are the names of all files in order.
func (d *Disk) Files() []string { return slices.Sorted(maps.Keys(d.kept.files)) }

// Load implements [swarm.Store].
func (d *Disk) Load(take func(swarm.SavedPeer)) error {
	if d.off {
		return ErrNoPower
	}
	return d.kept.peers.Load(take)
}

// Save implements [swarm.Store].
func (d *Disk) Save(changes []swarm.SavedPeer) error {
	if d.off {
		return ErrNoPower
	}
	return d.kept.peers.Save(changes)
}

// Peers are those whose addresses are stored, in the order of their IDs.
func (d *Disk) Peers() []swarm.SavedPeer { return d.kept.peers.Peers() }
