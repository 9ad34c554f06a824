"""Taking back what was forgotten. Runs inside a transaction of the writer.

A `forget` holds unless a `restore` names it: both are sets that only grow, so that their order does not matter.
"""

from onionchat import limits
from onionchat.codec import decode
from onionchat.errors import RemoteError
from onionchat.kinds.account import Forget
from onionchat.kinds.again import plain
from onionchat.kinds.changes import Mark
from onionchat.store.changes import close_range, is_forgotten
from onionchat.store.db import Connection
from onionchat.store.rows import Flag
from onionchat.store.twins import rows_of, standing_id, twins_of

_GONE_OTHERWISE = int(Flag.RETRACTED | Flag.EXPIRED | Flag.UNWANTED)


def take_back(c: Connection, forget_id: bytes, by: int) -> set[bytes]:
    """The `forget` with this id holds no more, says the entry `by`. The logs whose bodies are wanted again."""
    c.execute("INSERT OR IGNORE INTO restored VALUES (?, ?)", (forget_id, by))
    return {log for twin in rows_of(c, forget_id) for log in undo(c, twin.n)}


def undo(c: Connection, entry: int) -> set[bytes]:
    """As if the `forget` with this local number had not been. The logs whose bodies are wanted again."""
    rows = c.execute("SELECT log, first, last FROM forgot WHERE entry = ?", (entry,)).fetchall()
    ranges = {(bytes(log), first, last) for log, first, last in rows} | _said(c, entry)
    c.execute("DELETE FROM forgot WHERE entry = ?", (entry,))
    for log, first, _ in ranges:
        c.execute("DELETE FROM forgotten WHERE log = ? AND first = ?", (log, first))
    logs = {log for log, _, _ in ranges}
    for log in logs:
        for first, last in c.execute("SELECT first, last FROM forgot WHERE log = ?", (log,)).fetchall():
            close_range(c, log, first, last)
    for log, first, last in ranges:
        _open_bodies(c, log, first, last)
    return logs


def _said(c: Connection, entry: int) -> set[tuple[bytes, int, int]]:
    """The ranges of a `forget`: what older versions wrote into `forgotten` names no entry."""
    row = c.execute("SELECT content FROM entry WHERE n = ?", (entry,)).fetchone()
    if row is None or row[0] is None:
        return set()
    try:
        content = plain(row[0])
        body = decode(content.body, Forget, limits.ENTRY_MAX_BYTES)
    except RemoteError:
        return set()
    return {(body.log, first, last) for first, last in body.ranges} if content.kind == "forget" else set()


def _open_bodies(c: Connection, log: bytes, first: int, last: int) -> None:
    """Bodies of a range are wanted again, as far as nothing else took them."""
    rows = c.execute(
        "SELECT entry.n, seq, flags, header FROM entry WHERE log = (SELECT n FROM log WHERE id = ?)"
        " AND seq BETWEEN ? AND ? AND content IS NULL AND flags & ?",
        (log, first, last, int(Flag.FORGOTTEN)),
    ).fetchall()
    for n, seq, flags, header in rows:
        if is_forgotten(c, log, seq):
            continue
        off = int(Flag.FORGOTTEN) | (0 if flags & _GONE_OTHERWISE else int(Flag.FINAL))
        for twin in twins_of(c, n):  # what is done to a body is done to all that bring it
            c.execute("UPDATE entry SET flags = flags & ~? WHERE n = ? AND content IS NULL", (off, twin))
        _open_edits(c, standing_id(c, n, header))


def _open_edits(c: Connection, target: bytes) -> None:
    """Edits were wiped with the message that they are of; they come again with it."""
    key = (target, int(Mark.EDIT))
    for (n,) in c.execute("SELECT entry FROM mark WHERE target = ? AND mark = ? AND value = ''", key).fetchall():
        c.execute("UPDATE entry SET flags = flags & ~? WHERE n = ? AND content IS NULL", (int(Flag.FINAL), n))
    c.execute("DELETE FROM mark WHERE target = ? AND mark = ? AND value = ''", key)
