"""Reads and writes on one stream of py-libp2p's mplex at the same time."""

import trio
from libp2p.network.stream.net_stream import NetStream

# How long a read must have found nothing before a write interrupts it, in seconds.
QUIET = 0.001


class Turns:
    """Interrupts a read for the time of a write.

    MplexStream keeps one lock for both (mplex_stream.py, rw_lock): a write waits
    until the read under way has got something. If the remote waits for that write,
    both wait for ever. A read that is cancelled loses nothing.

    The two take turns: before n bytes are written, what is there is read, but no
    more than n bytes. mplex has no windows, and a remote that sends back what it
    gets must not be given more than it gets rid of.
    """

    def __init__(self, stream: NetStream):
        self._stream = stream
        self._reading: trio.CancelScope | None = None
        self._got_some = trio.Event()
        self._got = 0  # bytes since the last write
        self._written = trio.Event()
        self._written.set()

    async def read(self, n: int) -> bytes:
        while True:
            await self._written.wait()
            with trio.CancelScope() as self._reading:
                data = await self._stream.read(n)
                self._got += len(data)
                self._got_some.set()
                return data

    async def write(self, data: bytes) -> None:
        while self._got < len(data):
            self._got_some = trio.Event()
            with trio.move_on_after(QUIET) as quiet:
                await self._got_some.wait()
            if quiet.cancelled_caught:
                break
        self._got = 0
        self._written = trio.Event()
        if self._reading is not None:
            self._reading.cancel()
        try:
            await self._stream.write(data)
        finally:
            self._written.set()
