package transporttest

import (
	"fmt"
	"net"

	"github.com/troupe-p2p/troupe/actor"
)

// A check is one promise of package transport.
type check struct {
	name string
	long bool // left out where checks are repeated
	run  func(e *ends) error
}

func checks() []check {
	return []check{
		{name: "no byte at all comes back", run: func(e *ends) error { return e.echoes(0) }},
		{name: "one byte comes back", run: func(e *ends) error { return e.echoes(1) }},
		{name: "a mebibyte and a byte come back", run: func(e *ends) error { return e.echoes(1<<20 + 1) }},
		{name: "16 mebibytes come back", long: true, run: func(e *ends) error { return e.echoes(16 << 20) }},
		{name: "both ends know both addresses", run: addresses},
		{name: "a hundred links do not mix their bytes up", run: manyLinks},
		{name: "the bytes of one write stay together", run: manyWriters},
		{name: "each byte goes to one of many readers", run: manyReaders},

		{name: "dialing where nobody listens is refused", run: refused},
		{name: "an address in use cannot be listened at", run: inUse},
		{name: "an address of another kind is not supported", run: unsupported},
		{name: "an ended context ends dialing with its cause", run: dialEnded},
		{name: "an ended context ends accepting with its cause", run: acceptEnded},
		{name: "the close of a listener ends accepting", run: listenerClosed},
		{name: "links outlive their listener", run: linksOutlive},
		{name: "an unaccepted link ends with its listener", run: unaccepted},

		{name: "the close of an end ends what waits at it", run: closeHere},
		{name: "the close of an end ends what waits at the other", run: closeThere},
		{name: "what was sent before the close is read", run: lastWords},
		{name: "closing twice is harmless", run: closeTwice},

		{name: "a deadline in the past ends calls at once", run: pastDeadline},
		{name: "a deadline ends a call when it comes and not before", run: futureDeadline},
		{name: "a new deadline ends a call that waits", run: newDeadline},
		{name: "a deadline taken away ends nothing", run: noDeadline},
		{name: "the count of a write cut by a deadline is exact", run: cutWrite},
		{name: "a pipe that is tried takes what there is room for", run: tries},
		{name: "everything at once", run: everything},
	}
}

func (e *ends) echoes(size int64) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	echoing := e.begin("echo", func(*actor.Self) error { return echo(there.Pipe) })
	if err := e.exchange(e.Self, here.Pipe, 0, size); err != nil {
		return err
	}
	if err := here.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return echoing.wait()
}

func addresses(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	at, err := e.target()
	switch {
	case err != nil:
		return err
	case !here.Remote.Equal(at) || !there.Local.Equal(at):
		return fmt.Errorf("listening at %s, but the dialer's remote address is %s and the listener's local one %s", at, here.Remote, there.Local)
	case here.Local == nil || !here.Local.Equal(there.Remote):
		return fmt.Errorf("the dialer's local address is %s, but the listener's remote one is %s", here.Local, there.Remote)
	}
	for _, ends := range [][2]net.Addr{
		{here.Pipe.RemoteAddr(), there.Pipe.LocalAddr()},
		{here.Pipe.LocalAddr(), there.Pipe.RemoteAddr()},
	} {
		if a, b := ends[0], ends[1]; a.Network() != b.Network() || a.String() != b.String() {
			return fmt.Errorf("the pipe's addresses differ: %s and %s", a, b)
		}
	}
	return nil
}

func manyLinks(e *ends) error {
	const links = 100
	var tasks []task
	tasks = append(tasks, e.begin("accept", func(self *actor.Self) error {
		for i := range links {
			link, err := e.accept(self)
			if err != nil {
				return err
			}
			self.Go(fmt.Sprint("echo ", i), func(*actor.Self) error {
				defer link.Close()
				return echo(link.Pipe)
			})
		}
		return nil
	}))
	for i := range links {
		tasks = append(tasks, e.begin(fmt.Sprint("dial ", i), func(self *actor.Self) error {
			link, err := e.dial(self)
			if err != nil {
				return err
			}
			defer link.Close()
			return e.exchange(self, link.Pipe, i, int64(20_000+i))
		}))
	}
	return waitAll(tasks)
}
