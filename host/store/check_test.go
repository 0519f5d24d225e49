package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host/swarm"
)

// grown is a file with branches, free pages and long values.
func grown(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peers")
	s := opened(t, path)
	for round := range 4 {
		var changes []swarm.SavedPeer
		for i := range 300 {
			p := someone(i*7+round, time.UnixMilli(int64(round)))
			if i%50 == 0 {
				p.Record = bytes.Repeat([]byte{byte(i)}, 7000)
			}
			changes = append(changes, p)
			if i%3 == 0 && round > 0 {
				changes = append(changes, swarm.SavedPeer{Peer: stranger(i*7 + round - 1)})
			}
		}
		must(t, s.Save(changes))
	}
	must(t, s.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// use opens a file and does everything with it. All errors must be typed; it
// returns that of Open.
func use(t testing.TB, data []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peers")
	must(t, os.WriteFile(path, data, 0o600))
	s, err := Open(path)
	if err != nil {
		if !known(err) {
			t.Errorf("Open: %T %v", err, err)
		}
		return err
	}
	steps := []func() error{
		func() error { return s.Load(func(swarm.SavedPeer) {}) },
		func() error {
			return s.Save([]swarm.SavedPeer{someone(3, time.UnixMilli(9)), someone(5000, time.UnixMilli(9)), {Peer: stranger(700)}})
		},
		func() error { return s.Load(func(swarm.SavedPeer) {}) },
		s.Close,
	}
	for i, step := range steps {
		if err := step(); err != nil && !known(err) {
			t.Errorf("step %d: %T %v", i, err, err)
		}
	}
	return nil
}

func TestAHealthyFilePassesTheCheck(t *testing.T) {
	data := grown(t)
	must(t, check(bytes.NewReader(data), int64(len(data))))
	must(t, use(t, data))
}

// TestADamagedFileIsAnErrorAndNeverAPanic damages files in all the ways that
// chance finds, single bytes, whole pages, the end.
func TestADamagedFileIsAnErrorAndNeverAPanic(t *testing.T) {
	good := grown(t)
	page := os.Getpagesize()
	found := 0
	const rounds = 250
	for seed := range uint64(rounds) {
		chance := rand.New(rand.NewPCG(seed, 3))
		data := bytes.Clone(good)
		switch seed % 5 {
		case 0: // a bit
			data[chance.IntN(len(data))] ^= 1 << chance.IntN(8)
		case 1: // the head of a page
			data[chance.IntN(len(data)/page)*page+chance.IntN(64)] = byte(chance.Uint32())
		case 2: // a page of zeros
			at := chance.IntN(len(data)/page) * page
			clear(data[at : at+page])
		case 3: // a page somewhere else
			from, to := chance.IntN(len(data)/page)*page, chance.IntN(len(data)/page)*page
			copy(data[to:to+page], data[from:from+page])
		case 4: // the end
			data = data[:chance.IntN(len(data))]
		}
		if use(t, data) != nil {
			found++
		}
	}
	if found < rounds/8 { // most of the bytes are of values, or of free pages
		t.Errorf("only %d of %d files were found to be damaged", found, rounds)
	}
}

func FuzzADamagedFileIsAnErrorAndNeverAPanic(f *testing.F) {
	good := grown(f)
	f.Add(uint32(0), []byte("nonsense"), false)
	f.Add(uint32(3*os.Getpagesize()+8), []byte{1, 0, 0xff, 0xff}, true)
	f.Fuzz(func(t *testing.T, at uint32, change []byte, whole bool) {
		data := bytes.Clone(good)
		copy(data[int(at)%len(data):], change)
		if whole { // with meta pages that are whole
			seal(data, 0)
			seal(data, os.Getpagesize())
		}
		use(t, data)
	})
}

// seal gives the meta page at a place the checksum that it should have.
func seal(data []byte, at int) {
	sum := fnv.New64a()
	sum.Write(data[at+pageHeader : at+pageHeader+56])
	binary.NativeEndian.PutUint64(data[at+pageHeader+56:], sum.Sum64())
}

func TestEachRuleOfTheCheckFindsItsDamage(t *testing.T) {
	good := grown(t)
	page := os.Getpagesize()
	m := func(data []byte) *meta {
		c := &checker{file: bytes.NewReader(data), size: int64(len(data))}
		must(t, c.metas())
		return &c.meta
	}
	now := *m(good)
	at := func(id uint64) int { return int(id) * page }
	order := binary.NativeEndian
	// The pages of the tree: root, bucket of the book inside it, peers.
	branch := uint64(0)
	for id := uint64(2); id < now.pages; id++ {
		if order.Uint16(good[at(id)+8:]) == branchPage && order.Uint64(good[at(id):]) == id {
			branch = id
		}
	}
	if branch == 0 {
		t.Fatal("there is no branch")
	}
	child := order.Uint64(good[at(branch)+pageHeader+8:])
	for _, c := range []struct {
		want   string
		damage func(data []byte)
	}{
		{"does not begin like a database", func(d []byte) { clear(d[:2*page]) }},
		{"does not exist", func(d []byte) { order.PutUint64(d[at(branch)+pageHeader+8:], now.pages) }},
		{"is used twice", func(d []byte) { order.PutUint64(d[at(branch)+pageHeader+element+8:], child) }},
		{"is used twice", func(d []byte) { order.PutUint64(d[at(branch)+pageHeader+8:], branch) }},
		{"calls itself", func(d []byte) { order.PutUint64(d[at(child):], 3) }},
		{"calls itself", func(d []byte) { order.PutUint32(d[at(child)+12:], 1<<31) }},
		{"is no part of a tree", func(d []byte) { d[at(child)+8] = 0x08 }},
		{"is no part of a tree", func(d []byte) { order.PutUint16(d[at(branch)+10:], 0) }},
		{"has no room for", func(d []byte) { order.PutUint16(d[at(child)+10:], 0xfff0) }},
		{"reaches beyond it", func(d []byte) { order.PutUint32(d[at(child)+pageHeader+12:], 1<<30) }},
		{"reaches beyond it", func(d []byte) { order.PutUint32(d[at(child)+pageHeader+8:], 0) }},
		{"are not in order", func(d []byte) {
			first, second := d[at(child)+pageHeader:], d[at(child)+pageHeader+element:]
			order.PutUint32(second[4:], order.Uint32(first[4:])-element)
		}},
		{"of no kind that is known", func(d []byte) { order.PutUint32(d[at(child)+pageHeader:], 4) }},
		{"a bucket of", func(d []byte) {
			order.PutUint32(d[at(child)+pageHeader:], bucketFlag)
			order.PutUint32(d[at(child)+pageHeader+12:], 3)
		}},
		{"is no list of free pages", func(d []byte) { d[at(now.freelist)+8] = leafPage }},
		{"is no list of free pages", func(d []byte) { order.PutUint16(d[at(now.freelist)+10:], 0xfffe) }},
		{"cannot be free", func(d []byte) { order.PutUint64(d[at(now.freelist)+pageHeader:], 0) }},
		{"is used twice", func(d []byte) { order.PutUint64(d[at(now.freelist)+pageHeader:], child) }},
	} {
		data := bytes.Clone(good)
		c.damage(data)
		err := check(bytes.NewReader(data), int64(len(data)))
		var found *damage
		if !errors.As(err, &found) || !strings.Contains(found.rule, c.want) {
			t.Errorf("%s: got %v", c.want, err)
		}
		var corrupt *CorruptError
		if err := use(t, data); !errors.As(err, &corrupt) {
			t.Errorf("%s: Open says %v", c.want, err)
		}
	}
	short := good[:at(now.pages)-1]
	if err := check(bytes.NewReader(short), int64(len(short))); err == nil || !strings.Contains(err.Error(), "should have") {
		t.Errorf("a file that is too short: %v", err)
	}
}

func TestAPeerThatIsDamagedIsLeftOutAndRemoved(t *testing.T) {
	path := fresh(t)
	s := opened(t, path)
	must(t, s.Save([]swarm.SavedPeer{someone(1, time.UnixMilli(1)), someone(2, time.UnixMilli(1)), someone(3, time.UnixMilli(1))}))
	must(t, s.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	bad := encode(someone(2, time.UnixMilli(1)))
	changed := bytes.Clone(bad)
	changed[len(changed)-1] ^= 1
	must(t, os.WriteFile(path, bytes.ReplaceAll(data, bad, changed), 0o600))
	for i, want := range []int{1, 0} {
		s := opened(t, path)
		if all := loaded(t, s); len(all) != 2 || all[1].Peer != stranger(3) || s.Damaged() != want {
			t.Errorf("time %d: %d peers, %d damaged", i, len(all), s.Damaged())
		}
		must(t, s.Close())
	}
}

func TestAFileThatShrinksUnderTheStoreIsAnError(t *testing.T) {
	path := fresh(t)
	must(t, os.WriteFile(path, grown(t), 0o600))
	s := opened(t, path)
	must(t, os.Truncate(path, int64(2*os.Getpagesize())))
	var corrupt *CorruptError
	if err := s.Load(func(swarm.SavedPeer) {}); !errors.As(err, &corrupt) || corrupt.Path != path || corrupt.Err == nil {
		t.Errorf("Load: %v", err)
	}
	if err := s.Save([]swarm.SavedPeer{someone(1, time.UnixMilli(1))}); !errors.As(err, &corrupt) {
		t.Errorf("Save: %v", err)
	}
	if err := s.Close(); !errors.As(err, &corrupt) {
		t.Errorf("Close: %v", err)
	}
	must(t, os.Remove(path))
	must(t, opened(t, path).Close()) // its lock was given back
}

func TestAPanicOfTheDatabaseIsAnError(t *testing.T) {
	s := opened(t, fresh(t))
	var corrupt *CorruptError
	err := s.do("save", func() error { panic("assertion failed") })
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "assertion failed") {
		t.Errorf("got %v", err)
	}
	if err := s.Load(func(swarm.SavedPeer) {}); !errors.As(err, &corrupt) {
		t.Errorf("afterwards: %v", err)
	}
}
