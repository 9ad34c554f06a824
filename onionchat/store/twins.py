"""Entries that stand in more than one log: in the forked one, and in the new one that brings it again.

All have one id. At most one of them is a line of the screen, and what is done to a body is done to all.
"""

from typing import NamedTuple

from onionchat.crypto.hashing import labelled_hash
from onionchat.store.db import Connection
from onionchat.store.rows import Flag, id_key


class Twin(NamedTuple):
    """A row that has an id: its local number, what is left of it, how it is shown."""

    n: int
    has_body: bool
    flags: Flag
    shown: int


def any_again(c: Connection) -> bool:
    """Whether anything was ever written again here; mostly not."""
    return c.execute("SELECT 1 FROM again LIMIT 1").fetchone() is not None


def note_again(c: Connection, n: int, entry_id: bytes, has_body: bool) -> None:
    """The entry with local number `n` brings the one with this id again."""
    c.execute("INSERT OR REPLACE INTO again VALUES (?, ?, ?)", (n, entry_id, has_body))


def standing_id(c: Connection, n: int, header: bytes) -> bytes:
    """The id under which an entry is spoken of: of an `again` the old one, else its own."""
    row = c.execute("SELECT id FROM again WHERE n = ?", (n,)).fetchone()
    return labelled_hash(b"entry header", header) if row is None else bytes(row[0])


def rows_of(c: Connection, entry_id: bytes) -> list[Twin]:
    """All rows that have an id, those that only mention it (an `again` without a body) too."""
    found = [
        Twin(n, has_body, Flag(flags), shown)
        for n, header, has_body, flags, shown in c.execute(
            "SELECT n, header, content IS NOT NULL, flags, shown FROM entry WHERE key = ?", (id_key(entry_id),)
        )
        if labelled_hash(b"entry header", header) == entry_id
    ]
    again = c.execute(
        "SELECT entry.n, again.body AND content IS NOT NULL, flags, shown FROM again JOIN entry ON entry.n = again.n"
        " WHERE again.id = ?",
        (entry_id,),
    )
    return found + [Twin(n, bool(has_body), Flag(flags), shown) for n, has_body, flags, shown in again]


def twins_of(c: Connection, n: int) -> list[int]:
    """The local numbers of all rows that have the id of this one, itself included."""
    if not any_again(c):
        return [n]
    row = c.execute("SELECT header FROM entry WHERE n = ?", (n,)).fetchone()
    return [] if row is None else [twin.n for twin in rows_of(c, standing_id(c, n, row[0]))]


def again_places(c: Connection, entry_id: bytes) -> list[tuple[int, int]]:
    """Where an entry stands again: local numbers of logs, and the numbers in them; mostly nowhere."""
    rows = c.execute("SELECT log, seq FROM again JOIN entry ON entry.n = again.n WHERE again.id = ?", (entry_id,))
    return [(log, seq) for log, seq in rows]
