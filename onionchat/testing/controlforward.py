"""A real Tor's control port behind a `ControlServer`: for showing that everything works through the filter."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure


class ForwardedTor:
    """A real Tor behind a control endpoint, with cookie authentication."""

    def __init__(self, reactor: Any, endpoint: IStreamClientEndpoint, cookie_path: Path) -> None:
        self.reactor, self.endpoint, self.cookie_path = reactor, endpoint, cookie_path

    def open(
        self, on_event: Callable[[str], None], on_closed: Callable[[], None], is_filtered: bool
    ) -> "ForwardedSession":
        return ForwardedSession(self, on_event, on_closed, is_filtered)


class ForwardedSession:
    """One connection to the real Tor, made anew when Tor restarts if it is behind a filter."""

    RETRY_SECONDS = 0.1

    def __init__(
        self, tor: ForwardedTor, on_event: Callable[[str], None], on_closed: Callable[[], None], is_filtered: bool
    ) -> None:
        self._tor = tor
        self._on_event, self._on_closed, self._is_filtered = on_event, on_closed, is_filtered
        self._wire: _Upstream | None = None
        self._waiting: list[tuple[str, Deferred[list[str]]]] = []
        self._events_line: str | None = None
        self._is_closed = False
        self._connect()

    def command(self, line: str) -> "Deferred[list[str]]":
        if line.startswith("SETEVENTS"):
            self._events_line = line
        answer: Deferred[list[str]] = Deferred()
        self._waiting.append((line, answer))
        self._flush()
        return answer

    def close(self) -> None:
        self._is_closed = True
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.loseConnection()

    def _connect(self) -> None:
        if not self._is_closed:
            wire = _Upstream(self._on_event, self._lost)
            connecting = self._tor.endpoint.connect(_Given(wire))
            connecting.addCallbacks(lambda _: self._authenticate(wire), lambda _: self._again())

    def _again(self) -> None:
        self._tor.reactor.callLater(self.RETRY_SECONDS, self._connect)

    def _authenticate(self, wire: "_Upstream") -> None:
        try:
            cookie = self._tor.cookie_path.read_bytes()
        except OSError:
            cookie = b""
        wire.ask(f"AUTHENTICATE {cookie.hex()}").addCallback(self._authenticated, wire)

    def _authenticated(self, answer: Sequence[str], wire: "_Upstream") -> None:
        if answer[-1][:3] != "250":
            assert wire.transport is not None
            wire.transport.loseConnection()
            return
        self._wire = wire
        if self._events_line is not None:
            wire.ask(self._events_line)
        self._flush()

    def _flush(self) -> None:
        while self._wire is not None and self._waiting:
            line, answer = self._waiting.pop(0)
            self._wire.ask(line).chainDeferred(answer)

    def _lost(self) -> None:
        self._wire = None
        if self._is_filtered:
            self._again()
        else:
            self._on_closed()


class _Given(Factory):
    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Any:
        return self._protocol


class _Upstream(LineOnlyReceiver):
    """Sends commands, gathers the lines of each answer; event lines go elsewhere."""

    MAX_LENGTH = 2**20

    def __init__(self, on_event: Callable[[str], None], on_lost: Callable[[], None]) -> None:
        self._on_event, self._on_lost = on_event, on_lost
        self._asked: list[Deferred[list[str]]] = []
        self._lines: list[str] = []
        self._in_data = False

    def ask(self, line: str) -> "Deferred[list[str]]":
        answer: Deferred[list[str]] = Deferred()
        self._asked.append(answer)
        self.sendLine(line.encode())  # type: ignore[no-untyped-call]
        return answer

    def lineReceived(self, line: bytes) -> None:
        text = line.decode()
        if not self._in_data and text.startswith("650 "):
            self._on_event(text)
            return
        self._lines.append(text)
        if self._in_data:
            self._in_data = text != "."
        elif text[3:4] == "+":
            self._in_data = True
        elif text[3:4] == " ":
            lines, self._lines = self._lines, []
            self._asked.pop(0).callback(lines)

    def connectionLost(self, reason: Failure | None = None) -> None:
        asked, self._asked = self._asked, []
        for answer in asked:
            answer.callback(["551 Tor is restarting"])
        self._on_lost()
