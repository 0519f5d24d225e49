package perftest

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// with is a copy of an environment with other values.
func with(env map[string]string, pairs ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

func TestDialerAndListenerMeetAtRedis(t *testing.T) {
	addr := startRedis(t)
	for i, stack := range [][2]string{{"noise", "yamux"}, {"tls", "mplex"}} {
		common := map[string]string{
			"REDIS_ADDR": addr, "TEST_KEY": fmt.Sprint("a5b50d5", i), "DEBUG": "false",
			"TRANSPORT": "tcp", "SECURE_CHANNEL": stack[0], "MUXER": stack[1],
		}
		dialer := start(t, with(common, "IS_DIALER", "true", // it may be there first
			"UPLOAD_BYTES", "3000000", "DOWNLOAD_BYTES", "2000000", "UPLOAD_ITERATIONS", "3",
			"DOWNLOAD_ITERATIONS", "null", "LATENCY_ITERATIONS", "7", "DURATION", "20"))
		listener := start(t, with(common, "IS_DIALER", "false", "LISTENER_IP", "0.0.0.0"))
		lines, code := dialer.rest(t)
		if code != 0 {
			t.Fatalf("exit code %d: %s\n%s", code, dialer.said(), listener.said())
		}
		number := regexp.MustCompile(`[0-9]+\.[0-9]+`)
		text := number.ReplaceAllString(strings.Join(lines, "\n"), "N")
		text = regexp.MustCompile(`outliers: \[[N, ]*\]`).ReplaceAllString(text, "outliers: []")
		var want strings.Builder
		for _, s := range []struct {
			name, unit string
			n          int
		}{{"upload", "Gbps", 3}, {"download", "Gbps", 10}, {"latency", "ms", 7}} {
			samples := strings.TrimSuffix(strings.Repeat("N, ", s.n), ", ")
			fmt.Fprintf(&want, "%s:\n  iterations: %d\n  min: N\n  q1: N\n  median: N\n  q3: N\n  max: N\n  outliers: []\n  samples: [%s]\n  unit: %s\n", s.name, s.n, samples, s.unit)
		}
		if diff := cmp.Diff(strings.TrimSuffix(want.String(), "\n"), text); diff != "" {
			t.Errorf("on standard output (-want +got):\n%s", diff)
		}
		listener.stop()
		if lines, code := listener.rest(t); code != 0 || len(lines) > 0 {
			t.Errorf("the listener: exit code %d, %v, %s", code, lines, listener.said())
		}
	}
}

func TestADialerDoesNotWaitForAListenerForEver(t *testing.T) {
	addr := startRedis(t)
	env := map[string]string{"IS_DIALER": "true", "REDIS_ADDR": addr, "TEST_KEY": "k"}
	s, err := environment(func(name string) string { return env[name] }).settings()
	if err != nil {
		t.Fatal(err)
	}
	s.patience = 2 * pause
	if err := s.run(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "k_listener_multiaddr") {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentIsRead(t *testing.T) {
	good := map[string]string{"IS_DIALER": "true", "TEST_KEY": "k"}
	read := func(env map[string]string) (settings, error) {
		return environment(func(name string) string { return env[name] }).settings()
	}
	s, err := read(good)
	if err != nil {
		t.Fatal(err)
	}
	if s.stack != (stack{"tcp", "noise", "yamux"}) || !s.dialer || s.redis != "redis:6379" || s.key != "k_listener_multiaddr" ||
		s.up != (amount{1 << 30, 10}) || s.down != (amount{1 << 30, 10}) || s.latencies != 100 || s.patience != time.Minute {
		t.Errorf("got %+v", s)
	}
	for _, bad := range [][2]string{
		{"IS_DIALER", "yes"}, {"IS_DIALER", ""}, {"TEST_KEY", ""}, {"REDIS_ADDR", "redis"}, {"LISTENER_IP", "eth0"},
		{"TRANSPORT", "quic-v1"}, {"SECURE_CHANNEL", "plaintext"}, {"MUXER", "qmux"}, {"UPLOAD_BYTES", "1GiB"},
		{"DOWNLOAD_BYTES", "-1"}, {"UPLOAD_ITERATIONS", "0"}, {"DOWNLOAD_ITERATIONS", "1.5"}, {"LATENCY_ITERATIONS", "10000000000"},
	} {
		if _, err := read(with(good, bad[0], bad[1])); err == nil || !strings.Contains(err.Error(), bad[0]) {
			t.Errorf("%s=%s: %v", bad[0], bad[1], err)
		}
	}
}

func TestTheStatisticsAreThoseOfTheOtherPrograms(t *testing.T) {
	for _, tt := range []struct {
		samples []float64
		want    string
	}{
		{[]float64{2}, "iterations: 1|min: 2.0|q1: 2.0|median: 2.0|q3: 2.0|max: 2.0|outliers: []|samples: [2.0]"},
		{[]float64{4, 1}, "iterations: 2|min: 1.0|q1: 1.8|median: 2.5|q3: 3.2|max: 4.0|outliers: []|samples: [1.0, 4.0]"},
		{[]float64{5, 100, 4, 3, 6, -90, 5, 5, 5},
			"iterations: 9|min: 3.0|q1: 4.0|median: 5.0|q3: 5.0|max: 6.0|outliers: [-90.0, 100.0]|samples: [-90.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0, 6.0, 100.0]"},
	} {
		want := "x:\n  " + strings.ReplaceAll(tt.want, "|", "\n  ") + "\n  unit: u\n"
		if diff := cmp.Diff(want, section{"x", "u", 1, tt.samples}.yaml()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.samples, diff)
		}
	}
}
