"""Two protocols joined in memory, driven by a clock: for what needs a stream and no socket."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer


class MemoryTransport:
    """One end. What is written arrives at the other end at the clock's next turn, in order."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._protocol: Any = None
        self._peer: MemoryTransport | None = None
        self.is_open = True
        self.disconnecting = False
        self.written = b""

    def join(self, protocol: Any, peer: "MemoryTransport") -> None:
        self._protocol, self._peer = protocol, peer
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        if self.is_open and not self.disconnecting:
            self.written += data
            self._clock.callLater(0, self._deliver, data)

    def writeSequence(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def _deliver(self, data: bytes) -> None:
        if self._peer is not None and self._peer.is_open:
            self._peer._protocol.dataReceived(data)

    def loseConnection(self) -> None:
        self.disconnecting = True
        self._clock.callLater(0, self._close, ConnectionDone())

    def abortConnection(self) -> None:
        self.disconnecting = True
        self._clock.callLater(0, self._close, ConnectionAborted())

    def _close(self, reason: Exception) -> None:
        ends = [(self, reason)] if self._peer is None else [(self, reason), (self._peer, ConnectionDone())]
        for end, why in ends:
            if end.is_open:
                end.is_open = False
                end._protocol.connectionLost(Failure(why))  # type: ignore[no-untyped-call]

    def getPeer(self) -> UNIXAddress:
        return UNIXAddress(b"memory")

    getHost = getPeer


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """Connects to protocols that `build()` makes; `is_refusing` makes it a port where nobody listens."""

    def __init__(self, clock: Any, build: Callable[[], Any]) -> None:
        self._clock = clock
        self._build = build
        self.is_refusing = False
        self.servers: list[Any] = []

    def connect(self, protocolFactory: Any) -> "Deferred[IProtocol]":
        if self.is_refusing:
            return fail(ConnectionRefusedError())  # type: ignore[no-untyped-call]
        near, far = MemoryTransport(self._clock), MemoryTransport(self._clock)
        client, server = protocolFactory.buildProtocol(UNIXAddress(b"memory")), self._build()
        self.servers.append(server)
        far.join(server, near)
        near.join(client, far)
        return succeed(client)


def settle(clock: Any, turns: int = 200) -> None:
    """Let everything that is under way, and needs no time, happen."""
    for _ in range(turns):
        clock.advance(0)
