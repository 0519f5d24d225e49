package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// recordLimit is how long the recording of one cell may take.
const recordLimit = time.Minute

func recordCommand(start starter) *cli.Command {
	return &cli.Command{
		Name:  "record",
		Usage: "record sessions and handshakes of a peer for the tests of the main module",
		Description: `Writes one file for each security channel, muxer and direction into DIR/conn/capture/testdata,
DIR/negotiate/noise/testdata/captures and DIR/negotiate/tls/testdata/captures, where DIR is
the root of the main module. Package conn/capture says what is in them.`,
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError(err) },
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "impl", Value: implGo, Usage: "the implementation to record"},
			&cli.StringSliceFlag{Name: "security", Value: usualSecurities(), Usage: "noise, noise-early, plaintext or tls"},
			&cli.StringSliceFlag{Name: "muxer", Value: usualMuxers(), Usage: "mplex or yamux"},
			&cli.StringFlag{Name: "dir", Value: filepath.Join("..", ".."), Usage: "the root of the main module"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			r := &recording{start: start, impl: c.String("impl"), dir: c.String("dir"), date: time.Now().UTC().Format(time.DateOnly)}
			return r.all(ctx, c.StringSlice("security"), c.StringSlice("muxer"))
		},
	}
}

// A recording writes captures of one implementation.
type recording struct {
	start     starter
	impl, dir string
	date      string
}

// all records every cell. What the implementation lacks is told and left out.
func (r *recording) all(ctx context.Context, securities, muxers []string) error {
	var problems []error
	note := func(what string, err error) {
		switch {
		case err == nil:
			fmt.Println(what, "recorded")
		case errors.Is(err, talk.ErrUnknownChoice):
			fmt.Println(what, "left out:", err)
		default:
			problems = append(problems, fmt.Errorf("%s: %w", what, err))
		}
	}
	for _, security := range securities {
		for _, dialer := range []capture.Side{capture.Troupe, capture.Peer} {
			for _, muxer := range muxers {
				what := fmt.Sprintf("%s %s %s, %s dials:", r.impl, security, muxer, dialer)
				note(what, r.limited(ctx, func(ctx context.Context) error { return r.session(ctx, security, muxer, dialer) }))
			}
			what := fmt.Sprintf("%s %s handshake, %s dials:", r.impl, security, dialer)
			note(what, r.limited(ctx, func(ctx context.Context) error { return r.handshake(ctx, security, muxers[0], dialer) }))
		}
	}
	return errors.Join(problems...)
}

// limited runs f within the limit of one cell.
func (r *recording) limited(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, recordLimit, errLimit)
	defer cancel()
	return f(ctx)
}

// session records one session: both ends hold the same short conversations with
// each other, one after the other.
func (r *recording) session(ctx context.Context, security, muxer string, dialer capture.Side) (err error) {
	handlers := talk.NewRecorder().Handlers()
	handlers[farewell] = sayFarewell
	config := talk.Config{Security: security, Muxer: muxer, Handlers: handlers}
	other, err := r.start(r.impl, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	tap := newTap()
	troupe, err := newTappedPeer(config, tap)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, troupe.Close()) }()

	from, to := talk.Peer(troupe), other
	if dialer == capture.Peer {
		from, to = to, from
	}
	if err := from.Connect(ctx, to.Addrs()[0]); err != nil {
		return err
	}
	for _, pair := range [][2]talk.Peer{{from, to}, {to, from}} {
		if _, err := pair[0].Identify(ctx, pair[1].ID()); err != nil {
			return err
		}
	}
	bulk := 6_000 // js-libp2p loses a connection of mplex after a few times as much
	if muxer == "yamux" {
		bulk = 300_000 // more than the first window
	}
	for _, pair := range [][2]talk.Peer{{from, to}, {to, from}} {
		if err := chat(ctx, pair[0], pair[1].ID(), bulk); err != nil {
			return fmt.Errorf("%s: %w", pair[0].Agent(), err)
		}
	}
	c, err := troupe.conn(other.ID())
	if err != nil {
		return err
	}
	time.Sleep(recordSettles) // what is on its way may arrive
	if err := from.Disconnect(ctx, to.ID()); err != nil {
		return err
	}
	select {
	case <-tap.over:
	case <-ctx.Done():
		return fmt.Errorf("the connection does not end: %w", context.Cause(ctx))
	}
	recorded := &capture.Capture{
		Kind: capture.Session, Peer: r.peerName(), Versions: r.versions(other), Date: r.date, Dialer: dialer,
		Security: c.Security(), Muxer: c.Muxer(), Early: tap.early, Key: tap.key,
		Local: c.Local().String(), Remote: c.Remote().String(), Chunks: tap.chunks,
	}
	return r.write(recorded, filepath.Join("conn", "capture", "testdata"), security+"-"+muxer)
}

// recordSettles is how long a session is left alone before it is closed.
const recordSettles = 300 * time.Millisecond

// sortedVersions lists versions by name.
func sortedVersions(all map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+" "+all[name])
	}
	return list
}

// write writes a capture to a file that is named after what it is.
func (r *recording) write(c *capture.Capture, folder, name string) error {
	folder = filepath.Join(r.dir, folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	who := "troupe-dials"
	if c.Dialer == capture.Peer {
		who = "is-dialer"
	}
	return os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%s.txt", r.impl, name, who)), []byte(c.Format()), 0o644)
}

// newTappedPeer is newTroupePeer with a tap above the security channel.
func newTappedPeer(c talk.Config, tap *tap) (*troupePeer, error) {
	mux, err := troupeMuxer(c.Muxer)
	if err != nil {
		return nil, err
	}
	security, err := troupeSecurity(c.Security, mux.Protocol)
	if err != nil {
		return nil, err
	}
	key, err := recordKey()
	if err != nil {
		return nil, err
	}
	h, err := host.New(context.Background(),
		host.Key(key),
		host.Listen("/ip4/127.0.0.1/tcp/0"),
		host.Security(func(k peer.Key) negotiate.Security { return &tapped{security(k), tap} }),
		host.Muxer(mux),
		host.Agent(troupeAgent),
	)
	if err != nil {
		return nil, err
	}
	for name, serve := range c.Handlers {
		err := h.Handle(h.Self(), negotiate.Protocol(name), func(_ *actor.Self, s *stream.Stream) error {
			return serve(&troupeStream{s})
		})
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return &troupePeer{h}, nil
}
