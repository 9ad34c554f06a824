"""Forked logs of this device are mended: what stands on any branch after the fork is written again in a new log.

A fork of our own comes from a disk that was restored from a copy, or from two copies that run at once. Entries of the
other branch come from peers that have it; each run of them must hang on what is ours already, so that what was taken
back is whole from the fork on. What is on this branch is written again in portions, and how far is on the disk: a
crash loses nothing and doubles nothing.
"""

from collections.abc import Callable, Iterable, Sequence

from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId
from onionchat.kinds.again import AGAIN, original_of
from onionchat.log.branches import chains
from onionchat.log.entry import Entry, is_signed, rebuild, signed
from onionchat.store.db import Connection
from onionchat.store.keeping import Appended
from onionchat.store.rows import ConversationRow, Flag, LogRow

PORTION_ENTRIES = 256  # of one transaction: others wait a quarter of a second

WriteAgain = Callable[[Connection, ConversationRow, Entry, int, Appended], None]
"""Write one entry again in the log that this device writes now."""


class Mending:
    """Takes back what other branches hold, and writes on what this branch holds."""

    def __init__(self, write_again: WriteAgain) -> None:
        self._write_again = write_again

    def take_back(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        strays: Sequence[Entry],
        now_ms: int,
        result: Appended,
    ) -> None:
        """Entries that a peer brought of a log of ours, and that are not on our branch.

        What hangs on nothing that we know is left: it is asked for again, further down. RemoteError when a run that
        hangs on ours is not signed by our key: then the peer made it up.
        """
        key = SigningKey(row.seed or b"")
        for run in chains(strays):
            forks_here = _is_ours(c, row, run[0])
            if not forks_here and not is_taken(c, run[0].header.prev):
                continue
            if not is_signed(run[-1]):
                raise RemoteError("an entry with a wrong signature")
            if forks_here:
                self._write_from(c, row, run[0].seq, result)
            for entry in run:
                result.copied_ms = max(result.copied_ms, entry.header.ms)
                c.execute("INSERT OR IGNORE INTO taken VALUES (?)", (entry.id,))
                self._write_once(c, conversation, signed(key, entry), now_ms, result)

    def _write_from(self, c: Connection, row: LogRow, seq: int, result: Appended) -> None:
        """The fork is before this number: our branch is to be written again from there."""
        c.execute(
            "INSERT INTO mending VALUES (?, ?) ON CONFLICT (log) DO UPDATE SET next = min(next, excluded.next)",
            (row.n, seq),
        )
        result.mending = True

    def go_on(
        self, c: Connection, conversation: ConversationRow, rows: Iterable[LogRow], now_ms: int, result: Appended
    ) -> None:
        """Write again a portion of what is here of forked logs; `result.mending` says whether there is more."""
        room = PORTION_ENTRIES
        for row in rows:
            found = c.execute("SELECT next FROM mending WHERE log = ?", (row.n,)).fetchone()
            if found is None or found[0] > row.head.seq or row.seed is None:
                continue
            if room <= 0:
                result.mending = True
                return
            stored = c.execute(
                "SELECT header, signature, content FROM entry WHERE log = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (row.n, found[0], room),
            ).fetchall()
            key = SigningKey(row.seed)
            for header, signature, content in stored:
                self._write_once(c, conversation, signed(key, rebuild(header, signature, content)), now_ms, result)
            room -= len(stored)
            written = found[0] + len(stored)
            c.execute("UPDATE mending SET next = ? WHERE log = ?", (written, row.n))
            result.mending |= written <= row.head.seq

    def _write_once(
        self, c: Connection, conversation: ConversationRow, entry: Entry, now_ms: int, result: Appended
    ) -> None:
        """Unless it was, also in an earlier life of this disk. With its body, if that comes after all."""
        if entry.content is not None and entry.content.kind == AGAIN:
            old = original_of(entry.content)  # of a log that was forked before: never one wrapper in another
            if old is None:
                return
            entry = old
        rows = c.execute(
            "SELECT again.body AND content IS NOT NULL OR flags & ? FROM again JOIN entry ON entry.n = again.n"
            " JOIN log ON log.n = entry.log WHERE again.id = ? AND NOT log.frozen",
            (int(Flag.FINAL), entry.id),
        ).fetchall()
        if not rows or (entry.content is not None and not any(is_enough for (is_enough,) in rows)):
            self._write_again(c, conversation, entry, now_ms, result)


def is_taken(c: Connection, entry_id: bytes) -> bool:
    """Whether an entry of another branch was taken back, and all before it from the fork on."""
    return c.execute("SELECT 1 FROM taken WHERE id = ?", (entry_id,)).fetchone() is not None


def pending_conversations(c: Connection) -> list[ConversationId]:
    """Conversations in which something of our own branches is still to be written again."""
    rows = c.execute(
        "SELECT DISTINCT conversation.id FROM mending JOIN log ON log.n = mending.log"
        " JOIN conversation ON conversation.n = log.conversation WHERE next <= log.seq AND seed IS NOT NULL"
    )
    return [ConversationId(row[0]) for row in rows]


def _is_ours(c: Connection, row: LogRow, entry: Entry) -> bool:
    """Whether an entry follows on our branch: the fork is there."""
    before = entry.seq - 1
    if before == row.head.floor_seq:
        return entry.header.prev == row.head.floor_id
    found = c.execute("SELECT header FROM entry WHERE log = ? AND seq = ?", (row.n, before)).fetchone()
    return found is not None and labelled_hash(b"entry header", found[0]) == entry.header.prev
