package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// unified-testing also runs images of the older form, against each other and
// against those of the newer one. A proxy before Redis then gives the key of the
// older form the name of the newer one (lib/redis-proxy). It understands RESP 2
// only, and changes the key in RPUSH, BLPOP and DEL only.

func TestBothFormsMeetThroughTheProxyOfTheHarness(t *testing.T) {
	redis := startRedis(t)
	proxy := startProxy(t, redis, "a5b50d5e_listener_multiaddr")
	older, newer := olderForm(proxy, noise, yamux), newerForm(redis, noise, yamux)
	for _, tt := range []struct {
		name             string
		dialer, listener variables
		read             func(t *testing.T, out string)
	}{
		{"older dials newer", older, newer, readJSON},
		{"newer dials older", newer, older, readYAML},
		{"older dials older", older, older, readJSON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listener := launch(t, implTroupe, tt.listener.listener())
			expectPing(t, launch(t, implTroupe, tt.dialer.dialer()), tt.read)
			expectGoodEnd(t, listener)
		})
	}
}

// startProxy starts such a proxy and returns its address.
func startProxy(t *testing.T, upstream, key string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			serving.Go(func() {
				defer client.Close()
				if err := serveProxy(client, upstream, key); err != nil {
					t.Errorf("the proxy: %v", err)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// serveProxy passes commands and replies on, one after the other, until the
// client leaves: the program ends before its test does.
func serveProxy(client net.Conn, upstream, key string) error {
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return err
	}
	defer server.Close()
	commands, replies := bufio.NewReader(client), bufio.NewReader(server)
	for {
		command, err := readRESP(commands)
		if err != nil {
			return nil // the client has left
		}
		words, ok := command.([]any)
		if !ok || len(words) == 0 {
			return fmt.Errorf("%v is no command", command)
		}
		if name := strings.ToUpper(fmt.Sprint(words[0])); name == "RPUSH" || name == "BLPOP" || name == "DEL" {
			rename(words[1:], "listenerAddr", key)
		}
		if _, err := io.WriteString(server, writeRESP(command)); err != nil {
			return err
		}
		reply, err := readRESP(replies)
		if err != nil {
			return fmt.Errorf("the reply to %q: %w", words, err)
		}
		if pair, ok := reply.([]any); ok && len(pair) == 2 {
			rename(pair[:1], key, "listenerAddr")
		}
		if _, err := io.WriteString(client, writeRESP(reply)); err != nil {
			return nil // the client has left
		}
	}
}

func rename(words []any, from, to string) {
	for i := range words {
		if words[i] == from {
			words[i] = to
		}
	}
}

// simple is a line of RESP that is passed on as it is: a status, an error, a
// number, or nothing.
type simple string

// readRESP reads one value of RESP 2: a simple, a string or a []any.
func readRESP(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	switch line = strings.TrimSuffix(line, "\r\n"); {
	case line == "$-1", line == "*-1", strings.IndexAny(line, "+-:") == 0:
		return simple(line), nil
	case strings.HasPrefix(line, "$"):
		n, err := strconv.Atoi(line[1:])
		if err != nil {
			return nil, err
		}
		b := make([]byte, n+2)
		_, err = io.ReadFull(r, b)
		return string(b[:n]), err
	case strings.HasPrefix(line, "*"):
		n, err := strconv.Atoi(line[1:])
		if err != nil {
			return nil, err
		}
		all := make([]any, n)
		for i := range all {
			if all[i], err = readRESP(r); err != nil {
				return nil, err
			}
		}
		return all, nil
	default:
		return nil, fmt.Errorf("%q is not RESP 2", line)
	}
}

func writeRESP(v any) string {
	switch v := v.(type) {
	case simple:
		return string(v) + "\r\n"
	case string:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
	default:
		var b strings.Builder
		all := v.([]any)
		fmt.Fprintf(&b, "*%d\r\n", len(all))
		for _, one := range all {
			b.WriteString(writeRESP(one))
		}
		return b.String()
	}
}
