package main

import (
	"net"
	"testing"
)

func TestADialerWhoseListenerNeverComesGivesUp(t *testing.T) {
	redis := startRedis(t)
	launch(t, implTroupe, olderForm(redis, noise, yamux).dialer().with("test_timeout_seconds=1")).
		fails(t, exitFailed, "no listener has pushed its address to Redis as listenerAddr", "the time limit of 1s is over")
	launch(t, implTroupe, newerForm(redis, noise, yamux).dialer().with("TEST_TIMEOUT_SECS=1")).
		fails(t, exitFailed, "no listener has pushed its address to Redis as a5b50d5e_listener_multiaddr", "the time limit of 1s is over")
}

func TestAListenerThatNobodyStopsFails(t *testing.T) {
	redis := startRedis(t)
	launch(t, implTroupe, olderForm(redis, noise, yamux).listener().with("test_timeout_seconds=1")).
		fails(t, exitFailed, "nobody has stopped this one: the time limit of 1s is over")
}

func TestAWrongRedisAddressIsNamed(t *testing.T) {
	nowhere := net.JoinHostPort("127.0.0.1", freePort(t))
	for _, env := range []variables{
		olderForm(nowhere, noise, yamux).dialer().with("test_timeout_seconds=1"),
		olderForm(nowhere, noise, yamux).listener().with("test_timeout_seconds=1"),
		newerForm(nowhere, noise, yamux).dialer().with("TEST_TIMEOUT_SECS=1"),
		newerForm(nowhere, noise, yamux).listener().with("TEST_TIMEOUT_SECS=1"),
	} {
		launch(t, implTroupe, env).fails(t, exitFailed, "the Redis server at "+nowhere+" does not answer", "connection refused")
	}
}

func TestARedisThatIsSilentIsNotWaitedForLongerThanTheLimit(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	addr := silent.Addr().String()
	launch(t, implTroupe, newerForm(addr, noise, yamux).dialer().with("TEST_TIMEOUT_SECS=1")).
		fails(t, exitFailed, "the Redis server at "+addr+" does not answer", "the time limit of 1s is over")
}

func TestADialerThatIsAskedToStopFails(t *testing.T) {
	dialer := launch(t, implTroupe, newerForm(startRedis(t), noise, yamux).dialer().with("DEBUG=true"))
	dialer.stderr.await(t, "own addresses")
	if code := dialer.stop(t); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	dialer.failed(t, "no listener has pushed its address", "terminated")
}

func TestABadAddressInRedisIsNamed(t *testing.T) {
	redis := startRedis(t)
	m := inRedis(t, redis, "listenerAddr")
	const id = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	for _, tt := range []struct{ addr, says string }{
		{"nonsense", "the listener's address from Redis"},
		{"/ip4/127.0.0.1/tcp/4001", "the listener's address from Redis"}, // without an ID
		{"/ip4/127.0.0.1/udp/4001/quic-v1" + id, "connect with the listener"},
		{"/ip4/127.0.0.1/tcp/" + freePort(t) + id, "connect with the listener"}, // nobody there
	} {
		if err := m.publish(t.Context(), tt.addr); err != nil {
			t.Fatal(err)
		}
		launch(t, implTroupe, olderForm(redis, noise, yamux).dialer()).fails(t, exitFailed, tt.says)
	}
}

func TestPeersWithoutACommonChoiceFailAndSayWhere(t *testing.T) {
	redis := startRedis(t)
	listener := launch(t, implTroupe, newerForm(redis, tls, yamux).listener())
	launch(t, implTroupe, newerForm(redis, noise, yamux).dialer()).fails(t, exitFailed, "connect with the listener")
	expectGoodEnd(t, listener)
}

func TestWhatTroupeDoesNotHaveIsSaidInASentence(t *testing.T) {
	const nowhere = "127.0.0.1:1" // it is not asked
	older, newer := olderForm(nowhere, noise, yamux), newerForm(nowhere, noise, yamux)
	for _, transport := range []string{"quic-v1", "ws", "wss", "webtransport", "webrtc-direct", "webrtc", "tcp ", "TCP"} {
		says := `"` + transport + `", and Troupe has no such transport; it has tcp`
		launch(t, implTroupe, older.dialer().with("transport="+transport, "security=", "muxer=")).fails(t, exitEnvironment, "transport is "+says)
		launch(t, implTroupe, newer.listener().with("TRANSPORT="+transport, "SECURE_CHANNEL=", "MUXER=")).fails(t, exitEnvironment, "TRANSPORT is "+says)
	}
	launch(t, implTroupe, older.dialer().with("security=plaintext")).fails(t, exitEnvironment, `security is "plaintext", and Troupe has no such secure channel; it has noise and tls`)
	launch(t, implTroupe, newer.listener().with("MUXER=qmux")).fails(t, exitEnvironment, `MUXER is "qmux", and Troupe has no such muxer; it has yamux and mplex`)
	launch(t, implTroupe, newer.listener(), "--help").fails(t, exitEnvironment, "there are no arguments")
}
