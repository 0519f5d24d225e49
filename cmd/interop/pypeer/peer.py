"""A py-libp2p host that takes part in the interop matrix.

The Go side (package bridge) starts it, tells it over a unix socket what to do,
and holds the conversations: this program only moves bytes.

    control   peer.py     one line of JSON for each request and answer
    streams   streams.py  one socket for each libp2p stream, in frames
"""

import argparse
import os
import platform
import sys
import time
from importlib.metadata import version

import psutil
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.host.basic_host import BasicHost
from libp2p.host.ping import ID as PING, perform_ping_roundtrip
from libp2p.identity.identify.identify import AGENT_VERSION, ID as IDENTIFY
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.rcmgr.manager import ResourceManager
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE, Transport as NoiseTransport
from libp2p.security.tls.transport import PROTOCOL_ID as TLS, TLSTransport
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX, Yamux
from libp2p.utils.varint import read_length_prefixed_protobuf
from multiaddr import Multiaddr

from frames import Socket
from streams import carry
from words import explain, kind

PACKAGES = ["libp2p", "trio", "noiseprotocol", "cryptography"]


class Lacking(Exception):
    """py-libp2p does not have what it was asked for."""


def make_host(security: str, muxer: str) -> BasicHost:
    """A host with one security channel and one muxer."""
    key = create_new_key_pair()
    securities = {
        "noise": lambda: {NOISE: NoiseTransport(key, create_new_x25519_key_pair().private_key)},
        "tls": lambda: {TLS: TLSTransport(key)},
        "plaintext": lambda: {PLAINTEXT_PROTOCOL_ID: InsecureTransport(key)},
    }
    muxers = {"yamux": {YAMUX: Yamux}, "mplex": {MPLEX_PROTOCOL_ID: Mplex}}
    if security == "noise-early":
        # TransportUpgrader goes on with multistream-select whatever was agreed in
        # the handshake, and the Noise transport takes no list of muxers.
        raise Lacking("py-libp2p does not agree on the muxer in the handshake")
    if security not in securities:
        raise Lacking(f"py-libp2p has no security {security!r}")
    if muxer not in muxers:
        raise Lacking(f"py-libp2p has no muxer {muxer!r}")
    # How fast the checks follow each other and how much memory the machine has
    # left must not decide whether a connection is made.
    lenient = ResourceManager(
        enable_rate_limiting=False, enable_memory_limits=False, enable_circuit_breaker=False
    )
    return new_host(
        key_pair=key,
        sec_opt=securities[security](),
        muxer_opt=muxers[muxer],
        resource_manager=lenient,
    )


class Adapter:
    """Answers the requests of the Go side."""

    def __init__(self, host: BasicHost, path: str, nursery: trio.Nursery):
        self.host = host
        self.path = path
        self.nursery = nursery
        self.running: dict[int, trio.CancelScope] = {}
        self.requests = {
            "connect": self.connect,
            "disconnect": self.disconnect,
            "connected": self.connected,
            "open": self.open,
            "ping": self.ping,
            "identify": self.identify,
        }

    async def serve(self) -> None:
        """Say who is here, and obey until told to close."""
        self.control = await Socket.dial(self.path, self.first())
        while request := await self.control.read_line():
            match request["do"]:
                case "close":
                    await self.host.close()
                    await self.control.send_line({"n": request["n"], "ok": True})
                    return
                case "cancel":
                    if scope := self.running.get(request["request"]):
                        scope.cancel()
                case _:
                    self.nursery.start_soon(self.answer, request)
        os._exit(0)  # the Go side is gone, and nobody is there to wait for the host

    def first(self) -> dict:
        """The first line of the control connection."""
        versions = {name: version(name) for name in PACKAGES}
        versions["python"] = platform.python_version()
        return {
            "kind": "control",
            "id": str(self.host.get_id()),
            "addrs": [str(a) for a in self.host.get_addrs()],
            "agent": AGENT_VERSION,
            "versions": versions,
        }

    async def answer(self, request: dict) -> None:
        """Carry one request out. One that is cancelled is not answered."""
        n = request["n"]
        answer = {"n": n, "ok": True}
        with trio.CancelScope() as scope:
            self.running[n] = scope
            try:
                await self.requests[request["do"]](request, answer)
            except Exception as error:
                answer |= {"ok": False, "error": explain(error), "kind": kind(error)}
            await self.control.send_line(answer)
        del self.running[n]

    async def connect(self, request: dict, answer: dict) -> None:
        await self.host.connect(info_from_p2p_addr(Multiaddr(request["addr"])))

    async def disconnect(self, request: dict, answer: dict) -> None:
        await self.host.disconnect(ID.from_string(request["peer"]))

    async def connected(self, request: dict, answer: dict) -> None:
        remote = ID.from_string(request["peer"])
        answer["connected"] = bool(self.host.get_network().get_connections(remote))

    async def open(self, request: dict, answer: dict) -> None:
        """Open a stream. py-libp2p always negotiates to the end: "eager" changes nothing."""
        stream = await self.new_stream(request["peer"], request["protocols"])
        answer["protocol"] = str(stream.get_protocol())
        socket = await self.socket_for(
            stream,
            {"kind": "stream", "stream": request["stream"], "protocol": answer["protocol"]},
        )
        self.nursery.start_soon(carry, stream, socket)

    async def inbound(self, stream: NetStream) -> None:
        """The handler of every protocol. It must not return before the stream ends."""
        first = {
            "kind": "inbound",
            "peer": str(stream.muxed_conn.peer_id),
            "protocol": str(stream.get_protocol()),
        }

        try:
            await carry(stream, await self.socket_for(stream, first))
        except Exception as error:
            # An error that leaves a handler would end the connection.
            print(f"inbound stream of {first['protocol']}: {explain(error)}", file=sys.stderr)

    async def ping(self, request: dict, answer: dict) -> None:
        """Measure here: PingService counts whole milliseconds, which is 0 on one machine."""
        rtts = answer["rtts_ns"] = []
        stream = await self.new_stream(request["peer"], [PING])
        try:
            for _ in range(request["count"]):
                begin = time.perf_counter_ns()
                await perform_ping_roundtrip(stream)
                rtts.append(time.perf_counter_ns() - begin)
            await stream.close()
        except BaseException:
            await reset(stream)
            raise

    async def identify(self, request: dict, answer: dict) -> None:
        """Ask anew: of its own exchange py-libp2p keeps no observed address."""
        stream = await self.new_stream(request["peer"], [IDENTIFY])
        try:
            message = Identify.FromString(await read_length_prefixed_protobuf(stream))
            await stream.close()
        except BaseException:
            await reset(stream)
            raise
        answer |= {
            "agent": message.agent_version,
            "protocolVersion": message.protocol_version,
            "protocols": list(message.protocols),
            "listen": [str(Multiaddr(a)) for a in message.listen_addrs],
            "observed": str(Multiaddr(message.observed_addr)),
            "local": own_end(stream.get_remote_address()),
        }

    async def new_stream(self, peer: str, protocols: list[str]) -> NetStream:
        """Host.new_stream, which would dial if there were no connection."""
        remote = ID.from_string(peer)
        if not self.host.get_network().get_connections(remote):
            raise ConnectionError(f"there is no connection with {peer}")
        return await self.host.new_stream(remote, protocols)

    async def socket_for(self, stream: NetStream, first: dict) -> Socket:
        """A socket of its own for a stream."""
        try:
            return await Socket.dial(self.path, first)
        except BaseException:
            await reset(stream)
            raise


async def reset(stream: NetStream) -> None:
    with trio.CancelScope(shield=True):
        await stream.reset()


def own_end(remote: tuple[str, int] | None) -> str:
    """The address of this end of a connection. py-libp2p does not tell it."""
    for c in psutil.Process().net_connections("tcp"):
        if remote and c.raddr == remote:
            return f"/ip4/{c.laddr.ip}/tcp/{c.laddr.port}"
    return ""


async def run(args: argparse.Namespace) -> None:
    try:
        host = make_host(args.security, args.muxer)
    except Lacking as error:
        await Socket.dial(args.socket, {"kind": "control", "error": str(error), "lacking": True})
        return
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]), trio.open_nursery() as nursery:
        adapter = Adapter(host, args.socket, nursery)
        for protocol in args.protocols.split(","):
            host.set_stream_handler(protocol, adapter.inbound)
        await adapter.serve()
        nursery.cancel_scope.cancel()  # streams that nobody will end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--socket", "--security", "--muxer", "--protocols"):
        parser.add_argument(flag, required=True)
    trio.run(run, parser.parse_args())


if __name__ == "__main__":
    main()
