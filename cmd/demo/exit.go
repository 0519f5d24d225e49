package main

import "errors"

// The exit codes; --help lists them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitRefused     = 4
	exitChecksum    = 5
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

const exitCodes = `Exit codes:
  0    done
  1    failed: the message says what, where, and what to do
  2    the command line, or a scenario, makes no sense
  3    no connection with the peer, or it was lost and did not come back
  4    the peer has no such file, or refuses
  5    checksum mismatch: what arrived is not what was sent
  130  interrupted by Ctrl-C; what a transfer has got so far is kept`

// usageError is a command line that makes no sense.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// refusedError is the peer's refusal of a request.
type refusedError struct {
	code refusal
	what string // what was asked for, for example "give song.wav"
	fix  string
}

func (e *refusedError) Error() string {
	text := "the peer refuses"
	if e.what != "" {
		text += " to " + e.what
	}
	text += ": " + e.code.String()
	if e.fix != "" {
		text += " (" + e.fix + ")"
	}
	return text
}

// checksumError is a file, or a song, that did not arrive as it was sent.
type checksumError struct{ what string }

func (e *checksumError) Error() string {
	return e.what + " did not arrive as it was sent: the SHA-256 sums differ (nothing of it is kept; run the command again)"
}

// lostError is a peer that was there and did not come back.
type lostError struct {
	kept  string // what is kept of a transfer, and where; may be empty
	tries int
	cause error
}

func (e *lostError) Error() string {
	text := "the connection was lost and did not come back"
	if e.tries > 0 {
		text += " in " + count(e.tries, "attempt")
	}
	text += ": " + sentence(e.cause)
	if e.kept != "" {
		text += " (" + e.kept + ")"
	}
	return text
}

func (e *lostError) Unwrap() error { return e.cause }

// interruptedError is the end by Ctrl-C before the work was done.
type interruptedError struct{ kept string }

func (e *interruptedError) Error() string {
	text := "interrupted"
	if e.kept != "" {
		text += ": " + e.kept
	}
	return text
}

// errInterrupted is why a command's context ends on Ctrl-C.
var errInterrupted = errors.New("interrupted")
