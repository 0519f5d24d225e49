package identify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/identify/pb"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// write is a handler that says the given bytes and closes.
func write(data []byte) stream.Handler {
	return func(self *actor.Self, s *stream.Stream) error {
		if _, err := s.WithContext(self).Write(data); err != nil {
			return stream.Refuse(0) // it was cut short: what was to be seen
		}
		return nil
	}
}

// trickle is a handler that says one byte a second.
func trickle(data []byte) stream.Handler {
	return func(self *actor.Self, s *stream.Stream) error {
		for i := range data {
			if _, err := s.WithContext(self).Write(data[i : i+1]); err != nil || self.Sleep(time.Second) != nil {
				return stream.Refuse(0)
			}
		}
		return nil
	}
}

func TestAPeerThatTalksNonsenseCostsOnlyItsStream(t *testing.T) {
	good := &pb.Identify{Protocols: []string{"/a/1"}}
	cases := []struct {
		name  string
		says  stream.Handler
		stage Stage
		rule  error // nil: it is not the message
	}{
		{"nothing", none, StageRead, ErrNothingSaid},
		{"garbage", write([]byte("\x05GET / HTTP/1.1\r\n")), StageRead, ErrNotAMessage},
		{"a length of a gigabyte", write([]byte{0x80, 0x80, 0x80, 0x80, 4, 0}), StageRead, ErrNotAMessage},
		{"an oversize message", write(framed(make([]byte, MaxMessageSize+1))), StageRead, ErrNotAMessage},
		{"endless small messages", write(bytes.Repeat([]byte{0}, 1<<20)), StageRead, ErrTooManyMessages},
		{"endless protocols", write(bytes.Repeat(framed(bytes.Repeat([]byte{0x1a, 1, 'x'}, 2000)), 200)), StageRead, ErrTooManyMessages},
		{"half a message", write(framed(encode(t, good))[:5]), StageRead, ErrNotAMessage},
		{"another's key", write(framed(encode(t, &pb.Identify{PublicKey: otherKey(t, 1).Public().Marshal()}))), StageCheck, ErrWrongKey},
		{"slowly", trickle(framed(encode(t, good))), StageRead, nil},
		{"never the end", func(self *actor.Self, s *stream.Stream) error {
			if _, err := s.WithContext(self).Write(framed(encode(t, good))); err != nil {
				return err
			}
			return swarmtest.UntilTold(self)
		}, StageRead, nil},
		{"a reset", func(*actor.Self, *stream.Stream) error { return stream.Refuse(7) }, StageRead, nil},
		{"a panic", func(*actor.Self, *stream.Stream) error { panic("ouch") }, StageRead, nil},
	}
	both(t, func(w *world) {
		a, honest := w.node(), w.node()
		for _, c := range cases {
			evil := w.bare().says(c.says)
			a.connect(evil)
			began := w.Self.Now()
			_, err := a.ids.Wait(w.Self, evil.ID())
			var fault *Error
			var broken *MessageError
			switch {
			case !errors.As(err, &fault) || fault.Peer != evil.ID():
				w.Errorf("%s: %v", c.name, err)
			// A reset may overtake the answer of the negotiation.
			case fault.Stage != c.stage && !(c.rule == nil && fault.Stage == StageOpen):
				w.Errorf("%s: at the stage %q: %v", c.name, fault.Stage, err)
			case c.rule != nil && (!errors.Is(err, c.rule) || !errors.As(err, &broken)):
				w.Errorf("%s: %v, not %v", c.name, err, c.rule)
			case c.rule == nil && errors.As(err, &broken):
				w.Errorf("%s: called a broken rule: %v", c.name, err)
			}
			if took := w.Self.Now().Sub(began); took > Timeout+time.Second {
				w.Errorf("%s: took %v", c.name, took)
			}
			if c := a.Conn(evil.ID()); c == nil || c.Known() != nil {
				w.Errorf("%v: the connection is closed, or knows something", c)
			}
			if _, ok := a.ids.Known(evil.ID()); ok {
				w.Errorf("%s: it is known", c.name)
			}
		}
		if info := a.meets(honest); !slices.Contains(info.Protocols, ID) {
			w.Errorf("an honest peer is known as %+v", info)
		}
	})
}

func TestWhatAPeerSaysOfOthersIsNotBelieved(t *testing.T) {
	both(t, func(w *world) {
		a, honest, evil := w.node(), w.node(), w.bare()
		before := a.meets(honest)
		w.Sleep(time.Second) // until the book has it too
		addrsBefore := texts(a.Book().Addrs(honest.ID()))
		recordBefore, _ := a.Book().Record(honest.ID())
		stranger := otherKey(t, 3)
		lie := func(id peer.ID, key peer.Key) []byte {
			record, err := peer.SealRecord(key, peer.Record{ID: id, Seq: 1 << 62, Addrs: addrs("/ip4/6.6.6.6/tcp/6")})
			w.Must(err)
			return encode(t, &pb.Identify{
				Protocols: []string{"/evil/1", string(PushID)}, SignedPeerRecord: record,
				ListenAddrs: [][]byte{addrs("/ip4/6.6.6.6/tcp/6/p2p/" + string(honest.ID().String()))[0].Bytes()},
			})
		}
		// A record that a stranger has really signed, and one of the honest peer
		// that it gave to everybody.
		evil.says(write(framed(lie(stranger.ID(), stranger))))
		info := a.meets(evil)
		if info.Record != nil || len(info.Addrs) != 0 || !slices.Contains(info.Protocols, "/evil/1") {
			w.Errorf("of the liar is known: %+v", info)
		}
		s, err := evil.Open(w.Self, a.ID(), PushID)
		w.Must(err)
		passedOn := encode(t, &pb.Identify{SignedPeerRecord: before.Record.Envelope(), Protocols: []string{"/evil/2"}})
		w.Must(stream.WriteMessage(s, passedOn, maxSent))
		w.Must(s.Close())
		w.Sleep(time.Second)
		if !a.Conn(evil.ID()).Knows("/evil/2") {
			w.Error("the push was not heard")
		}
		after, _ := a.ids.Known(honest.ID())
		if diff := diffInfo(before, after); diff != "" || a.Conn(honest.ID()).Knows("/evil/1") {
			w.Errorf("of the honest peer is known: %+v", after)
		}
		if got := texts(a.Book().Addrs(honest.ID())); !slices.Equal(got, addrsBefore) {
			w.Errorf("the book has for the honest peer: %v", got)
		}
		if got, _ := a.Book().Record(honest.ID()); got == nil || !bytes.Equal(got, recordBefore) {
			w.Errorf("the book has for the honest peer the record %x", got)
		}
		if got, _ := a.Book().Record(stranger.ID()); got != nil {
			w.Errorf("the book has for the stranger the record %x", got)
		}
		if got, _ := a.Book().Record(evil.ID()); got != nil {
			w.Errorf("the book has for the liar the record %x", got)
		}
		if got := a.Book().Addrs(stranger.ID()); got != nil {
			w.Errorf("the book has for the stranger: %v", got)
		}
		if a.Book().Peers() > 2 {
			w.Errorf("the book knows %d peers", a.Book().Peers())
		}
		if got := a.ids.faults.Load(); got != 2 {
			w.Errorf("%d faults were counted", got)
		}
	})
}

func TestAFloodOfPushesIsIgnoredAndMadeGoodByOneQuestion(t *testing.T) {
	both(t, func(w *world) {
		a, evil, honest := w.node(), w.bare(), w.node()
		var state, asked atomic.Int64
		message := func() []byte {
			return encode(t, &pb.Identify{
				Protocols:   []string{fmt.Sprintf("/state/%d", state.Load()), string(PushID)},
				ListenAddrs: [][]byte{addrs(fmt.Sprintf("/ip4/7.7.7.7/tcp/%d", 1+state.Load()))[0].Bytes()},
			})
		}
		evil.says(func(_ *actor.Self, s *stream.Stream) error {
			asked.Add(1)
			return stream.WriteMessage(s, message(), maxSent)
		})
		a.meets(evil)
		taken := 0
		const pushes = 300
		for i := range pushes {
			state.Store(int64(i))
			s, err := evil.Open(w.Self, a.ID(), PushID)
			if err != nil {
				continue
			}
			s = s.WithContext(w.Self)
			if stream.WriteMessage(s, message(), maxSent) != nil {
				continue
			}
			w.Must(s.CloseWrite())
			if _, err := s.Read(make([]byte, 1)); !errors.As(err, new(*stream.ResetError)) {
				taken++
			}
		}
		if taken > 2*pushBurst {
			w.Errorf("%d of %d pushes were taken", taken, pushes)
		}
		w.Sleep(2 * pushEvery)
		if asked.Load() > 3 {
			w.Errorf("it was asked %d times", asked.Load())
		}
		if !a.Conn(evil.ID()).Knows("/state/299") {
			w.Errorf("of its last words is known: %v", a.Conn(evil.ID()).Known())
		}
		if got := len(a.Book().Addrs(evil.ID())); got > MaxAddrs {
			w.Errorf("the book has %d addresses of it", got)
		}
		if len(evil.Conns(a.ID())) != 1 {
			w.Error("it was dialed")
		}
		if got := a.ids.ignored.Load(); got < 250 {
			w.Errorf("%d were counted as ignored", got)
		}
		if info := a.meets(honest); !slices.Contains(info.Protocols, ID) {
			w.Errorf("an honest peer is known as %+v", info)
		}
	})
}

func TestABadPushIsRefusedAndChangesNothing(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.bare()
		b.says(write(framed(encode(t, &pb.Identify{Protocols: []string{"/b/1"}, AgentVersion: proto.String("b")}))))
		before := a.meets(b)
		anothers := &pb.Identify{PublicKey: otherKey(t, 1).Public().Marshal(), Protocols: []string{"/c/1"}}
		for _, c := range []struct {
			name string
			data []byte
		}{
			{"garbage", []byte("\x09what is this")},
			{"oversize", framed(make([]byte, MaxMessageSize+1))},
			{"another's key", framed(encode(t, anothers))},
			{"eleven of them", bytes.Repeat([]byte{0}, 11)},
			{"nothing", nil},
		} {
			name, data := c.name, c.data
			s, err := b.Open(w.Self, a.ID(), PushID)
			w.Must(err)
			s = s.WithContext(w.Self)
			if _, err := s.Write(data); err != nil {
				w.Errorf("%s: %v", name, err)
			}
			w.Must(s.CloseWrite())
			var reset *stream.ResetError
			if _, err := s.Read(make([]byte, 1)); !errors.As(err, &reset) || !reset.Remote {
				w.Errorf("%s: %v", name, err)
			}
			if after, _ := a.ids.Known(b.ID()); after != before {
				w.Errorf("%s: known is now %+v", name, after)
			}
		}
		w.Sleep(time.Second)
		if got := a.ids.faults.Load(); got != 5 {
			w.Errorf("%d faults were counted", got)
		}
	})
}

func TestASilentPushIsCutOffInTime(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		b.meets(a)
		a.learns(b.ID())
		began := w.Self.Now()
		s, err := b.Open(w.Self, a.ID(), PushID)
		w.Must(err)
		var reset *stream.ResetError
		if _, err := s.WithContext(w.Self).Read(make([]byte, 1)); !errors.As(err, &reset) {
			w.Errorf("got %v", err)
		}
		if took := w.Self.Now().Sub(began); took < Timeout || took > Timeout+time.Second {
			w.Errorf("it took %v", took)
		}
	})
}

func TestManyWhoDoNotAnswerDoNotDelayAnHonestPeer(t *testing.T) {
	both(t, func(w *world) {
		a, honest := w.node(), w.node()
		for range maxAskingInbound + 20 {
			evil := w.bare().says(func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) })
			evil.connect(a)
		}
		began := w.Self.Now()
		a.meets(honest)
		if took := w.Self.Now().Sub(began); took > time.Second {
			w.Errorf("it took %v", took)
		}
	})
}
