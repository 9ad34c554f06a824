"""Pages of a conversation, search, unread counts, delivery: what the screen asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import LocalError, RemoteError
from onionchat.kinds import chat
from onionchat.kinds.again import plain
from onionchat.kinds.changes import Mark, Shown
from onionchat.store.changes import author_of, find_entry
from onionchat.store.db import Connection, OperationalError
from onionchat.store.rows import ConversationRow, Flag, id_key

_COLUMNS = (
    "entry.n, entry.log, entry.seq, entry.ms, entry.shown, entry.mine, entry.arrived, entry.flags, entry.expires,"
    " entry.header, entry.content, log.device, log.read_seq, entry.conversation, again.id"
)
_FROM = "entry LEFT JOIN log ON log.n = entry.log LEFT JOIN again ON again.n = entry.n"
_ORDER = "entry.ms, entry.counter, entry.tie, entry.seq"
SEARCH_ONE_BY_ONE_MAX = 200  # messages of a conversation that are asked for one by one: 0.2 ms each
SEARCH_NEWEST = 5000  # matches that are looked at for those of one conversation: 20 ms
_REVERSED = "entry.ms DESC, entry.counter DESC, entry.tie DESC, entry.seq DESC"


@dataclass
class Line:
    """One line of a conversation, as stored. `text` is None where the body is not here."""

    n: int
    id: bytes
    log: int
    seq: int
    ms: int
    shown: Shown
    mine: bool
    arrived: int
    flags: Flag
    expires: int | None
    text: str | None
    device: bytes
    unread: bool
    conversation: int
    edited: bool = False
    reply_to: bytes = b""
    reactions: list[tuple[str, bytes]] = field(default_factory=list)
    missing_before: bool = False
    card: bytes = b""


def page(
    c: Connection,
    conversation: ConversationRow,
    limit: int,
    *,
    since: int | None = None,
    before: bytes | None = None,
    after: bytes | None = None,
) -> list[Line]:
    """Lines in the order of the screen; `since` a cursor: in the order of arrival. LocalError for unknown ids."""
    where, values = "entry.conversation = ? AND entry.shown > 0", [conversation.n]
    order, backwards = _REVERSED, True
    if since is not None:
        where, order, backwards = where + " AND entry.n > ?", "entry.n", False
        values.append(since)
    elif before is not None or after is not None:
        anchor = before if before is not None else after
        sign = "<" if before is not None else ">"
        where += f" AND ({_ORDER}) {sign} (?, ?, ?, ?)"
        values += _position(c, conversation, anchor or b"")
        if after is not None:
            order, backwards = _ORDER, False
    rows = c.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608
        (*values, limit),
    ).fetchall()
    lines = [_line(c, row) for row in (reversed(rows) if backwards else rows)]
    _add_marks(c, lines)
    return lines


def around(c: Connection, conversation: ConversationRow, middle: bytes, limit: int) -> list[Line]:
    """A page with one entry in its middle."""
    older = page(c, conversation, limit // 2, before=middle)
    return [*older, *by_ids(c, conversation, [middle]), *page(c, conversation, limit - len(older) - 1, after=middle)]


def by_ids(c: Connection, conversation: ConversationRow, ids: list[bytes]) -> list[Line]:
    """Lines by their entries' ids; unknown ones are left out."""
    found = [n for n in (find_entry(c, entry) for entry in ids) if n is not None]
    return [line for line in by_numbers(c, found) if line.conversation == conversation.n]


def by_numbers(c: Connection, numbers: list[int]) -> list[Line]:
    """Lines by local numbers, in that order."""
    lines = []
    for n in numbers:
        row = c.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE entry.n = ? AND entry.shown > 0", (n,)).fetchone()  # noqa: S608
        if row is not None:
            lines.append(_line(c, row))
    _add_marks(c, lines)
    return lines


def search(c: Connection, query: str, conversation: ConversationRow | None, limit: int) -> list[Line]:
    """Full text, newest first. LocalError when the query cannot be read."""
    expression = match_expression(query)
    try:
        if conversation is None:
            found = _matches(c, expression, limit)
        else:
            found = _matches_in(c, expression, conversation.n, limit)
        rows = [
            row
            for n in found
            for row in c.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE entry.n = ?", (n,)).fetchall()  # noqa: S608
        ]
    except (OperationalError, UnicodeEncodeError) as error:  # a damaged page is another DatabaseError
        if str(error).startswith("disk"):
            raise
        raise LocalError('that search cannot be read; use words, "a phrase" or begin*') from None
    lines = [_line(c, row) for row in rows]
    _add_marks(c, lines)
    return lines


def _matches(c: Connection, expression: str, limit: int) -> list[int]:
    rows = c.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (expression, limit))
    return [n for (n,) in rows.fetchall()]


def _matches_in(c: Connection, expression: str, conversation: int, limit: int) -> list[int]:
    """Those in one conversation. The index does not know conversations, so that a word that is in a million messages of
    another one must not be looked up a million times: a short conversation asks for each message of its own; of a long
    one, the newest matches anywhere mostly hold enough; where they do not, matches and messages are held together.
    """
    of_it = "SELECT n FROM entry WHERE conversation = ? AND shown > 0"
    few = c.execute(f"{of_it} LIMIT ?", (conversation, SEARCH_ONE_BY_ONE_MAX + 1)).fetchall()
    if len(few) <= SEARCH_ONE_BY_ONE_MAX and "*" not in expression:  # a beginning is many words: each time anew
        one = "SELECT 1 FROM words WHERE words MATCH ? AND rowid = ?"
        return [n for (n,) in sorted(few, reverse=True) if c.execute(one, (expression, n)).fetchone()][:limit]
    newest = (
        "SELECT entry.n FROM (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?) AS found"
        " CROSS JOIN entry ON entry.n = found.rowid WHERE entry.conversation = ? ORDER BY entry.n DESC LIMIT ?"
    )
    rows = c.execute(newest, (expression, SEARCH_NEWEST, conversation, limit)).fetchall()
    more = "SELECT 1 FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 1 OFFSET ?"
    if len(rows) < limit and c.execute(more, (expression, SEARCH_NEWEST)).fetchone():
        both = f"SELECT rowid FROM words WHERE words MATCH ? AND +rowid IN ({of_it}) ORDER BY rowid DESC LIMIT ?"  # noqa: S608
        rows = c.execute(both, (expression, conversation, limit)).fetchall()
    return [n for (n,) in rows]


def match_expression(query: str) -> str:
    """What a person types, as an FTS5 expression: words that must all match, "phrases", begin*."""
    terms = []
    for i, part in enumerate(query.split('"')):
        if i % 2:
            terms.append('"' + part + '"')
            continue
        for word in part.split():
            star = "*" if word.endswith("*") else ""
            terms.append('"' + word.rstrip("*") + '"' + star)
    terms = [term for term in terms if term.strip('"* ')]
    if not terms:
        raise LocalError("give at least one word to search for")
    return " ".join(terms)


def _position(c: Connection, conversation: ConversationRow, entry: bytes) -> list[int]:
    n = find_entry(c, entry)
    row = c.execute(
        "SELECT ms, counter, tie, seq FROM entry WHERE n = ? AND conversation = ?", (n, conversation.n)
    ).fetchone()
    if row is None:
        raise LocalError("there is no such message in this conversation")
    return list(row)


def _line(c: Connection, row: tuple) -> Line:  # type: ignore[type-arg]
    n, log, seq, ms, shown, mine, arrived, flags, expires, header, raw, device, read_seq, conversation, again = row
    line = Line(n, again or id_of(header), log, seq, ms, Shown(shown), bool(mine), arrived, Flag(flags),
                expires, None, device or b"", not mine and bool(log) and seq > read_seq, conversation)  # fmt: skip
    if raw is None:
        return line
    if line.shown is Shown.NOTICE:
        line.text = raw.decode()
        return line
    content = plain(raw)
    line.missing_before = any(
        c.execute(
            "SELECT 1 FROM entry WHERE key = ? UNION ALL SELECT 1 FROM again WHERE id = ? LIMIT 1", (id_key(seen), seen)
        ).fetchone()
        is None
        for seen in content.seen
    )
    try:
        if line.shown is Shown.TEXT:
            body = decode(content.body, chat.Text, limits.ENTRY_MAX_BYTES)
            line.text, line.reply_to = body.text, body.reply_to
        elif line.shown is Shown.CARD:
            card = decode(content.body, chat.Card, limits.ENTRY_MAX_BYTES)
            line.text, line.card = card.name, card.invitation
        elif line.shown is Shown.TIMER:
            line.text = str(decode(content.body, chat.Timer, limits.ENTRY_MAX_BYTES).seconds)
        else:
            line.text = ""
    except RemoteError:
        line.text = ""
    return line


def _add_marks(c: Connection, lines: list[Line]) -> None:
    """Edits and reactions, as they stand now."""
    for line in lines:
        marks = c.execute("SELECT mark, account, value FROM mark WHERE target = ?", (line.id,)).fetchall()
        if not marks:
            continue
        author = author_of(c, line.n)
        for mark, account, value in marks:
            if mark == Mark.REACTION and value:
                line.reactions.append((value, bytes(account)))
            elif mark == Mark.EDIT and bytes(account) == author and line.shown is Shown.TEXT and line.text is not None:
                line.text, line.edited = value, True


def unread_count(c: Connection, conversation: int) -> int:
    """How many shown messages of others are above the read marks (at most 10,000 are counted)."""
    total = 0
    for n, read_seq in c.execute(
        "SELECT n, read_seq FROM log WHERE conversation = ? AND seq > read_seq", (conversation,)
    ):
        (count,) = c.execute(
            "SELECT count(*) FROM (SELECT 1 FROM entry WHERE log = ? AND seq > ? AND shown IN (1, 4, 5) AND mine = 0"
            " AND content IS NOT NULL LIMIT 10000)",
            (n, read_seq),
        ).fetchone()
        total += count
    return total


def id_of(header: bytes) -> bytes:
    """The id of the entry with this header."""
    return labelled_hash(b"entry header", header)


def queued_after(c: Connection, own_account: bytes, out: Callable[[int], int]) -> int:
    """How many shown messages of ours, of whichever device, no device of a contact has. `out(log)`: a number."""
    rows = c.execute(
        "SELECT log.n, log.seq FROM log JOIN conversation ON conversation.n = log.conversation"
        " JOIN device ON device.id = log.device WHERE device.account = ? AND conversation.place = 'direct'",
        (own_account,),
    ).fetchall()
    return sum(_shown_above(c, n, out(n), seq) for n, seq in rows)


def waiting_for(
    c: Connection, own_account: bytes, conversation: int, device: bytes, acked: Callable[[int], dict[bytes, int]]
) -> int:
    """How many shown messages of ours, whichever device wrote them, a device does not have in a conversation."""
    rows = c.execute(
        "SELECT log.n, log.seq FROM log JOIN device ON device.id = log.device"
        " WHERE log.conversation = ? AND device.account = ?",
        (conversation, own_account),
    ).fetchall()
    return sum(_shown_above(c, n, acked(n).get(device, 0), seq) for n, seq in rows)


def _shown_above(c: Connection, log: int, above: int, seq: int) -> int:
    if seq <= above:
        return 0
    row = c.execute("SELECT count(*) FROM entry WHERE log = ? AND seq > ? AND shown > 0", (log, above)).fetchone()
    return int(row[0])


def history_left(c: Connection, not_before_ms: int) -> int:
    """How many older entries a device that was linked still waits for, as far as it knows of their logs."""
    (left,) = c.execute(  # CROSS: the logs first; SQLite would otherwise go through all entries
        "SELECT coalesce(sum(floor_seq), 0) FROM log CROSS JOIN entry"
        " ON entry.log = log.n AND entry.seq = log.floor_seq + 1 WHERE floor_seq > 0 AND NOT frozen AND entry.ms >= ?",
        (not_before_ms,),
    ).fetchone()
    return int(left)
