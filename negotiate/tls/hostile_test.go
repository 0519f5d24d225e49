package tls

import (
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// hostile is the configuration of a remote that shows a chain and checks nothing.
func hostile(chain stdtls.Certificate) *stdtls.Config {
	return &stdtls.Config{
		MinVersion: stdtls.VersionTLS12, Certificates: []stdtls.Certificate{chain}, NextProtos: []string{"libp2p"},
		ClientAuth: stdtls.RequestClientCert, InsecureSkipVerify: true, SessionTicketsDisabled: true,
		GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { return &chain, nil },
	}
}

// meet runs the handshake of one role, as the host of seed 2, against a remote
// that crypto/tls plays. want is empty for the listener.
func meet(t *testing.T, role negotiate.Role, want peer.ID, remote *stdtls.Config, options ...Option) (ours result, theirs stdtls.ConnectionState, err error) {
	t.Helper()
	a, b := tcp(t)
	patience := time.Now().Add(time.Minute)
	a.SetDeadline(patience)
	b.SetDeadline(patience)
	session := stdtls.Client(b, remote)
	if role == negotiate.Dialer {
		session = stdtls.Server(b, remote)
	}
	done := make(chan error, 1)
	go func() {
		err := session.Handshake()
		if err == nil {
			_, err = session.Read(make([]byte, 1)) // a dialer hears of a refusal here
		}
		b.Close()
		done <- err
	}()
	ours = secureOne(t.Context(), New(newKey(t, 2), options...), a, role, want)
	if ours.err == nil {
		ours.conn.CloseWrite()
	} else {
		a.CloseWrite()
	}
	err = <-done
	return ours, session.ConnectionState(), err
}

// refused checks the error of a handshake that the remote's fault ended.
func refused(t *testing.T, r result, want rule) {
	t.Helper()
	failed, ok := errors.AsType[*negotiate.HandshakeError](r.err)
	if !ok || failed.Security != ID || failed.Stage == "" || failed.Rule != string(want) {
		t.Errorf("it gives %v (%T), want the rule %q", r.err, r.err, want)
	}
}

func TestBothRolesRefuseEachBadCertificate(t *testing.T) {
	for _, c := range badChains {
		t.Run(c.name, func(t *testing.T) {
			for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
				chain := stdtls.Certificate{Certificate: c.chain(t), PrivateKey: newOwn(t, 100)}
				want := newKey(t, 1).ID()
				if len(chain.Certificate) == 0 && role == negotiate.Dialer {
					continue // crypto/tls has no listener without a certificate
				}
				r, _, err := meet(t, role, want, hostile(chain))
				rule := c.rule
				if rule == ruleParses || len(chain.Certificate) == 0 {
					rule = ruleTLS // crypto/tls has seen it before
				}
				refused(t, r, rule)
				if !alerted(err) {
					t.Errorf("%s: the remote is not told: %v", role, err)
				}
				if _, ok := errors.AsType[*peer.MismatchError](r.err); ok != (c.rule == rulePeer) {
					t.Errorf("%s: it gives %v", role, r.err)
				}
			}
		})
	}
}

func TestAbsurdRSAEndsTheHandshakeOfBothRoles(t *testing.T) {
	for _, c := range []struct {
		bits uint
		rule rule
	}{{1024, ruleKey}, {9000, ruleTLS}} { // crypto/tls has the same upper limit
		for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
			chain := stdtls.Certificate{Certificate: keyed(t, bits(c.bits)), PrivateKey: newOwn(t, 100)}
			r, _, _ := meet(t, role, "", hostile(skipCheck(chain)))
			refused(t, r, c.rule)
		}
	}
}

// skipCheck keeps crypto/tls from comparing the certificate's key with the
// private one when it picks how to sign.
func skipCheck(c stdtls.Certificate) stdtls.Certificate {
	c.SupportedSignatureAlgorithms = []stdtls.SignatureScheme{stdtls.ECDSAWithP256AndSHA256}
	return c
}

func TestACertificateOfSomebodyElseIsOfNoUse(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		stolen := stdtls.Certificate{Certificate: own(t, 1).certificate.Certificate, PrivateKey: newOwn(t, 105)}
		r, _, _ := meet(t, role, newKey(t, 1).ID(), hostile(stolen))
		refused(t, r, ruleTLS)
		if failed, ok := errors.AsType[*negotiate.HandshakeError](r.err); ok && !strings.Contains(failed.Stage, "proof") {
			t.Errorf("%s: it ended %s", role, failed.Stage)
		}
	}
}

func TestOlderTLSIsRefused(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		old := hostile(own(t, 1).certificate)
		old.MaxVersion = stdtls.VersionTLS12
		r, _, _ := meet(t, role, "", old)
		if failed, ok := errors.AsType[*negotiate.HandshakeError](r.err); !ok || r.conn != nil {
			t.Errorf("%s: it gives %v", role, failed)
		}
	}
}

func TestAListenerRefusesApplicationProtocolsItDoesNotHave(t *testing.T) {
	other := hostile(own(t, 1).certificate)
	other.NextProtos = []string{"h2", "/yamux/1.0.0"}
	r, _, _ := meet(t, negotiate.Listener, "", other)
	refused(t, r, ruleTLS)
}

func TestARemoteWithoutApplicationProtocolsGetsMultistream(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		without := hostile(own(t, 1).certificate)
		without.NextProtos = nil
		r, _, _ := meet(t, role, "", without, Muxers("/yamux/1.0.0"))
		if r.err != nil || r.conn.Muxer() != "" {
			t.Errorf("%s: it gives %v", role, r)
		}
	}
}

func TestTheDialerSendsNoNameAndNobodyResumes(t *testing.T) {
	var hello *stdtls.ClientHelloInfo
	listener := hostile(own(t, 1).certificate)
	listener.SessionTicketsDisabled = false
	listener.GetConfigForClient = func(h *stdtls.ClientHelloInfo) (*stdtls.Config, error) { hello = h; return nil, nil }
	s := New(newKey(t, 2))
	for range 2 {
		a, b := tcp(t)
		done := make(chan bool, 1)
		go func() {
			session := stdtls.Server(b, listener)
			session.Handshake()
			done <- session.ConnectionState().DidResume
		}()
		r := secureOne(t.Context(), s, a, negotiate.Dialer, newKey(t, 1).ID())
		if resumed := <-done; resumed || r.err != nil {
			t.Fatalf("resumed: %v, %v", resumed, r.err)
		}
		if hello.ServerName != "" || len(hello.SupportedVersions) != 1 || hello.SupportedVersions[0] != stdtls.VersionTLS13 {
			t.Errorf("the hello has the name %q and the versions %x", hello.ServerName, hello.SupportedVersions)
		}
	}
	dialer := hostile(own(t, 1).certificate)
	dialer.ClientSessionCache, dialer.ServerName, dialer.SessionTicketsDisabled = noTickets{t}, "example.com", false
	if r, _, _ := meet(t, negotiate.Listener, "", dialer); r.err != nil {
		t.Errorf("a dialer with a session cache and a name: %v", r.err)
	}
}

// noTickets is a dialer's session cache that wants to stay empty.
type noTickets struct{ t *testing.T }

func (noTickets) Get(string) (*stdtls.ClientSessionState, bool) { return nil, false }

func (c noTickets) Put(_ string, s *stdtls.ClientSessionState) {
	if s != nil {
		c.t.Error("the listener gave a ticket")
	}
}

// A listener that refuses a dialer is heard at the dialer's first read.
func TestARefusedDialerLearnsItFromItsFirstRead(t *testing.T) {
	strict := hostile(own(t, 1).certificate)
	strict.ClientAuth = stdtls.RequireAnyClientCert
	strict.VerifyConnection = func(stdtls.ConnectionState) error { return errors.New("not you") }
	a, b := tcp(t)
	done := make(chan error, 1)
	go func() { done <- stdtls.Server(b, strict).Handshake() }()
	r := secureOne(t.Context(), New(newKey(t, 2)), a, negotiate.Dialer, newKey(t, 1).ID())
	if r.err != nil {
		t.Fatal("the dialer waited for the listener's opinion:", r.err)
	}
	if err := <-done; err == nil {
		t.Fatal("the listener accepted")
	}
	for range 2 {
		_, err := r.conn.Read(make([]byte, 8))
		refused(t, result{err: err}, "")
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("the alert is not in %v", err)
		}
	}
}

func TestADialerThatWasAnsweredIsNotRefusedAnyMore(t *testing.T) {
	d, l := sessions(t)
	if _, err := l.Write([]byte("welcome")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(d, make([]byte, 7)); err != nil {
		t.Fatal(err)
	}
	// The dialer sends what nobody sealed; the listener's alert comes back.
	if _, err := d.pipe.Conn.Write([]byte{23, 3, 3, 0, 20, 19: 0, 24: 0}); err != nil {
		t.Fatal(err)
	}
	var broken *RecordError
	if _, err := l.Read(make([]byte, 8)); !errors.As(err, &broken) || broken.Rule != string(ruleSealed) {
		t.Errorf("the listener reads %v", err)
	}
	_, err := d.Read(make([]byte, 8))
	if _, ok := errors.AsType[*net.OpError](err); !ok {
		t.Errorf("the dialer reads %v (%T)", err, err)
	}
	if _, ok := errors.AsType[*negotiate.HandshakeError](err); ok {
		t.Errorf("a handshake that is long over is blamed: %v", err)
	}
}

func TestADeadlineIsNoFaultOfTheRemote(t *testing.T) {
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		a, _ := tcp(t)
		a.SetReadDeadline(time.Unix(1, 0))
		r := secureOne(t.Context(), New(newKey(t, 1)), a, role, "")
		refused(t, r, "")
		if !errors.Is(r.err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: it gives %v", role, r.err)
		}
	}
}

func TestARemoteThatRefusesUsOrLeavesBreaksNoRule(t *testing.T) {
	strict := hostile(own(t, 1).certificate)
	strict.VerifyConnection = func(stdtls.ConnectionState) error { return errors.New("not you") }
	r, _, _ := meet(t, negotiate.Listener, "", strict)
	refused(t, r, "")
	if !alerted(r.err) {
		t.Errorf("the alert is not in %v", r.err)
	}
	for _, role := range []negotiate.Role{negotiate.Dialer, negotiate.Listener} {
		a, b := tcp(t)
		b.CloseWrite()
		r := secureOne(t.Context(), New(newKey(t, 1)), a, role, "")
		refused(t, r, "")
		if !errors.Is(r.err, io.EOF) {
			t.Errorf("%s: the end is not in %v", role, r.err)
		}
	}
}
