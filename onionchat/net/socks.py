"""A SOCKS5 client (RFC 1928, RFC 1929) for Twisted that talks to Tor and dials onions only.

The handshake is socksio's. Two things are Tor's own: every peer has its user name, so that no two share a
circuit (`IsolateSOCKSAuth`), and the reply codes F0-F7 of `ExtendedErrors` say what went wrong. They are
read from the reply before socksio sees it, which knows the codes of the RFC only.
"""

from typing import Any

from socksio import ProtocolError, socks5
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from onionchat.errors import LocalError
from onionchat.ids import onion_address, parse_onion_address
from onionchat.limits import DIAL_TIMEOUT_SECONDS
from onionchat.net.failure import DialError, DialFailure

_REPLIES = {
    0x01: DialFailure.TARGET_REFUSED,
    0x02: DialFailure.TARGET_REFUSED,
    0x03: DialFailure.UNREACHABLE,
    0x04: DialFailure.UNREACHABLE,
    0x05: DialFailure.PORT_CLOSED,
    0x06: DialFailure.TIMED_OUT,
    0xF0: DialFailure.NO_DESCRIPTOR,
    0xF1: DialFailure.BAD_DESCRIPTOR,
    0xF2: DialFailure.INTRODUCTION_FAILED,
    0xF3: DialFailure.RENDEZVOUS_FAILED,
    0xF4: DialFailure.KEY_MISSING,
    0xF5: DialFailure.KEY_WRONG,
    0xF6: DialFailure.BAD_ADDRESS,
    0xF7: DialFailure.TIMED_OUT,
}
_HEADER_BYTES = 4
_NAME_MAX_BYTES = 255
_SECOND_NAME = b"onionchat"  # RFC 1929 wants a password too; the user name alone isolates


class _OneClient(Factory):
    """Gives the one protocol it was made for, and says nothing in a log."""

    noisy = False

    def __init__(self, client: Protocol) -> None:
        self._client = client

    def buildProtocol(self, addr: object) -> Protocol:
        return self._client


def reply_length(head: bytes) -> int | None:
    """Bytes of the whole CONNECT reply, as far as its head tells; None when more of the head is needed."""
    if len(head) < _HEADER_BYTES + 1:
        return None
    kinds = {0x01: 4, 0x04: 16, 0x03: 1 + head[4]}
    if head[3] not in kinds:
        raise DialError(DialFailure.NOT_TOR)
    return _HEADER_BYTES + kinds[head[3]] + 2


class SocksClient(Protocol):
    """One dial: does the handshake, then passes everything to the inner protocol, out of its way."""

    def __init__(self, host: str, port: int, user: bytes, inner: Protocol) -> None:
        self._inner = inner
        self._user = user
        self._command = socks5.SOCKS5CommandRequest(
            socks5.SOCKS5Command.CONNECT, socks5.SOCKS5AType.DOMAIN_NAME, host.encode("ascii"), port
        )
        self._socks = socks5.SOCKS5Connection()
        self._buffer = b""
        self._is_open = False
        self._is_settled = False
        self.opened: Deferred[Protocol] = Deferred()

    def connectionMade(self) -> None:
        self._send(socks5.SOCKS5AuthMethodsRequest([socks5.SOCKS5AuthMethod.USERNAME_PASSWORD]))

    def _send(self, request: Any) -> None:
        self._socks.send(request)
        assert self.transport is not None
        self.transport.write(self._socks.data_to_send())

    def dataReceived(self, data: bytes) -> None:
        if self._is_open:
            self._inner.dataReceived(data)
            return
        if self._is_settled:  # it has failed, and what is still on its way says nothing more
            return
        self._buffer += data
        try:
            while not self._is_open and self._step():
                pass
        except DialError as error:
            self._fail(error.failure)
        except ProtocolError:
            self._fail(DialFailure.NOT_TOR)

    def _step(self) -> bool:
        """Take one reply from the buffer; False when it is not complete yet."""
        is_last = self._socks.state == socks5.SOCKS5State.CLIENT_AUTHENTICATED
        length = reply_length(self._buffer) if is_last else 2
        if length is None or len(self._buffer) < length:
            return False
        reply, self._buffer = self._buffer[:length], self._buffer[length:]
        if is_last:
            self._finish(reply)
        else:
            self._authenticate(reply)
        return True

    def _authenticate(self, raw: bytes) -> None:
        reply = self._socks.receive_data(raw)
        if self._socks.state == socks5.SOCKS5State.CLIENT_WAITING_FOR_USERNAME_PASSWORD:
            self._send(socks5.SOCKS5UsernamePasswordRequest(self._user, _SECOND_NAME))
        elif isinstance(reply, socks5.SOCKS5UsernamePasswordReply) and reply.success:
            self._send(self._command)
        else:  # without a user name streams would share circuits: refuse rather than go on
            raise DialError(DialFailure.NOT_TOR)

    def _finish(self, raw: bytes) -> None:
        if raw[0] != 5:
            raise DialError(DialFailure.NOT_TOR)
        if raw[1] != 0:
            raise DialError(_REPLIES.get(raw[1], DialFailure.UNREACHABLE))
        self._socks.receive_data(raw)
        self._is_open = self._is_settled = True
        rest, self._buffer = self._buffer, b""
        assert self.transport is not None
        self._inner.makeConnection(self.transport)  # type: ignore[no-untyped-call]
        self.dataReceived = self._inner.dataReceived  # type: ignore[method-assign]
        self.opened.callback(self._inner)
        if rest:
            self._inner.dataReceived(rest)

    def _fail(self, failure: DialFailure) -> None:
        self.abort()
        if not self._is_settled:
            self._is_settled = True
            self.opened.errback(DialError(failure))

    def abort(self) -> None:
        """Drop the connection at once."""
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]  # TCP and Unix sockets both have it

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._is_open:
            self._inner.connectionLost(reason)
        else:
            self._fail(DialFailure.LOST)


def connect_onion(
    reactor: Any,
    socks_endpoint: IStreamClientEndpoint,
    address: str,
    port: int,
    protocol: Protocol,
    user: str,
    timeout_seconds: float = DIAL_TIMEOUT_SECONDS,
) -> Deferred[Protocol]:
    """Connect `protocol` to an onion through Tor's SOCKS port.

    `address` is a version 3 onion address (LocalError for anything else: no other host is ever dialled);
    `user` isolates: one for each peer, 1-255 bytes. Fires with `protocol` after its `connectionMade`; fails
    with DialError. The Deferred may be cancelled; the whole takes at most `timeout_seconds`.
    """
    host = onion_address(parse_onion_address(address)) + ".onion"
    if not 0 < port < 65536:
        raise LocalError(f"there is no port {port}")
    name = user.encode("utf-8")
    if not 0 < len(name) <= _NAME_MAX_BYTES:
        raise LocalError(f"the isolation name must have 1 to {_NAME_MAX_BYTES} bytes")
    return _Dial(reactor, socks_endpoint, SocksClient(host, port, name, protocol), timeout_seconds).done


class _Dial:
    """One attempt with its time limit; `done` fires once, whatever happens first."""

    def __init__(self, reactor: Any, endpoint: IStreamClientEndpoint, client: SocksClient, seconds: float) -> None:
        self.done: Deferred[Protocol] = Deferred(lambda _: self._end(DialFailure.CANCELLED))
        self._client = client
        self._connecting: Deferred[Any] | None = None
        self._timer = reactor.callLater(seconds, self._end, DialFailure.TIMED_OUT)
        client.opened.addCallbacks(self._succeed, self._fail)
        self._connecting = endpoint.connect(_OneClient(client))
        self._connecting.addErrback(lambda _: self._end(DialFailure.TOR_AWAY))

    def _stop_timer(self) -> None:
        if self._timer.active():
            self._timer.cancel()

    def _succeed(self, protocol: Protocol) -> None:
        self._stop_timer()
        if not self.done.called:
            self.done.callback(protocol)

    def _fail(self, reason: Failure) -> None:
        error = reason.value
        self._end(error.failure if isinstance(error, DialError) else DialFailure.LOST)

    def _end(self, failure: DialFailure) -> None:
        self._stop_timer()
        if self.done.called:
            return
        self.done.errback(DialError(failure))
        if self._connecting is not None:
            self._connecting.cancel()
        self._client.abort()
