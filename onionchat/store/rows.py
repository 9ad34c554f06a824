"""Rows of logs and entries as the layers below know them; the flags of an entry."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from onionchat.ids import ConversationId, DeviceId
from onionchat.kinds.fold import Place
from onionchat.log.entry import Entry
from onionchat.log.log import LogHead
from onionchat.store.db import Connection


class Flag(IntFlag):
    """Of an entry; the numbers are in the database."""

    NONE = 0
    LATE = 1  # it came when newer ones were already shown
    FUTURE = 2  # its author's clock was far ahead of ours when it came
    FINAL = 4  # its body is gone for good: forgotten, retracted, expired or superseded
    FORGOTTEN = 8
    RETRACTED = 16
    EXPIRED = 32
    UNWANTED = 64  # older than what the user wanted on this device when it was linked


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log and its local number."""

    n: int
    conversation: int
    device: DeviceId
    head: LogHead
    seed: bytes | None
    belief: int
    covered: int


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation and its local number. (`ms`, `counter`): the latest time in it, the far future apart."""

    n: int
    id: ConversationId
    place: Place
    account: bytes
    ms: int
    counter: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry that was committed, with its cursor (order of arrival)."""

    n: int
    entry: Entry
    shown: int
    late: bool = False


_LOG_COLUMNS = (
    "n, conversation, device, id, seq, head, ms, counter, floor_seq, floor_id, frozen, cut_seq, cut_id, seed, belief,"
    " covered"
)


def _log_row(row: Any) -> LogRow:
    return LogRow(row[0], row[1], DeviceId(row[2]), _head(row[3:13]), row[13], row[14], row[15])


def _head(row: Any) -> LogHead:
    log, seq, newest, ms, counter, floor_seq, floor, frozen, cut_seq, cut = row
    return LogHead(log, seq, newest, ms, counter, floor_seq, floor, bool(frozen), cut_seq, cut)


def heads_by_conversation(c: Connection, without: Place) -> Iterator[tuple[ConversationId, LogHead | None]]:
    """Every log's head with its conversation, in one read; None for a conversation without a log."""
    rows = c.execute(
        "SELECT conversation.id, log.id, seq, head, log.ms, log.counter, floor_seq, floor_id, frozen, cut_seq, cut_id"
        " FROM conversation LEFT JOIN log ON log.conversation = conversation.n WHERE place != ?",
        (without.value,),
    )
    for row in rows:
        yield row[0], None if row[1] is None else _head(row[1:])


def find_log(c: Connection, log: bytes) -> LogRow | None:
    """The row of a log."""
    row = c.execute(f"SELECT {_LOG_COLUMNS} FROM log WHERE id = ?", (log,)).fetchone()  # noqa: S608
    return None if row is None else _log_row(row)


def find_own_log(c: Connection, conversation: int) -> LogRow | None:
    """The log that this device writes in the conversation of this number, unless it is frozen."""
    row = c.execute(
        f"SELECT {_LOG_COLUMNS} FROM log WHERE conversation = ? AND seed IS NOT NULL AND NOT frozen"  # noqa: S608
        " ORDER BY n LIMIT 1",
        (conversation,),
    ).fetchone()
    return None if row is None else _log_row(row)


def logs_of(c: Connection, conversation: bytes) -> list[LogRow]:
    """All logs of a conversation."""
    rows = c.execute(
        f"SELECT {_LOG_COLUMNS} FROM log WHERE conversation = (SELECT n FROM conversation WHERE id = ?)",  # noqa: S608
        (conversation,),
    )
    return [_log_row(row) for row in rows]


def logs_of_account(c: Connection, account: bytes) -> list[LogRow]:
    """The logs of an account's devices, but this one's."""
    rows = c.execute(
        f"SELECT {_LOG_COLUMNS} FROM log WHERE seed IS NULL AND device IN (SELECT id FROM device WHERE account = ?)"  # noqa: S608
        " ORDER BY n",
        (account,),
    ).fetchall()
    return [_log_row(row) for row in rows]


def find_conversation(c: Connection, conversation: bytes) -> ConversationRow | None:
    """The row of a conversation."""
    row = c.execute(
        "SELECT n, id, place, account, ms, counter FROM conversation WHERE id = ?", (conversation,)
    ).fetchone()
    return None if row is None else ConversationRow(row[0], row[1], Place(row[2]), row[3], row[4], row[5])


def id_key(raw: bytes) -> int:
    """The first 63 bits of an id: what is indexed. Whoever looks up compares the whole id."""
    return int.from_bytes(raw[:8], "big") >> 1


def save_head(c: Connection, n: int, head: LogHead) -> None:
    """Write a log's head back."""
    c.execute(
        "UPDATE log SET seq=?, head=?, ms=?, counter=?, floor_seq=?, floor_id=?, frozen=?, cut_seq=?, cut_id=?"
        " WHERE n=?",
        (
            head.seq,
            head.id,
            head.ms,
            head.counter,
            head.floor_seq,
            head.floor_id,
            head.frozen,
            head.cut_seq,
            head.cut_id,
            n,
        ),
    )
