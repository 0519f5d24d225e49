package mem

// TryWrite implements [transport.TryWriter].
func (c *conn) TryWrite(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.out
	if len(d.turns) > 0 {
		return 0, nil
	}
	for n < len(p) {
		now := c.clock(d, d.writeEnd)
		if err := c.unwritable(now); err != nil {
			return n, c.failed("write", err)
		}
		k, _ := d.send(now, p[n:])
		if k == 0 {
			break
		}
		n += k
		d.readers.Wake()
	}
	return n, nil
}
