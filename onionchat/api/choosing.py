"""Which messages are to be forgotten: lines of the screen, or whole logs up to a number.

Up to a number everything goes: also what is not on this device yet, and edits. Only the entry that holds the timer
stays, for a device that is linked later would not know the timer without it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from onionchat import limits
from onionchat.errors import LocalError
from onionchat.kinds import account as kinds
from onionchat.kinds.chat import TIMER_REGISTER
from onionchat.store import messages as pages
from onionchat.store.db import Connection
from onionchat.store.gate import NO_LOG
from onionchat.store.messages import Line
from onionchat.store.rows import ConversationRow
from onionchat.store.twins import again_places

Range = tuple[int, int]


@dataclass
class Chosen:
    """`bodies`: entries of *self* that say it. `notices`: numbers of lines that are in no log. `unsent`: lines of ours
    that may not have gone out.
    """

    count: int = 0
    bodies: list[kinds.Forget] = field(default_factory=list)
    notices: list[int] = field(default_factory=list)
    unsent: list[Line] = field(default_factory=list)


def chosen_lines(c: Connection, row: ConversationRow, lines: list[Line]) -> Chosen:
    """These lines; of what was written again after a fork, the new place: at the old one another branch may stand."""
    by_log: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        if line.log != NO_LOG:
            for log, seq in again_places(c, line.id) or [(line.log, line.seq)]:
                by_log[log].append(seq)
    ranges = {log: _runs(numbers) for log, numbers in by_log.items()}
    notices = [line.n for line in lines if line.log == NO_LOG]
    mine = [line for line in lines if line.mine and line.text is not None and line.log != NO_LOG]
    return Chosen(len(lines), _forgets(c, row, ranges), notices, mine)


def lines_after(c: Connection, row: ConversationRow, after_ms: int, before_ms: int | None) -> list[Line]:
    """Lines from a time on, to before another."""
    rows = c.execute(
        "SELECT n FROM entry WHERE conversation = ? AND shown > 0 AND ms >= ? AND ms < ? ORDER BY n",
        (row.n, after_ms, limits.TIME_MAX_MILLISECONDS if before_ms is None else before_ms),
    ).fetchall()
    return pages.by_numbers(c, [n for (n,) in rows])


def lines_between(c: Connection, row: ConversationRow, first: int | None, last: int | None) -> list[Line]:
    """Lines from one to another, both included, in the order of the screen. LocalError when the first is the later."""
    low, high = _place(c, first, (-1, 0, 0, 0)), _place(c, last, (limits.TIME_MAX_MILLISECONDS + 1, 0, 0, 0))
    if low > high:
        raise LocalError("the first of the two messages stands below the second; give them the other way round")
    rows = c.execute(
        "SELECT n FROM entry WHERE conversation = ? AND shown > 0 AND (ms, counter, tie, seq) >= (?, ?, ?, ?)"
        " AND (ms, counter, tie, seq) <= (?, ?, ?, ?) ORDER BY n",
        (row.n, *low, *high),
    ).fetchall()
    return pages.by_numbers(c, [n for (n,) in rows])


def _place(c: Connection, n: int | None, otherwise: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    if n is None:
        return otherwise
    found: tuple[int, int, int, int] = c.execute("SELECT ms, counter, tie, seq FROM entry WHERE n = ?", (n,)).fetchone()
    return found


def chosen_before(c: Connection, row: ConversationRow, before_ms: int | None) -> Chosen:
    """All that is older than a time (None: all), of every log from its beginning on. Times rise in a log."""
    limit_ms = limits.TIME_MAX_MILLISECONDS + 1 if before_ms is None else before_ms
    values = (row.n, limit_ms)
    (count,) = c.execute(
        "SELECT count(*) FROM entry WHERE conversation = ? AND shown > 0 AND content IS NOT NULL AND ms < ?", values
    ).fetchone()
    rows = c.execute(
        "SELECT log, max(seq) FROM entry WHERE conversation = ? AND ms < ? AND log != ? GROUP BY log", (*values, NO_LOG)
    ).fetchall()
    kept = _timer_entry(c, row)
    ranges = {log: _without(seq, kept[1] if kept is not None and kept[0] == log else 0) for log, seq in rows}
    for (log,) in c.execute("SELECT DISTINCT log FROM again JOIN entry ON entry.n = again.n").fetchall():
        if log in ranges:  # what was written again keeps its time, and may stand above what is newer
            numbers = c.execute("SELECT seq FROM entry WHERE log = ? AND ms < ?", (log, limit_ms))
            ranges[log] = _runs(seq for (seq,) in numbers if kept != (log, seq))
    notices = c.execute(
        "SELECT n FROM entry WHERE conversation = ? AND ms < ? AND log = ?", (*values, NO_LOG)
    ).fetchall()
    mine = c.execute(
        "SELECT n FROM entry WHERE conversation = ? AND ms < ? AND log != ? AND mine AND shown > 0"
        " AND content IS NOT NULL ORDER BY n DESC LIMIT ?",
        (*values, NO_LOG, limits.UNSENT_LOOKED_AT_MAX),
    ).fetchall()
    lines = pages.by_numbers(c, [n for (n,) in reversed(mine)])
    return Chosen(count, _forgets(c, row, ranges), [n for (n,) in notices], lines)


def _timer_entry(c: Connection, row: ConversationRow) -> tuple[int, int] | None:
    found: tuple[int, int] | None = c.execute(
        "SELECT entry.log, entry.seq FROM register JOIN entry ON entry.n = register.entry"
        " WHERE register.kind = ? AND register.key = ?",
        (TIMER_REGISTER, row.id),
    ).fetchone()
    return found


def _without(last: int, kept: int) -> list[Range]:
    if not 0 < kept <= last:
        return [(1, last)]
    return [pair for pair in ((1, kept - 1), (kept + 1, last)) if pair[0] <= pair[1]]


def _runs(numbers: Iterable[int]) -> list[Range]:
    ranges: list[Range] = []
    for seq in sorted(set(numbers)):
        if ranges and ranges[-1][1] == seq - 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges


def _forgets(c: Connection, row: ConversationRow, by_log: dict[int, list[Range]]) -> list[kinds.Forget]:
    """As few entries of *self* as the ranges fit into."""
    bodies = []
    for log, ranges in by_log.items():
        (key,) = c.execute("SELECT id FROM log WHERE n = ?", (log,)).fetchone()
        for start in range(0, len(ranges), limits.RANGES_MAX):
            bodies.append(kinds.Forget(row.id, bytes(key), tuple(ranges[start : start + limits.RANGES_MAX])))
    return bodies
