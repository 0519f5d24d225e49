"""The adapter's side of the bridge: lines of JSON and frames over a unix socket.

What each means is written in package bridge, in doc.go.
"""

import json
import struct

import trio

DATA, END, RESET = b"d", b"e", b"r"
MAX_FRAME = 64 << 10

_header = struct.Struct("!cI")  # type, length


class Socket:
    """One connection to the Go side. One task may read while others write."""

    def __init__(self, stream: trio.SocketStream):
        self._stream = stream
        self._unread = bytearray()
        self._writing = trio.Lock()

    @classmethod
    async def dial(cls, path: str, first: dict) -> "Socket":
        """Connect, and say in the first line what the connection is for."""
        socket = cls(await trio.open_unix_socket(path))
        await socket.send_line(first)
        return socket

    async def send_line(self, message: dict) -> None:
        await self._send(json.dumps(message).encode() + b"\n")

    async def send_frame(self, kind: bytes, payload: bytes = b"") -> None:
        await self._send(_header.pack(kind, len(payload)) + payload)

    async def _send(self, data: bytes) -> None:
        # A cancelled task must not leave half a frame behind. The wait ends all
        # the same: the Go side reads, or closes its end.
        async with self._writing:
            with trio.CancelScope(shield=True):
                await self._stream.send_all(data)

    async def read_line(self) -> dict | None:
        """The next message, None at the end."""
        while (at := self._unread.find(b"\n")) < 0:
            if not await self._read_more():
                return None
        line = self._take(at + 1)
        return json.loads(line)

    async def read_frame(self) -> tuple[bytes, bytes] | None:
        """The next frame's type and payload, None at the end."""
        if not await self._have(_header.size):
            return None
        kind, size = _header.unpack(self._take(_header.size))
        if size > MAX_FRAME:
            raise ValueError(f"a frame of {size} bytes")
        if not await self._have(size):
            return None
        return kind, self._take(size)

    async def _have(self, size: int) -> bool:
        while len(self._unread) < size:
            if not await self._read_more():
                return False
        return True

    async def _read_more(self) -> bool:
        try:
            data = await self._stream.receive_some(MAX_FRAME)
        except trio.BrokenResourceError:
            return False  # the Go side closed without reading everything
        self._unread += data
        return len(data) > 0

    def _take(self, size: int) -> bytes:
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    async def close(self) -> None:
        await trio.aclose_forcefully(self._stream)
