package perftest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/netip"
	"strconv"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// How long Redis, and at it the address of a listener, may take to be there, and
// the pause between two questions.
const (
	patience = 60 * time.Second
	pause    = 100 * time.Millisecond
)

// environment looks up a variable; an empty one counts as not set.
type environment func(name string) string

// settings are what the environment asks for.
type settings struct {
	stack
	dialer    bool
	listen    netip.Addr
	redis     string // HOST:PORT
	key       string // of the listener's address in Redis
	patience  time.Duration
	up, down  amount
	latencies int
}

// amount is how much is measured how often.
type amount struct {
	bytes      uint64
	iterations int
}

// settings reads the environment. Every error is a *usageError.
func (env environment) settings() (s settings, err error) {
	or := func(name, otherwise string) string {
		if v := env(name); v != "" && v != "null" {
			return v
		}
		return otherwise
	}
	switch env("IS_DIALER") {
	case "true":
		s.dialer = true
	case "false":
	case "":
		return s, wrong("perf", "was given neither flags nor the variable IS_DIALER; interop perf --help tells what it does")
	default:
		return s, wrong("IS_DIALER", "is %q; it must be true or false", env("IS_DIALER"))
	}
	s.stack = stack{or("TRANSPORT", "tcp"), or("SECURE_CHANNEL", "noise"), or("MUXER", "yamux")}
	if err := s.check(stack{"TRANSPORT", "SECURE_CHANNEL", "MUXER"}); err != nil {
		return s, err
	}
	if s.listen, err = netip.ParseAddr(or("LISTENER_IP", "0.0.0.0")); err != nil || s.listen.Zone() != "" {
		return s, wrong("LISTENER_IP", "is %q, which is no IP address", env("LISTENER_IP"))
	}
	s.redis = or("REDIS_ADDR", "redis:6379")
	if _, _, err := net.SplitHostPort(s.redis); err != nil {
		return s, wrong("REDIS_ADDR", "is %q; it must be the HOST:PORT of a Redis server", s.redis)
	}
	if env("TEST_KEY") == "" {
		return s, wrong("TEST_KEY", "is not set; it keeps tests at one Redis server apart")
	}
	s.key, s.patience = env("TEST_KEY")+"_listener_multiaddr", patience
	number := func(name, otherwise string, least, most uint64) (n uint64) {
		n, wrongly := strconv.ParseUint(or(name, otherwise), 10, 64)
		if (wrongly != nil || n < least || n > most) && err == nil {
			err = wrong(name, "is %q; it must be a whole number from %d to %d", env(name), least, most)
		}
		return n
	}
	const gib, many = "1073741824", 1 << 20
	s.up.bytes = number("UPLOAD_BYTES", gib, 0, math.MaxUint64)
	s.down.bytes = number("DOWNLOAD_BYTES", gib, 0, math.MaxUint64)
	s.up.iterations = int(number("UPLOAD_ITERATIONS", "10", 1, many))
	s.down.iterations = int(number("DOWNLOAD_ITERATIONS", "10", 1, many))
	s.latencies = int(number("LATENCY_ITERATIONS", "100", 1, many))
	return s, err
}

// run is the dialer or the listener, until it has measured or ctx ends.
func (s settings) run(ctx context.Context, stdout io.Writer, say *log.Logger) error {
	r := redis.NewClient(&redis.Options{
		Addr: s.redis, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer r.Close()
	if s.dialer {
		return s.dialAll(ctx, r, stdout, say)
	}
	kind := "ip4"
	if s.listen.Is6() {
		kind = "ip6"
	}
	h, err := s.serve(context.WithoutCancel(ctx), fmt.Sprintf("/%s/%s/tcp/0", kind, s.listen))
	if err != nil {
		return err
	}
	addr := reachable(h)
	err = s.insist(ctx, "tell Redis the address", func(ctx context.Context) error {
		return r.Set(ctx, s.key, addr, 0).Err()
	})
	if err != nil {
		return errors.Join(err, h.Close())
	}
	say.Printf("listening at %s", addr)
	return untilTold(ctx, h)
}

// insist tries something again and again, until it works, or ctx or the patience
// ends.
func (s settings) insist(ctx context.Context, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, fmt.Errorf("not within %v", s.patience))
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s at %s as %s: %w: %w", what, s.redis, s.key, context.Cause(ctx), err)
		}
	}
}

// reachable is the address to tell: the first one that other machines can reach,
// otherwise one of this machine.
func reachable(h *host.Host) string {
	all := h.Multiaddrs()
	for _, a := range all {
		ip, err := manet.ToIP(a)
		if err == nil && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified() {
			return a.String()
		}
	}
	return all[0].String()
}

// dialAll finds the listener, connects, measures everything and prints it.
func (s settings) dialAll(ctx context.Context, r *redis.Client, stdout io.Writer, say *log.Logger) (err error) {
	var addr string
	err = s.insist(ctx, "find the address of a listener", func(ctx context.Context) (err error) {
		addr, err = r.Get(ctx, s.key).Result()
		return err
	})
	if err != nil {
		return err
	}
	to, err := peer.ParseInfo(addr)
	if err != nil {
		return err
	}
	h, err := s.start(context.WithoutCancel(ctx), host.NoListen())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	say.Printf("connect with %s", addr)
	if err := h.Connect(ctx, to); err != nil {
		return err
	}
	once := func(up, down uint64) (time.Duration, error) {
		began := time.Now()
		_, err := perf.Measure(ctx, h.Swarm(), to.ID, up, down, nil)
		return time.Since(began), err
	}
	gigabits := func(bytes uint64, took time.Duration) float64 { return float64(bytes) * 8 / took.Seconds() / 1e9 }
	var sections []section
	for _, m := range []struct {
		section    section
		iterations int
		once       func() (float64, error)
	}{
		{section{"upload", "Gbps", 2, nil}, s.up.iterations, func() (float64, error) {
			took, err := once(s.up.bytes, 0)
			return gigabits(s.up.bytes, took), err
		}},
		{section{"download", "Gbps", 2, nil}, s.down.iterations, func() (float64, error) {
			took, err := once(0, s.down.bytes)
			return gigabits(s.down.bytes, took), err
		}},
		{section{"latency", "ms", 3, nil}, s.latencies, func() (float64, error) {
			took, err := once(1, 1)
			return took.Seconds() * 1e3, err
		}},
	} {
		say.Printf("measure the %s, %d times", m.section.name, m.iterations)
		for range m.iterations {
			v, err := m.once()
			if err != nil {
				return fmt.Errorf("%s: %w", m.section.name, err)
			}
			m.section.samples = append(m.section.samples, v)
		}
		sections = append(sections, m.section)
	}
	for _, section := range sections {
		if _, err := io.WriteString(stdout, section.yaml()); err != nil {
			return err
		}
	}
	return nil
}
