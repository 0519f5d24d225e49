package store

import (
	"errors"
	"fmt"
)

// ErrClosed is what the methods of a store return after Close, in a [*FileError].
var ErrClosed = errors.New("the store is closed")

// An InUseError says that the file is open already: in another process, or a
// second time in this one.
type InUseError struct{ Path string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("the file %s is in use by another node: stop that one, or give this one a file of its own", e.Path)
}

// A SchemaError says that the file was written by something this version does not
// know.
type SchemaError struct {
	Path  string
	Have  string // the schema of the file; empty: it is the database of another program
	Known string // the newest that this version knows
}

func (e *SchemaError) Error() string {
	if e.Have == "" {
		return fmt.Sprintf("the file %s is a database of another program: give another file", e.Path)
	}
	return fmt.Sprintf("the file %s has the schema %q, and this version knows %q: use the newer version, or another file", e.Path, e.Have, e.Known)
}

// A CorruptError says that the file is damaged, or no database at all. Nothing of
// it can be relied on.
type CorruptError struct {
	Path string
	Rule string // what is wrong
	Err  error  // the panic of the database, if that found it
}

func (e *CorruptError) Error() string {
	why := e.Rule
	if e.Err != nil {
		why += ": " + e.Err.Error()
	}
	return fmt.Sprintf("the file %s is damaged: %s; move it away, and the node learns its peers anew", e.Path, why)
}

// Unwrap returns the panic.
func (e *CorruptError) Unwrap() error { return e.Err }

// A FileError is what the system says of the file: errors.Is finds syscall.ENOSPC
// and fs.ErrPermission in it, for example.
type FileError struct {
	Path string
	Did  string // "make", "open", "load", "save" or "close"
	Err  error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s the file %s: %v", e.Did, e.Path, e.Err)
}

// Unwrap returns the system's error.
func (e *FileError) Unwrap() error { return e.Err }
