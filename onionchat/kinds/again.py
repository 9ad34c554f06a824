"""`again`: an entry of a log that was forked, written again in a new log of the same device.

The body is the old entry as it stood on the wire: header, signature by the old log's key, content. So its id, its
time and its meaning are proven by the old log, and stay what they were. Whoever has it already shows nothing new.
"""

from typing import Annotated

import msgspec

from onionchat import limits
from onionchat.codec import Bytes64, Record, decode
from onionchat.errors import RemoteError
from onionchat.kinds.changes import Change
from onionchat.log.entry import HEADER_MAX_BYTES, Content, Entry, is_signed, parse_entry

AGAIN = "again"


class Again(Record, frozen=True):
    """The old entry. Without content it says only that there was one: a tombstone."""

    header: Annotated[bytes, msgspec.Meta(max_length=HEADER_MAX_BYTES)]
    signature: Bytes64
    content: Annotated[bytes, msgspec.Meta(max_length=limits.ENTRY_MAX_BYTES)] | None

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Nothing by itself: the store checks whose the old log is, and folds what the old entry says."""
        return ()

    def __repr__(self) -> str:
        return "Again(…)"


def again(entry: Entry) -> Again:
    """The body that brings an entry again."""
    return Again(entry.header_raw, entry.signature, entry.content_raw)


def original_of(content: Content) -> Entry | None:
    """The old entry in an `again`; None when there is none that counts.

    It must be canonical, signed by its own log's key, no `again` itself, and expire when the new entry does: else
    the one would outlive the other. Whose the log is, the caller must look up.
    """
    if content.kind != AGAIN:
        return None
    try:
        entry = parse_entry(content.body)
    except RemoteError:
        return None
    expires = entry.content.expires if entry.content is not None else 0
    nested = entry.content is not None and entry.content.kind == AGAIN
    return None if nested or expires != content.expires or not is_signed(entry) else entry


def plain(content_raw: bytes) -> Content:
    """The content that counts, of an entry of our own store: an `again`'s is that of the old entry.

    RemoteError when the bytes are no content.
    """
    content = decode(content_raw, Content, limits.ENTRY_MAX_BYTES)
    if content.kind != AGAIN:
        return content
    body = decode(content.body, Again, limits.ENTRY_MAX_BYTES)
    return content if body.content is None else decode(body.content, Content, limits.ENTRY_MAX_BYTES)
