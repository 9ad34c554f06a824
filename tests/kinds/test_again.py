"""`again`: what counts as an old entry in a new one, and what does not."""

import msgspec
import pytest

from onionchat import limits
from onionchat.codec import encode
from onionchat.kinds.again import AGAIN, again, original_of, plain
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place, body_bytes, fold, kind_of
from onionchat.log.entry import Content, Entry, WireEntry, make_entry, parse_entry
from tests.log.chains import KEY, chain

OLD = chain(2)[1]


def around(entry: Entry, expires: int = 0) -> Content:
    return Content(b"n" * 16, (), AGAIN, expires, body_bytes(again(entry)))


def test_the_old_entry_comes_out_as_it_was() -> None:
    content = around(OLD)
    assert original_of(content) == OLD
    assert content.body == OLD.raw  # as it stood on the wire
    assert plain(encode(content)) == OLD.content
    assert kind_of(again(OLD)) == AGAIN and repr(again(OLD)) == "Again(…)"


def test_by_itself_it_shows_and_changes_nothing() -> None:
    assert fold(Place.DIRECT, b"c" * 32, around(OLD)) == fold(Place.SELF, b"c" * 32, around(OLD)) == ()


def test_a_tombstone_may_be_named() -> None:
    content = around(OLD.tombstone())
    assert original_of(content) == OLD.tombstone()
    assert plain(encode(content)) == content


def test_what_does_not_count() -> None:
    expiring = make_entry(KEY, 1, bytes(32), (5, 0), Content(bytes(16), (), "text", 99, b"x"))
    nested = make_entry(KEY, 1, bytes(32), (5, 0), around(OLD))
    unsigned = parse_entry(encode(WireEntry(OLD.header_raw, bytes(64), OLD.content_raw)))
    other = msgspec.structs.replace(around(OLD), kind="text")
    assert original_of(around(expiring, 99)) == expiring
    for content in (around(expiring), around(OLD, 99), around(nested), around(unsigned), other):
        assert original_of(content) is None
    for body in (b"", b"\xc0", OLD.raw + b"\x00", OLD.raw[:-1], body_bytes(Text("x"))):
        assert original_of(msgspec.structs.replace(around(OLD), body=body)) is None


@pytest.mark.parametrize("size", [0, 1])
def test_whatever_we_write_can_be_written_again(size: int) -> None:
    """The longest entry that is ours fits whole into another."""
    rest = len(encode(Content(bytes(16), (), "text", 0, b"x" * 40_000))) - 40_000
    longest = limits.ENTRY_MAX_BYTES - 512 - 80 - len(OLD.header_raw) - rest
    entry = make_entry(KEY, 3, OLD.id, (2000, 0), Content(bytes(16), (), "text", 0, b"x" * (longest - size)))
    wrapped = make_entry(KEY, 4, entry.id, (2001, 0), around(entry), again=True)
    assert original_of(parse_entry(wrapped.raw).content or around(OLD)) == entry
