package swarm

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// What is wrong with a record, in a [*RecordError].
var (
	// ErrStaleRecord: a record with the same or a greater number is known already.
	ErrStaleRecord = errors.New("a newer record is known, or another one with the same number")
	// ErrRecordSize: the envelope is longer than [MaxRecordSize].
	ErrRecordSize = errors.New("the record is too long to be kept")
)

// A RecordError is why the address book did not take a signed record. What it
// knew of the peer is as it was.
type RecordError struct {
	Peer      peer.ID // who signed it; empty when it was not opened
	Rule      error   // ErrStaleRecord or ErrRecordSize
	Seq, Have uint64  // ErrStaleRecord: its number, and that of the one that is known
	Size      int     // ErrRecordSize: in bytes
}

func (e *RecordError) Error() string {
	if e.Rule == ErrRecordSize {
		return fmt.Sprintf("address book: a record of %d bytes: %v; at most %d are allowed", e.Size, e.Rule, MaxRecordSize)
	}
	return fmt.Sprintf("address book: the record of %s: %v (it has number %d, the one that is known %d)", e.Peer.Short(), e.Rule, e.Seq, e.Have)
}

// Unwrap returns the rule.
func (e *RecordError) Unwrap() error { return e.Rule }

// A BookFullError is why the address book did not take in a peer: everybody in
// it is connected, or known from a better source. Forget peers that are not
// needed, or learn this one from a better source.
type BookFullError struct {
	Peer   peer.ID
	Source Source // the best one of the newcomer's addresses
	Peers  int    // how many are in the book
}

func (e *BookFullError) Error() string {
	return fmt.Sprintf("address book: no room for %s, of which this host has only %s: all of the %d peers in the book are connected or known from a better source",
		e.Peer.Short(), e.Source, e.Peers)
}

// A StoreError is why what the book knows could not be loaded or saved. Err is
// the store's own error and says what to do. Loading fails at the start of a
// host, which then does not start; saving fails later, and the host goes on:
// the actor "store" shows it, and tries again.
type StoreError struct {
	Did string // "load" or "save"
	Err error
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("address book: %s what is known of others: %v", e.Did, e.Err)
}

// Unwrap returns the store's error.
func (e *StoreError) Unwrap() error { return e.Err }
