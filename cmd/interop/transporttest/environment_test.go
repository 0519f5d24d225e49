package main

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// lookUp makes variables an environment.
func (v variables) lookUp() environment {
	return func(name string) string {
		for _, s := range v {
			if n, value, _ := strings.Cut(s, "="); n == name {
				return value
			}
		}
		return ""
	}
}

func TestTheEnvironmentIsReadInBothForms(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  variables
		want settings
	}{
		{
			"as test-plans sets it for a dialer",
			variables{"version=troupe", "transport=tcp", "muxer=mplex", "security=noise", "is_dialer=true", "ip=0.0.0.0"},
			settings{dialer: true, security: noise, muxer: mplex, listen: netip.IPv4Unspecified(),
				redis: "redis:6379", key: "listenerAddr", limit: 180 * time.Second},
		},
		{
			"with everything that test-plans may set",
			variables{"transport=tcp", "muxer=yamux", "security=tls", "is_dialer=false", "ip=::1", "redis_addr=[::1]:7", "test_timeout_seconds=7"},
			settings{security: tls, muxer: yamux, listen: netip.IPv6Loopback(), redis: "[::1]:7", key: "listenerAddr", limit: 7 * time.Second},
		},
		{
			"as unified-testing sets it for a listener",
			variables{"IS_DIALER=false", "REDIS_ADDR=transport-redis:6379", "TEST_KEY=a5b50d5e", "TRANSPORT=tcp", "LISTENER_IP=0.0.0.0", "DEBUG=false", "SECURE_CHANNEL=tls", "MUXER=yamux"},
			settings{security: tls, muxer: yamux, listen: netip.IPv4Unspecified(), redis: "transport-redis:6379",
				key: "a5b50d5e_listener_multiaddr", limit: 180 * time.Second},
		},
		{
			"with the time limit that the images of unified-testing obey",
			variables{"IS_DIALER=true", "REDIS_ADDR=transport-redis:6379", "TEST_KEY=1", "TRANSPORT=tcp", "DEBUG=true", "SECURE_CHANNEL=noise", "MUXER=yamux", "TEST_TIMEOUT_SECS=9"},
			settings{dialer: true, debug: true, security: noise, muxer: yamux, listen: netip.IPv4Unspecified(), redis: "transport-redis:6379",
				key: "1_listener_multiaddr", limit: 9 * time.Second},
		},
	} {
		got, err := tt.env.lookUp().settings()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(settings{}), cmpopts.IgnoreFields(settings{}, "form"), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAWrongEnvironmentNamesTheVariable(t *testing.T) {
	const redis = "redis:6379"
	older, newer := olderForm(redis, noise, yamux).dialer(), newerForm(redis, noise, yamux).dialer()
	for _, tt := range []struct {
		env  variables
		name string
	}{
		{nil, "the environment"},
		{variables{"DEBUG=true", "ip=127.0.0.1"}, "the environment"}, // names that others use too
		{append(older, newer...), "the environment"},
		{newer.with("is_dialer=true"), "the environment"},
		{older.with("transport="), "transport"},
		{older.with("security="), "security"},
		{older.with("muxer="), "muxer"},
		{older.with("is_dialer="), "is_dialer"},
		{older.with("is_dialer=yes"), "is_dialer"},
		{older.with("ip=localhost"), "ip"},
		{older.with("ip=fe80::1%eth0"), "ip"},
		{older.with("redis_addr=redis"), "redis_addr"},
		{older.with("test_timeout_seconds=0"), "test_timeout_seconds"},
		{older.with("test_timeout_seconds=-1"), "test_timeout_seconds"},
		{older.with("test_timeout_seconds=1.5"), "test_timeout_seconds"},
		{older.with("test_timeout_seconds=9999999999"), "test_timeout_seconds"},
		{newer.with("TRANSPORT="), "TRANSPORT"},
		{newer.with("SECURE_CHANNEL="), "SECURE_CHANNEL"},
		{newer.with("SECURE_CHANNEL=null"), "SECURE_CHANNEL"},
		{newer.with("MUXER="), "MUXER"},
		{newer.with("IS_DIALER=1"), "IS_DIALER"},
		{newer.with("LISTENER_IP=0"), "LISTENER_IP"},
		{newer.with("REDIS_ADDR="), "REDIS_ADDR"},
		{newer.with("TEST_KEY="), "TEST_KEY"},
		{newer.with("DEBUG=maybe"), "DEBUG"},
		{newer.with("TEST_TIMEOUT_SECS=soon"), "TEST_TIMEOUT_SECS"},
	} {
		got, err := tt.env.lookUp().settings()
		var wrong *environmentError
		if !errors.As(err, &wrong) || wrong.Name != tt.name {
			t.Errorf("%q gives %+v, %v, want an error about %s", tt.env, got, err, tt.name)
		}
	}
}
