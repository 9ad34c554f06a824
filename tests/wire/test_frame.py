"""Frames: sizes of the ladder, records packed together, and everything that is not exactly a frame."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.codec import encode
from onionchat.errors import LocalError, RemoteError
from onionchat.wire.frame import BODY_MAX_BYTES, RECORD_MAX_BYTES, FrameReader, encode_frame
from onionchat.wire.records import AnyRecord, Batch, ConversationUnknown, Goodbye, Ping, Pong, Ready, Request

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "frames.json").read_text())
BATCH_OVERHEAD_BYTES = len(encode(Batch(bytes(32), (bytes(40_000),)))) - 40_000


def batch(size: int) -> Batch:
    """A record of exactly so many bytes (300 or more)."""
    record = Batch(bytes(32), (bytes(min(size, 40_000) - BATCH_OVERHEAD_BYTES),))
    if size > 40_000:
        record = Batch(bytes(32), (bytes(40_000), bytes(size - 40_000 - BATCH_OVERHEAD_BYTES - 3)))
    assert len(encode(record)) == size
    return record


def frame(body: bytes, total: int = 512, size: int | None = None) -> bytes:
    """A frame by hand."""
    filling = bytes(max(0, total - 5 - len(body)))
    return (total - 3).to_bytes(3) + (len(body) if size is None else size).to_bytes(2) + body + filling


records = st.one_of(
    st.just(Ready()),
    st.builds(Ping, st.integers(0, 2**63 - 1)),
    st.builds(ConversationUnknown, st.binary(min_size=32, max_size=32)),
    st.builds(Batch, st.just(bytes(32)), st.lists(st.binary(max_size=2000), max_size=5).map(tuple)),
    st.integers(300, RECORD_MAX_BYTES).map(batch),
)


@pytest.mark.parametrize(
    ("name", "given_records"),
    [
        ("one_ready", [Ready()]),
        ("ping_and_pong", [Ping(1), Pong(2**40)]),
        ("sixteen_ready", [Ready()] * 16),
        ("goodbye", [Goodbye("done")]),
        ("full_512", [Batch(b"\x01" * 32, (b"\x02" * 466,))]),
        ("into_1024", [Batch(b"\x01" * 32, (b"\x02" * 467,))]),
    ],
)
def test_vectors(name: str, given_records: list[AnyRecord]) -> None:
    start = bytes.fromhex(VECTORS[name]["start"])
    whole = start + bytes(VECTORS[name]["total"] - len(start))
    assert encode_frame(given_records) == [whole]
    assert FrameReader().feed(whole) == given_records


@given(st.lists(records, max_size=12), st.lists(st.integers(1, 30_000), max_size=20))
def test_records_come_out_as_they_went_in_however_they_are_cut(given_records: list[AnyRecord], cuts: list[int]) -> None:
    frames = encode_frame(given_records)
    assert all(len(one) in limits.FRAME_LADDER_BYTES for one in frames)
    data, reader, found, at = b"".join(frames), FrameReader(), [], 0
    for size in [*cuts, len(data)]:
        found += reader.feed(data[at : at + size])
        at += size
    assert found == given_records and reader.waiting_bytes == 0


def test_byte_by_byte() -> None:
    given_records: list[AnyRecord] = [Ready(), batch(700), Ping(1)]
    reader, found = FrameReader(), []
    for byte in b"".join(encode_frame(given_records)):
        found += reader.feed(bytes((byte,)))
    assert found == given_records


def test_small_records_share_frames_and_large_ones_fill_them() -> None:
    assert len(encode_frame([Ready()] * 200)) == 1
    frames = encode_frame([batch(500)] * 1000)
    assert len(frames) == -(-1000 // (RECORD_MAX_BYTES // 500))
    assert all(len(one) == limits.FRAME_MAX_BYTES for one in frames[:-1])
    assert encode_frame([]) == []


@pytest.mark.parametrize("step", limits.FRAME_LADDER_BYTES[:-1])
def test_a_frame_is_the_smallest_step_that_fits(step: int) -> None:
    assert len(encode_frame([batch(step - 6)])[0]) == step
    assert len(encode_frame([batch(step - 5)])[0]) == 2 * step


def test_the_longest_record_fits_and_a_longer_is_a_local_error() -> None:
    longest = batch(RECORD_MAX_BYTES)
    assert FrameReader().feed(encode_frame([longest])[0]) == [longest]
    assert RECORD_MAX_BYTES >= limits.BATCH_MAX_BYTES
    with pytest.raises(LocalError):
        encode_frame([Ready(), batch(RECORD_MAX_BYTES + 1)])


def test_lengths_do_not_tell_short_records_apart() -> None:
    assert len(encode_frame([Ready()])[0]) == len(encode_frame([Request(bytes(32), bytes(32), 1, 9)])[0])


@pytest.mark.parametrize(
    "data",
    [
        bytes(5),
        b"\xff" * 5,
        (508).to_bytes(3) + bytes(2),
        (510).to_bytes(3) + bytes(2),
        (2 * limits.FRAME_MAX_BYTES - 3).to_bytes(3) + bytes(2),
        (509).to_bytes(3) + (508).to_bytes(2),
        frame(b""),
        frame(b"\x90"),
        frame(b"\x91\x91\x63"),
        frame(b"\x91\x03"),
        frame(b"\x91\x91\x03\x00"),
        frame(b"\x91\x91\x03", size=2),
        frame(b"\x91\x91\x03\x00\x01", size=3),
        frame(b"\x91\x91\x03\x01" + bytes(502) + b"\x01", size=3),
        frame(b"\x92\x91\x03"),
        frame(b"\xdd\xff\xff\xff\xff"),
        frame(b"\xc1"),
        frame(b"\x91\x92\x06\xa1\xff"),
        frame(b"\x91" * 500),
    ],
)
def test_what_is_not_exactly_a_frame_is_a_remote_error(data: bytes) -> None:
    with pytest.raises(RemoteError):
        FrameReader().feed(data)


def test_a_bad_length_is_refused_before_its_bytes_come() -> None:
    reader = FrameReader()
    assert reader.feed((limits.FRAME_MAX_BYTES).to_bytes(3)) == []
    with pytest.raises(RemoteError):
        reader.feed(bytes(2))


@given(st.binary(max_size=2000))
def test_garbage_only_raises_remote_errors_and_is_not_kept(data: bytes) -> None:
    reader = FrameReader()
    try:
        reader.feed(data)
    except RemoteError:
        return
    assert reader.waiting_bytes <= limits.FRAME_MAX_BYTES


@given(st.binary(max_size=507))
def test_any_body_decodes_or_is_a_remote_error(body: bytes) -> None:
    try:
        found = FrameReader().feed(frame(body))
    except RemoteError:
        return
    assert found and all(isinstance(record, msgspec.Struct) for record in found)


def test_restrictions_hold_from_the_next_frame_on() -> None:
    reader = FrameReader()
    assert reader.feed(encode_frame([batch(5000)])[0]) == [batch(5000)]
    reader.restrict(1000)
    assert reader.feed(encode_frame([batch(1000)])[0]) == [batch(1000)]
    with pytest.raises(RemoteError):
        reader.feed(encode_frame([batch(1003)])[0])
    loose = FrameReader()
    loose.restrict(10 * limits.MIB)
    with pytest.raises(RemoteError):
        loose.feed((509).to_bytes(3) + (BODY_MAX_BYTES + 1).to_bytes(2))


def test_frames_are_counted_heartbeats_apart() -> None:
    reader = FrameReader()
    reader.feed(b"".join(encode_frame([Ping(1), Pong(2)])))
    assert reader.carried_bytes == 0
    reader.feed(b"".join(encode_frame([Ping(1), Ready()])))
    assert reader.carried_bytes == 512
    reader.feed(b"".join(encode_frame([batch(600)])))
    assert reader.carried_bytes == 512 + 1024
