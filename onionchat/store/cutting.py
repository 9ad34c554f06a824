"""Where a removal ends the logs of a stolen device, for what is here already. Runs inside a transaction of the writer.

What of a log stands past its cut goes: rows, bodies, and what they changed; the head moves back to the cut. What it had
superseded counts again, and its body, where it was wiped, is wanted from those who have it: the device that cut the log
there has seen nothing of what came after, so it wiped nothing for that.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import RemoteError
from onionchat.identity.account import Cut, Roster, fold
from onionchat.ids import AccountId, ConversationId, EntryId, LogId
from onionchat.kinds.again import original_of
from onionchat.kinds.changes import BodiesForgotten, Mark, MessageMarked, ReadUpTo, RegisterSet, Shown
from onionchat.kinds.fold import Place
from onionchat.kinds.fold import fold as fold_content
from onionchat.log.entry import NO_ENTRY, Entry, direct_id, rebuild, self_id
from onionchat.log.log import LogHead
from onionchat.store import changes
from onionchat.store.changes import Effects
from onionchat.store.db import Connection
from onionchat.store.forgetting import undo
from onionchat.store.own import Own
from onionchat.store.people import statements_of
from onionchat.store.rows import Flag, LogRow, find_log, logs_of_account, save_head
from onionchat.store.twins import rows_of

End = tuple[int, EntryId]
"""The last number of a log that is accepted, and the id under it."""
Named = tuple[bytes, int, bytes]
"""A cut as a removal takes it: log, number, id."""

_GONE = int(Flag.FINAL | Flag.FORGOTTEN | Flag.RETRACTED | Flag.EXPIRED | Flag.UNWANTED)


def complete_mark(account: AccountId) -> bytes:
    """Stands in the place of a log in the removals that own devices make: a copy that opens it opens all cuts."""
    return self_id(account)


def cuts_of(c: Connection, account: AccountId, device: bytes, random: Callable[[int], bytes]) -> list[Named]:
    """Where each log of a device of ours ends here, and for each contact how many of these are for it to see.

    The mark of a contact stands under the conversation's id. Its own id is random, so that the digest in the removal
    does not show to others who talks with whom.
    """
    logs = c.execute(
        "SELECT log.id, log.seq, log.head FROM log JOIN conversation ON conversation.n = log.conversation"
        " WHERE device = ? AND place != ? ORDER BY log.id",
        (device, Place.ARCHIVE.value),
    ).fetchall()
    told = c.execute(
        "SELECT conversation.id, count(log.n) FROM conversation LEFT JOIN log ON log.conversation = conversation.n"
        " AND log.device = ? WHERE place = ? GROUP BY conversation.n ORDER BY conversation.id",
        (device, Place.DIRECT.value),
    ).fetchall()
    ends = [(bytes(log), int(seq), bytes(head)) for log, seq, head in logs]
    return ends + [(bytes(conversation), int(count), random(32)) for conversation, count in told]


class Cuts:
    """Knows the rosters that have removals in them. Of one store; used in the writer's thread only."""

    def __init__(self, own: Own) -> None:
        self._own = own
        self._rosters: dict[bytes, tuple[list[bytes], Roster | None]] = {}

    def apply(self, c: Connection, account: bytes, effects: Effects) -> None:
        """The statements of an account have changed: end its devices' logs where they end now."""
        roster = self._roster(c, account)
        if roster is None:
            return
        dropped: dict[int, _Undoing] = {}
        for row in logs_of_account(c, account):
            self._cut(c, roster, row, effects, dropped)
        for undoing in dropped.values():
            undoing.finish(c, effects)

    def apply_to(self, c: Connection, account: bytes, log: bytes) -> None:
        """A log of an account was admitted just now: it has no entries yet."""
        roster = self._roster(c, account)
        row = find_log(c, log)
        if roster is not None and row is not None:
            self._cut(c, roster, row, Effects(), {})

    def _roster(self, c: Connection, account: bytes) -> Roster | None:
        """None when nobody of the account can have been removed."""
        statements = statements_of(c, account)
        if len(statements) < 2:
            return None
        known = self._rosters.get(account)
        if known is None or known[0] != statements:
            try:
                roster = fold(statements, AccountId(account))
            except RemoteError:
                roster = None
            known = self._rosters[account] = (statements, roster)
        return known[1]

    def _end(self, roster: Roster, row: LogRow) -> End | None:
        """Where a log ends, None for nowhere. Without knowing better: where it ends here."""
        removal = roster.removed.get(row.device)
        if removal is None or removal.reason != "stolen":
            return None
        here: End = (row.head.seq, row.head.id)
        cut = roster.cut_for(row.device, row.head.log)
        is_own = roster.account == self._own.account
        if cut is not None:
            end: End = (cut.seq, EntryId(cut.id))
        elif self._has_all(roster.account, removal.cuts, is_own):
            end = (0, NO_ENTRY)  # whoever removed the device had nothing of this log
        else:
            end = here  # the cut was not told yet
        is_settled = not roster.disputed and (not is_own or roster.is_member(self._own.device))
        return end if is_settled else max(here, end, key=lambda at: at[0])  # who is out, or in doubt, drops nothing

    def _has_all(self, account: AccountId, cuts: Mapping[LogId, Cut], is_own: bool) -> bool:
        """Whether every cut that concerns us was told. An account that is not ours has one conversation with us."""
        if is_own:
            return LogId(complete_mark(account)) in cuts
        mark = cuts.get(LogId(direct_id(self._own.account, account)))
        return mark is not None and len(cuts) > mark.seq

    def _cut(
        self, c: Connection, roster: Roster, row: LogRow, effects: Effects, dropped: dict[int, "_Undoing"]
    ) -> None:
        end, head = self._end(roster, row), row.head
        if end == (None if head.cut_seq is None else (head.cut_seq, head.cut_id or NO_ENTRY)) and _is_within(head, end):
            return
        (raw,) = c.execute("SELECT id FROM conversation WHERE n = ?", (row.conversation,)).fetchone()
        conversation = ConversationId(raw)
        if end is None:
            head = msgspec.structs.replace(head, cut_seq=None, cut_id=None)
        else:
            head = msgspec.structs.replace(head, cut_seq=end[0], cut_id=end[1])
            if not _is_within(head, end):
                undoing = dropped.setdefault(row.conversation, _Undoing(row.conversation, conversation))
                head = _shortened(c, row.n, head, end, undoing)
                effects.truncate = True
        save_head(c, row.n, head)
        c.execute(
            "UPDATE log SET covered = min(covered, seq) WHERE n = ? AND cut_seq IS NOT NULL", (row.n,)
        )  # what was read stays read: what is short of the cut may still come, and a cut may turn out to be void
        effects.cut.append((conversation, head))


def _is_within(head: LogHead, end: End | None) -> bool:
    return end is None or head.seq < end[0] or (head.seq, head.id) == end


def _shortened(c: Connection, log: int, head: LogHead, end: End, undoing: "_Undoing") -> LogHead:
    """The head after everything past the cut is gone."""
    seq, entry_id = end
    here = _id_at(c, log, head, seq)
    if (
        head.floor_seq == seq and here != entry_id
    ):  # another branch, of which the beginning is not here: nothing fits on
        undoing.drop(c, log, seq)
        return msgspec.structs.replace(head, seq=seq, id=here, ms=0, counter=0, frozen=True)
    if here is not None and here != entry_id:  # another branch: what both have in common may be what is before
        seq -= 1
        entry_id = _id_at(c, log, head, seq) or NO_ENTRY
    undoing.drop(c, log, seq)
    row = c.execute("SELECT ms, counter FROM entry WHERE log = ? AND seq = ?", (log, seq)).fetchone()
    ms, counter = row if row is not None else (0, 0)
    floor = (head.floor_seq, head.floor_id) if head.floor_seq <= seq else (seq, entry_id)
    return msgspec.structs.replace(
        head, seq=seq, id=entry_id, ms=ms, counter=counter, floor_seq=floor[0], floor_id=floor[1]
    )


def _id_at(c: Connection, log: int, head: LogHead, seq: int) -> EntryId | None:
    if seq == 0:
        return NO_ENTRY
    if seq == head.floor_seq:
        return head.floor_id
    row = c.execute("SELECT header FROM entry WHERE log = ? AND seq = ?", (log, seq)).fetchone()
    return None if row is None else EntryId(labelled_hash(b"entry header", row[0]))


class _Undoing:
    """What was dropped of one conversation, and what follows from that."""

    def __init__(self, n: int, conversation: ConversationId) -> None:
        self._n, self._conversation = n, conversation
        self._marks: set[tuple[bytes, int, bytes]] = set()
        self._registers: set[tuple[str, bytes]] = set()
        self._unforgotten: set[bytes] = set()
        self._forgets = False

    def drop(self, c: Connection, log: int, after: int) -> None:
        """Delete the entries of a log after a number, and what stands as they said."""
        gone = "SELECT n FROM entry WHERE log = ? AND seq > ?"
        place = (log, after)
        texts = c.execute(f"{gone} AND shown = ?", (*place, int(Shown.TEXT))).fetchall()
        for (n,) in texts:
            text = changes.shown_text(c, n)
            if text:
                changes.unindex(c, n, text)
        marks = c.execute(f"SELECT target, mark, account FROM mark WHERE entry IN ({gone})", place)  # noqa: S608
        self._marks |= {(bytes(target), mark, bytes(account)) for target, mark, account in marks.fetchall()}
        registers = c.execute(f"SELECT kind, key FROM register WHERE entry IN ({gone})", place)  # noqa: S608
        self._registers |= {(kind, bytes(key)) for kind, key in registers.fetchall()}
        self._undo_forgetting(c, [n for (n,) in c.execute(gone, place).fetchall()])
        for key in sorted(self._marks):
            _unmark(c, *key)
        c.executemany("DELETE FROM register WHERE kind = ? AND key = ?", sorted(self._registers))
        moved = c.execute(
            f"SELECT again.id, shown FROM again JOIN entry ON entry.n = again.n WHERE again.n IN ({gone})",  # noqa: S608
            place,
        ).fetchall()
        c.execute(f"DELETE FROM again WHERE n IN ({gone})", place)  # noqa: S608
        c.execute("DELETE FROM forgetting WHERE log = (SELECT id FROM log WHERE n = ?) AND seq > ?", place)
        c.execute("DELETE FROM entry WHERE log = ? AND seq > ?", place)
        for entry_id, shown in moved:
            _show_again(c, bytes(entry_id), shown)

    def _undo_forgetting(self, c: Connection, gone: list[int]) -> None:
        for n in gone:
            if c.execute("SELECT 1 FROM forgot WHERE entry = ? LIMIT 1", (n,)).fetchone() is not None:
                self._unforgotten |= undo(c, n)
            self._forgets |= c.execute("DELETE FROM restored WHERE entry = ?", (n,)).rowcount > 0

    def finish(self, c: Connection, effects: Effects) -> None:
        """Let count again what the dropped entries had superseded; ask for the bodies that are not here any more."""
        (place,) = c.execute("SELECT place FROM conversation WHERE n = ?", (self._n,)).fetchone()
        is_self = Place(place) is Place.SELF
        if is_self or any(mark == Mark.EDIT for _, mark, _ in self._marks):
            c.execute(
                "UPDATE entry SET flags = flags & ~? WHERE conversation = ? AND content IS NULL AND flags & ? = ?",
                (int(Flag.FINAL), self._n, _GONE, int(Flag.FINAL)),
            )
        if is_self:
            c.execute(
                "UPDATE log SET read_seq = 0 WHERE read_seq > 0 AND conversation NOT IN"
                " (SELECT n FROM conversation WHERE place = ?)",
                (Place.ARCHIVE.value,),
            )
            c.execute("DELETE FROM read_mark")
            c.execute("DELETE FROM register WHERE kind = 'read'")
        self._replay(c, Place(place), is_self, effects)
        effects.registers |= {(kind, key) for kind, key in self._registers if kind != "read"}
        effects.conversations.add(self._conversation)
        effects.wanted |= {self._conversation} | conversations_of(c, self._unforgotten)

    def _replay(self, c: Connection, place: Place, is_self: bool, effects: Effects) -> None:
        """Apply again what stands, as far as it is about what was undone."""
        if not (is_self or self._marks or self._registers):
            return
        rows = c.execute(
            "SELECT entry.n, header, signature, content FROM entry WHERE conversation = ? AND log != 0 AND shown != ?"
            " AND content IS NOT NULL ORDER BY n",
            (self._n, int(Shown.TEXT)),
        ).fetchall()
        for n, header, signature, content in rows:
            entry = rebuild(header, signature, content)
            if c.execute("SELECT 1 FROM again WHERE n = ?", (n,)).fetchone() is not None and entry.content is not None:
                entry = original_of(entry.content) or entry
            if entry.content is not None:
                self._apply(c, place, entry, n, effects)

    def _apply(self, c: Connection, place: Place, entry: Entry, n: int, effects: Effects) -> None:
        assert entry.content is not None
        author = changes.author_of(c, n) or b""
        for change in fold_content(place, self._conversation, entry.content):
            match change:
                case RegisterSet(kind, key):
                    is_meant = (kind, key) in self._registers
                case MessageMarked(target, mark):
                    is_meant = (target, int(mark), author) in self._marks
                case ReadUpTo():
                    is_meant = True
                case BodiesForgotten():
                    is_meant = self._forgets
                case _:
                    is_meant = False
            if is_meant:
                changes.apply(c, change, entry, n, author, effects)
        effects.conversations.discard(ConversationId(b""))


def _show_again(c: Connection, entry_id: bytes, shown: int) -> None:
    """The row that brought an entry again is gone; where the entry stood first, it is a line again."""
    rows = rows_of(c, entry_id)
    if not shown or not rows or any(row.shown for row in rows):
        return
    n = rows[0].n
    c.execute("UPDATE entry SET shown = ? WHERE n = ?", (shown, n))
    text = changes.shown_text(c, n)
    if text:
        changes.index(c, n, text)


def _unmark(c: Connection, target: bytes, mark: int, account: bytes) -> None:
    """Take an edit, a reaction or a retraction away."""
    key = (target, mark, account)
    n = changes.find_entry(c, target)
    counts = n is not None and changes.author_of(c, n) == account
    before = changes.shown_text(c, n) if n is not None and counts and mark == Mark.EDIT else None
    c.execute("DELETE FROM mark WHERE target = ? AND mark = ? AND account = ?", key)
    if n is None or not counts:
        return
    if before:
        changes.unindex(c, n, before)
        changes.index(c, n, changes.shown_text(c, n) or "")
    elif mark == Mark.RETRACT:
        kept = int(Flag.FORGOTTEN | Flag.EXPIRED | Flag.UNWANTED)
        c.execute(
            "UPDATE entry SET flags = CASE WHEN flags & ? THEN flags & ~? ELSE flags & ~? END WHERE n = ?"
            " AND content IS NULL AND flags & ?",
            (kept, int(Flag.RETRACTED), int(Flag.RETRACTED | Flag.FINAL), n, int(Flag.RETRACTED)),
        )


def conversations_of(c: Connection, logs: Iterable[bytes]) -> set[ConversationId]:
    """Where logs stand."""
    query = "SELECT conversation.id FROM log JOIN conversation ON conversation.n = conversation WHERE log.id = ?"
    return {ConversationId(row[0]) for log in logs for row in c.execute(query, (log,)).fetchall()}


def heads_now(c: Connection, logs: Iterable[LogId]) -> dict[LogId, LogHead]:
    """Heads as the disk has them."""
    found = (find_log(c, log) for log in logs)
    return {row.head.log: row.head for row in found if row is not None}
