"""Logs for tests."""

import msgspec

from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.ids import EntryId, LogId
from onionchat.log.entry import NO_ENTRY, Content, Entry, WireEntry, make_entry, parse_entry
from onionchat.log.log import LogHead

KEY = SigningKey(b"k" * 32)
LOG = LogId(KEY.public)


def chain(
    count: int,
    *,
    key: SigningKey = KEY,
    after: Entry | None = None,
    size_bytes: int = 10,
    ms: int = 1000,
    tag: bytes = b"a",
) -> list[Entry]:
    """`count` entries that follow on `after`; `tag` tells branches apart."""
    entries: list[Entry] = []
    seq, prev = (1, NO_ENTRY) if after is None else (after.seq + 1, after.id)
    for number in range(seq, seq + count):
        content = Content(b"s" * 16, (), "text", 0, tag * size_bytes)
        entries.append(make_entry(key, number, prev, (ms + number, 0), content))
        prev = entries[-1].id
    return entries


def head_of(entries: list[Entry], **changes: object) -> LogHead:
    """The head of a log with these entries."""
    last = entries[-1]
    head = LogHead(last.log, last.seq, last.id, last.header.ms, last.header.counter)
    return msgspec.structs.replace(head, **changes)


def unsigned(entry: Entry) -> Entry:
    """The same entry with a signature that is not its log's."""
    return parse_entry(encode(WireEntry(entry.header_raw, bytes(64), entry.content_raw)))


NOTHING = EntryId(NO_ENTRY)
