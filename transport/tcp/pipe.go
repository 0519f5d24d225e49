package tcp

import (
	"net"
)

// A pipe is a socket with the two ways of writing that [net.Conn] does not have:
// see [transport.TryWriter] and [transport.Gatherer].
type pipe struct {
	*net.TCPConn
	trial trial
}

func newPipe(c *net.TCPConn) net.Conn { return &pipe{TCPConn: c} }

// WriteBuffers writes several pieces with one system call.
func (p *pipe) WriteBuffers(pieces [][]byte) (int64, error) {
	buffers := net.Buffers(pieces)
	return buffers.WriteTo(p.TCPConn)
}
