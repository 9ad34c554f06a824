"""Applying the changes that a fold asks for. Runs inside a transaction of the writer."""

from dataclasses import dataclass, field

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId
from onionchat.kinds import chat
from onionchat.kinds.account import Read
from onionchat.kinds.again import plain
from onionchat.kinds.changes import (
    AccountLearned,
    BodiesForgotten,
    Change,
    ConversationWanted,
    ForgettingTakenBack,
    Mark,
    MessageMarked,
    MessageShown,
    ReadUpTo,
    RegisterSet,
    Shown,
)
from onionchat.kinds.fold import Place
from onionchat.log.entry import Entry, direct_id
from onionchat.log.log import LogHead
from onionchat.store.db import Connection
from onionchat.store.people import add_card, add_statements
from onionchat.store.rows import Flag
from onionchat.store.twins import rows_of, standing_id, twins_of


@dataclass(slots=True)
class Effects:
    """What changed beside new entries: for the node, which tells the screen and the sessions."""

    registers: set[tuple[str, bytes]] = field(default_factory=set)
    accounts: set[bytes] = field(default_factory=set)
    conversations: set[bytes] = field(default_factory=set)  # something in them is to be drawn again
    opened: set[ConversationId] = field(default_factory=set)  # conversations that were not there before
    truncate: bool = False  # bodies were dropped: the write-ahead log is to be emptied
    taken_back: list[tuple[bytes, int]] = field(default_factory=list)  # ids of `forget`s, and by which entry
    cut: list[tuple[ConversationId, LogHead]] = field(default_factory=list)  # logs that a removal ends elsewhere now
    wanted: set[ConversationId] = field(default_factory=set)  # bodies there are wanted again


def apply(c: Connection, change: Change, entry: Entry, n: int, author: bytes, effects: Effects) -> None:
    """One change of the entry with local number `n`, whose author's account is `author`."""
    match change:
        case MessageShown():
            return  # stands in the entry's own row
        case MessageMarked():
            _mark(c, change, entry, n, author, effects)
        case RegisterSet():
            _set_register(c, change, entry, n, effects)
        case ReadUpTo():
            for log, seq in change.marks:
                c.execute(
                    "INSERT INTO read_mark VALUES (?, ?) ON CONFLICT (log) DO UPDATE SET seq = max(seq, excluded.seq)",
                    (log, seq),
                )
                c.execute("UPDATE log SET read_seq = max(read_seq, ?) WHERE id = ?", (seq, log))
            effects.conversations.add(change.conversation)
            _supersede_read(c, change, entry, n)
        case BodiesForgotten():
            if not _is_taken_back(c, n):
                for first, last in change.ranges:
                    c.execute("INSERT OR REPLACE INTO forgot VALUES (?, ?, ?, ?)", (n, change.log, first, last))
                    forget_range(c, change.log, first, last)
                c.execute(
                    "INSERT OR IGNORE INTO forgetting VALUES (?, ?, ?)",
                    (entry.header.log, entry.header.seq, entry.header.ms),
                )
                effects.conversations.add(change.conversation)
                effects.truncate = True
        case ForgettingTakenBack():
            effects.taken_back += [(forget, n) for forget in change.entries]
        case AccountLearned():
            add_statements(c, change.account, change.statements)
            for certificate, discovery in change.cards:
                add_card(c, change.account, certificate, discovery)
            effects.accounts.add(change.account)
        case ConversationWanted():
            _open_direct(c, author, change.account, effects)


def _open_direct(c: Connection, own: bytes, account: bytes, effects: Effects) -> None:
    if own == account:
        return
    conversation = direct_id(AccountId(own), AccountId(account))
    done = c.execute(
        "INSERT OR IGNORE INTO conversation (id, place, account) VALUES (?, ?, ?)",
        (conversation, Place.DIRECT.value, account),
    )
    if done.rowcount > 0:
        effects.opened.add(conversation)


def _set_register(c: Connection, change: RegisterSet, entry: Entry, n: int, effects: Effects) -> None:
    """Last writer in the order of the screen; what loses becomes a tombstone, in *self* only.

    Two branches of a fork may have one place in that order: then the greater value.
    """
    row = c.execute(
        "SELECT ms, counter, log, seq, value, entry FROM register WHERE kind = ? AND key = ?", (change.kind, change.key)
    ).fetchone()
    shared = change.kind in (chat.TIMER_REGISTER, chat.CARD_REGISTER)
    order = _due(c, entry, n) if shared else entry.key
    if row is not None and (row[0], row[1], bytes(row[2]), row[3], bytes(row[4])) >= (*order, change.value):
        if not shared:
            drop_body(c, n, Flag.FINAL)
        return
    c.execute(
        "INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (change.kind, change.key, *order, n, change.value),
    )
    if row is not None and not shared:
        drop_body(c, row[5], Flag.FINAL)
    effects.registers.add((change.kind, change.key))


def _due(c: Connection, entry: Entry, n: int) -> tuple[int, int, bytes, int]:
    """The place of an entry among the others; from far ahead, that of its arrival: else it would stand until then."""
    flags, arrived = c.execute("SELECT flags, arrived FROM entry WHERE n = ?", (n,)).fetchone()
    return (arrived, 0, *entry.key[2:]) if flags & Flag.FUTURE else entry.key


def _supersede_read(c: Connection, change: ReadUpTo, entry: Entry, n: int) -> None:
    """A read mark that another one covers loses its body; the later of two that stand is the one to compare with."""
    key = ("read", change.conversation)
    row = c.execute(
        "SELECT register.entry, content FROM register JOIN entry ON entry.n = register.entry"
        " WHERE kind = ? AND register.key = ?",
        key,
    ).fetchone()
    before = {} if row is None else _read_marks(row[1])
    if row is not None and all(before.get(log, 0) >= seq for log, seq in change.marks):
        drop_body(c, n, Flag.FINAL)
        return
    marks = dict(change.marks)
    if row is not None and all(marks.get(log, 0) >= seq for log, seq in before.items()):
        drop_body(c, row[0], Flag.FINAL)
    c.execute("INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?, ?, ?, x'')", (*key, *entry.key, n))


def _read_marks(content_raw: bytes | None) -> dict[bytes, int]:
    if content_raw is None:
        return {}
    return dict(decode(plain(content_raw).body, Read, limits.ENTRY_MAX_BYTES).marks)


def _mark(c: Connection, change: MessageMarked, entry: Entry, n: int, author: bytes, effects: Effects) -> None:
    order = entry.key
    target = find_entry(c, change.target)
    if change.mark is Mark.EDIT and target is not None and _is_gone(c, target):
        drop_body(c, n, Flag.FINAL)  # a new text for what was forgotten or taken back is not kept either
        return
    key = (change.target, int(change.mark), author)
    found = c.execute(
        "SELECT ms, counter, log, seq, value, entry FROM mark WHERE target = ? AND mark = ? AND account = ?", key
    ).fetchone()
    is_late = found is not None and (found[0], found[1], bytes(found[2]), *found[3:5]) >= (*order, change.value)
    if found is not None and change.mark is Mark.EDIT:
        _wipe_edit(c, n if is_late else found[5])  # so there is at most one to look for when the message goes
    if is_late:
        return
    effects.conversations.add(ConversationId(b""))  # the conversation of the entry itself; the gate fills it in
    before = None if target is None else shown_text(c, target)
    c.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, *order, n, change.value))
    if target is None or author_of(c, target) != author:
        return
    if change.mark is Mark.EDIT and before:
        unindex(c, target, before)
        index(c, target, shown_text(c, target) or "")
    elif change.mark is Mark.RETRACT:
        drop_body(c, target, Flag.FINAL | Flag.RETRACTED)
        effects.truncate = True


def find_entry(c: Connection, entry_id: bytes) -> int | None:
    """The local number of an entry; of several rows that have its id, the one that is shown."""
    rows = rows_of(c, entry_id)
    return max(rows, key=lambda twin: twin.shown > 0).n if rows else None


def author_of(c: Connection, n: int) -> bytes | None:
    """The account whose device wrote an entry."""
    row = c.execute(
        "SELECT device.account FROM entry JOIN log ON log.n = entry.log JOIN device ON device.id = log.device"
        " WHERE entry.n = ?",
        (n,),
    ).fetchone()
    return None if row is None else bytes(row[0])


def entry_id_of(c: Connection, n: int) -> bytes:
    """The id of an entry of which the local number is known: its own, by which its log goes on."""
    (header,) = c.execute("SELECT header FROM entry WHERE n = ?", (n,)).fetchone()
    return labelled_hash(b"entry header", header)


def own_text(content_raw: bytes | None) -> str | None:
    """The text of a `text` entry, as it was first written."""
    if content_raw is None:
        return None
    try:
        content = plain(content_raw)
        return decode(content.body, chat.Text, limits.ENTRY_MAX_BYTES).text if content.kind == "text" else None
    except RemoteError:
        return None


def shown_text(c: Connection, n: int) -> str | None:
    """The text of a message as it is shown now (and indexed): its last edit, else its own."""
    row = c.execute("SELECT content, header, shown FROM entry WHERE n = ?", (n,)).fetchone()
    if row is None or row[0] is None or row[2] != Shown.TEXT:
        return None
    edit = c.execute(
        "SELECT value FROM mark WHERE target = ? AND mark = ? AND account = ?",
        (standing_id(c, n, row[1]), int(Mark.EDIT), author_of(c, n)),
    ).fetchone()
    return str(edit[0]) if edit is not None else own_text(row[0])


def index(c: Connection, n: int, text: str) -> None:
    """Put a text into the full-text index."""
    c.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (n, text))


def unindex(c: Connection, n: int, text: str) -> None:
    """Take a text out of the full-text index; it must be the one that was put in."""
    c.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (n, text))


def drop_body(c: Connection, n: int, flags: Flag) -> None:
    """Wipe an entry's body wherever it stands, its edits' too, and take it out of the index."""
    for twin in twins_of(c, n):
        _drop_one(c, twin, flags)


def _drop_one(c: Connection, n: int, flags: Flag) -> None:
    text = shown_text(c, n)
    if text:
        unindex(c, n, text)
    row = c.execute("SELECT header, content IS NULL, shown FROM entry WHERE n = ?", (n,)).fetchone()
    if row is None:
        return
    c.execute("UPDATE entry SET content = NULL, flags = flags | ? WHERE n = ?", (int(flags), n))
    if row[2]:
        drop_edits(c, standing_id(c, n, row[0]))


def drop_edits(c: Connection, entry_id: bytes) -> None:
    """Wipe the edits of an entry; superseded ones were wiped when they were."""
    key = (entry_id, int(Mark.EDIT))
    for (edit,) in c.execute("SELECT entry FROM mark WHERE target = ? AND mark = ?", key).fetchall():
        _wipe_edit(c, edit)
    c.execute("UPDATE mark SET value = '' WHERE target = ? AND mark = ?", key)


def _wipe_edit(c: Connection, n: int) -> None:
    for twin in twins_of(c, n):
        c.execute("UPDATE entry SET content = NULL, flags = flags | ? WHERE n = ?", (int(Flag.FINAL), twin))


def _is_gone(c: Connection, n: int) -> bool:
    row = c.execute("SELECT content IS NULL AND flags & ? FROM entry WHERE n = ?", (int(Flag.FINAL), n)).fetchone()
    return bool(row[0])


def forget_range(c: Connection, log: bytes, first: int, last: int) -> None:
    """Drop the bodies of a range for good, also of entries that are not here yet."""
    close_range(c, log, first, last)
    rows = c.execute(
        "SELECT entry.n FROM entry JOIN log ON log.n = entry.log WHERE log.id = ? AND entry.seq BETWEEN ? AND ?",
        (log, first, last),
    ).fetchall()
    for (n,) in rows:
        drop_body(c, n, Flag.FINAL | Flag.FORGOTTEN)


def close_range(c: Connection, log: bytes, first: int, last: int) -> None:
    """Bodies of a range are not taken any more."""
    c.execute(
        "INSERT INTO forgotten VALUES (?, ?, ?) ON CONFLICT (log, first) DO UPDATE SET last = max(last, excluded.last)",
        (log, first, last),
    )


def _is_taken_back(c: Connection, n: int) -> bool:
    """Whether a `restore` names this `forget`."""
    (header,) = c.execute("SELECT header FROM entry WHERE n = ?", (n,)).fetchone()
    ids = (labelled_hash(b"entry header", header), standing_id(c, n, header))
    return c.execute("SELECT 1 FROM restored WHERE id IN (?, ?)", ids).fetchone() is not None


def is_forgotten(c: Connection, log: bytes, seq: int) -> bool:
    """Whether a number of a log was forgotten."""
    row = c.execute(
        "SELECT 1 FROM forgotten WHERE log = ? AND first <= ? AND last >= ? LIMIT 1", (log, seq, seq)
    ).fetchone()
    return row is not None
