"""Targets that talk: sessions, answers of Tor, calls over a socket; and graphs whose signatures are right.

The bytes are not only what comes over the stream: with them a hostile peer that holds good keys is played.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from onionchat import limits
from onionchat.api import server
from onionchat.api import types as t
from onionchat.api.client import decode_event, decode_incoming, decode_result
from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, OnionchatError, RemoteError, TorError
from onionchat.identity.account import fold, make_add, make_genesis, make_remove, parse_statement
from onionchat.identity.roster import Roster
from onionchat.ids import AccountId, EntryId, LogId, onion_address
from onionchat.kinds.chat import Text
from onionchat.log.entry import NO_ENTRY, Content, Entry, Header, is_signed, make_entry
from onionchat.log.log import Judgement, LogHead, judge_block, judge_run
from onionchat.net.control import connect_control
from onionchat.net.failure import DialError
from onionchat.net.socks import SocksClient
from onionchat.wire.channel import Channel, State
from onionchat.wire.commands import Closed, SendBytes
from onionchat.wire.frame import encode_frame
from onionchat.wire.records import Ping, Ready, RenewalAccepted, RenewalProposed
from tests.fuzz.target import Target
from tests.wire.stream import INVITATION_CREDENTIALS, Stream, responder

KEYS = [SigningKey(bytes([number]) * 32) for number in range(1, 8)]
ADDRESS = onion_address(KEYS[0].public)


# --- a peer with good keys --------------------------------------------------------------------------------
def session(data: bytes) -> None:
    """A hostile peer: after TLS (its Noise messages) or after the handshake (its frames) it says what it likes.

    The first byte chooses: bit 0 the moment, bit 1 an invitation's address, bit 2 a cut in pieces of 7 bytes.
    """
    how, said = (data[0], data[1:]) if data else (0, b"")
    stream = Stream(second=responder(INVITATION_CREDENTIALS) if how & 2 and not how & 1 else responder()).start()
    if how & 1:
        stream.settle()
        if stream.i.channel.state is not State.OPEN:
            raise AssertionError("the two did not meet")
        tls: Any = stream.i.channel._tls
    else:
        handshake: Any = stream.i.channel._handshake
        while not handshake.tls.established:
            stream.deliver(stream.r)
            stream.deliver(stream.i)
        stream.r.arriving = b""
        tls = handshake.tls
        tls.output()
    tls.write(said)
    sent = tls.output()
    for start in range(0, len(sent), 7 if how & 4 else len(sent) or 1):
        commands = stream.r.channel.receive_bytes(sent[start : start + (7 if how & 4 else len(sent))], 1.0)
        ended = [command for command in commands if isinstance(command, Closed)]
        if ended and commands[-1] is not ended[0]:
            raise AssertionError("something comes after the end")
        if not how & 1 and any(isinstance(command, SendBytes) for command in commands) and ended:
            raise AssertionError("a fault before authentication was answered")
    _require_bounded(stream.r.channel)
    stream.r.channel.wake(10_000.0)
    stream.r.channel.connection_lost(10_001.0)


def _require_bounded(channel: Channel) -> None:
    waiting = channel._frames.waiting_bytes + channel._tls_records.waiting_bytes + channel.held_bytes
    if waiting > 2 * limits.FRAME_MAX_BYTES + limits.RENEWAL_HELD_MAX_BYTES:
        raise AssertionError(f"{waiting} bytes wait")


SESSION_SEEDS = (
    b"\0\0\x20" + bytes(32),
    b"\2\0\x20" + bytes(range(32)),
    b"\1" + b"".join(encode_frame([Ready(), Ping(7)])),
    b"\5" + b"".join(encode_frame([Ready(), RenewalProposed()])) + b"".join(encode_frame([RenewalAccepted()])),
)


# --- graphs of statements ---------------------------------------------------------------------------------
def statements_of(data: bytes) -> list[bytes]:
    """Rightly signed statements of one account, three bytes each: what, who, whom; heads from what there is."""
    raws = [make_genesis(KEYS[0], bytes(16), KEYS[6].public)]
    ids: list[bytes] = [parse_statement(raws[0]).id]
    account = AccountId(ids[0])
    for start in range(0, min(len(data), 60) - 2, 3):
        what, who, whom = data[start : start + 3]
        signer, target = KEYS[who % 7], KEYS[whom % 7]
        heads = [ids[index % len(ids)] for index in (who >> 4, whom >> 4)] if what & 1 else [ids[-1]]
        try:
            if what & 2:
                keeps = ids[: what >> 6] if what & 8 else []
                cuts = [(bytes([whom]) * 32, what, bytes([who]) * 32)] if what & 4 and what & 16 else []
                reason: Any = "stolen" if what & 4 else "retired"
                raw = make_remove(account, heads, target.public, reason, keeps, cuts, signer)
            else:
                raw = make_add(account, heads, target, signer)
        except (LocalError, RemoteError):
            continue  # such a one cannot even be made
        raws.append(raw)
        ids.append(parse_statement(raw).id)
    return raws


def rosters(data: bytes) -> None:
    """Whatever members and strangers sign: one roster for every order, and the account is never flooded."""
    raws = statements_of(data)
    roster = fold(raws)
    if _shown(fold(reversed(raws))) != _shown(roster) or _shown(fold(raws[::2] + raws)) != _shown(roster):
        raise AssertionError("the order of arrival decides")
    if len(roster.active) > limits.DEVICES_PER_ACCOUNT_MAX or roster.active & set(roster.removed):
        raise AssertionError("too many devices, or one that is in and out")
    part = fold(raws[: len(raws) // 2 + 1])
    if not set(part.statements) <= set(raws):
        raise AssertionError("a statement from nowhere")


def _shown(roster: Roster) -> tuple[Any, ...]:
    return (roster.active, dict(roster.removed), roster.disputed, roster.heads, sorted(roster.statements))


# --- runs of entries --------------------------------------------------------------------------------------
def entries_of(data: bytes) -> list[Entry]:
    """Entries of one log, three bytes each: what is wrong with it, its number, its time."""
    log, made, last = KEYS[1], list[Entry](), NO_ENTRY
    for start in range(0, min(len(data), 90) - 2, 3):
        what, seq, ms = data[start : start + 3]
        number = len(made) + 1 if what & 1 else seq % 16 + 1
        prev = last if what & 2 and number > 1 else NO_ENTRY if number == 1 else EntryId(bytes([seq]) * 32)
        content = Content(bytes(16), (), "text", 0, encode(Text("x" * (what + 1))))
        entry = make_entry(log, number, prev, (len(made) * 10 + ms % 20, what >> 4), content)
        if what & 4:
            entry = msgspec.structs.replace(entry, signature=bytes(64))
        if what & 8:
            entry = entry.tombstone()
        made.append(entry)
        last = entry.id
    return made


def chains(data: bytes) -> None:
    """A hostile writer: only RemoteError; what is accepted chains, grows in time, and ends in a good signature."""
    entries = entries_of(data[1:])
    floor = data[0] % 8 if data else 0
    head = LogHead(LogId(KEYS[1].public), cut_seq=floor + 1 if floor & 1 else None)
    try:
        judged = judge_run(head, entries)
    except RemoteError:
        judged = Judgement(head)
    _require_chain(judged.accepted)
    if judged.new_head.seq != len(judged.accepted):
        raise AssertionError("a head that is not where its entries end")
    if judged.accepted and not is_signed(judged.accepted[-1]):
        raise AssertionError("an unsigned run was taken")
    block = judge_block(head, entries[floor:])
    _require_chain(block.accepted)


def _require_chain(entries: list[Entry]) -> None:
    for before, after in pairwise(entries):
        header: Header = after.header
        if header.prev != before.id or header.seq != before.seq + 1 or after.time <= before.time:
            raise AssertionError("an accepted run that is no chain")


# --- answers of Tor ---------------------------------------------------------------------------------------
GREETING = b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n'


@implementer(IStreamClientEndpoint)
class _Endpoint:
    """Connects to a transport that keeps what is written."""

    def __init__(self) -> None:
        self.transport = StringTransport()
        self.protocol: Any = None

    def connect(self, factory: Any) -> "Deferred[Any]":
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        done: Deferred[Any] = Deferred()
        done.callback(self.protocol)
        return done

    def say(self, data: bytes) -> None:
        """As Twisted does: an exception out of a protocol ends its connection."""
        try:
            if not self.transport.disconnecting:
                self.protocol.dataReceived(data)
        except Exception as error:
            self.protocol.connectionLost(Failure(error))
            self.transport.disconnecting = True


def control(data: bytes) -> None:
    """A control port that answers anything: every question ends in an answer or a TorError."""
    clock, endpoint = Clock(), _Endpoint()
    results: list[Any] = []
    connecting = ensureDeferred(connect_control(endpoint, clock, "look into its manual"))
    connecting.addBoth(results.append)
    if data[:1] >= b"\x80":  # the greeting, too, is what it likes
        endpoint.say(data[1:])
    else:
        endpoint.say(GREETING + b"250 OK\r\n250-version=0.4.9.11\r\n250 OK\r\n")
        if results and not isinstance(results[0], Failure):
            told = results[0]
            ask = (told.bootstrap, told.onions_current, lambda: told.add_onion(bytes(64), 80, "127.0.0.1:1"))
            more = (told.circuit_established, lambda: told.hsfetch(ADDRESS), lambda: told.del_onion(ADDRESS))
            for question in (*ask, *more, lambda: told.listen(lambda name, line: None)):
                ensureDeferred(question()).addBoth(results.append)
            endpoint.say(data)
    clock.pump([limits.CONTROL_TIMEOUT_SECONDS + 1] * 10)
    for result in results:
        if isinstance(result, Failure) and not isinstance(result.value, TorError):
            result.raiseException()
        if isinstance(result, Failure) and not str(result.value).isprintable():
            raise AssertionError("an error that would command the terminal")


def socks(data: bytes) -> None:
    """A SOCKS port that answers anything: connected, or a DialError, once."""
    client = SocksClient(ADDRESS + ".onion", 80, b"user", Protocol())
    outcomes: list[Any] = []
    client.opened.addBoth(outcomes.append)
    client.makeConnection(_Aborting())  # type: ignore[no-untyped-call]
    size = data[0] % 16 + 1 if data else 1
    for start in range(1, len(data), size):
        client.dataReceived(data[start : start + size])
    if len(client._buffer) > 600:
        raise AssertionError("it keeps more than a reply")
    client.connectionLost(Failure(ConnectionDone()))
    for outcome in outcomes:
        if isinstance(outcome, Failure) and not isinstance(outcome.value, DialError):
            outcome.raiseException()


class _Aborting(StringTransport):
    def abortConnection(self) -> None:
        self.disconnecting = True


# --- the local API ----------------------------------------------------------------------------------------
class _Service:
    """Answers every method with a fault, and hands out no events."""

    def call(self, name: str, params: t.Params) -> Any:
        raise LocalError(f"{name} is not to be had here")

    def subscribe(self, events: Iterable[str], send: Any) -> Any:
        return lambda: None


class _Client(StringTransport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def abortConnection(self) -> None:
        self.aborted = True

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Nothing to hold back."""

    def unregisterProducer(self) -> None:
        """Nothing to hold back."""


@contextmanager
def _own_user() -> Iterator[None]:
    before = server.peer_uid
    server.peer_uid = lambda transport: server.os.geteuid()
    try:
        yield
    finally:
        server.peer_uid = before


def api_connection(data: bytes) -> None:
    """Bytes from a client: answers that are JSON, one a line; no exception."""
    factory = server.ApiServer(_Service(), server.Path("/nonexistent"), Clock())
    connection, transport = factory.buildProtocol(None), _Client()  # type: ignore[arg-type]
    with _own_user():
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
    size = data[0] + 1 if data else 1
    for start in range(1, len(data), size):
        connection.dataReceived(data[start : start + size])
    for line in transport.value().splitlines():
        msgspec.json.decode(line)
    connection.connectionLost()


def api_answer(data: bytes) -> None:
    """What a client makes of a node's lines."""
    incoming = decode_incoming(data)
    if incoming.method == "event":
        decode_event(incoming)
    else:
        decode_result("status.get", incoming)


CALL = b'{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"name":"Ann","text":"hi"}}\n'
TALKS: dict[str, Target] = {
    "session": Target(session, (), SESSION_SEEDS),
    "rosters": Target(rosters, (RemoteError,), (bytes((0, 0, 1, 0, 1, 2, 2, 0, 1, 6, 1, 2)), bytes(range(60)))),
    "chains": Target(
        chains, (RemoteError,), (b"\0" + bytes((3, 0, 0)) * 5, b"\1" + bytes((1, 2, 3, 7, 0, 1, 3, 3, 3)))
    ),
    "control": Target(
        control,
        (),
        (
            b'250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=50 TAG=x SUMMARY="y"\r\n250 OK\r\n',
            b"250+onions/current=\r\n" + ADDRESS.encode() + b"\r\n.\r\n250 OK\r\n510 Command filtered\r\n",
            b"\xff" + GREETING.replace(b"NULL", b'COOKIE COOKIEFILE="/nonexistent"'),
            b"650 HS_DESC UPLOADED x\r\n250-ServiceID=" + ADDRESS.encode() + b"\r\n250 OK\r\n",
        ),
    ),
    "socks": Target(
        socks, (), (b"\1\5\2\1\0\5\0\0\1\0\0\0\0\0\0hello", b"\x0f\5\2\1\0\5\xf0\0\3\1x\0\0", b"\3\5\2\1\0\5\0\0\4")
    ),
    "api_connection": Target(api_connection, (), (b"\x10" + CALL * 2, b"\xff[]\n\n{}\n" + CALL, b"\1" + CALL[:40])),
    "api_answer": Target(
        api_answer,
        (OnionchatError,),
        (
            b'{"jsonrpc":"2.0","id":1,"result":{}}',
            b'{"jsonrpc":"2.0","method":"event","params":{"event":"tor","time":1}}',
        ),
    ),
}
