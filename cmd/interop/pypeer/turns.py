"""Reads and writes on one stream of py-libp2p's mplex at the same time."""

import trio
from libp2p.network.stream.net_stream import NetStream

# How many more bytes may be written than were read before a write waits for a
# read, and how long it waits for one, in seconds.
WINDOW = 256 << 10
PATIENCE = 0.2


class Turns:
    """Interrupts a read for the time of a write.

    MplexStream keeps one lock for both (mplex_stream.py, rw_lock): a write waits
    until the read under way has got something. If the remote waits for that write,
    both wait for ever. A read that is cancelled loses nothing.

    The reads must get their turn as well. mplex has no windows: a remote that sends
    back what it gets, and is not listened to, would have to keep it all, and resets
    the stream. A remote that sends nothing is waited for once in a window.
    """

    def __init__(self, stream: NetStream):
        self._stream = stream
        self._ahead = 0  # bytes written and not yet followed by as many that were read
        self._reading: trio.CancelScope | None = None
        self._got_some = trio.Event()
        self._written = trio.Event()
        self._written.set()

    async def read(self, n: int) -> bytes:
        while True:
            await self._written.wait()
            with trio.CancelScope() as self._reading:
                data = await self._stream.read(n)
                self._ahead = max(0, self._ahead - len(data))
                self._got_some.set()
                return data

    async def write(self, data: bytes) -> None:
        while self._ahead >= WINDOW:
            self._got_some = trio.Event()
            with trio.move_on_after(PATIENCE) as waiting:
                await self._got_some.wait()
            if waiting.cancelled_caught:
                self._ahead = 0
        self._ahead += len(data)
        self._written = trio.Event()
        if self._reading is not None:
            self._reading.cancel()
        try:
            await self._stream.write(data)
        finally:
            self._written.set()
