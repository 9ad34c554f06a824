"""Entries: header, hash, signature, body. See docs/spec/log.md for the exact bytes.

The id of an entry is the hash of its header; the header names the hash of the content, so that an entry stays
verifiable after its content is gone (a tombstone). The signature by the log key covers the id.
"""

from typing import Annotated

import msgspec

from onionchat import limits
from onionchat.codec import Bytes16, Bytes32, Bytes64, Record, decode, encode
from onionchat.crypto import keys
from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import AccountId, ConversationId, EntryId, LogId

NO_ENTRY = EntryId(bytes(32))
"""`prev` of the first entry of a log."""
ENTRY_OVERHEAD_BYTES = 80  # signature and the lengths of an encoded entry
AGAIN_OVERHEAD_BYTES = 512  # what an entry around an entry needs: header, signature, salt, kind, lengths
HEADER_MAX_BYTES = 160  # three hashes and three numbers take at most 137

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=limits.TIME_MAX_MILLISECONDS)]
Counter = Annotated[int, msgspec.Meta(ge=0, le=limits.COUNTER_MAX)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=limits.SEQ_MAX)]
Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.KIND_MAX_CHARACTERS, pattern=r"\A[a-z._-]+\Z")]


class Header(Record, frozen=True, gc=False):
    """What is hashed to the id of an entry. `ms` and `counter` are its hybrid time; `content` is a hash."""

    log: Bytes32
    seq: Seq
    prev: Bytes32
    ms: Milliseconds
    counter: Counter
    content: Bytes32


class Content(Record, frozen=True, gc=False):
    """What the header's `content` is the hash of. `expires` is in ms since 1970, 0 for never.

    The salt keeps a short body from being guessed back from its hash once it was dropped.
    """

    salt: Bytes16
    seen: Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.SEEN_MAX)]
    kind: Kind
    expires: Milliseconds
    body: Annotated[bytes, msgspec.Meta(max_length=limits.ENTRY_MAX_BYTES)]

    def __repr__(self) -> str:
        return f"Content(kind={self.kind!r}, {len(self.body)} bytes)"


class WireEntry(Record, frozen=True, gc=False):
    """An entry as it travels and as `Entry.raw` gives it; without content it is a tombstone."""

    header: Annotated[bytes, msgspec.Meta(max_length=HEADER_MAX_BYTES)]
    signature: Bytes64
    content: Annotated[bytes, msgspec.Meta(max_length=limits.ENTRY_MAX_BYTES)] | None

    def __repr__(self) -> str:
        return "WireEntry(…)"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry, decoded, with the very bytes that were hashed. Make it by the functions below only."""

    header: Header
    id: EntryId
    signature: bytes
    content: Content | None
    header_raw: bytes
    content_raw: bytes | None

    @property
    def log(self) -> LogId:
        """The log that it stands in."""
        return LogId(self.header.log)

    @property
    def seq(self) -> int:
        """Its number in the log, from 1."""
        return self.header.seq

    @property
    def time(self) -> tuple[int, int]:
        """Its hybrid time: ms since 1970, counter."""
        return (self.header.ms, self.header.counter)

    @property
    def key(self) -> tuple[int, int, bytes, int]:
        """The order on every screen: time, counter, log, seq."""
        header = self.header
        return (header.ms, header.counter, header.log, header.seq)

    @property
    def raw(self) -> bytes:
        """The encoded `WireEntry`."""
        return encode(WireEntry(self.header_raw, self.signature, self.content_raw))

    @property
    def size_bytes(self) -> int:
        """About the length of `raw`, never less."""
        return len(self.header_raw) + ENTRY_OVERHEAD_BYTES + len(self.content_raw or b"")

    def tombstone(self) -> "Entry":
        """The same entry without its content: it still verifies and chains."""
        return Entry(self.header, self.id, self.signature, None, self.header_raw, None)

    def __repr__(self) -> str:
        kind = self.content.kind if self.content else "tombstone"
        return f"Entry(log={self.header.log.hex()[:8]}…, seq={self.header.seq}, {kind})"


def parse_entry(raw: bytes) -> Entry:
    """Decode an entry from outside: sizes, canonical form, content hash. The signature is *not* looked at.

    RemoteError when anything is wrong with the bytes.
    """
    wire = decode(raw, WireEntry, limits.ENTRY_MAX_BYTES)
    header = decode(wire.header, Header, HEADER_MAX_BYTES)
    content = None
    if wire.content is not None:
        content = decode(wire.content, Content, limits.ENTRY_MAX_BYTES)
        if encode(content) != wire.content:
            raise RemoteError("an entry whose content is not canonical")
        if labelled_hash(b"content", wire.content) != header.content:
            raise RemoteError("an entry whose content is not what its header names")
    if encode(header) != wire.header or encode(wire) != raw:
        raise RemoteError("an entry that is not canonical")
    if (header.prev == NO_ENTRY) != (header.seq == 1):
        raise RemoteError("an entry whose prev does not fit its number")
    return Entry(header, _id_of(wire.header), wire.signature, content, wire.header, wire.content)


def make_entry(
    log_key: keys.SigningKey, seq: int, prev: bytes, time: tuple[int, int], content: Content, again: bool = False
) -> Entry:
    """Write and sign the next entry of a log of ours. LocalError when it is too long to travel.

    Room is left for an entry to be written again, whole, inside another (`again`: it is that other one).
    """
    content_raw = encode(content)
    header = Header(log_key.public, seq, prev, time[0], time[1], labelled_hash(b"content", content_raw))
    header_raw = encode(header)
    entry_id = _id_of(header_raw)
    longest = limits.ENTRY_MAX_BYTES - (0 if again else AGAIN_OVERHEAD_BYTES)
    if len(content_raw) + len(header_raw) + ENTRY_OVERHEAD_BYTES > longest:
        raise LocalError("that is too long for one message; send it as a file")
    return Entry(header, entry_id, log_key.sign(b"entry", entry_id), content, header_raw, content_raw)


def rebuild(header_raw: bytes, signature: bytes, content_raw: bytes | None) -> Entry:
    """An entry of our own store, where it was checked before: decoded without any check of hashes."""
    content = None if content_raw is None else decode(content_raw, Content, limits.ENTRY_MAX_BYTES)
    header = decode(header_raw, Header, HEADER_MAX_BYTES)
    return Entry(header, _id_of(header_raw), signature, content, header_raw, content_raw)


def signed(log_key: keys.SigningKey, entry: Entry) -> Entry:
    """An entry of a log of ours with our signature: one that came in a run may have had another."""
    signature = log_key.sign(b"entry", entry.id)
    return Entry(entry.header, entry.id, signature, entry.content, entry.header_raw, entry.content_raw)


def is_signed(entry: Entry) -> bool:
    """Whether the entry's own signature is its log's."""
    return keys.is_signed(entry.header.log, b"entry", entry.id, entry.signature)


def is_tombstone(raw: bytes) -> bool:
    """Whether an encoded entry has no content, without decoding more than the outside."""
    return decode(raw, WireEntry, limits.ENTRY_MAX_BYTES).content is None


def direct_id(a: AccountId, b: AccountId) -> ConversationId:
    """The conversation of two accounts: the same from both ends."""
    first, second = sorted((a, b))
    return ConversationId(labelled_hash(b"direct conversation", first + second))


def self_id(account: AccountId) -> ConversationId:
    """The conversation of the devices of one account."""
    return ConversationId(labelled_hash(b"self conversation", account))


def _id_of(header_raw: bytes) -> EntryId:
    return EntryId(labelled_hash(b"entry header", header_raw))
