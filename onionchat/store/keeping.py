"""Storing entries that the gate has judged, and applying what they change. Runs in the writer's thread."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from onionchat.ids import AccountId, ConversationId, EntryId
from onionchat.kinds.again import original_of
from onionchat.kinds.changes import Change, Mark, MessageShown, Shown
from onionchat.kinds.fold import Place, fold
from onionchat.log.clock import HybridTime, is_future
from onionchat.log.entry import Entry
from onionchat.log.log import LogHead
from onionchat.store import changes, quota
from onionchat.store.changes import Effects
from onionchat.store.db import Connection
from onionchat.store.own import Own
from onionchat.store.rows import ConversationRow, Flag, LogRow, Stored, find_log, id_key
from onionchat.store.twins import Twin, any_again, note_again, rows_of


@dataclass(slots=True)
class Appended:
    """What an append did: new entries, heads of all logs named, logs newly frozen, logs made, other effects.

    `mending`: a log of ours was forked, and more of it is to be written again. `copied_ms`: the newest time of what a
    peer brought that is signed with the keys of this very device; 0 for nothing.
    """

    conversation: ConversationId
    stored: list[Stored] = field(default_factory=list)
    heads: list[LogHead] = field(default_factory=list)
    frozen: list[LogHead] = field(default_factory=list)
    added: list[LogHead] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)
    mending: bool = False
    copied_ms: int = 0

    @property
    def entries(self) -> list[Entry]:
        """The new entries."""
        return [stored.entry for stored in self.stored]


_INSERT_ENTRY = f"INSERT INTO entry VALUES ({','.join('?' * 16)})"  # noqa: S608
# flags as numbers: the arithmetic of IntFlag is slow
_FINAL, _LATE, _FUTURE = int(Flag.FINAL), int(Flag.LATE), int(Flag.FUTURE)
_GONE = int(Flag.FORGOTTEN | Flag.EXPIRED)
_WHY = int(Flag.FINAL | Flag.FORGOTTEN | Flag.RETRACTED | Flag.EXPIRED | Flag.UNWANTED)


@dataclass(slots=True)
class _Meaning:
    """What an entry counts as. `entry`: itself, or the old one that it brings again. `content`: what is kept of it."""

    entry: Entry
    content: bytes | None
    changed: tuple[Change, ...] = ()
    flags: int = 0
    replaces: Twin | None = None  # the line of ours that moves here, where it is delivered

    @property
    def expires(self) -> int | None:
        """When the body goes; None for never, or when it is gone."""
        content = self.entry.content
        return content.expires if content is not None and content.expires and self.content else None


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
    moved: list[tuple[int, int]] = field(default_factory=list)
    again: set[EntryId] = field(default_factory=set)
    size_bytes: int = 0


class Keeper:
    """Writes entries of any log. Its methods come after the judgement of the gate."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self._has_again: bool | None = None  # mostly nothing was ever written again, and nobody need look
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
        if run.moved:
            c.executemany("UPDATE entry SET shown = ? WHERE n = ?", run.moved)
            result.effects.conversations.add(conversation.id)
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
        meaning = self._meaning(c, conversation, row, entry, now_ms, is_new, run.mine)
        if meaning.entry is not entry:
            self._note_again(c, n, meaning, run)
        shown, text = _shown(meaning.changed)
        flags, time = meaning.flags, meaning.entry.time
        if is_future(time, now_ms):
            flags |= _FUTURE
        elif time > run.latest:
            run.latest = time
        elif shown and not run.mine and not run.is_history:
            flags |= _LATE
        place = (n, row.n, entry.seq, id_key(entry.id), conversation.n, *time, id_key(meaning.entry.log))
        about = (shown, run.mine, now_ms, flags, meaning.expires)
        run.rows.append((*place, *about, entry.header_raw, entry.signature, meaning.content))
        run.size_bytes += len(meaning.content or b"") + quota.ENTRY_COST_BYTES
        if text:
            run.texts.append((n, text))
        if flags & _GONE:
            run.gone.append(meaning.entry.id)
        if meaning.changed and meaning.content:
            run.folded.append((n, meaning.entry, meaning.changed))
        kept = entry if meaning.content else entry.tombstone()
        result.stored.append(Stored(n, kept, shown, bool(flags & _LATE)))

    def _note_again(self, c: Connection, n: int, meaning: _Meaning, run: _Run) -> None:
        """The row brings another entry again. A line of ours moves to it, for there it is delivered."""
        note_again(c, n, meaning.entry.id, meaning.entry.content is not None)
        if meaning.entry.id in run.again:
            meaning.changed = ()  # twice in one run
        run.again.add(meaning.entry.id)
        if meaning.replaces is None:
            return
        text = changes.shown_text(c, meaning.replaces.n)
        if text:
            changes.unindex(c, meaning.replaces.n, text)
            run.texts.append((n, text))
        c.execute("UPDATE entry SET shown = 0 WHERE n = ?", (meaning.replaces.n,))
        run.moved.append((meaning.replaces.shown, n))

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

    def _meaning(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        entry: Entry,
        now_ms: int,
        is_new: bool = False,
        mine: bool = False,
        n: int = 0,
    ) -> _Meaning:
        """What an entry changes, and what is kept of it. `n`: its row, when it has one."""
        old = self._original(c, conversation, row, entry)
        meaning = _Meaning(entry if old is None else old, entry.content_raw)
        content = meaning.entry.content
        if not is_new and (changes.is_forgotten(c, entry.header.log, entry.seq) or _is_forgotten(c, old)):
            meaning.content, meaning.flags = None, int(Flag.FINAL | Flag.FORGOTTEN)
        elif entry.content is None:
            meaning.flags = _FINAL if conversation.place is Place.SELF else 0
        elif content is not None and content.expires and content.expires <= now_ms:
            meaning.content, meaning.flags = None, int(Flag.FINAL | Flag.EXPIRED)
        elif self._is_before_wish(conversation, meaning.entry):
            meaning.content, meaning.flags = None, int(Flag.FINAL | Flag.UNWANTED)
        elif content is not None:
            meaning.changed = fold(conversation.place, conversation.id, content)
        if old is not None:
            self._has_again = True
        elif self._has_again is None:
            self._has_again = any_again(c)
        if self._has_again and not is_new:
            self._weigh_twins(c, meaning, mine, n)
        return meaning

    def _original(self, c: Connection, conversation: ConversationRow, row: LogRow, entry: Entry) -> Entry | None:
        """The old entry that this one brings again: of a log of the same device in the same conversation."""
        old = original_of(entry.content) if entry.content is not None else None
        log = find_log(c, old.log) if old is not None else None
        if log is None or (log.conversation, log.device) != (conversation.n, row.device) or log.n == row.n:
            return None
        return old

    def _weigh_twins(self, c: Connection, meaning: _Meaning, mine: bool, n: int) -> None:
        """The same entry may be here from another log: it counts once, and what is gone stays gone."""
        twins = [twin for twin in rows_of(c, meaning.entry.id) if twin.n != n]
        gone = next((twin for twin in twins if twin.flags & Flag.FINAL), None)
        if gone is not None:
            if meaning.entry.content is not None:
                meaning.content = None
            meaning.changed, meaning.flags = (), meaning.flags | int(gone.flags) & _WHY
        elif any(twin.has_body for twin in twins):
            meaning.changed = ()
        has_body = meaning.entry.content is not None and meaning.content is not None
        if mine and n == 0 and not meaning.changed and (has_body or gone is not None):
            meaning.replaces = next((twin for twin in twins if twin.shown), None)

    def _is_before_wish(self, conversation: ConversationRow, entry: Entry) -> bool:
        """Whether this device was linked with less history than would hold this message."""
        wish = self._own.history
        return wish is not None and conversation.place is Place.DIRECT and entry.header.ms < wish.not_before_ms

    def fill(
        self, c: Connection, conversation: ConversationRow, row: LogRow, entry: Entry, now_ms: int, result: Appended
    ) -> None:
        """A body of which only the tombstone was here."""
        found = c.execute("SELECT n FROM entry WHERE log = ? AND seq = ?", (row.n, entry.seq)).fetchone()
        if found is None:
            return
        meaning = self._meaning(c, conversation, row, entry, now_ms, n=found[0])
        shown, text = _shown(meaning.changed)
        place = (*meaning.entry.time, id_key(meaning.entry.log))
        about = (meaning.content, shown, meaning.expires, meaning.flags)
        c.execute(
            "UPDATE entry SET ms = ?, counter = ?, tie = ?, content = ?, shown = ?, expires = ?, flags = flags | ?"
            " WHERE n = ?",
            (*place, *about, found[0]),
        )
        if meaning.entry is not entry:
            note_again(c, found[0], meaning.entry.id, meaning.entry.content is not None)
        if meaning.content and self._author(c, row) != self._own.account:
            quota.note(c, conversation.n, len(meaning.content), now_ms)
        if text:
            changes.index(c, found[0], text)
        if meaning.changed and meaning.content:
            self._apply(c, conversation, [(found[0], meaning.entry, meaning.changed)], self._author(c, row), result)
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


def _is_forgotten(c: Connection, old: Entry | None) -> bool:
    """Whether an old entry's number was forgotten. Where another branch stands under it here, that was meant."""
    if old is None or not changes.is_forgotten(c, old.log, old.seq):
        return False
    rows = c.execute(
        "SELECT header FROM entry JOIN log ON log.n = entry.log WHERE log.id = ? AND entry.seq = ?", (old.log, old.seq)
    ).fetchall()
    return all(header == old.header_raw for (header,) in rows)
