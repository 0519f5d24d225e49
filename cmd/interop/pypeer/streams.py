"""Carries the bytes of one libp2p stream over one socket, in both directions."""

import trio
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.network.stream.net_stream import NetStream
from libp2p.stream_muxer.mplex.mplex_stream import MplexStream

from frames import DATA, END, MAX_FRAME, RESET, Socket
from turns import Turns
from words import explain


async def carry(stream: NetStream, socket: Socket) -> None:
    """Run until the stream is closed or reset, and the socket with it."""
    data = Turns(stream) if isinstance(stream.muxed_stream, MplexStream) else stream
    try:
        async with trio.open_nursery() as nursery:

            async def until_done(direction) -> None:
                if await direction(stream, data, socket):
                    nursery.cancel_scope.cancel()

            nursery.start_soon(until_done, _to_remote)
            nursery.start_soon(until_done, _from_remote)
    finally:
        with trio.CancelScope(shield=True):
            await socket.close()


async def _to_remote(stream: NetStream, data: NetStream | Turns, socket: Socket) -> bool:
    """Obey the frames of the Go side. True: the stream has ended."""
    try:
        while frame := await socket.read_frame():
            match frame:
                case (b"d", payload):
                    await data.write(payload)
                case (b"e", _):
                    await stream.close_write()
                case (b"c", _):
                    await stream.close()
                    return True
                case _:
                    break
        await stream.reset()  # asked for, or the socket ended without a word
    except Exception as error:  # of any of the layers below
        await _fail(stream, socket, error)
    return True


async def _from_remote(stream: NetStream, data: NetStream | Turns, socket: Socket) -> bool:
    """Pass on what the remote sends. True: the stream has ended."""
    try:
        while True:
            await socket.send_frame(DATA, await data.read(MAX_FRAME))
    except StreamEOF as error:
        if await _was_reset(stream):
            await _fail(stream, socket, error)
            return True
        with trio.CancelScope(shield=True):
            await _quietly(socket.send_frame, END)
        return False
    except Exception as error:
        await _fail(stream, socket, error)
        return True


async def _was_reset(stream: NetStream) -> bool:
    """Tell a reset, or the loss of the connection, from the remote's end.

    NetStream.read says StreamEOF for all three. With yamux, the entry of a stream
    that is reset is gone before its reader runs (yamux.py, read_stream: "stream_id
    not in self.streams"). With mplex, the reader is woken a moment before the
    reset is noted (mplex.py, _handle_reset: aclose before event_reset.set).
    """
    muxed = stream.muxed_stream
    if isinstance(muxed, MplexStream):
        await muxed.event_remote_closed.wait()  # set after a reset and after an end
        return muxed.event_reset.is_set()
    return muxed.reset_received or muxed.conn.event_shutting_down.is_set()


async def _fail(stream: NetStream, socket: Socket, error: Exception) -> None:
    """Tell the Go side that the stream is no more, and the remote if it can be."""
    with trio.CancelScope(shield=True):
        await _quietly(socket.send_frame, RESET, explain(error).encode()[:MAX_FRAME])
        await _quietly(stream.reset)


async def _quietly(ask, *args) -> None:
    """Ask for something that may not be possible any more."""
    try:
        await ask(*args)
    except Exception:
        pass
