package peer

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is the other end of a stream that a service has, and what the service
// ends with.
func served(t *testing.T, service Service) (net.Conn, <-chan error) {
	t.Helper()
	here, there := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(service, there)
		there.Close()
		ended <- err
	}()
	return here, ended
}

func TestSinkSaysWhenEverythingHasCome(t *testing.T) {
	c, ended := served(t, Sink)
	for range 2 { // it begins anew
		if _, err := c.Write(binary.BigEndian.AppendUint64(nil, 3*1000)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		var reads [8]byte
		if _, err := io.ReadFull(c, reads[:]); err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint64(reads[:]); n != 3 { // a pipe has no buffer
			t.Errorf("it took %d Reads", n)
		}
	}
	c.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSinkNoticesAnEndInTheMiddle(t *testing.T) {
	c, ended := served(t, Sink)
	if _, err := c.Write(append(binary.BigEndian.AppendUint64(nil, 2), 'x')); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-ended; err == nil {
		t.Error("it took half for the whole")
	}
}

func TestEchoSendsBackWhatComes(t *testing.T) {
	c, ended := served(t, Echo)
	for _, word := range []string{"hello", "again"} {
		if _, err := c.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		back := make([]byte, len(word))
		if _, err := io.ReadFull(c, back); err != nil || string(back) != word {
			t.Errorf("%q, %v", back, err)
		}
	}
	c.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnUnknownServiceIsRefused(t *testing.T) {
	c, ended := served(t, "tea")
	defer c.Close()
	if err := <-ended; err == nil {
		t.Error("tea was served")
	}
}
