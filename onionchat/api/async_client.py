"""`AsyncClient`: the Twisted client of the local API, for the console and gateways."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.api.client import decode_event, decode_incoming, decode_result
from onionchat.api.lines import LineBuffer
from onionchat.api.messages import Incoming, call_line, error_from
from onionchat.errors import LocalError, NoNodeError, OnionchatError
from onionchat.limits import API_ANSWER_MAX_BYTES

_CONNECT_SECONDS = 5


class AsyncClient(Protocol):
    """A connection to the running node.

    After `subscribe` its listener gets every event. `on_lost` is called once, with the reason, when the node goes
    away (not after `close`).
    """

    def __init__(self) -> None:
        self._on_event: Callable[[t.Event], None] = lambda event: None
        self.on_lost: Callable[[OnionchatError], None] = lambda error: None
        self._lines = LineBuffer(API_ANSWER_MAX_BYTES)
        self._waiting: dict[int, tuple[str, Deferred[Any]]] = {}
        self._last_id = 0
        self._end: OnionchatError | None = None
        self._is_closed_by_us = False

    @classmethod
    def connect(cls, reactor: Any, path: Path) -> "Deferred[AsyncClient]":
        """Connect to the socket `socketpath.socket_path(profile)`. Fails with NoNodeError when nobody listens."""
        endpoint: Any = UNIXClientEndpoint(reactor, str(path), timeout=_CONNECT_SECONDS)  # type: ignore[no-untyped-call]
        connecting: Deferred[AsyncClient] = connectProtocol(endpoint, cls())  # type: ignore[no-untyped-call]
        return connecting.addErrback(_nobody)

    def call(self, name: str, params: t.Params | None = None) -> "Deferred[Any]":
        """Call a method; fires with its typed result, or fails with the error that the node answered."""
        if self._end is not None:
            return fail(self._end)
        self._last_id += 1
        waiting: Deferred[Any] = Deferred()
        self._waiting[self._last_id] = (name, waiting)
        cast(Any, self.transport).write(call_line(self._last_id, name, t.Nothing() if params is None else params))
        return waiting

    def subscribe(self, on_event: Callable[[t.Event], None], events: Collection[str] = ()) -> None:
        """Every event from now on (of these names; none named: all) goes to `on_event`."""
        self._on_event = on_event
        # it fails only with the connection, and then `on_lost` says so
        self.call("subscribe", t.Subscribe(events=list(events))).addErrback(lambda _: None)

    def close(self) -> None:
        """Close the connection; calls without an answer fail."""
        self._is_closed_by_us = True
        cast(Any, self.transport).loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self._lines.feed(data)
        try:
            while (line := self._lines.next_line()) is not None:
                self._take(decode_incoming(line))
        except OnionchatError as error:
            self._end = error
            cast(Any, self.transport).abortConnection()

    def _take(self, incoming: Incoming) -> None:
        if incoming.method == "event":
            self._on_event(decode_event(incoming))
        elif isinstance(incoming.id, int) and incoming.id in self._waiting:
            self._settle(*self._waiting.pop(incoming.id), incoming)
        elif incoming.error is not None:
            raise error_from(incoming.error)

    def _settle(self, name: str, waiting: "Deferred[Any]", answer: Incoming) -> None:
        try:
            result = decode_result(name, answer)
        except OnionchatError as error:
            waiting.errback(error)
        else:
            waiting.callback(result)

    def connectionLost(self, reason: Failure | None = None) -> None:
        error = self._end = self._end or NoNodeError("the node has stopped; start it again with `onionchat run`")
        waiting, self._waiting = self._waiting, {}
        for _, deferred in waiting.values():
            deferred.errback(error)
        if not self._is_closed_by_us:
            self.on_lost(error)


def _nobody(failure: Failure) -> Any:
    if isinstance(failure.value, ConnectError):
        raise NoNodeError("no node is running on this profile; start one with `onionchat run`") from None
    raise LocalError(f"the node's socket cannot be used ({type(failure.value).__name__})") from None
