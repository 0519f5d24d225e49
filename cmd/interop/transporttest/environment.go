package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What Troupe has, in the words of the harness.
const (
	tcp   = "tcp"
	noise = "noise"
	tls   = "tls"
	yamux = "yamux"
	mplex = "mplex"
)

// defaultLimit is the time limit where none is given (test-plans,
// transport-interop/README.md; the time after which unified-testing gives up).
const defaultLimit = 180 * time.Second

// A form is one way in which the harness speaks: the names of the variables, ""
// where it has none, and what follows from them.
type form struct {
	name, transport, security, muxer, isDialer string
	listenerIP, redis, limit, testKey, debug   string

	key          string // in Redis, behind the test's own key and a "_", if it has one
	defaultRedis string // "": there must be one
	print        func(times) string
}

// older is the form of test-plans (transport-interop/README.md, "Test spec").
func older() form {
	return form{
		name: "test-plans", transport: "transport", security: "security", muxer: "muxer", isDialer: "is_dialer",
		listenerIP: "ip", redis: "redis_addr", limit: "test_timeout_seconds",
		key: "listenerAddr", defaultRedis: "redis:6379", print: asJSON,
	}
}

// newer is the form of unified-testing (docs/write-a-transport-test-app.md).
func newer() form {
	return form{
		name: "unified-testing", transport: "TRANSPORT", security: "SECURE_CHANNEL", muxer: "MUXER", isDialer: "IS_DIALER",
		listenerIP: "LISTENER_IP", redis: "REDIS_ADDR", limit: "TEST_TIMEOUT_SECS", testKey: "TEST_KEY", debug: "DEBUG",
		key: "listener_multiaddr", print: asYAML,
	}
}

// settings are what the environment asks for.
type settings struct {
	form     form
	dialer   bool
	security string
	muxer    string
	listen   netip.Addr
	redis    string // HOST:PORT
	key      string // of the listener's address in Redis
	limit    time.Duration
	debug    bool
}

// An environmentError says what is wrong with a variable, or that Troupe does
// not have what it asks for.
type environmentError struct{ Name, Problem string }

func (e *environmentError) Error() string { return e.Name + " " + e.Problem }

// environment looks up a variable; an empty one counts as not set.
type environment func(name string) string

// settings reads the environment. Every error is an *environmentError.
func (env environment) settings() (settings, error) {
	f, err := env.form()
	if err != nil {
		return settings{}, err
	}
	s := settings{form: f, key: f.key, redis: f.defaultRedis, limit: defaultLimit, listen: netip.IPv4Unspecified()}

	// The transport comes first: with others, security and muxer are not set.
	if _, err = env.oneOf(f.transport, "transport", tcp); err != nil {
		return settings{}, err
	}
	if s.security, err = env.oneOf(f.security, "secure channel", noise, tls); err != nil {
		return settings{}, err
	}
	if s.muxer, err = env.oneOf(f.muxer, "muxer", yamux, mplex); err != nil {
		return settings{}, err
	}
	if s.dialer, err = env.truth(f.isDialer); err != nil {
		return settings{}, err
	}
	if f.debug != "" && env(f.debug) != "" {
		if s.debug, err = env.truth(f.debug); err != nil {
			return settings{}, err
		}
	}
	if text := env(f.listenerIP); text != "" {
		if s.listen, err = netip.ParseAddr(text); err != nil || s.listen.Zone() != "" {
			return settings{}, wrong(f.listenerIP, "is %q, which is no IP address", text)
		}
	}
	if text := env(f.redis); text != "" {
		s.redis = text
	}
	if _, _, err := net.SplitHostPort(s.redis); err != nil {
		return settings{}, wrong(f.redis, "is %q; it must be the HOST:PORT of a Redis server", s.redis)
	}
	if f.testKey != "" {
		key := env(f.testKey)
		if key == "" {
			return settings{}, wrong(f.testKey, "is not set; it keeps tests at one Redis server apart")
		}
		s.key = key + "_" + f.key
	}
	if text := env(f.limit); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil || seconds == 0 {
			return settings{}, wrong(f.limit, "is %q; it must be a whole number of seconds, 1 or more", text)
		}
		s.limit = time.Duration(seconds) * time.Second
	}
	return s, nil
}

// form says which form is spoken. Names like DEBUG, which others use too, say
// nothing about it.
func (env environment) form() (form, error) {
	one, two := older(), newer()
	isOlder := env(one.transport) != "" || env(one.isDialer) != ""
	isNewer := env(two.transport) != "" || env(two.isDialer) != ""
	switch {
	case isOlder && isNewer:
		return form{}, wrong("the environment", "has names of both forms, %s (%s) and %s (%s); it must have those of one", one.transport, one.name, two.transport, two.name)
	case isOlder:
		return one, nil
	case isNewer:
		return two, nil
	default:
		return form{}, wrong("the environment", "has neither %s (%s) nor %s (%s); this program is run by the harness of libp2p's transport tests, see docs/harness.md", two.transport, two.name, one.transport, one.name)
	}
}

// oneOf reads a variable that chooses among things that Troupe has.
func (env environment) oneOf(name, kind string, has ...string) (string, error) {
	value := env(name)
	switch {
	case value == "":
		return "", wrong(name, "is not set; it names the %s, and Troupe has %s", kind, strings.Join(has, " and "))
	case !slices.Contains(has, value):
		return "", wrong(name, "is %q, and Troupe has no such %s; it has %s", value, kind, strings.Join(has, " and "))
	}
	return value, nil
}

// truth reads a variable that is true or false.
func (env environment) truth(name string) (bool, error) {
	switch value := env(name); value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		return false, wrong(name, "is not set; it must be true or false")
	default:
		return false, wrong(name, "is %q; it must be true or false", value)
	}
}

func wrong(name, problem string, args ...any) error {
	return &environmentError{Name: name, Problem: fmt.Sprintf(problem, args...)}
}
