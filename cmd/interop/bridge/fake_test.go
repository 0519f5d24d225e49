package bridge

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// TestMain is also the adapter: the tests start copies of the test binary, which
// behave as this variable says.
func TestMain(m *testing.M) {
	if mode := os.Getenv("BRIDGE_FAKE"); mode != "" {
		os.Exit(runFake(mode))
	}
	goleak.VerifyTestMain(m)
}

// The fake's modes. Without a fault it is a host whose streams lead back to its
// own handlers.
const (
	fakeWell      = "well"
	fakeLacking   = "lacking"
	fakeSick      = "sick"       // an error instead of a host
	fakeEnds      = "ends"       // ends before it says anything
	fakeNoAddress = "no address" // listens nowhere
	fakeDies      = "dies"       // ends when it is asked to open a stream
	fakeBabbles   = "babbles"    // does not speak JSON
	fakeWaits     = "waits"      // answers to a ping only when it is cancelled
	fakeStays     = "stays"      // does not end
	fakeBadEnd    = "bad end"    // ends with another exit status than 0
)

const (
	fakeID    = "12D3KooWfake"
	fakeAddr  = "/ip4/127.0.0.1/tcp/4001/p2p/" + fakeID
	fakeAgent = "fake/1.0"
)

// fake is an adapter as the package comment asks for, without a network.
type fake struct {
	mode, socket string
	protocols    []string
	control      net.Conn
	saying       sync.Mutex
	connected    bool
}

func runFake(mode string) int {
	f := &fake{mode: mode}
	var security, muxer, protocols string
	flag.StringVar(&f.socket, "socket", "", "")
	flag.StringVar(&security, "security", "", "")
	flag.StringVar(&muxer, "muxer", "", "")
	flag.StringVar(&protocols, "protocols", "", "")
	flag.Parse()
	f.protocols = strings.Split(protocols, ",")
	if security != "noise" || muxer != "yamux" || flag.NArg() != 0 {
		fmt.Fprintln(os.Stderr, "the flags are wrong:", os.Args)
		return 9
	}
	if mode == fakeEnds {
		return 3
	}
	first := map[string]any{"kind": "control", "id": fakeID, "addrs": []string{fakeAddr}, "agent": fakeAgent,
		"versions": map[string]string{"fake": "1.0"}}
	switch mode {
	case fakeLacking:
		first = map[string]any{"kind": "control", "error": "no such thing", "lacking": true}
	case fakeSick:
		first = map[string]any{"kind": "control", "error": "sick today"}
	case fakeNoAddress:
		first["addrs"] = nil
	}
	var err error
	if f.control, err = f.dial(first); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 9
	}
	if first["error"] != nil {
		return 0
	}
	return f.obey()
}

// dial makes a connection and says what it is for.
func (f *fake) dial(first any) (net.Conn, error) {
	c, err := net.Dial("unix", f.socket)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(first)
	if err != nil {
		return nil, err
	}
	_, err = c.Write(append(line, '\n'))
	return c, err
}

func (f *fake) answer(n uint64, more map[string]any) {
	if more == nil {
		more = map[string]any{}
	}
	more["n"] = n
	if _, set := more["ok"]; !set {
		more["ok"] = more["error"] == nil
	}
	line, err := json.Marshal(more)
	if err != nil {
		panic(err)
	}
	f.saying.Lock()
	defer f.saying.Unlock()
	_, _ = f.control.Write(append(line, '\n'))
}

// obey carries out requests until the end. It returns the exit code.
func (f *fake) obey() int {
	scan := bufio.NewScanner(f.control)
	for scan.Scan() {
		var r request
		if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 9
		}
		switch r.Do {
		case doConnect:
			if r.Addr != fakeAddr {
				f.answer(r.N, map[string]any{"error": "somebody else is there"})
				continue
			}
			f.connected = true
			f.answer(r.N, nil)
		case doDisconnect:
			f.connected = false
			f.answer(r.N, nil)
		case doConnected:
			f.answer(r.N, map[string]any{"connected": f.connected})
		case doPing:
			if f.mode == fakeWaits {
				continue
			}
			f.answer(r.N, map[string]any{"rtts_ns": slices.Repeat([]int64{1000}, r.Count)})
		case doCancel:
			f.answer(r.Request, map[string]any{"error": "cancelled"})
		case doIdentify:
			f.answer(r.N, map[string]any{"agent": fakeAgent, "protocolVersion": "ipfs/0.1.0",
				"protocols": append([]string{talk.Ping, talk.Identify}, f.protocols...), "listen": []string{fakeAddr},
				"observed": "/ip4/127.0.0.1/tcp/5000", "local": "/ip4/127.0.0.1/tcp/5000"})
		case doOpen:
			switch f.mode {
			case fakeDies:
				return 4
			case fakeBabbles:
				_, _ = io.WriteString(f.control, "hello!\n")
				continue
			}
			if err := f.open(r); err != nil {
				f.answer(r.N, map[string]any{"error": err.Error()})
			}
		case doClose:
			if f.mode == fakeStays {
				select {}
			}
			f.answer(r.N, nil)
			if f.mode == fakeBadEnd {
				return 5
			}
			return 0
		}
	}
	return 0
}

// open makes a stream that leads to the handler in the same Go process.
func (f *fake) open(r request) error {
	i := slices.IndexFunc(r.Protocols, func(p string) bool { return slices.Contains(f.protocols, p) })
	lazy := !r.Eager && len(r.Protocols) == 1
	if i < 0 && !lazy {
		f.answer(r.N, map[string]any{"error": "nobody speaks this", "kind": "refused"})
		return nil
	}
	protocol := r.Protocols[max(i, 0)]
	near, err := f.dial(map[string]any{"kind": "stream", "stream": r.Stream, "protocol": protocol})
	if err != nil {
		return err
	}
	f.answer(r.N, map[string]any{"protocol": protocol})
	if i < 0 {
		_, _ = near.Write(appendFrame(nil, frameRefused, []byte("nobody speaks this")))
		return near.Close()
	}
	far, err := f.dial(map[string]any{"kind": "inbound", "peer": fakeID, "protocol": protocol})
	if err != nil {
		return err
	}
	go relay(near, far)
	go relay(far, near)
	return nil
}

// relay passes one end's frames to the other end, as a network would.
func relay(from, to net.Conn) {
	ended := false
	for {
		kind, payload, err := readFrame(from)
		switch {
		case err != nil, kind == frameReset:
			_, _ = to.Write(appendFrame(nil, frameReset, []byte("the other side did it")))
			_ = to.Close()
			_ = from.Close()
			return
		case kind == frameData:
			if _, err := to.Write(appendFrame(nil, frameData, payload)); errors.Is(err, net.ErrClosed) {
				continue // the other side has closed both directions
			}
		case kind == frameEnd && !ended:
			ended = true
			_, _ = to.Write(appendFrame(nil, frameEnd, nil))
		case kind == frameClose:
			if !ended {
				_, _ = to.Write(appendFrame(nil, frameEnd, nil))
			}
			_ = from.Close()
			return
		}
	}
}

func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint32(header[1:]))
	_, err = io.ReadFull(r, payload)
	return header[0], payload, err
}
