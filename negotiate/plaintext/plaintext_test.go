package plaintext

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/multiformats/go-varint"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext/pb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newKey(t testing.TB, seed byte) peer.Key {
	t.Helper()
	key, err := peer.Generate(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// exchange is what host seed sends, altered by change.
func exchange(t testing.TB, seed byte, change func(*pb.Exchange)) []byte {
	t.Helper()
	id := newKey(t, seed).ID()
	m := &pb.Exchange{Id: id.Bytes(), Pubkey: newKey(t, seed).Public().Marshal()}
	if change != nil {
		change(m)
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func framed(data []byte) []byte { return append(varint.ToUvarint(uint64(len(data))), data...) }

// receiveFrom runs the dialer's end against a remote that sends sent and closes.
func receiveFrom(t testing.TB, sent []byte, want peer.ID) (negotiate.Secured, error) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer b.Close()
		io.ReadFull(b, make([]byte, len(New(newKey(t, 1)).exchange)))
		b.Write(sent)
	}()
	s, err := New(newKey(t, 1)).Secure(context.Background(), a, negotiate.Dialer, want)
	a.Close()
	<-done
	return s, err
}

func TestTheExchangeHasTheBytesOfTheSpecs(t *testing.T) {
	public, err := hex.DecodeString("080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
	if err != nil {
		t.Fatal(err)
	}
	private, err := hex.DecodeString("080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d" +
		"1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
	if err != nil {
		t.Fatal(err)
	}
	key, err := peer.UnmarshalKey(private)
	if err != nil {
		t.Fatal(err)
	}
	// id = 1: the multihash 00 24 key; pubkey = 2: the key.
	want := append([]byte{78, 0x0a, 38, 0x00, 0x24}, public...)
	want = append(append(want, 0x12, 36), public...)
	if got := New(key).exchange; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestABadExchangeEndsTheHandshakeWithItsRule(t *testing.T) {
	tests := []struct {
		name  string
		sent  []byte
		rule  string
		cause error
	}{
		{"a good one", framed(exchange(t, 2, nil)), "", nil},
		{"unknown fields", framed(append(exchange(t, 2, nil), 0x7a, 2, 1, 1)), "", nil},
		{"16384 bytes", framed(append(exchange(t, 2, nil), field15(maxExchange-len(exchange(t, 2, nil)))...)), "", nil},
		{"16385 bytes", framed(append(exchange(t, 2, nil), field15(maxExchange+1-len(exchange(t, 2, nil)))...)), ruleLength, nil},
		{"a length of 2^62", []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40}, ruleLength, nil},
		{"a length over 2^63", bytes.Repeat([]byte{0xff}, 10), ruleLength, varint.ErrOverflow},
		{"a length that is not minimal", append([]byte{0x80 + 78, 0}, exchange(t, 2, nil)...), ruleLength, varint.ErrNotMinimal},
		{"nothing", framed(nil), ruleKey, peer.ErrKeyEncoding},
		{"no protobuf", framed([]byte{0xff}), ruleExchange, nil},
		{"no id", framed(exchange(t, 2, func(m *pb.Exchange) { m.Id = nil })), ruleID, nil},
		{"no key", framed(exchange(t, 2, func(m *pb.Exchange) { m.Pubkey = nil })), ruleKey, peer.ErrKeyEncoding},
		{"another id", framed(exchange(t, 2, func(m *pb.Exchange) { m.Id = []byte(newKey(t, 3).ID()) })), ruleID, nil},
		{"a key of unknown type", framed(exchange(t, 2, func(m *pb.Exchange) { m.Pubkey = []byte{8, 9, 18, 1, 0} })), ruleKey, peer.ErrKeyType},
		{"the end before it", nil, "", io.EOF},
		{"the end inside it", framed(exchange(t, 2, nil))[:30], "", io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := receiveFrom(t, test.sent, "")
			if test.rule == "" && test.cause == nil {
				if err != nil || s.Peer() != newKey(t, 2).ID() || s.Key().ID() != s.Peer() || s.Muxer() != "" {
					t.Fatalf("%v, %v", s, err)
				}
				return
			}
			var failed *negotiate.HandshakeError
			if !errors.As(err, &failed) || failed.Rule != test.rule || failed.Security != ID {
				t.Fatalf("%v, want the rule %q", err, test.rule)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("%v, want the cause %v", err, test.cause)
			}
		})
	}
}

// field15 is an unknown field of n bytes in all, n over 130.
func field15(n int) []byte {
	head := append([]byte{0x7a}, varint.ToUvarint(uint64(n-3))...)
	if len(head) == 4 {
		head = append([]byte{0x7a}, varint.ToUvarint(uint64(n-4))...)
	}
	return append(head, make([]byte, n-len(head))...)
}

func TestTheDialerRefusesAnotherPeerThanItWants(t *testing.T) {
	want, got := newKey(t, 3).ID(), newKey(t, 2).ID()
	_, err := receiveFrom(t, framed(exchange(t, 2, nil)), want)
	var wrong *peer.MismatchError
	if !errors.As(err, &wrong) || *wrong != (peer.MismatchError{Want: want, Got: got}) {
		t.Error(err)
	}
}

func TestBytesBehindTheExchangeAreLeftInThePipe(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		b.Write(append(framed(exchange(t, 2, nil)), "hello"...))
	}()
	go io.CopyN(io.Discard, b, int64(len(New(newKey(t, 1)).exchange)))
	s, err := New(newKey(t, 1)).Secure(context.Background(), a, negotiate.Listener, newKey(t, 2).ID())
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(s, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheEndOfTheContextEndsTheExchangeWithItsCause(t *testing.T) {
	reason := errors.New("enough")
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		ctx, cancel := context.WithCancelCause(context.Background())
		a, b := net.Pipe()
		end := make(chan error, 1)
		go func() {
			_, err := New(newKey(t, 1)).Secure(ctx, a, role, "")
			end <- err
		}()
		if role == negotiate.Dialer {
			if _, err := io.ReadFull(b, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
		}
		cancel(reason)
		if err := <-end; !errors.Is(err, reason) {
			t.Errorf("%s: %v", role, err)
		}
		if _, err := New(newKey(t, 1)).Secure(ctx, a, role, ""); !errors.Is(err, reason) {
			t.Errorf("%s, from the start: %v", role, err)
		}
		a.Close()
		b.Close()
	}
}

func TestADeadlineOfThePipeEndsTheExchange(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		a, b := net.Pipe()
		a.SetDeadline(time.Unix(1, 0))
		_, err := New(newKey(t, 1)).Secure(context.Background(), a, role, "")
		var failed *negotiate.HandshakeError
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &failed) || failed.Rule != "" {
			t.Errorf("%s: %v", role, err)
		}
		a.Close()
		b.Close()
	}
}

func FuzzExchange(f *testing.F) {
	f.Add(exchange(f, 2, nil))
	f.Add(exchange(f, 2, func(m *pb.Exchange) { m.Id = nil }))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := check(data, "")
		if err != nil {
			var failed *negotiate.HandshakeError
			if !errors.As(err, &failed) || failed.Rule == "" {
				t.Fatalf("failed without a rule: %v", err)
			}
			return
		}
		m := new(pb.Exchange)
		if err := proto.Unmarshal(data, m); err != nil || string(m.GetId()) != string(key.ID()) {
			t.Fatalf("took %x as %s", data, key.ID())
		}
	})
}
