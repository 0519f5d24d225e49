package perftest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate/peer"

	"github.com/troupe-p2p/troupe/cmd/interop/gopeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// goListener starts go-libp2p with a handler of perf and returns its address.
func goListener(t *testing.T, security, muxer string, serve talk.Handler) string {
	t.Helper()
	return goPeer(t, security, muxer, map[string]talk.Handler{gopeer.Perf: serve}).Addrs()[0]
}

func goPeer(t *testing.T, security, muxer string, handlers map[string]talk.Handler) *gopeer.Peer {
	t.Helper()
	p, err := gopeer.New(talk.Config{Security: security, Muxer: muxer, Handlers: handlers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// hostPort is a multiaddr of TCP as HOST:PORT.
func hostPort(t *testing.T, addr string) string {
	t.Helper()
	parts := strings.Split(addr, "/")
	if len(parts) < 5 || parts[3] != "tcp" {
		t.Fatalf("the address %s", addr)
	}
	return parts[2] + ":" + parts[4]
}

// measured checks what a dialer has printed: the last line is the final one, and
// those before add up to no more.
func measured(t *testing.T, lines []string, up, down uint64) {
	t.Helper()
	var sum line
	for i, text := range lines {
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if i < len(lines)-1 {
			if l.Type != intermediary || l.TimeSeconds < 1 {
				t.Errorf("line %d: %s", i, text)
			}
			sum = line{"", sum.TimeSeconds + l.TimeSeconds, sum.UploadBytes + l.UploadBytes, sum.DownloadBytes + l.DownloadBytes}
			continue
		}
		if l.Type != final || l.UploadBytes != up || l.DownloadBytes != down || l.TimeSeconds <= 0 {
			t.Errorf("the last line: %s", text)
		}
		if sum.TimeSeconds > l.TimeSeconds || sum.UploadBytes > up || sum.DownloadBytes > down {
			t.Errorf("the lines before it add up to %+v of %s", sum, text)
		}
	}
	if len(lines) == 0 {
		t.Error("nothing was printed")
	}
}

// sizes are what is uploaded and downloaded in each stack.
var sizes = [][2]uint64{{0, 0}, {1, 1}, {4 << 20, 0}, {0, 4<<20 + 1}, {1<<20 + 1, 1 << 20}}

func inStacks(t *testing.T, f func(t *testing.T, security, muxer string)) {
	for _, security := range []string{"noise", "tls"} {
		for _, muxer := range []string{"yamux", "mplex"} {
			t.Run(security+"-"+muxer, func(t *testing.T) { f(t, security, muxer) })
		}
	}
}

func dials(addr, security, muxer string, size [2]uint64) []string {
	return []string{
		"--server-address", addr, "--transport", "tcp", "--security", security, "--muxer", muxer,
		fmt.Sprint("--upload-bytes=", size[0]), fmt.Sprint("--download-bytes=", size[1]),
	}
}

func TestTroupeMeasuresWithGoLibp2p(t *testing.T) {
	inStacks(t, func(t *testing.T, security, muxer string) {
		addr := goListener(t, security, muxer, gopeer.ServePerf)
		for _, size := range sizes {
			d := start(t, nil, dials(addr, security, muxer, size)...)
			lines, code := d.rest(t)
			if code != 0 {
				t.Errorf("%v: exit code %d: %s", size, code, d.said())
			}
			measured(t, lines, size[0], size[1])
		}
	})
}

func TestGoLibp2pMeasuresWithTroupe(t *testing.T) {
	inStacks(t, func(t *testing.T, security, muxer string) {
		l := start(t, nil, "--run-server", "--server-address=127.0.0.1:0", "--security", security, "--muxer", muxer)
		addr := l.line(t)
		p := goPeer(t, security, muxer, nil)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		if err := p.Connect(ctx, addr); err != nil {
			t.Fatal(err)
		}
		id := addr[strings.LastIndex(addr, "/")+1:]
		for _, size := range sizes {
			if err := gopeer.MeasurePerf(ctx, p, id, size[0], size[1]); err != nil {
				t.Errorf("%v: %v", size, err)
			}
		}
		l.stop()
		if lines, code := l.rest(t); code != 0 || len(lines) > 0 {
			t.Errorf("the listener ended with %d: %v, %s", code, lines, l.said())
		}
	})
}

// The ID is in test-plans, perf/impl/go-libp2p, where dialers expect it.
func TestTheListenerIsWhoDialersExpect(t *testing.T) {
	l := start(t, nil, "--run-server", "--server-address", "127.0.0.1:0")
	addr := l.line(t)
	if !strings.HasSuffix(addr, "/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN") {
		t.Errorf("it listens at %s", addr)
	}
	d := start(t, nil, dials(hostPort(t, addr), "noise", "yamux", [2]uint64{1000, 2000})...)
	lines, code := d.rest(t)
	if code != 0 || d.said() != "" {
		t.Errorf("exit code %d: %s", code, d.said())
	}
	measured(t, lines, 1000, 2000)
}

func TestAListenerWithAnotherIdentityIsTakenAsItIs(t *testing.T) {
	addr := goListener(t, "noise", "yamux", gopeer.ServePerf)
	d := start(t, nil, dials(hostPort(t, addr), "noise", "yamux", [2]uint64{1000, 2000})...)
	lines, code := d.rest(t)
	if code != 0 || !strings.Contains(d.said(), addr[strings.LastIndex(addr, "/")+1:]) {
		t.Errorf("exit code %d: %s", code, d.said())
	}
	measured(t, lines, 1000, 2000)
	// Who is asked for by name must be there.
	key, err := peer.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	named := addr[:strings.LastIndex(addr, "/")+1] + key.Public().ID().String()
	d = start(t, nil, dials(named, "noise", "yamux", [2]uint64{1, 1})...)
	if lines, code := d.rest(t); code != exitFailed || len(lines) > 0 {
		t.Errorf("with another name: exit code %d, %v", code, lines)
	}
}

func TestTheProgressIsPrintedWhileTheListenerIsSilent(t *testing.T) {
	heard := make(chan struct{})
	addr := goListener(t, "noise", "yamux", func(s talk.Stream) error {
		<-heard
		return gopeer.ServePerf(s)
	})
	d := start(t, nil, dials(addr, "noise", "yamux", [2]uint64{1000, 2000})...)
	first := d.line(t)
	close(heard)
	rest, code := d.rest(t)
	if code != 0 || !strings.Contains(first, `"type":"intermediary"`) || !strings.Contains(first, `"uploadBytes":1000,"downloadBytes":0`) {
		t.Errorf("exit code %d, first %s", code, first)
	}
	measured(t, append([]string{first}, rest...), 1000, 2000)
}

func TestWhatCannotBeMeasuredIsAFailure(t *testing.T) {
	refuses := goListener(t, "noise", "yamux", func(talk.Stream) error { return context.Canceled })
	short := goListener(t, "noise", "yamux", func(s talk.Stream) error { return s.CloseWrite() })
	without := goPeer(t, "noise", "yamux", nil).Addrs()[0]
	for _, addr := range []string{refuses, short, without, "127.0.0.1:1"} {
		d := start(t, nil, dials(addr, "noise", "yamux", [2]uint64{10, 10})...)
		if lines, code := d.rest(t); code != exitFailed || len(lines) > 0 || d.said() == "" {
			t.Errorf("%s: exit code %d, %v, %s", addr, code, lines, d.said())
		}
	}
}

func TestAnInterruptedMeasurementHasNoResult(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	addr := goListener(t, "noise", "yamux", func(talk.Stream) error {
		close(begun)
		<-end
		return nil
	})
	defer close(end)
	d := start(t, nil, dials(addr, "noise", "yamux", [2]uint64{10, 10})...)
	<-begun
	d.stop()
	if lines, code := d.rest(t); code != exitFailed || strings.Contains(strings.Join(lines, ""), final) {
		t.Errorf("exit code %d, %v", code, lines)
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, says := range map[string]string{
		"": "IS_DIALER",
		"--run-server --server-address=127.0.0.1:0 --transport=quic-v1": "--transport",
		"--server-address=127.0.0.1:1 --security=plaintext":             "--security",
		"--server-address=127.0.0.1:1 --muxer=qmux":                     "--muxer",
		"--server-address=nowhere":                                      "--server-address",
		"--server-address=/ip4/nowhere":                                 "--server-address",
		"--run-server":                                                  "--server-address",
		"--upload-bytes=-1":                                             "-1",
		"--no-such-flag":                                                "no-such-flag",
		"--run-server now":                                              "now",
	} {
		r := start(t, nil, strings.Fields(args)...)
		if lines, code := r.rest(t); code != exitUsage || len(lines) > 0 || !strings.Contains(r.said(), says) {
			t.Errorf("%q: exit code %d, %v, %s", args, code, lines, r.said())
		}
	}
}
