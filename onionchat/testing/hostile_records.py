"""Records that are wrong: one right example of every kind, and everything that can be done to one value of it.

`bodies` makes the bytes; which of them a decoder refuses, and which are well-formed and absurd, `sorted_bodies` says.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from onionchat import limits
from onionchat.codec import encode
from onionchat.errors import RemoteError
from onionchat.log.certificate import make_log_certificate
from onionchat.log.entry import WireEntry
from onionchat.testing.strangers import Stranger
from onionchat.wire.frame import HEADER_BYTES, LENGTH_BYTES, SIZE_BYTES, FrameReader
from onionchat.wire.records import (
    Ack,
    Admitted,
    AnyRecord,
    Batch,
    BodiesRequested,
    Cards,
    CardsKept,
    ContactAccepted,
    ContactAcceptedKept,
    ContactRefused,
    ContactRequestKept,
    ConversationDigests,
    ConversationUnknown,
    Deliveries,
    DeliveriesAsked,
    Frontier,
    Goodbye,
    InvitationProof,
    LinkAsked,
    LinkConfirmed,
    LogBox,
    LogDelivered,
    LogOffered,
    MembershipAccepted,
    MembershipOffered,
    Ping,
    Pong,
    Position,
    Ready,
    RenewalAccepted,
    RenewalProposed,
    Request,
    RootDigest,
    Statements,
)

ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202e\u200b\u2066<img src=http://192.0.2.1/a.png>\r\n../../etc/passwd\x00\x9b31m"
"""What a terminal, a screen, a mark-up reader or a file system would obey."""

_INSTEAD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**48, 2**48 + 1, 2**63 - 1, 2**63, 2**64 - 1, 1.5, math.nan),
    *("", "x" * 300, ESCAPES, b"", bytes(31), bytes(32), b"\xff" * 32, bytes(33), bytes(64), b"\xc1" * 60_000),
    *([], [[]], [0] * 600, {}, {"log": 1}, msgspec.msgpack.Ext(1, b"x")),
)
_LISTS_MAX = 5000  # more of one element than any cap allows


@dataclass(frozen=True)
class Wrong:
    """One body of a frame; `records` is what it holds when it is well-formed."""

    name: str
    body: bytes
    records: tuple[AnyRecord, ...] = ()

    @property
    def frame(self) -> bytes:
        """In a frame, as the ladder has it."""
        return frame_of(self.body)


def frame_of(body: bytes) -> bytes:
    """Any bytes as the body of a frame."""
    total = next(step for step in limits.FRAME_LADDER_BYTES if step >= HEADER_BYTES + len(body))
    head = (total - LENGTH_BYTES).to_bytes(LENGTH_BYTES) + len(body).to_bytes(SIZE_BYTES)
    return (head + body).ljust(total, b"\0")


def examples(peer: Stranger, conversation: bytes) -> list[AnyRecord]:
    """One of every kind of record, as `peer` would rightly say it at some moment."""
    if not peer.entries:
        raise ValueError("it has written nothing yet")
    entries = tuple(encode(WireEntry(e.header_raw, e.signature, e.content_raw)) for e in peer.entries)
    log, last = peer.log_key.public, peer.position()
    certificate = make_log_certificate(peer.log_key, conversation, peer.device)
    proof = InvitationProof(bytes(32), bytes(64))
    return [
        *(Ping(7), Pong(7), Ready(), RenewalProposed(), RenewalAccepted(), Goodbye("done")),
        *(Statements(peer.account, (peer.genesis,)), Cards((peer.card(2),)), CardsKept(((peer.device, 1),))),
        *(peer.request(proofs=[proof]), ContactRequestKept(), ContactAccepted(proof, peer.introduction())),
        *(ContactAcceptedKept(), ContactRefused("used")),
        LogOffered(certificate, (LogBox(peer.device, 1, 1, bytes(72)),), False),
        *(Frontier(conversation, (last,)), ConversationUnknown(conversation), Request(conversation, log, 1, last.seq)),
        *(BodiesRequested(conversation, log, ((1, last.seq),)), Batch(conversation, entries)),
        *(Ack(conversation, (Position(log, last.seq, last.id),)), RootDigest(bytes(16))),
        ConversationDigests(bytes(16)),
        *(DeliveriesAsked(7), Deliveries(9, (LogDelivered(log, ((peer.device, last.seq),)),))),
        *(LinkAsked("phone"), LinkConfirmed(), MembershipOffered(peer.account, peer.genesis, (peer.card(2),))),
        *(MembershipAccepted(bytes(64), bytes(32)), Admitted(peer.genesis)),
    ]


def bodies(record: AnyRecord) -> Iterator[tuple[str, bytes]]:
    """The record with one value at a time replaced, left out, added, repeated or turned; then its bytes cut."""
    plain = msgspec.msgpack.decode(encode(record))
    kind = type(record).__name__
    for path, value in _values(plain):
        place = ".".join(map(str, path))
        for number, other in enumerate(_INSTEAD):
            yield f"{kind} {place} = #{number}", _body(_replaced(plain, path, other))
        if isinstance(value, list):
            for name, changed in _changed_lists(value):
                yield f"{kind} {place} {name}", _body(_replaced(plain, path, changed))
        if isinstance(value, bytes):
            for name, spoiled in _spoiled(value):
                yield f"{kind} {place} {name}", _body(_replaced(plain, path, spoiled))
    right = _body(plain)
    for end in range(1, len(right), max(1, len(right) // 16)):
        yield f"{kind} cut at {end}", right[:end]
    yield f"{kind} and a byte", right + b"\0"
    yield f"{kind} in a long array", b"\xdd\0\0\0\1" + right[1:]
    yield f"{kind} not in an array", right[1:]


def wrong_bodies(records: Sequence[AnyRecord]) -> Iterator[Wrong]:
    """All of `bodies` of all records that fit into a frame and are not the records themselves."""
    for record in records:
        right = _body(msgspec.msgpack.decode(encode(record)))
        for name, body in bodies(record):
            if len(body) <= limits.FRAME_MAX_BYTES - HEADER_BYTES and body != right:
                yield Wrong(name, body, _read(body))


def _read(body: bytes) -> tuple[AnyRecord, ...]:
    try:
        return tuple(FrameReader().feed(frame_of(body)))
    except RemoteError:
        return ()


def _body(plain: Any) -> bytes:
    return b"\x91" + msgspec.msgpack.encode(plain)


def _values(plain: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Every value within, with the way to it; the outermost one is the record itself."""
    yield path, plain
    if isinstance(plain, list):
        for index, inner in enumerate(plain):
            yield from _values(inner, (*path, index))


def _replaced(plain: Any, path: tuple[int, ...], other: Any) -> Any:
    if not path:
        return other
    return [_replaced(v, path[1:], other) if n == path[0] else v for n, v in enumerate(plain)]


def _spoiled(value: bytes) -> Iterator[tuple[str, bytes]]:
    """What is signed, hashed or boxed, with a bit turned, an end missing, or more behind it."""
    for at in range(0, len(value), max(1, len(value) // 6)):
        yield f"turned at {at}", value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    if len(value) > 64:
        yield "without its end", value[:-1]
        yield "and a byte", value + b"\0"


def _changed_lists(value: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    yield "and one more", [*value, 0]
    if value:
        yield "without its last", value[:-1]
        yield "without its first", value[1:]
        yield "twice", value + value
        yield "turned", value[::-1]
        size = max(1, len(msgspec.msgpack.encode(value[-1])))
        yield "very long", value + value[-1:] * min(_LISTS_MAX, 60_000 // size)
