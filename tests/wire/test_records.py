"""Records are what the tags say, in bytes that stay; caps hold; nothing else decodes."""

import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.errors import RemoteError
from onionchat.wire import records
from onionchat.wire.records import (
    Ack,
    AnyRecord,
    Batch,
    ConversationDigests,
    DeviceCard,
    Frontier,
    Goodbye,
    Ping,
    Position,
    Ready,
    Request,
    RootDigest,
)

KINDS = typing.get_args(AnyRecord)
TAGS = {
    "Ping": 1, "Pong": 2, "Ready": 3, "RenewalProposed": 4, "RenewalAccepted": 5, "Goodbye": 6,
    "Statements": 10, "Cards": 11, "CardsKept": 12,
    "ContactRequested": 20, "ContactRequestKept": 21, "ContactAccepted": 22, "ContactAcceptedKept": 23,
    "ContactRefused": 24,
    "LinkAsked": 50,
    "LinkConfirmed": 51,
    "MembershipOffered": 52,
    "MembershipAccepted": 53,
    "Admitted": 54,
    "LogOffered": 30, "Frontier": 31, "ConversationUnknown": 32, "Request": 33, "BodiesRequested": 34, "Batch": 35,
    "Ack": 36, "RootDigest": 37, "ConversationDigests": 38,
    "DeliveriesAsked": 40, "Deliveries": 41,
}  # fmt: skip


def test_the_tags_are_the_protocol() -> None:
    assert {kind.__name__: kind.__struct_config__.tag for kind in KINDS} == TAGS


def test_every_tagged_record_can_be_carried() -> None:
    tagged = {
        value
        for value in vars(records).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__struct_config__.tag is not None
    }
    assert tagged == set(KINDS)


@pytest.mark.parametrize(
    ("record", "raw"),
    [
        (Ready(), "9103"),
        (Ping(5), "920105"),
        (Goodbye("done"), "9206a4646f6e65"),
        (RootDigest(b"d" * 16), "9225c410" + "64" * 16),
        (ConversationDigests(b"n" * 8 + b"d" * 8), "9226c410" + "6e" * 8 + "64" * 8),
        (Request(b"c" * 32, b"l" * 32, 1, 300), "9521c420" + "63" * 32 + "c420" + "6c" * 32 + "01cd012c"),
    ],
)
def test_bytes_of_records(record: AnyRecord, raw: str) -> None:
    assert encode(record).hex() == raw
    assert decode(bytes.fromhex(raw), AnyRecord, 1000) == record  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        Ping(-1),
        Ping(2**63),
        Goodbye("x" * 201),
        Frontier(b"c" * 31, ()),
        Ack(b"c" * 32, (Position(b"l" * 33, 1, b"i" * 32),)),
        Ack(b"c" * 32, (Position(b"l" * 32, 1, b"i" * 32),) * (limits.LOGS_PER_CONVERSATION_MAX + 1)),
        Batch(b"c" * 32, (b"e",) * 4097),
        Batch(b"c" * 32, (bytes(limits.ENTRY_MAX_BYTES + 1),)),
        ConversationDigests(bytes(3000 * 16 + 1)),
    ],
)
def test_what_is_too_long_or_too_many_is_refused(record: AnyRecord) -> None:
    with pytest.raises(RemoteError):
        decode(encode(record), AnyRecord, limits.MIB)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["9100", "9107", "9163", "920300", "90", "03", "9103c0", "92a15005", "81a17403"])
def test_unknown_tags_and_other_shapes_are_refused(raw: str) -> None:
    with pytest.raises(RemoteError):
        decode(bytes.fromhex(raw), AnyRecord, 1000)  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_garbage_is_a_remote_error(raw: bytes) -> None:
    try:
        record = decode(raw, AnyRecord, 1000)  # type: ignore[arg-type]
    except RemoteError:
        return
    assert decode(encode(record), AnyRecord, 1000) == record  # type: ignore[arg-type]


def test_a_card_does_not_show_its_private_half() -> None:
    assert "secret" not in repr(DeviceCard(b"certificate", b"secret--" * 4))
