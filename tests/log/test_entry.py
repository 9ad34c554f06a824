"""Entries: exact bytes, round trips, and every way for bytes to be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import AccountId
from onionchat.log.entry import (
    NO_ENTRY,
    Content,
    Entry,
    Header,
    WireEntry,
    direct_id,
    is_signed,
    is_tombstone,
    make_entry,
    parse_entry,
    rebuild,
    self_id,
)

KEY = SigningKey(bytes(range(32)))
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "log.json").read_text(encoding="utf-8"))


def content(body: bytes = b"hello", **changes: object) -> Content:
    return msgspec.structs.replace(Content(b"s" * 16, (), "text", 0, body), **changes)


def entry(seq: int = 1, prev: bytes = NO_ENTRY, body: bytes = b"hello", ms: int = 1000) -> Entry:
    return make_entry(KEY, seq, prev, (ms, 0), content(body))


@given(st.binary(max_size=2000), st.integers(1, limits.SEQ_MAX), st.integers(0, limits.TIME_MAX_MILLISECONDS))
def test_what_is_written_is_read(body: bytes, seq: int, ms: int) -> None:
    written = make_entry(KEY, seq, NO_ENTRY if seq == 1 else b"p" * 32, (ms, 3), content(body))
    read = parse_entry(written.raw)
    assert read == written
    assert is_signed(read)
    assert rebuild(read.header_raw, read.signature, read.content_raw) == written
    assert read.key == (ms, 3, KEY.public, seq)
    assert len(read.raw) <= read.size_bytes


def test_a_tombstone_keeps_id_and_signature_and_nothing_that_was_said() -> None:
    whole = entry(body=b"regretted words")
    dead = parse_entry(whole.tombstone().raw)
    assert (dead.id, dead.signature, dead.content) == (whole.id, whole.signature, None)
    assert is_signed(dead)
    assert b"regretted" not in dead.raw and b"ssss" not in dead.raw
    assert is_tombstone(dead.raw) and not is_tombstone(whole.raw)


def test_nothing_said_shows_in_a_repr() -> None:
    secret = entry(body=b"a secret")
    assert "secret" not in repr(secret) + repr(secret.content) + str([secret])


def test_entries_do_not_change() -> None:
    with pytest.raises(AttributeError):
        entry().signature = b""  # type: ignore[misc]


def test_the_longest_entry_travels_and_one_byte_more_does_not() -> None:
    rest = len(entry(body=b"x" * 40_000).header_raw) + 80 + (len(encode(content(b""))) + 1)
    longest = limits.ENTRY_MAX_BYTES - 512 - rest
    assert parse_entry(entry(body=bytes(longest)).raw).content is not None
    with pytest.raises(LocalError, match="file"):
        entry(body=bytes(longest + 1))


def rewrapped(**changes: object) -> bytes:
    """A properly signed entry whose header says something that it may not."""
    good = entry()
    header_raw = encode(msgspec.structs.replace(good.header, **changes))
    return encode(WireEntry(header_raw, good.signature, good.content_raw))


def recontented(**changes: object) -> bytes:
    raw = encode(content(**changes))
    from onionchat.crypto.hashing import labelled_hash

    header = msgspec.structs.replace(entry().header, content=labelled_hash(b"content", raw))
    return encode(WireEntry(encode(header), bytes(64), raw))


def long_form(raw: bytes) -> bytes:
    """The same header with its number written in five bytes."""
    header = msgspec.msgpack.decode(raw)
    good = encode(header)
    at = 1 + 34
    assert good[at] == header[1]
    return good[:at] + b"\xce" + header[1].to_bytes(4, "big") + good[at + 1 :]


WRONG: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "truncated": lambda: entry().raw[:-1],
    "bytes behind": lambda: entry().raw + b"\x00",
    "number zero": lambda: rewrapped(seq=0),
    "number beyond": lambda: rewrapped(seq=limits.SEQ_MAX + 1),
    "first with a prev": lambda: rewrapped(prev=b"p" * 32),
    "later without a prev": lambda: rewrapped(seq=2),
    "time beyond": lambda: rewrapped(ms=limits.TIME_MAX_MILLISECONDS + 1),
    "negative time": lambda: rewrapped(ms=-1),
    "counter beyond": lambda: rewrapped(counter=limits.COUNTER_MAX + 1),
    "short log": lambda: rewrapped(log=b"x" * 31),
    "other content": lambda: encode(WireEntry(entry().header_raw, bytes(64), encode(content(b"other")))),
    "long form in the header": lambda: encode(
        WireEntry(long_form(entry().header_raw), entry().signature, entry().content_raw)
    ),
    "kind in capitals": lambda: recontented(kind="Text"),
    "kind with a newline": lambda: recontented(kind="text\n"),
    "kind empty": lambda: recontented(kind=""),
    "kind too long": lambda: recontented(kind="x" * (limits.KIND_MAX_CHARACTERS + 1)),
    "seen too much": lambda: recontented(seen=(b"e" * 32,) * (limits.SEEN_MAX + 1)),
    "short salt": lambda: recontented(salt=b"s" * 15),
    "short signature": lambda: encode([entry().header_raw, bytes(63), entry().content_raw]),
    "a fourth field": lambda: encode([entry().header_raw, bytes(64), entry().content_raw, 0]),
    "too long": lambda: encode([entry().header_raw, bytes(64), bytes(limits.ENTRY_MAX_BYTES)]),
}


@pytest.mark.parametrize("raw", WRONG.values(), ids=WRONG.keys())
def test_wrong_bytes_are_refused(raw: Callable[[], bytes]) -> None:
    with pytest.raises(RemoteError):
        parse_entry(raw())


@given(st.binary(max_size=400))
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        parse_entry(raw)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_breaks_the_signature(at: int, change: int) -> None:
    raw = bytearray(entry().raw)
    raw[at % len(raw)] ^= change
    try:
        changed = parse_entry(bytes(raw))
    except RemoteError:
        return
    assert not is_signed(changed)


def test_conversations_are_the_same_from_both_ends_and_different_from_all_others() -> None:
    a, b = AccountId(b"a" * 32), AccountId(b"b" * 32)
    assert direct_id(a, b) == direct_id(b, a)
    assert len({direct_id(a, b), direct_id(a, a), self_id(a), self_id(b)}) == 4


@pytest.mark.parametrize("vector", VECTORS["entries"], ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, str]) -> None:
    raw = bytes.fromhex(vector["raw"])
    if vector["verdict"] == "refused":
        with pytest.raises(RemoteError):
            parse_entry(raw)
        return
    read = parse_entry(raw)
    assert read.id.hex() == vector["id"]
    assert is_signed(read) == (vector["verdict"] == "signed")
    assert read.raw == raw


def test_header_and_wire_are_what_the_specification_says() -> None:
    assert [field.name for field in msgspec.structs.fields(Header)] == [
        "log",
        "seq",
        "prev",
        "ms",
        "counter",
        "content",
    ]
