package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

// exitOf is the exit code that an error stands for.
func exitOf(err error) int {
	var usage *usageError
	var addr *peer.AddrError
	var listen *host.AddrError
	var interrupted *interruptedError
	var sum *checksumError
	var refused *refusedError
	var protocol *negotiate.RefusedError
	var dial *swarm.DialError
	var lost *lostError
	var file *scenarioError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), errors.As(err, &file), errors.As(err, &addr), errors.As(err, &listen) && !bound(listen):
		return exitUsage
	case errors.As(err, &interrupted), errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &sum):
		return exitChecksum
	case errors.As(err, &refused), errors.As(err, &protocol):
		return exitRefused
	case errors.As(err, &dial), errors.As(err, &lost):
		return exitUnreachable
	}
	return exitFailure
}

// bound reports whether an address made sense, and the machine would not have
// it.
func bound(e *host.AddrError) bool {
	var machine *transport.ListenError
	return errors.As(e.Err, &machine)
}

// sentence says an error in the words of somebody who uses the program: what,
// where, and what to do. Most errors of Troupe are such sentences already.
func sentence(err error) string {
	var protocol *negotiate.RefusedError
	var negotiation *stream.NegotiationError
	var panicked *actor.PanicError
	var exit *actor.ExitError
	var closed *conn.CloseError
	var dial *swarm.DialError
	var listen *host.AddrError
	var lost *lostError
	var reset *stream.ResetError
	switch {
	case err == nil:
		return "nothing went wrong"
	case errors.As(err, &lost):
		return lost.Error()
	case errors.As(err, &panicked):
		return fmt.Sprintf("the program has a mistake, please report it with this text: %v\n%s", panicked.Value, panicked.Stack)
	case errors.As(err, &protocol):
		return unsupported(protocol.Wanted)
	case errors.As(err, &negotiation):
		return sentence(negotiation.Cause)
	case errors.As(err, &exit) && exit.Err != nil:
		return sentence(exit.Err)
	case errors.As(err, &dial) && errors.Is(dial.Cause, swarm.ErrNoAddresses):
		return fmt.Sprintf("it is not known where %s can be reached: give a whole address once", dial.Peer)
	case errors.As(err, &dial) && len(dial.Attempts) == 1:
		return reaching(dial)
	case errors.As(err, &listen):
		return listening(listen)
	case errors.As(err, &reset) && reset.Remote && reset.Code == stream.CodeShutdown:
		return "the peer was stopped"
	case errors.As(err, &reset) && reset.Remote && reset.Code == stream.CodeNone:
		return "the peer broke the stream off"
	case errors.As(err, &closed) && torn(closed):
		return fmt.Sprintf("the connection with %s broke", closed.Peer.Short())
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return "the peer ended the stream in the middle"
	case err == os.ErrDeadlineExceeded:
		return fmt.Sprintf("the peer was silent for %s", timeText(transferIdle))
	case err == context.DeadlineExceeded:
		return "it took too long"
	}
	return err.Error()
}

// reason is a sentence without what to do, for what is tried again anyway.
func reason(err error) string {
	var dial *swarm.DialError
	if errors.As(err, &dial) && len(dial.Attempts) == 1 && errors.Is(dial.Attempts[0].Err, transport.ErrRefused) {
		return fmt.Sprintf("nobody listens at %s", dial.Attempts[0].Addr)
	}
	return sentence(err)
}

// torn reports whether a connection ended without an orderly word of either end.
func torn(e *conn.CloseError) bool {
	var network net.Error
	return errors.Is(e, conn.ErrRemoteClosed) || errors.Is(e, io.ErrUnexpectedEOF) || errors.As(e, &network)
}

// reaching says why a peer with one address could not be reached. The causes
// that everybody meets are said shorter than the error itself does, which names
// each layer.
func reaching(e *swarm.DialError) string {
	a := e.Attempts[0]
	var mismatch *peer.MismatchError
	switch {
	case errors.As(a.Err, &mismatch):
		return fmt.Sprintf("the node at %s is %s, and not %s: is the address right, or has the node a new key?", a.Addr, mismatch.Got, mismatch.Want.Short())
	case errors.Is(a.Err, transport.ErrRefused):
		return fmt.Sprintf("nobody listens at %s: is the node running, and are address and port right?", a.Addr)
	}
	return "cannot " + e.Error()
}

// listening says why an address could not be listened at.
func listening(e *host.AddrError) string {
	why := e.Err.Error()
	for _, known := range []error{transport.ErrInUse, transport.ErrNotLocal} {
		if errors.Is(e.Err, known) {
			why = known.Error()
		}
	}
	return fmt.Sprintf("cannot listen at %s: %s", e.Text, why)
}

// unsupported says what a peer lacks that does not speak a protocol.
func unsupported(wanted []negotiate.Protocol) string {
	names := make([]string, len(wanted))
	for i, p := range wanted {
		names[i] = string(p)
	}
	text := "the peer does not speak " + strings.Join(names, " or ")
	if len(wanted) == 1 && wanted[0] == fileProtocol {
		text += ": it shares no folder (start the node there with --share DIR)"
	}
	return text
}
