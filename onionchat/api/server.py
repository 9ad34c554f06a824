"""The server of the local API: JSON-RPC 2.0, one JSON object a line, over a Unix socket of the user alone.

Calls may be pipelined; answers come in the order in which calls finish. Each client is bounded: a line, the
calls under way, the events that it has not read. A client that sends what is no call gets an error and keeps
its connection; one that sends a line that is too long, or subscribes and does not read, loses it.
"""

import os
import socket
import stat
import struct
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from onionchat import limits
from onionchat.api import types as t
from onionchat.api.lines import LineBuffer
from onionchat.api.messages import Call, CallId, error_line, event_line, result_line
from onionchat.api.methods import EVENTS, METHODS
from onionchat.api.outbox import Outbox
from onionchat.errors import LocalError, OnionchatError, UsageError

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError)
_call_decoder = msgspec.json.Decoder(Call)
_params_decoders = {method.name: msgspec.json.Decoder(method.params) for method in METHODS}


class Service(Protocol):
    """What the methods do. `call` raises, or fails with, OnionchatError for all that a user should read."""

    def call(self, name: str, params: t.Params) -> Any:
        """Carry out one method; the result, or a Deferred of it."""
        ...

    def subscribe(self, events: Collection[str], send: Callable[[t.Event], None]) -> Callable[[], None]:
        """Call `send` with every event of these names from now on; returns what ends it."""
        ...


def peer_uid(transport: Any) -> int:
    """The user id at the other end of a Unix socket (SO_PEERCRED)."""
    raw = transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


@implementer(IHalfCloseableProtocol, IPushProducer)
class ApiConnection(TwistedProtocol):
    """One client. Reading stops while calls or unread answers pile up."""

    def __init__(self, server: "ApiServer") -> None:
        self._server = server
        self._lines = LineBuffer(limits.API_LINE_MAX_BYTES)
        self._in_flight = 0
        self._is_open = False
        self._is_reading = True
        self._is_half_closed = False
        self._is_working = False
        self._unsubscribe: Callable[[], None] | None = None
        self._outbox: Outbox

    # --- the stream ---------------------------------------------------------------------------------
    def connectionMade(self) -> None:
        transport = cast(Any, self.transport)
        self._outbox = Outbox(transport.write)
        self._is_open = True
        refusal = self._server.admit(self)
        if refusal is not None:
            self._close_with(refusal)
            return
        transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        if self._is_open:
            self._lines.feed(data)
            self._work()

    def readConnectionLost(self) -> None:
        """The client has said all, or is gone (they look alike): it still gets its answers, but no more events."""
        self._is_half_closed = True
        self._end_subscription()
        self._close_when_finished()

    def writeConnectionLost(self) -> None:
        self._drop()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._forget()
        self._server.connection_lost(self)

    def close(self) -> None:
        """Close when what has been written is out."""
        if self._is_open:
            self._forget()
            transport = cast(Any, self.transport)
            transport.unregisterProducer()
            transport.loseConnection()

    def _close_with(self, error: OnionchatError) -> None:
        self._outbox.write(error_line(None, error))
        self.close()

    def _drop(self) -> None:
        self._forget()
        cast(Any, self.transport).abortConnection()

    def _forget(self) -> None:
        self._is_open = False
        self._end_subscription()

    def _end_subscription(self) -> None:
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()

    # --- back-pressure: the transport says when its buffer is full and when it is empty ----------------
    def pauseProducing(self) -> None:
        self._outbox.hold()
        self._read_or_wait()

    def resumeProducing(self) -> None:
        self._outbox.release()
        self._read_or_wait()
        self._work()

    def stopProducing(self) -> None:
        """The transport is gone; `connectionLost` follows."""

    def _may_work(self) -> bool:
        return self._is_open and not self._outbox.is_held and self._in_flight < limits.API_CALLS_IN_FLIGHT_MAX

    def _read_or_wait(self) -> None:
        wanted = self._may_work()
        if wanted == self._is_reading or not self._is_open or self._is_half_closed:
            return
        self._is_reading = wanted
        transport = cast(Any, self.transport)
        (transport.resumeProducing if wanted else transport.pauseProducing)()

    # --- calls ----------------------------------------------------------------------------------------
    def _work(self) -> None:
        if self._is_working:  # an answer that comes at once calls us again
            return
        self._is_working = True
        try:
            while self._may_work() and (line := self._lines.next_line()) is not None:
                if line.strip():
                    self._call(line)
        except UsageError as error:
            self._close_with(error)
        finally:
            self._is_working = False
        self._read_or_wait()
        self._close_when_finished()

    def _call(self, line: bytes) -> None:
        call_id: CallId | msgspec.UnsetType = None
        try:
            call = _parse_call(line)
            call_id = call.id
            params = _parse_params(call)
            result = self._carry_out(call.method, params)
        except OnionchatError as error:
            self._answer(call_id, error_line(_known(call_id), error))
            return
        except Exception as error:  # a fault of ours: the client learns its kind, never its text
            self._answer(call_id, error_line(_known(call_id), _fault(error)))
            return
        if isinstance(result, Deferred):
            self._in_flight += 1
            result.addCallbacks(self._succeeded, self._failed, callbackArgs=(call_id,), errbackArgs=(call_id,))
        else:
            self._answer(call_id, _encode(_known(call_id), result))

    def _carry_out(self, name: str, params: t.Params) -> Any:
        if not isinstance(params, t.Subscribe):
            return self._server.service.call(name, params)
        unknown = sorted(set(params.events) - set(EVENTS))
        if unknown:
            raise UsageError(f"unknown event {_printable(unknown[0])}; there are: {', '.join(EVENTS)}")
        self._end_subscription()
        self._unsubscribe = self._server.service.subscribe(tuple(params.events) or EVENTS, self._send_event)
        return t.Done()

    def _succeeded(self, result: Any, call_id: CallId | msgspec.UnsetType) -> None:
        self._finish(call_id, _encode(_known(call_id), result))

    def _failed(self, failure: Failure, call_id: CallId | msgspec.UnsetType) -> None:
        error = failure.value
        shown = error if isinstance(error, OnionchatError) else _fault(error)
        self._finish(call_id, error_line(_known(call_id), shown))

    def _finish(self, call_id: CallId | msgspec.UnsetType, line: bytes) -> None:
        self._in_flight -= 1
        self._answer(call_id, line)
        self._work()

    def _answer(self, call_id: CallId | msgspec.UnsetType, line: bytes) -> None:
        if self._is_open and call_id is not msgspec.UNSET:
            self._outbox.write(line)

    def _send_event(self, event: t.Event) -> None:
        if self._is_open and not self._outbox.write_event(event_line(event)):
            self._drop()  # it does not read

    def _close_when_finished(self) -> None:
        if self._is_half_closed and self._is_open and not self._in_flight and not self._outbox.is_held:
            self.close()


class ApiServer(Factory):
    """Listens on one socket and serves one service. `start`, then `stop`.

    The caller holds the profile's lock, so a socket that already stands at `path` is a dead one.
    """

    noisy = False

    def __init__(self, service: Service, path: Path, reactor: Any) -> None:
        self.service = service
        self._path = path
        self._reactor = reactor
        self._connections: set[ApiConnection] = set()
        self._port: Any = None
        self._gone: Deferred[None] | None = None

    def start(self) -> None:
        """Listen. LocalError when something else than a socket of ours stands at the path."""
        _remove_dead_socket(self._path)
        before = os.umask(0o177)  # the socket is nobody else's from its first moment on
        try:
            self._port = self._reactor.listenUNIX(str(self._path), self, mode=0o600, wantPID=False)
        except Exception as error:
            raise LocalError(f"the node's socket cannot be made ({type(error).__name__}): {self._path}") from None
        finally:
            os.umask(before)
        found = os.lstat(self._path)
        if not stat.S_ISSOCK(found.st_mode) or stat.S_IMODE(found.st_mode) != 0o600 or found.st_uid != os.geteuid():
            self._port.stopListening()
            raise LocalError(f"the node's socket is not private on this file system: {self._path}")

    def stop(self) -> "Deferred[Any]":
        """Stop listening, and close every connection when its answers are out."""
        port, self._port = self._port, None
        stopping = [maybeDeferred(port.stopListening)] if port is not None else []
        if self._connections:
            self._gone = Deferred()
            stopping.append(self._gone)
            # a client that does not read its last answers must not hold up the end
            timer = self._reactor.callLater(limits.API_CLOSE_SECONDS, self._abort_all)
            self._gone.addBoth(lambda _: timer.cancel() if timer.active() else None)
        for connection in tuple(self._connections):
            connection.close()
        return DeferredList(stopping, consumeErrors=True)

    def _abort_all(self) -> None:
        for connection in tuple(self._connections):
            cast(Any, connection.transport).abortConnection()

    def buildProtocol(self, addr: UNIXAddress) -> ApiConnection:  # type: ignore[override]
        return ApiConnection(self)

    def admit(self, connection: ApiConnection) -> OnionchatError | None:
        """Count a new client; the reason when it must go again."""
        self._connections.add(connection)
        if peer_uid(connection.transport) != os.geteuid():
            return LocalError("this node serves its own user only")
        if len(self._connections) > limits.API_CLIENTS_MAX:
            return LocalError(f"there are {limits.API_CLIENTS_MAX} clients already: close one of them")
        return None

    def connection_lost(self, connection: ApiConnection) -> None:
        """A client is gone."""
        self._connections.discard(connection)
        gone = self._gone
        if gone is not None and not self._connections:
            self._gone = None
            gone.callback(None)


def _parse_call(line: bytes) -> Call:
    try:
        call = _call_decoder.decode(line)
    except _MALFORMED as error:
        raise UsageError(f"that is no JSON-RPC call: {_printable(str(error))}") from None
    if call.jsonrpc != "2.0":
        raise UsageError('that is no JSON-RPC call: "jsonrpc" must be "2.0"')
    return call


def _parse_params(call: Call) -> t.Params:
    decoder = _params_decoders.get(call.method)
    if decoder is None:
        raise UsageError(f"unknown method {_printable(call.method)}")
    try:
        return decoder.decode(call.params)
    except _MALFORMED as error:
        raise UsageError(f"{call.method}: {_printable(str(error))}") from None


def _encode(call_id: CallId, result: Any) -> bytes:
    try:
        return result_line(call_id, result)
    except Exception as error:
        return error_line(call_id, _fault(error))


def _known(call_id: CallId | msgspec.UnsetType) -> CallId:
    return None if isinstance(call_id, msgspec.UnsetType) else call_id


def _fault(error: BaseException | None) -> OnionchatError:
    return LocalError(f"the node failed inside ({type(error).__name__}); please report it")


def _printable(text: str) -> str:
    """What a client sent, for its own error message: one short line."""
    return "".join(character if character.isprintable() else "�" for character in text[:200])


def _remove_dead_socket(path: Path) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalError(f"something that is no socket of ours stands in the way: {path}")
    os.unlink(path)
