package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A peer in the file. Numbers are varints of encoding/binary, times are in
// milliseconds.
//
//	checksum    4 bytes, big-endian: CRC-32C of the key and of all that follows
//	at          when it was saved, since 1970
//	record      its length, its bytes; unless it is empty, how long it is kept after at
//	addresses   their number; of each:
//	              its length, its bytes
//	              flags: bit s for each swarm.Source that holds, and certifiedFlag
//	              for each of those, from the lowest, how long it holds after at
//
// What is written is what fits into the limits of the book; what is read as well.

const certifiedFlag = 1 << 7

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// errValue is what is wrong with a value that cannot be read.
var errValue = errors.New("the value is damaged")

func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli()), castagnoli(), body)
}

// encode writes a peer.
func encode(p swarm.SavedPeer) []byte {
	b := binary.AppendVarint(make([]byte, 4, 512), p.At.UnixMilli())
	after := func(t time.Time) { b = binary.AppendVarint(b, t.UnixMilli()-p.At.UnixMilli()) }
	bytes := func(data []byte) { b = append(binary.AppendUvarint(b, uint64(len(data))), data...) }
	bytes(p.Record)
	if len(p.Record) > 0 {
		after(p.RecordUntil)
	}
	b = binary.AppendUvarint(b, uint64(len(p.Addrs)))
	for _, a := range p.Addrs {
		bytes(a.Addr.Bytes())
		flags := byte(0)
		if a.Certified {
			flags = certifiedFlag
		}
		for s, until := range a.Until {
			if !until.IsZero() {
				flags |= 1 << s
			}
		}
		b = append(b, flags)
		for _, until := range a.Until {
			if !until.IsZero() {
				after(until)
			}
		}
	}
	binary.BigEndian.PutUint32(b, checksum(p.Peer.Bytes(), b[4:]))
	return b
}

// decode reads a peer. It keeps nothing of the bytes, which belong to the
// database.
func decode(key, value []byte) (swarm.SavedPeer, error) {
	id, err := peer.IDFromBytes(key)
	if err != nil || len(value) < 4 || binary.BigEndian.Uint32(value) != checksum(key, value[4:]) {
		return swarm.SavedPeer{}, errValue
	}
	r := &reader{rest: value[4:]}
	p := swarm.SavedPeer{Peer: id}
	at := r.number()
	p.At = time.UnixMilli(at)
	after := func() time.Time { return time.UnixMilli(at + r.number()) }
	if record := r.bytes(swarm.MaxRecordSize); len(record) > 0 {
		p.Record = append([]byte(nil), record...)
		p.RecordUntil = after()
	}
	count := r.count(swarm.MaxAddrsPerPeer)
	for range count {
		a := swarm.SavedAddr{}
		a.Addr, err = ma.NewMultiaddrBytes(r.bytes(swarm.MaxAddrSize))
		if err != nil || len(a.Addr) == 0 {
			return swarm.SavedPeer{}, errValue
		}
		flags := r.byte()
		a.Certified = flags&certifiedFlag != 0
		for s := range a.Until {
			if flags&(1<<s) != 0 {
				a.Until[s] = after()
			}
		}
		p.Addrs = append(p.Addrs, a)
	}
	if r.failed || len(r.rest) > 0 || len(p.Addrs) == 0 {
		return swarm.SavedPeer{}, errValue
	}
	return p, nil
}

// reader reads what is there and notes whether it was not.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) fail() { r.rest, r.failed = nil, true }

func (r *reader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) count(most int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(most) {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *reader) bytes(most int) []byte {
	n := r.count(most)
	if n > len(r.rest) {
		r.fail()
		return nil
	}
	data := r.rest[:n]
	r.rest = r.rest[n:]
	return data
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}
