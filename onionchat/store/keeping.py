"""Storing entries that the gate has judged, and applying what they change. Runs in the writer's thread."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from onionchat.ids import AccountId, ConversationId, EntryId
from onionchat.kinds.changes import Change, Mark, MessageShown, Shown
from onionchat.kinds.fold import Place, fold
from onionchat.log.clock import HybridTime, is_future
from onionchat.log.entry import Entry
from onionchat.log.log import LogHead
from onionchat.store import changes, quota
from onionchat.store.changes import Effects
from onionchat.store.db import Connection
from onionchat.store.own import Own
from onionchat.store.rows import ConversationRow, Flag, LogRow, Stored, id_key


@dataclass(slots=True)
class Appended:
    """What an append did: new entries, heads of all logs named, logs newly frozen, logs made, other effects."""

    conversation: ConversationId
    stored: list[Stored] = field(default_factory=list)
    heads: list[LogHead] = field(default_factory=list)
    frozen: list[LogHead] = field(default_factory=list)
    added: list[LogHead] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)

    @property
    def entries(self) -> list[Entry]:
        """The new entries."""
        return [stored.entry for stored in self.stored]


_INSERT_ENTRY = f"INSERT INTO entry VALUES ({','.join('?' * 16)})"  # noqa: S608
_GONE = int(Flag.FORGOTTEN | Flag.EXPIRED)  # as a number: the arithmetic of IntFlag is slow


@dataclass(slots=True)
class _Run:
    """Rows of one run of entries of one log, before they are written."""

    mine: bool
    latest: HybridTime
    is_history: bool = False
    rows: list[tuple[object, ...]] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    folded: list[tuple[int, Entry, tuple[Change, ...]]] = field(default_factory=list)
    gone: list[EntryId] = field(default_factory=list)
    size_bytes: int = 0


class Keeper:
    """Writes entries of any log. Its methods come after the judgement of the gate."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self._last_n: int | None = None  # of the table `entry`; too high after a rollback does no harm

    def forget_numbers(self) -> None:
        """Somebody else has inserted into the table `entry`."""
        self._last_n = None

    def keep(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        entries: Sequence[Entry],
        now_ms: int,
        result: Appended,
        is_new: bool = False,
        is_history: bool = False,
    ) -> None:
        """Insert accepted entries of one log and what they change.

        `is_new`: written by this device just now. `is_history`: older than what the log began with here.
        """
        author = self._author(c, row)
        run = _Run(author == self._own.account, (conversation.ms, conversation.counter), is_history)
        for entry in entries:
            self._add(c, conversation, row, entry, now_ms, run, result, is_new)
        c.executemany(_INSERT_ENTRY, run.rows)
        if run.texts:
            c.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", run.texts)
        for entry_id in run.gone:
            changes.drop_edits(c, entry_id)
        if run.latest != (conversation.ms, conversation.counter):
            c.execute("UPDATE conversation SET ms = ?, counter = ? WHERE n = ?", (*run.latest, conversation.n))
        if not run.mine:
            quota.note(c, conversation.n, run.size_bytes, now_ms)
        self._apply(c, conversation, run.folded, author, result, is_new)

    def _add(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        entry: Entry,
        now_ms: int,
        run: _Run,
        result: Appended,
        is_new: bool,
    ) -> None:
        n = self._last_n = self._newest_n(c) + 1
        content, changed, why = self._admissible(c, conversation, entry, now_ms, is_new)
        flags = int(why)
        shown, text = _shown(changed)
        time = entry.time
        if is_future(time, now_ms):
            flags |= int(Flag.FUTURE)
        elif time > run.latest:
            run.latest = time
        elif shown and not run.mine and not run.is_history:
            flags |= int(Flag.LATE)
        expires = entry.content.expires if entry.content and entry.content.expires and content else None
        place = (n, row.n, entry.seq, id_key(entry.id), conversation.n, *time, id_key(row.head.log))
        about = (shown, run.mine, now_ms, flags, expires)
        run.rows.append((*place, *about, entry.header_raw, entry.signature, content))
        run.size_bytes += len(content or b"") + quota.ENTRY_COST_BYTES
        if text:
            run.texts.append((n, text))
        if flags & _GONE:
            run.gone.append(entry.id)
        if changed and content:
            run.folded.append((n, entry, changed))
        is_late = bool(flags and flags & int(Flag.LATE))
        result.stored.append(Stored(n, entry if content else entry.tombstone(), shown, is_late))

    def _newest_n(self, c: Connection) -> int:
        if self._last_n is None:
            row = c.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
            self._last_n = int(row[0]) if row is not None else 0
        return self._last_n

    def _apply(
        self,
        c: Connection,
        conversation: ConversationRow,
        folded: Sequence[tuple[int, Entry, tuple[Change, ...]]],
        author: bytes,
        result: Appended,
        is_new: bool = False,
    ) -> None:
        effects = result.effects
        for n, entry, changed in folded:
            for change in changed:
                changes.apply(c, change, entry, n, author, effects)
            is_text = isinstance(changed[0], MessageShown) and changed[0].shown is Shown.TEXT
            if is_text and not is_new:  # nobody can have said anything of what was not there
                self._late_marks(c, n, entry, author, effects)
        if ConversationId(b"") in effects.conversations:
            effects.conversations.discard(ConversationId(b""))
            effects.conversations.add(conversation.id)

    def _late_marks(self, c: Connection, n: int, entry: Entry, author: bytes, effects: Effects) -> None:
        """Edits and retractions that came before the message they are about."""
        marks = c.execute(
            "SELECT mark, value FROM mark WHERE target = ? AND account = ? AND mark != ?",
            (entry.id, author, int(Mark.REACTION)),
        ).fetchall()
        if any(mark == Mark.RETRACT for mark, _ in marks):
            (content,) = c.execute("SELECT content FROM entry WHERE n = ?", (n,)).fetchone()
            changes.unindex(c, n, changes.own_text(content) or "")
            c.execute(
                "UPDATE entry SET content = NULL, flags = flags | ? WHERE n = ?", (int(Flag.FINAL | Flag.RETRACTED), n)
            )
            changes.drop_edits(c, entry.id)
            effects.truncate = True
        elif marks:
            (content,) = c.execute("SELECT content FROM entry WHERE n = ?", (n,)).fetchone()
            changes.unindex(c, n, changes.own_text(content) or "")
            changes.index(c, n, marks[0][1])
        if marks:
            effects.conversations.add(ConversationId(b""))

    def _admissible(
        self, c: Connection, conversation: ConversationRow, entry: Entry, now_ms: int, is_new: bool = False
    ) -> tuple[bytes | None, tuple[Change, ...], Flag]:
        """The content that is kept (None: a tombstone), what it changes, and why it was dropped."""
        content = entry.content
        if not is_new and changes.is_forgotten(c, entry.header.log, entry.seq):
            return None, (), Flag.FINAL | Flag.FORGOTTEN
        if content is None:
            return None, (), Flag.FINAL if conversation.place is Place.SELF else Flag.NONE
        if content.expires and content.expires <= now_ms:
            return None, (), Flag.FINAL | Flag.EXPIRED
        if self._is_before_wish(conversation, entry):
            return None, (), Flag.FINAL | Flag.UNWANTED
        return entry.content_raw, fold(conversation.place, conversation.id, content), Flag.NONE

    def _is_before_wish(self, conversation: ConversationRow, entry: Entry) -> bool:
        """Whether this device was linked with less history than would hold this message."""
        wish = self._own.history
        return wish is not None and conversation.place is Place.DIRECT and entry.header.ms < wish.not_before_ms

    def fill(
        self, c: Connection, conversation: ConversationRow, row: LogRow, entry: Entry, now_ms: int, result: Appended
    ) -> None:
        """A body of which only the tombstone was here."""
        content, changed, flags = self._admissible(c, conversation, entry, now_ms)
        found = c.execute("SELECT n FROM entry WHERE log = ? AND seq = ?", (row.n, entry.seq)).fetchone()
        if found is None:
            return
        shown, text = _shown(changed)
        expires = entry.content.expires if entry.content and entry.content.expires and content else None
        c.execute(
            "UPDATE entry SET content = ?, shown = ?, expires = ?, flags = flags | ? WHERE n = ?",
            (content, shown, expires, int(flags), found[0]),
        )
        if content and self._author(c, row) != self._own.account:
            quota.note(c, conversation.n, len(content), now_ms)
        if text:
            changes.index(c, found[0], text)
        if changed and content:
            self._apply(c, conversation, [(found[0], entry, changed)], self._author(c, row), result)
        result.effects.conversations.add(conversation.id)

    def _author(self, c: Connection, row: LogRow) -> bytes:
        if row.seed is not None:
            return self._own.account
        found = c.execute("SELECT account FROM device WHERE id = ?", (row.device,)).fetchone()
        return AccountId(found[0]) if found is not None else b""


def _shown(changed: Sequence[Change]) -> tuple[int, str]:
    for change in changed:
        if isinstance(change, MessageShown):
            return int(change.shown), change.text if change.shown is Shown.TEXT else ""
    return int(Shown.NOT), ""
