"""Older history for a new device: newest first, in blocks, from one of our own devices.

A new device's copy of a log begins with the block that ends at the newest entry the other device names. Each
further block ends exactly at the floor (its last id is the `prev` of what stands above, so that everything below
hangs on what was verified) and lowers it to before its first entry. A separate goal says where to stop. Blocks of
the log whose oldest known entry is the newest come first, so that what a person reads first is there first.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from onionchat import limits
from onionchat.ids import ConversationId, LogId
from onionchat.log.commands import Command, PrependBlock, SendRecord
from onionchat.log.entry import Entry, parse_entry
from onionchat.log.frontier import Levels
from onionchat.log.log import LogHead
from onionchat.log.reader import LogReader
from onionchat.log.scheduler import RequestScheduler
from onionchat.wire.records import Request

FIRST_BLOCK_ENTRIES = 64  # a screen is full soon; later blocks double
LOGS_AT_ONCE = 2
CLAIM_PREFIX = b"history "


@dataclass(frozen=True, slots=True)
class Goal:
    """Where history stops: at entries older than `not_before_ms`, or after `entries_max` of them (None: all)."""

    not_before_ms: int = 0
    entries_max: int | None = None


@dataclass(slots=True)
class _Block:
    first: int
    last: int
    entries: deque[Entry] = field(default_factory=deque)
    bytes: int = 0
    handed_over: bool = False


class HistoryPull:
    """Brings a conversation's older history from the peer of one session. Performs no I/O.

    The session hands it entries at or below the floor; `commands` is called after anything changed. Sessions with
    several own devices share the scheduler, so that one log's blocks come from one of them at a time.
    """

    def __init__(
        self, conversation: ConversationId, reader: LogReader, levels: Levels, goal: Goal, scheduler: RequestScheduler
    ) -> None:
        self._conversation, self._reader, self._levels, self._goal = conversation, reader, levels, goal
        self._scheduler = scheduler
        self._running: dict[LogId, _Block] = {}
        self._sizes: dict[LogId, int] = {}
        self._oldest_ms: dict[LogId, int] = {}
        self._entries_left = goal.entries_max
        self._useless: set[LogId] = set()
        self.fresh: set[LogId] = set()  # no entry yet: the first block comes before anything else

    def peer_position(self, log: LogId) -> None:
        """The peer's position in a log that we know is known: ours may begin with it."""
        head = self._levels.ours.get(log)
        if head is not None and head.seq == 0 and self._levels.theirs.get(log, 0) > 0:
            self.fresh.add(log)

    def head_moved(self, head: LogHead) -> None:
        """A log has entries now, from whatever session."""
        if head.seq:
            self.fresh.discard(head.log)

    def take(self, entry: Entry) -> bool:
        """An entry at or below the floor, or of the first block; False when it was not asked for.

        A block is what is consecutive up to its end: a peer whose own copy begins later starts it later.
        """
        block = self._running.get(entry.log)
        if block is None or block.handed_over or not block.first <= entry.seq <= block.last:
            return False
        before = block.entries[-1] if block.entries else None
        if before is not None and (entry.seq != before.seq + 1 or entry.header.prev != before.id):
            if entry.seq <= before.seq + 1:
                return False  # a duplicate, or evidence of a fork that came between
            block.entries.clear()
            block.bytes = 0
        block.entries.append(entry)
        block.bytes += entry.size_bytes
        while block.bytes > limits.HISTORY_BLOCK_MAX_BYTES:  # the older part is asked for again below the new floor
            block.bytes -= block.entries.popleft().size_bytes
        return True

    def commands(self, now: float) -> tuple[list[Command], float | None]:
        """Blocks that are complete, and requests for the next ones. Second: when to look again at others' claims."""
        out: list[Command] = []
        look_again: float | None = None
        for block in self._running.values():
            if block.entries and block.entries[-1].seq == block.last and not block.handed_over:
                block.handed_over = True
                out.append(PrependBlock(self._conversation, list(block.entries)))
        for head in self._next_logs():
            if not self._scheduler.claim(CLAIM_PREFIX + head.log, self, now):
                look_again = self._scheduler.free_at(CLAIM_PREFIX + head.log)
                continue
            size = self._sizes.setdefault(head.log, FIRST_BLOCK_ENTRIES)
            top = self._top(head)
            block = self._running[head.log] = _Block(max(1, top - size + 1), top)
            out.append(SendRecord(Request(self._conversation, head.log, block.first, block.last)))
        return out, look_again

    def stopped(self) -> None:
        """The session has ended."""
        self._scheduler.release_all(self)

    def block_committed(self, head: LogHead) -> None:
        """The store has put a block under the floor; `head` is the log's, with the lowered floor."""
        block = self._running.pop(head.log)
        self._scheduler.release(CLAIM_PREFIX + head.log, self)
        if head.floor_seq >= block.last:  # of a forked log this peer has another branch
            self._useless.add(head.log)
        self._oldest_ms.pop(head.log, None)
        self.fresh.discard(head.log)
        self._sizes[head.log] = min(2 * self._sizes[head.log], limits.HISTORY_BLOCK_MAX)
        if self._entries_left is not None:
            self._entries_left -= len(block.entries)

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way and the goal is reached for all that the peer has."""
        return not self._running and not self._next_logs()

    def _next_logs(self) -> Sequence[LogHead]:
        free = LOGS_AT_ONCE - len(self._running)
        if free <= 0 or (self._entries_left is not None and self._entries_left <= 0):
            return []
        wanted = [head for head in self._levels.ours.values() if self._is_wanted(head)]
        return sorted(wanted, key=lambda head: (-self._oldest_known_ms(head), head.log))[:free]

    def _top(self, head: LogHead) -> int:
        """The newest number of the next block, 0 when there is nothing to ask for."""
        return self._levels.theirs.get(head.log, 0) if head.log in self.fresh else head.floor_seq

    def _is_wanted(self, head: LogHead) -> bool:
        top = self._top(head)
        if head.log in self._running or (head.frozen and (top > head.floor_seq or head.log in self._useless)):
            return False
        if top == 0 or self._levels.theirs.get(head.log, 0) < top:
            return False
        return self._oldest_known_ms(head) >= self._goal.not_before_ms

    def _oldest_known_ms(self, head: LogHead) -> int:
        """Time of the oldest entry above the floor; the end of time where we have none, so that it comes first."""
        if head.log in self.fresh:
            return limits.TIME_MAX_MILLISECONDS
        if head.log not in self._oldest_ms:
            first = head.floor_seq + 1
            found = self._reader.read(self._conversation, head.log, first, first, limits.BATCH_MAX_BYTES)
            if not found:
                return limits.TIME_MAX_MILLISECONDS
            self._oldest_ms[head.log] = parse_entry(found[0]).header.ms
        return self._oldest_ms[head.log]
