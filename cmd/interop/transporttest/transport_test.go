package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestADialerAndAListenerMeetInRedisAndPing(t *testing.T) {
	redis := startRedis(t)
	for _, form := range []struct {
		name string
		of   func(redis, security, muxer string) variables
		read func(t *testing.T, out string)
	}{
		{"older form", olderForm, readJSON},
		{"newer form", newerForm, readYAML},
	} {
		for _, security := range []string{noise, tls} {
			for _, muxer := range []string{yamux, mplex} {
				for _, pair := range [][2]string{{implTroupe, implTroupe}, {implTroupe, implGo}, {implGo, implTroupe}} {
					name := strings.Join([]string{form.name, security, muxer, pair[0] + " dials " + pair[1]}, "/")
					t.Run(name, func(t *testing.T) {
						env := form.of(redis, security, muxer)
						listener := launch(t, pair[1], env.listener())
						dialer := launch(t, pair[0], env.dialer())
						expectPing(t, dialer, form.read)
						expectGoodEnd(t, listener)
					})
				}
			}
		}
	}
}

// expectPing waits for a dialer and looks at its result.
func expectPing(t *testing.T, dialer *process, read func(t *testing.T, out string)) {
	t.Helper()
	if code := dialer.wait(t); code != 0 {
		t.Fatalf("the dialer's exit code is %d", code)
	}
	read(t, dialer.stdout.String())
	dialer.tidy(t)
}

// expectGoodEnd stops a listener, which has said nothing on standard output.
func expectGoodEnd(t *testing.T, listener *process) {
	t.Helper()
	if code := listener.stop(t); code != 0 {
		t.Errorf("the listener's exit code is %d", code)
	}
	listener.failed(t, "listening at /ip4/")
}

// readJSON reads the result as test-plans does: one object with two numbers.
func readJSON(t *testing.T, out string) {
	t.Helper()
	if strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\n") {
		t.Errorf("not one line: %q", out)
	}
	var got map[string]float64
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	all, ping := got["handshakePlusOneRTTMillis"], got["pingRTTMilllis"]
	if len(got) != 2 || ping <= 0 || all <= ping {
		t.Errorf("the result is %q", out)
	}
}

// readYAML reads the result as unified-testing does: by the beginnings of lines.
func readYAML(t *testing.T, out string) {
	t.Helper()
	form := regexp.MustCompile(`^latency:\n  handshake_plus_one_rtt: [0-9]+\.[0-9]{3}\n  ping_rtt: [0-9]+\.[0-9]{3}\n  unit: ms\n$`)
	if !form.MatchString(out) {
		t.Errorf("the result is %q", out)
	}
}

func TestTheResultsAreSpelledAsTheHarnessWantsThem(t *testing.T) {
	took := times{handshake: 5011499, ping: 599000} // nanoseconds
	if got, want := asJSON(took), `{"handshakePlusOneRTTMillis":5.011,"pingRTTMilllis":0.599}`+"\n"; got != want {
		t.Errorf("the older form is %q, want %q", got, want)
	}
	if got, want := asYAML(took), "latency:\n  handshake_plus_one_rtt: 5.011\n  ping_rtt: 0.599\n  unit: ms\n"; got != want {
		t.Errorf("the newer form is %q, want %q", got, want)
	}
}

func TestADialerWaitsForItsListener(t *testing.T) {
	env := newerForm(startRedis(t), noise, yamux)
	dialer := launch(t, implTroupe, env.dialer().with("DEBUG=true"))
	dialer.stderr.await(t, "own addresses") // from here on it asks Redis
	listener := launch(t, implTroupe, env.listener())
	expectPing(t, dialer, readYAML)
	expectGoodEnd(t, listener)
}

func TestTestsWithOtherKeysDoNotMeet(t *testing.T) {
	redis := startRedis(t)
	// Each pair has a security channel of its own, so the wrong peers could not talk.
	one, two := newerForm(redis, noise, yamux), newerForm(redis, tls, yamux).with("TEST_KEY=0badc0de")
	listeners := []*process{launch(t, implTroupe, one.listener()), launch(t, implTroupe, two.listener())}
	for _, l := range listeners {
		l.stderr.await(t, "listening at")
	}
	expectPing(t, launch(t, implTroupe, two.dialer()), readYAML)
	expectPing(t, launch(t, implTroupe, one.dialer()), readYAML)
	for _, l := range listeners {
		expectGoodEnd(t, l)
	}
}

func TestAListenerReplacesWhatAnEarlierTestLeft(t *testing.T) {
	redis := startRedis(t)
	env := newerForm(redis, noise, yamux)
	m := inRedis(t, redis, "a5b50d5e_listener_multiaddr")
	for _, leave := range []func() error{
		func() error { return m.client.RPush(t.Context(), m.key, "old").Err() },
		func() error { return m.client.Set(t.Context(), m.key, "old", 0).Err() },
	} {
		if err := leave(); err != nil {
			t.Fatal(err)
		}
		listener := launch(t, implTroupe, env.listener())
		listener.stderr.await(t, "listening at")
		expectPing(t, launch(t, implTroupe, env.dialer()), readYAML)
		expectGoodEnd(t, listener)
	}
}

// The documents of unified-testing say that the address is set.
func TestADialerTakesAnAddressThatWasSet(t *testing.T) {
	redis := startRedis(t)
	env := newerForm(redis, tls, yamux)
	listener := launch(t, implTroupe, env.listener())
	listener.stderr.await(t, "listening at")
	m := inRedis(t, redis, "a5b50d5e_listener_multiaddr")
	addr, err := m.await(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.client.Set(t.Context(), m.key, addr, 0).Err(); err != nil {
		t.Fatal(err)
	}
	expectPing(t, launch(t, implTroupe, env.dialer()), readYAML)
	expectGoodEnd(t, listener)
}

func TestAListenerAtAllAddressesTellsOneThatOthersCanReach(t *testing.T) {
	env := newerForm(startRedis(t), noise, yamux).with("LISTENER_IP=0.0.0.0")
	listener := launch(t, implTroupe, env.listener())
	dialer := launch(t, implTroupe, env.dialer())
	expectPing(t, dialer, readYAML)
	expectGoodEnd(t, listener)
}

func TestTheAddressToTellIsNoLoopbackOneIfThereIsAnother(t *testing.T) {
	const (
		id        = "/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
		loopback  = "/ip4/127.0.0.1" + id
		oneWire   = "/ip4/169.254.0.7" + id
		elsewhere = "/ip4/192.0.2.7" + id
		six       = "/ip6/2001:db8::7" + id
	)
	for _, tt := range []struct {
		addrs []string
		want  string
	}{
		{[]string{loopback, elsewhere}, elsewhere},
		{[]string{elsewhere, loopback}, elsewhere},
		{[]string{loopback, oneWire, elsewhere}, elsewhere},
		{[]string{"/ip6/::1" + id, six}, six},
		{[]string{loopback}, loopback},
	} {
		if got, err := reachable(tt.addrs); got != tt.want || err != nil {
			t.Errorf("of %q it tells %q, %v", tt.addrs, got, err)
		}
	}
	for _, addrs := range [][]string{nil, {"nonsense"}} {
		if got, err := reachable(addrs); err == nil {
			t.Errorf("of %q it tells %q", addrs, got)
		}
	}
}
