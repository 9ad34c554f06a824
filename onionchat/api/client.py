"""Clients of the local API: `SyncClient` blocks (command line, scripts), `AsyncClient` is for Twisted (console).

Twisted is imported by `AsyncClient` alone, so that a short command starts fast.
"""

import errno
import select
import socket
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from onionchat.api import types as t
from onionchat.api.lines import LineBuffer
from onionchat.api.messages import Incoming, call_line, error_from
from onionchat.api.methods import BY_NAME
from onionchat.errors import LocalError, NoNodeError, OnionchatError, UsageError
from onionchat.limits import API_ANSWER_MAX_BYTES

if TYPE_CHECKING:
    from onionchat.api.async_client import AsyncClient as AsyncClient

_RECEIVE_BYTES = 256 * 1024
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)
_incoming_decoder = msgspec.json.Decoder(Incoming)
_event_decoder = msgspec.json.Decoder(t.Event)
_result_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


def __getattr__(name: str) -> Any:
    if name == "AsyncClient":
        from onionchat.api.async_client import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def decode_incoming(line: bytes) -> Incoming:
    """One line from the node. LocalError when it is none."""
    try:
        return _incoming_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LocalError("what answers on the node's socket is not a node of this version") from None


def decode_result(name: str, answer: Incoming) -> Any:
    """The typed result of method `name`; the error that was answered is raised."""
    if answer.error is not None:
        raise error_from(answer.error)
    decoder = _result_decoders.get(name)
    if decoder is None:
        decoder = _result_decoders[name] = msgspec.json.Decoder(BY_NAME[name].result)
    try:
        return decoder.decode(answer.result if isinstance(answer.result, msgspec.Raw) else b"null")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LocalError(f"the node's answer to {name} is not one of this version; are both the same?") from None


def decode_event(incoming: Incoming) -> t.Event:
    """The event in a notification. LocalError when it is none."""
    try:
        return _event_decoder.decode(incoming.params)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LocalError("the node sent an event that this version does not know") from None


class SyncClient:
    """A blocking connection to the node on a profile; `path` is `socketpath.socket_path(profile)`.

    NoNodeError when nobody listens, or when the node goes away. Every wait may have a limit in seconds.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            if error.errno in _NOBODY:
                raise NoNodeError("no node is running on this profile; start one with `onionchat run`") from None
            raise LocalError(f"the node's socket cannot be used: {error.strerror}") from None
        self._socket.setblocking(False)
        self._lines = LineBuffer(API_ANSWER_MAX_BYTES)
        self._events: deque[t.Event] = deque()
        self._answers: dict[int, Incoming] = {}
        self._last_id = 0

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> "SyncClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- calls ----------------------------------------------------------------------------------------
    def call(self, name: str, params: t.Params | None = None, timeout_seconds: float | None = None) -> Any:
        """Call a method and wait for its typed result. The error that the node answers is raised."""
        ticket = self.send_call(name, params)
        return self.result(name, ticket, timeout_seconds)

    def send_call(self, name: str, params: t.Params | None = None) -> int:
        """Send a call without waiting for its answer; `result` takes the ticket."""
        self._last_id += 1
        self._send(call_line(self._last_id, name, t.Nothing() if params is None else params))
        return self._last_id

    def result(self, name: str, ticket: int, timeout_seconds: float | None = None) -> Any:
        """Wait for the answer to an earlier `send_call`."""
        deadline = _deadline(timeout_seconds)
        while ticket not in self._answers:
            if not self._receive(deadline):
                raise LocalError("the node did not answer in time")
        return decode_result(name, self._answers.pop(ticket))

    def call_many(self, name: str, many: Iterable[t.Params], window: int = 256) -> Iterator[Any]:
        """Pipelined calls of one method; results in the order of the calls. At most `window` are under way."""
        tickets: deque[int] = deque()
        for params in many:
            tickets.append(self.send_call(name, params))
            if len(tickets) >= window:
                yield self.result(name, tickets.popleft())
        while tickets:
            yield self.result(name, tickets.popleft())

    # --- events ---------------------------------------------------------------------------------------
    def subscribe(self, events: Collection[str] = ()) -> None:
        """Ask for events (none named: all); read them with `events` or `next_event`."""
        self.call("subscribe", t.Subscribe(events=list(events)))

    def next_event(self, timeout_seconds: float | None = None) -> t.Event | None:
        """The next event; None when none came in time."""
        deadline = _deadline(timeout_seconds)
        while not self._events:
            if not self._receive(deadline):
                return None
        return self._events.popleft()

    def events(self) -> Iterator[t.Event]:
        """Events for ever; NoNodeError when the node goes away."""
        while True:
            event = self.next_event()
            assert event is not None
            yield event

    # --- the stream -----------------------------------------------------------------------------------
    def _send(self, data: bytes) -> None:
        """Write all, and read meanwhile: a node whose answers nobody reads stops reading, too."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                readable, _, _ = select.select([self._socket], [self._socket], [])
                if readable:
                    self._take(self._read())
            except OSError:
                raise self._lost() from None

    def _receive(self, deadline: float | None) -> bool:
        """Wait for bytes and take them; False when the deadline passed first."""
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(None if remaining is None else remaining * 1000):
            return False
        self._take(self._read())
        return True

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            raise self._lost() from None
        if not data:
            raise self._lost()
        return data

    def _take(self, data: bytes) -> None:
        self._lines.feed(data)
        try:
            while (line := self._lines.next_line()) is not None:
                self._take_line(line)
        except UsageError:
            raise LocalError("the node's answer is too long; ask for less at a time") from None

    def _take_line(self, line: bytes) -> None:
        incoming = decode_incoming(line)
        if incoming.method == "event":
            self._events.append(decode_event(incoming))
        elif isinstance(incoming.id, int):
            self._answers[incoming.id] = incoming
        elif incoming.error is not None:  # about the connection, not about one call
            raise error_from(incoming.error)

    def _lost(self) -> OnionchatError:
        return NoNodeError("the node has stopped; start it again with `onionchat run`")


def _deadline(timeout_seconds: float | None) -> float | None:
    return None if timeout_seconds is None else time.monotonic() + timeout_seconds
