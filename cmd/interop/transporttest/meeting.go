package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// How long a Redis server may take to be there, and the pause between two
// questions whether it is: the harness starts all containers at once.
const (
	redisPatience = 30 * time.Second
	redisPause    = 100 * time.Millisecond
)

// popFor is how long one BLPOP waits. After it comes the next, so that the end
// of a context is seen.
const popFor = time.Second

// A meeting is the place in Redis where a dialer finds a listener's address.
type meeting struct {
	client *redis.Client
	key    string
}

// meet waits until the Redis server answers. It ends with the context, or when
// the server has not answered for redisPatience.
func meet(ctx context.Context, addr, key string) (*meeting, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, redisPatience, fmt.Errorf("no answer within %v", redisPatience))
	defer cancel()
	for {
		m := &meeting{key: key, client: newClient(addr)}
		err := m.client.Ping(ctx).Err()
		if err == nil {
			return m, nil
		}
		err = errors.Join(err, m.client.Close())
		select {
		case <-time.After(redisPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("the Redis server at %s does not answer: %w", addr, orCause(ctx, err))
		}
	}
}

// newClient makes a client that tries everything once. unified-testing puts a
// proxy before images of the older form, and that understands RESP 2 only: so no
// RESP 3 and nothing that needs it.
func newClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                     addr,
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1,
		DialerRetries:            1,
	})
}

func (m *meeting) close() error { return m.client.Close() }

// publish tells a listener's address, in the place of what an earlier test may
// have left there.
func (m *meeting) publish(ctx context.Context, addr string) error {
	err := m.client.Del(ctx, m.key).Err()
	if err == nil {
		err = m.client.RPush(ctx, m.key, addr).Err()
	}
	if err != nil {
		return fmt.Errorf("push the address to Redis as %s: %w", m.key, orCause(ctx, err))
	}
	return nil
}

// await waits for a listener's address until the context ends.
func (m *meeting) await(ctx context.Context) (string, error) {
	for {
		got, err := m.client.BLPop(ctx, popFor, m.key).Result()
		if redis.HasErrorPrefix(err, "WRONGTYPE") { // it was set, not pushed
			var addr string
			if addr, err = m.client.Get(ctx, m.key).Result(); err == nil {
				return addr, nil
			}
		}
		switch {
		case err == nil:
			return got[1], nil // after the key
		case ended(ctx, err):
			return "", fmt.Errorf("no listener has pushed its address to Redis as %s: %w", m.key, context.Cause(ctx))
		case !errors.Is(err, redis.Nil):
			return "", fmt.Errorf("wait for a listener's address at Redis as %s: %w", m.key, err)
		}
	}
}

// ended reports whether the context has ended, after an error. A deadline that a
// socket was given from the context may pass just before the context's own timer.
func ended(ctx context.Context, err error) bool {
	if at, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(at) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// orCause puts why the context ended, if it has, before an error that does not
// say it.
func orCause(ctx context.Context, err error) error {
	if ended(ctx, err) && !errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// redisLog is where the Redis client tells what it does.
type redisLog struct{ log *log.Logger }

func (l redisLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Printf(format, args...)
}
