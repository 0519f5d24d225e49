package gopeer

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	mplex "github.com/libp2p/go-mplex"
)

// sessions are the two ends of an mplex session, and one stream of it.
func sessions(t *testing.T) (dialer, listener network.MuxedConn, opened, accepted network.MuxedStream) {
	t.Helper()
	a, b := net.Pipe()
	dialer, err := Mplex{}.NewConn(a, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if listener, err = (Mplex{}).NewConn(b, true, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialer.Close(), listener.Close() })
	if opened, err = dialer.OpenStream(t.Context()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = listener.AcceptStream(); err != nil {
		t.Fatal(err)
	}
	return dialer, listener, opened, accepted
}

func TestAResetHasTheNameThatGoLibp2pLooksFor(t *testing.T) {
	_, _, opened, accepted := sessions(t)
	if err := opened.ResetWithError(network.StreamGated); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]network.MuxedStream{"who reset": opened, "the other": accepted} {
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, network.ErrReset) {
			t.Errorf("%s reads %v", name, err)
		}
	}
	if _, err := opened.Write(make([]byte, 1)); !errors.Is(err, network.ErrReset) {
		t.Errorf("who reset writes %v", err)
	}
}

func TestTheEndOfAStreamIsNoReset(t *testing.T) {
	_, _, opened, accepted := sessions(t)
	if err := opened.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := accepted.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want io.EOF itself", err)
	}
}

func TestClosingOneEndOfASessionEndsTheOther(t *testing.T) {
	dialer, listener, _, _ := sessions(t)
	if err := dialer.CloseWithError(network.ConnShutdown); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.AcceptStream(); err == nil {
		t.Error("a stream came out of a closed session")
	}
	if !dialer.IsClosed() || !listener.IsClosed() {
		t.Error("the ends do not say that they are closed")
	}
	if _, err := dialer.OpenStream(t.Context()); err == nil {
		t.Error("a stream was opened in a closed session")
	}
}

func TestTheSessionOfGoMplexCanBeReached(t *testing.T) {
	dialer, _, _, _ := sessions(t)
	var inner *mplex.Multiplex
	if !dialer.As(&inner) || inner == nil {
		t.Error("the session is not reached")
	}
	var other *net.TCPConn
	if dialer.As(&other) {
		t.Error("a session was taken for a TCP connection")
	}
}
