package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
)

// schema is what is in the file. A change that an older version would
// misunderstand counts it up.
const schema = 1

// maxFile is how long the file may become.
const maxFile = 1 << 30

// The names in the file.
const (
	bookBucket  = "troupe address book"
	schemaKey   = "schema"
	peersBucket = "peers"
)

// A Store is an address book in a file. It implements [swarm.Store]. Its methods
// may be called from any goroutine, and block for the disk.
type Store struct {
	path    string
	db      *bolt.DB
	file    *os.File // the database's
	damaged atomic.Int64
	broken  atomic.Pointer[CorruptError] // the database has panicked
	closed  atomic.Bool
	unsaved atomic.Pointer[error] // why the last Save failed
}

// Open opens the file at path, and makes it when it is missing; its folder must
// be there. It reads the whole file once, and waits for the disk only: when
// somebody else has it open, it fails at once.
//
// Errors: [*InUseError], [*SchemaError], [*CorruptError], [*FileError].
func Open(path string) (*Store, error) { return open(path, maxFile) }

// open is Open with another limit of the file's length.
func open(path string, most int) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	s := &Store{path: path}
	if err := s.open(most); err != nil {
		return nil, err
	}
	return s, nil
}

// create makes an empty store. It gets its name when it is complete, so that a
// crash leaves no half of one; if somebody else was faster, theirs stays.
func create(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return (&Store{path: path}).typed("make", err)
	}
	defer os.Remove(f.Name())
	f.Close()
	s := &Store{path: f.Name()}
	if err := s.open(maxFile); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
		err = os.Rename(f.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return (&Store{path: path}).typed("make", err)
	}
	return nil
}

func (s *Store) open(most int) error {
	err := s.do("open", func() (err error) {
		s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{
			Timeout:  time.Nanosecond, // one attempt
			OpenFile: s.openFile, MaxSize: most, FreelistType: bolt.FreelistMapType, NoStatistics: true,
		})
		if err != nil {
			return err
		}
		return s.db.Update(s.begin)
	})
	switch {
	case err == nil:
		return nil
	case s.broken.Load() == nil && s.db != nil:
		_ = s.do("close", s.db.Close)
	case s.file != nil:
		s.file.Close()
	}
	return err
}

// openFile opens the file for the database, and looks at it first.
func (s *Store) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	if err := s.inspect(f); err != nil {
		f.Close()
		return nil, err
	}
	s.file = f
	return f, nil
}

func (s *Store) inspect(f *os.File) error {
	locked, err := tryLock(f)
	if err != nil {
		return err
	}
	if !locked {
		return &InUseError{s.path}
	}
	defer unlock(f) // the database takes it again
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	return check(f, info.Size())
}

// begin looks at what the database is of, and makes an empty one ours.
func (s *Store) begin(tx *bolt.Tx) error {
	known := strconv.Itoa(schema)
	if book := tx.Bucket([]byte(bookBucket)); book != nil {
		if have := string(book.Get([]byte(schemaKey))); have != known || book.Bucket([]byte(peersBucket)) == nil {
			return &SchemaError{Path: s.path, Have: have, Known: known}
		}
		return nil
	}
	if key, _ := tx.Cursor().First(); key != nil {
		return &SchemaError{Path: s.path, Known: known}
	}
	book, err := tx.CreateBucket([]byte(bookBucket))
	if err != nil {
		return err
	}
	if err := book.Put([]byte(schemaKey), []byte(known)); err != nil {
		return err
	}
	_, err = book.CreateBucket([]byte(peersBucket))
	return err
}

func peersOf(tx *bolt.Tx) *bolt.Bucket {
	return tx.Bucket([]byte(bookBucket)).Bucket([]byte(peersBucket))
}

// Path is the file.
func (s *Store) Path() string { return s.path }

// Damaged is how many peers could not be read so far.
func (s *Store) Damaged() int { return int(s.damaged.Load()) }

// Load implements [swarm.Store]: it calls take for each peer, in the order of
// their IDs. Peers that are damaged are left out, counted, and removed. Errors:
// [*CorruptError], [*FileError].
func (s *Store) Load(take func(swarm.SavedPeer)) error {
	var all []swarm.SavedPeer
	var bad [][]byte
	err := s.do("load", func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			return peersOf(tx).ForEach(func(key, value []byte) error {
				p, err := decode(key, value)
				if err != nil {
					bad = append(bad, append([]byte(nil), key...))
					return nil
				}
				all = append(all, p)
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	s.damaged.Add(int64(len(bad)))
	if len(bad) > 0 { // a disk that cannot be written shows with the next Save
		_ = s.do("load", func() error { return s.db.Update(func(tx *bolt.Tx) error { return remove(peersOf(tx), bad) }) })
		if broken := s.broken.Load(); broken != nil {
			return broken
		}
	}
	for _, p := range all {
		take(p)
	}
	return nil
}

func remove(peers *bolt.Bucket, keys [][]byte) error {
	for _, key := range keys {
		if err := peers.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// Save implements [swarm.Store]. When it returns nil, the changes are on the
// disk; otherwise none of them is, but for a failure of the disk itself, after
// which that cannot be known. Errors: [*CorruptError], [*FileError].
func (s *Store) Save(changes []swarm.SavedPeer) error {
	err := s.do("save", func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			peers := peersOf(tx)
			for _, p := range changes {
				var err error
				if len(p.Addrs) == 0 {
					err = peers.Delete(p.Peer.Bytes())
				} else {
					err = peers.Put(p.Peer.Bytes(), encode(p))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	s.unsaved.Store(&err)
	return err
}

// Close closes the file, after the host that uses it has ended. It returns why
// the last Save failed, if it did: what was learned last is lost then. Closing
// again does nothing. Errors: [*CorruptError], [*FileError].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if broken := s.broken.Load(); broken != nil {
		// The database may hold locks of its own for ever; the file's is given back.
		s.file.Close()
		return broken
	}
	if err := s.run("close", s.db.Close); err != nil {
		return err
	}
	if last := s.unsaved.Load(); last != nil {
		return *last
	}
	return nil
}

// do runs something with the database, unless that is broken or closed.
func (s *Store) do(did string, f func() error) error {
	if broken := s.broken.Load(); broken != nil {
		return broken
	}
	if s.closed.Load() {
		return &FileError{Path: s.path, Did: did, Err: ErrClosed}
	}
	return s.run(did, f)
}

// run runs f as an actor of its own: a panic in the database, or a fault in the
// memory that it has mapped, ends that, and the database with it.
func (s *Store) run(did string, f func() error) error {
	err := errGone
	ended := actor.Run(context.Background(), "store", func(*actor.Self) error {
		debug.SetPanicOnFault(true) // of this goroutine
		err = f()
		return nil
	})
	if ended != nil {
		broken := &CorruptError{Path: s.path, Rule: "the database failed to " + did, Err: ended}
		s.broken.CompareAndSwap(nil, broken)
		return broken
	}
	return s.typed(did, err)
}

// errGone is what is left of a call that was ended from outside.
var errGone = errors.New("the call was broken off")

// typed says in our words what went wrong.
func (s *Store) typed(did string, err error) error {
	var found *damage
	var inUse *InUseError
	var schema *SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &inUse), errors.As(err, &schema):
		return err
	case errors.As(err, &found):
		return &CorruptError{Path: s.path, Rule: found.rule}
	case errors.Is(err, bolterrors.ErrTimeout):
		return &InUseError{s.path}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return &CorruptError{Path: s.path, Rule: err.Error()}
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		err = ErrClosed
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		err = system.Err // the path is said already
	}
	return &FileError{Path: s.path, Did: did, Err: err}
}
