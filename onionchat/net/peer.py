"""The only code that touches a peer's socket: a stream with a channel on it, who listens for one, who dials one.

The channel decides, `PeerLink` carries out, the `PeerObserver` (the node) hears of it. All on the reactor's thread.
The observer may call any method of the link from within any of its callbacks; a fault of its own ends that link and
nothing else, and leaves in the log no more than its class: what it was about may be a message.

Records that are sent within one turn of the reactor go out together, at the turn's end: few frames and TLS writes
for a burst. It costs a single message nothing: Twisted itself writes to a socket when it polls next, which is after
the delayed calls of this turn.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, assert_never

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as StreamProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from onionchat import limits
from onionchat.crypto.tls import TlsIdentity
from onionchat.errors import LocalError, RemoteError
from onionchat.net.failure import DialError, DialFailure
from onionchat.wire.channel import Channel
from onionchat.wire.commands import (
    Closed,
    Command,
    PeerAuthenticated,
    PeerIdentity,
    RecordReceived,
    SendBytes,
    WakeAt,
)
from onionchat.wire.halfopen import HalfOpenPool
from onionchat.wire.handshake import GROUP, Credentials, Expected, Role
from onionchat.wire.records import AnyRecord

COLLECTED_RECORDS_MAX = limits.SEND_BUFFER_MAX_BYTES // limits.FRAME_MAX_BYTES
"""So many wait for the end of the turn; at their largest they fill the send buffer, and `is_congested` must show."""
READ_BYTES = 16 * limits.KIB  # from one peer in one turn; the dearest records cost 10 ms for so many
LINGER_SECONDS = 30.0  # for the last bytes of an orderly end, on a slow circuit

_log = Logger()


class PeerObserver(Protocol):
    """Who hears of links. RemoteError from any of these ends the link as the other side's fault."""

    def channel_authenticated(self, link: "PeerLink") -> None:
        """`link.peer` has proven who it is; records may be sent."""

    def record_received(self, link: "PeerLink", record: AnyRecord) -> None:
        """A record for the layers above."""

    def drained(self, link: "PeerLink") -> None:
        """It was congested and is so no more."""

    def channel_closed(self, link: "PeerLink", reason: str, remote_fault: bool) -> None:
        """The last word, once for every link that had a stream; without `link.peer` it has never authenticated."""


Settled = Callable[["PeerLink", Closed | None], object]
"""Called once, before the observer hears of it: None when authenticated, else how it ended before that."""


class _Timer:
    """Calls `action` once, `seconds` after the last `start`."""

    def __init__(self, reactor: Any, action: Callable[[], object]) -> None:
        self._reactor = reactor
        self._action = action
        self._call: Any = None

    @property
    def is_running(self) -> bool:
        return self._call is not None and self._call.active()

    def start(self, seconds: float) -> None:
        self.cancel()
        self._call = self._reactor.callLater(seconds, self._action)

    def cancel(self) -> None:
        if self.is_running:
            self._call.cancel()
        self._call = None


@implementer(IPushProducer)
class PeerLink(StreamProtocol):
    """One stream and its channel. After `closed` every method is harmless and nothing is heard of it any more."""

    def __init__(
        self, reactor: Any, channel: Channel, observer: PeerObserver, service: object, settled: Settled | None = None
    ) -> None:
        """`service`: which onion of ours it came to, or what was dialled; only the observer knows what it means."""
        self.channel = channel
        """To look at. What changes it goes through the link, which has to carry out what the channel then asks for."""
        self.service = service
        self.outgoing = channel.role is Role.INITIATOR
        self.opened_at = 0.0
        """When the stream was there, in seconds of the reactor's clock."""
        self.closed = False
        self._reactor = reactor
        self._observer = observer
        self._settled = settled
        self._stream: Any = None
        self._is_lost = False
        self._collected: list[AnyRecord] = []
        self._unsent_bytes = 0
        self._is_paused = False
        self._was_congested = False
        self._wake_time = 0.0
        self._wake_timer = _Timer(reactor, lambda: self._advance(self.channel.wake))
        self._flush_timer = _Timer(reactor, self.flush)
        self._stall_timer = _Timer(reactor, self._give_up)
        self._linger_timer = _Timer(reactor, self._abort)
        self._rest_timer = _Timer(reactor, self._read_on)

    def __repr__(self) -> str:
        return f"<PeerLink {'out' if self.outgoing else 'in'} {self.channel.state.name}>"

    # --- for the node ------------------------------------------------------------------------------

    @property
    def peer(self) -> PeerIdentity | None:
        """Who it is, once authenticated."""
        return self.channel.peer

    @property
    def is_congested(self) -> bool:
        """Whether to stop producing until `drained`. A closed link takes nothing and never drains."""
        return self.closed or self._is_paused or self.channel.held_bytes > limits.SEND_BUFFER_MAX_BYTES

    def send(self, records: Sequence[AnyRecord]) -> None:
        """Send in order, at the end of this turn. LocalError before the peer is authenticated."""
        if self.closed or not records:
            return
        if self.peer is None:
            raise LocalError("nothing can be sent to a peer that is not authenticated")
        self._collected.extend(records)
        if len(self._collected) >= COLLECTED_RECORDS_MAX:
            self.flush()
        elif not self._flush_timer.is_running:
            self._flush_timer.start(0)

    def flush(self) -> None:
        """Hand what was collected to the transport now."""
        self._flush_timer.cancel()
        records, self._collected = self._collected, []
        if records:
            self._advance(lambda now: self.channel.send_records(records, now))

    def restrict(self, record_max_bytes: int, total_bytes: int) -> None:
        """`Channel.restrict`: caps for a stranger, or their end."""
        self._advance(lambda _: self.channel.restrict(record_max_bytes, total_bytes))

    def renew(self) -> None:
        """`Channel.renew`: new session keys, now."""
        self._advance(self.channel.renew)

    def close(self, reason: str) -> None:
        """An orderly end: what was sent, a goodbye with one of GOODBYE_REASONS, and the end of the stream."""
        self.flush()
        self._advance(lambda now: self.channel.close(reason, now))
        self._finish(Closed(reason, remote_fault=False))  # when the channel had ended, and was just about to tell

    def drop(self, reason: str, remote_fault: bool = False) -> None:
        """An end without a word; what was sent and is not out yet is lost."""
        self._finish(Closed(reason, remote_fault), at_once=True)

    # --- for Twisted -------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        self._stream = self.transport
        self.opened_at = self._reactor.seconds()
        if self.closed:  # given up while it was made
            self._abort()
            return
        # a Unix socket knows no TCP_NODELAY, a stream in memory neither of them
        if hasattr(self._stream, "setTcpNoDelay"):
            self._stream.setTcpNoDelay(True)
        if hasattr(self._stream, "registerProducer"):
            self._stream.registerProducer(self, True)
        if hasattr(self._stream, "bufferSize"):
            self._stream.bufferSize = READ_BYTES
        self._advance(self.channel.connection_made)

    def dataReceived(self, data: bytes) -> None:
        begin = time.thread_time()
        self._advance(lambda now: self.channel.receive_bytes(data, now))
        self._rest(time.thread_time() - begin)

    def _rest(self, worked_seconds: float) -> None:
        """Read nothing for as long as the last bytes took, if that was long: no peer has more than half of our time."""
        if worked_seconds > limits.TURN_SECONDS_MAX and not self.closed and hasattr(self._stream, "pauseProducing"):
            self._stream.pauseProducing()
            self._rest_timer.start(worked_seconds)

    def _read_on(self) -> None:
        self._stream.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._is_lost = True
        self._linger_timer.cancel()
        self._rest_timer.cancel()
        self._advance(self.channel.connection_lost)

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        if not self.closed and not self._is_paused:
            self._is_paused = self._was_congested = True
            self._unsent_bytes = 0
            self._stall_timer.start(limits.SEND_STALL_SECONDS)

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self._is_paused = False
        self._stall_timer.cancel()
        self._notice_drained()

    def stopProducing(self) -> None:
        """The stream is gone; `connectionLost` says so too."""

    # --- carrying out ------------------------------------------------------------------------------

    def _advance(self, step: Callable[[float], list[Command]]) -> None:
        """Let the channel take a step, and do what it asks for, until the link is closed."""
        if self.closed:
            return
        try:
            commands = step(self._reactor.seconds())
        except Exception as fault:
            _log.error("a channel failed: {kind}", kind=type(fault).__name__)
            self.drop("error")
            return
        for command in commands:
            self._carry_out(command)
        self._notice_drained()

    def _carry_out(self, command: Command) -> None:
        if self.closed:  # by the observer, when it heard of the command before
            return
        match command:
            case SendBytes(data):
                self._write(data)
            case PeerAuthenticated():
                self._greet()
            case RecordReceived(record):
                self._tell(self._observer.record_received, record)
            case WakeAt(at):
                self._wake_at(at)
            case Closed():
                self._finish(command, at_once=command.remote_fault)
            case _:
                assert_never(command)

    def _greet(self) -> None:
        self._settle(None)
        if not self.closed:  # by who dialled
            self._tell(self._observer.channel_authenticated)

    def _write(self, data: bytes) -> None:
        if self._is_paused:
            self._unsent_bytes += len(data)
            if self._unsent_bytes > limits.SEND_BUFFER_FULL_BYTES:
                self._give_up()
                return
        self._stream.write(data)

    def _give_up(self) -> None:
        self.drop("the other side does not take what is sent")

    def _notice_drained(self) -> None:
        was_congested, self._was_congested = self._was_congested, self.is_congested
        if was_congested and not self._was_congested:
            self._tell(self._observer.drained)

    def _wake_at(self, at: float) -> None:
        """Two `WakeAt` may come in the wrong order when the observer sends between them: the earlier one is right."""
        if not self._wake_timer.is_running or at < self._wake_time:
            self._wake_time = at
            self._wake_timer.start(max(0.0, at - self._reactor.seconds()))

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        try:
            callback(self, *arguments)
        except RemoteError as fault:
            self.drop(str(fault), remote_fault=True)
        except Exception as fault:
            _log.error("{callback} failed: {kind}", callback=callback.__name__, kind=type(fault).__name__)
            self.close("error")

    # --- the end -----------------------------------------------------------------------------------

    def _settle(self, ended: Closed | None) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled(self, ended)

    def _finish(self, end: Closed, at_once: bool = False) -> None:
        if self.closed:
            return
        self.closed = True
        self._collected.clear()
        for timer in (self._wake_timer, self._flush_timer, self._stall_timer):
            timer.cancel()
        self.channel.connection_lost(self._reactor.seconds())  # keys and buffers go, whoever ends it
        had_stream = self._stream is not None
        if had_stream and not self._is_lost:
            self._end_stream(at_once)
        self._settle(end)
        if had_stream:
            self._tell(self._observer.channel_closed, end.reason, end.remote_fault)

    def _end_stream(self, at_once: bool) -> None:
        if self._rest_timer.is_running:  # so that the other side's end is noticed
            self._rest_timer.cancel()
            self._read_on()
        if hasattr(self._stream, "unregisterProducer"):
            self._stream.unregisterProducer()  # a paused producer would keep the stream open
        if at_once:
            self._abort()
        else:
            self._linger_timer.start(LINGER_SECONDS)
            self._stream.loseConnection()

    def _abort(self) -> None:
        self._stream.abortConnection()


class PeerListener(Factory):
    """Takes the streams that come in for one onion of ours.

    `credentials()` is asked for each of them. A few may be open before authentication, the oldest is dropped first;
    how many stay after it, the observer decides.
    """

    noisy = False

    def __init__(
        self,
        credentials: Callable[[], Credentials],
        observer: PeerObserver,
        service: object,
        *,
        random: Callable[[int], bytes] = os.urandom,
        group: bytes = GROUP,
    ) -> None:
        self._credentials = credentials
        self._observer = observer
        self._service = service
        self._random = random
        self._group = group
        self._reactor: Any = None
        self._port: Any = None
        self._tls: TlsIdentity | None = None
        self._pool: HalfOpenPool[PeerLink] = HalfOpenPool()
        self._half_open: set[PeerLink] = set()

    def start(self, reactor: Any, host: str, ports: range | None = None) -> int:
        """Listen at the first free one of `ports`, or anywhere; the port. LocalError when none is free.

        `TorPlace.listen_host` and `onion_ports` say where. Each start has a TLS certificate of its own.
        """
        if self._port is not None:
            raise LocalError("that onion is being listened for already")
        for port in [0] if ports is None else ports:
            try:
                self._port = reactor.listenTCP(port, self, interface=host)
            except CannotListenError:
                continue
            self._reactor, self._tls = reactor, TlsIdentity.generate()
            return int(self._port.getHost().port)
        tried = f"the ports {ports.start} to {ports.stop - 1} are" if ports else "every port is"
        raise LocalError(f"{tried} in use on {host}; end another program that listens there")

    def stop(self) -> "Deferred[None]":
        """Take no more, and drop what has not authenticated; the other links are the observer's. Fires when free."""
        port, self._port = self._port, None
        for link in list(self._half_open):
            link.drop("stopping")
        return succeed(None) if port is None else maybeDeferred(port.stopListening)

    def buildProtocol(self, addr: object) -> PeerLink | None:
        if self._port is None or self._tls is None:
            return None
        try:
            channel = Channel(Role.RESPONDER, self._credentials(), None, self._tls, self._random, self._group)
        except Exception as fault:
            _log.error("no credentials for a stream: {kind}", kind=type(fault).__name__)
            return None
        link = PeerLink(self._reactor, channel, self._observer, self._service, self._left_pool)
        self._half_open.add(link)
        for oldest in self._pool.opened(link):
            oldest.drop("too many connections before authentication")
        return link

    def _left_pool(self, link: PeerLink, _: Closed | None) -> None:
        self._pool.closed(link)
        self._half_open.discard(link)


class OnionConnector(Protocol):
    """What `dial` needs of `net.tor.Tor`."""

    def connect(
        self,
        address: str,
        port: int,
        isolation_user: str,
        protocol: StreamProtocol,
        timeout_seconds: float,
        fresh: bool,
    ) -> "Deferred[StreamProtocol]":
        """See `Tor.connect`."""


def dial(
    tor: OnionConnector,
    reactor: Any,
    credentials: Credentials,
    expected: Expected,
    address: str,
    port: int,
    isolation_user: str,
    observer: PeerObserver,
    service: object,
    timeout_seconds: float = limits.DIAL_TIMEOUT_SECONDS,
    fresh: bool = False,
    *,
    random: Callable[[int], bytes] = os.urandom,
    group: bytes = GROUP,
) -> "Deferred[PeerLink]":
    """Dial a device or an invitation; fires once it has authenticated, just before `channel_authenticated`.

    Fails with DialError: as Tor's dial does, TIMED_OUT when all takes longer than `timeout_seconds`, REJECTED when
    the handshake was refused, LOST when it broke. May be cancelled (CANCELLED). Raises at once what only a mistake
    of the caller's can cause: LocalError for no onion address, ValueError for credentials that cannot dial.
    """
    channel = Channel(Role.INITIATOR, credentials, expected, TlsIdentity.generate(), random, group)
    attempt = _Attempt(reactor, timeout_seconds)
    link = PeerLink(reactor, channel, observer, service, attempt.settled)
    attempt.start(link, tor.connect(address, port, isolation_user, link, timeout_seconds, fresh))
    return attempt.done


class _Attempt:
    """One dial until the link has authenticated or it is over."""

    def __init__(self, reactor: Any, timeout_seconds: float) -> None:
        self.done: Deferred[PeerLink] = Deferred(lambda _: self._fail(DialFailure.CANCELLED))
        self._reactor = reactor
        self._timeout_seconds = timeout_seconds
        self._timer = _Timer(reactor, lambda: self._fail(DialFailure.TIMED_OUT))
        self._link: PeerLink | None = None
        self._connecting: Deferred[Any] | None = None

    def start(self, link: PeerLink, connecting: "Deferred[StreamProtocol]") -> None:
        self._link, self._connecting = link, connecting
        if not self.done.called:
            self._timer.start(self._timeout_seconds)
        connecting.addErrback(self._not_connected)

    def settled(self, link: PeerLink, ended: Closed | None) -> None:
        """The link has authenticated, or ended before."""
        if self.done.called:
            return
        if ended is None:
            self._timer.cancel()
            self.done.callback(link)
        elif self._reactor.seconds() - link.opened_at >= limits.PRE_AUTH_TIMEOUT_SECONDS:
            self._fail(DialFailure.TIMED_OUT)
        else:
            self._fail(DialFailure.REJECTED if ended.remote_fault else DialFailure.LOST)

    def _not_connected(self, reason: Failure) -> None:
        error = reason.value
        self._fail(error.failure if isinstance(error, DialError) else DialFailure.LOST)

    def _fail(self, failure: DialFailure) -> None:
        if self.done.called:
            return
        self._timer.cancel()
        self.done.errback(DialError(failure))
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.drop(failure.value)
