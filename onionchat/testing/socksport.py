"""A SOCKS port for tests: speaks as Tor's does, answers as it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.protocol import Protocol


@dataclass(frozen=True)
class SocksRequest:
    """What a client asked for."""

    host: str
    port: int
    user: str


class SocksServer(Protocol):
    """`decide(request)` gives the reply code: 0 opens the stream, which then echoes; None never answers."""

    def __init__(self, decide: Callable[[SocksRequest], int | None]) -> None:
        self._decide = decide
        self._buffer = b""
        self._user: str | None = None
        self._has_greeted = False
        self._is_open = False
        self.requests: list[SocksRequest] = []

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        if self._is_open:
            self.transport.write(data)
            return
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        assert self.transport is not None
        raw = self._buffer
        if not self._has_greeted:
            if len(raw) < 2 or len(raw) < 2 + raw[1]:
                return False
            self._has_greeted, self._buffer = True, raw[2 + raw[1] :]
            self.transport.write(b"\x05\x02" if b"\x02" in raw[2 : 2 + raw[1]] else b"\x05\xff")
            return True
        return self._read_names(raw) if self._user is None else self._read_request(raw)

    def _read_names(self, raw: bytes) -> bool:
        assert self.transport is not None
        if len(raw) < 2 or len(raw) < 3 + raw[1] or len(raw) < 3 + raw[1] + raw[2 + raw[1]]:
            return False
        self._user = raw[2 : 2 + raw[1]].decode()
        self._buffer = raw[3 + raw[1] + raw[2 + raw[1]] :]
        self.transport.write(b"\x01\x00")
        return True

    def _read_request(self, raw: bytes) -> bool:
        assert self.transport is not None and self._user is not None
        if len(raw) < 5 or len(raw) < 7 + raw[4]:
            return False
        host, port = raw[5 : 5 + raw[4]].decode(), int.from_bytes(raw[5 + raw[4] : 7 + raw[4]], "big")
        self._buffer = b""
        request = SocksRequest(host, port, self._user)
        self.requests.append(request)
        code = self._decide(request)
        if code is None:
            return False
        self.transport.write(bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0]))
        self._is_open = code == 0
        if not self._is_open:
            self.transport.loseConnection()
        return False
