package hostile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

// A Reaction is what a good host does about an attack.
type Reaction string

// The reactions.
const (
	// EndsConnection: the connection is ended, with the rule that was broken.
	EndsConnection Reaction = "ends the connection"
	// EndsStream: streams are reset, the connection goes on.
	EndsStream Reaction = "ends the stream"
	// Ignores: the connection goes on, and nothing else happens.
	Ignores Reaction = "ignores it"
	// Bounded: the attack is lawful as far as it goes; the host holds no more
	// because of it than it says, and may refuse the rest, or end the connection
	// with the rule that bounds it.
	Bounded Reaction = "stays within its bounds"
)

// Deadline is the rule of cases in which the attacker only takes too long: there
// is no broken rule in the error, but a passed deadline.
const Deadline = "the deadline"

// Left is the rule of cases in which the attacker ends the connection itself.
const Left = "the remote left"

// A Verdict is what a good host does.
type Verdict struct {
	Does Reaction
	// Stage is how far the connection came, empty when it was open.
	Stage conn.Stage
	// Rule is the broken rule as the host's error has it, see [RuleOf]. Other
	// implementations have other words.
	Rule string
	// Within is how long the attack takes at most, from the dial to the end of the
	// connection.
	Within time.Duration
}

// A Case is an attack.
type Case struct {
	// Name is "stage/what", as in "yamux/pings".
	Name string
	// Class is one of the letters of [Classes].
	Class byte
	// Breaks is the rule that the attacker breaks, in words, and Spec where it is
	// written down. Spec names package and limit where only this stack has a rule.
	Breaks, Spec string
	// Good is what a good host does.
	Good Verdict
	// Security and Muxer are what the case is about, empty for any.
	Security, Muxer negotiate.Protocol

	// play attacks. It returns an error only when it did not come to that.
	play func(a *attack) error
}

// Classes are the kinds of attack behind the advisories against libp2p stacks.
func Classes() map[byte]string {
	return map[byte]string{
		'A': "a declared length is trusted before bytes arrive",
		'B': "what is kept grows with what is sent",
		'C': "arithmetic on numbers of the peer",
		'D': "input that crashes",
		'E': "state is registered before it is checked",
		'F': "something is left behind",
		'G': "an identity is not bound",
		'H': "work out of proportion",
		'I': "replies are owed to somebody who does not read",
		'K': "the host is made to work for others, or to send more than it was sent",
		'L': "a slow peer holds resources",
		'M': "much is decoded from little",
		'N': "bytes that nobody authenticated",
	}
}

// All are the cases, in a fixed order. Names are unique.
func All() []Case {
	return slices.Concat(negotiation(), handshakes(), certificates(), muxers(), streams(), messages())
}

// Named returns a case.
func Named(name string) (c Case, ok bool) {
	for _, c := range All() {
		if c.Name == name {
			return c, true
		}
	}
	return Case{}, false
}

// RuleOf returns the rule that an error of a host says was broken: that of a
// *muxer.ProtocolError, a *negotiate.ProtocolError, a *negotiate.HandshakeError or
// the record error of a security channel; [Deadline] when a deadline has passed,
// [Left] when the remote was gone; otherwise nothing.
func RuleOf(err error) string {
	if e, ok := errors.AsType[*muxer.ProtocolError](err); ok {
		return e.Rule
	}
	if e, ok := errors.AsType[*negotiate.ProtocolError](err); ok {
		return e.Rule.String()
	}
	if e, ok := errors.AsType[*negotiate.HandshakeError](err); ok && e.Rule != "" {
		return e.Rule
	}
	if e, ok := errors.AsType[*noise.RecordError](err); ok {
		return e.Rule
	}
	if e, ok := errors.AsType[*tls.RecordError](err); ok {
		return e.Rule
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return Deadline
	}
	if gone(err) || errors.Is(err, conn.ErrRemoteClosed) {
		return Left
	}
	return ""
}

// Explains checks that the error with which the host has ended the connection is
// the one that the case names.
func (v Verdict) Explains(err error) error {
	stage := conn.Stage("")
	if e, ok := errors.AsType[*conn.UpgradeError](err); ok {
		stage = e.Stage
	}
	if stage != v.Stage || RuleOf(err) != v.Rule {
		return fmt.Errorf("the host gives the reason %q at the stage %q, want %q at %q: %w", RuleOf(err), stage, v.Rule, v.Stage, err)
	}
	return nil
}

// Check says what an outcome shows that a good host would not have done; nil when
// the host did as it should, as far as its attacker can see.
func (v Verdict) Check(o Outcome) error {
	switch {
	case v.Does == EndsConnection && !o.Ended:
		return fmt.Errorf("the connection goes on after %v", o.Took)
	case v.Does == EndsConnection && o.Took > v.Within:
		return fmt.Errorf("the connection ended after %v, want %v", o.Took, v.Within)
	case v.Does == EndsConnection:
		return nil
	case v.Does == Bounded:
		return nil
	case o.Ended:
		return fmt.Errorf("the connection ended after %v: %w", o.Took, o.How)
	case v.Does == EndsStream && o.Resets == 0:
		return errors.New("no stream was reset")
	case v.Does == Ignores && o.Resets > 0:
		return fmt.Errorf("%d streams were reset", o.Resets)
	}
	return nil
}
