"""Other branches of our own forked logs: how they are asked for. Performs no I/O.

A log of ours forks when its disk is restored from a copy, or when a copy runs elsewhere. A peer that has another branch
names a position that is not ours. Where the branches part is not known, so the newest entries are asked for first, and
four times as many each time until the first of an answer hangs on what is ours; from there the branch comes whole.
"""

from collections.abc import Iterable, Sequence

from onionchat.ids import ConversationId, EntryId, LogId
from onionchat.log.commands import Command, SendRecord
from onionchat.log.entry import NO_ENTRY, Entry
from onionchat.log.frontier import Levels
from onionchat.log.reader import LogReader
from onionchat.log.scheduler import RequestScheduler
from onionchat.wire.records import Position, Request

FIRST_REACH_ENTRIES = 64
REACH_GROWS = 4
CLAIM_PREFIX = b"branch "


class BranchPull:
    """Asks the peer of one session for what it has of our logs and we have not. `own`: the logs of this device."""

    def __init__(
        self, conversation: ConversationId, reader: LogReader, levels: Levels, scheduler: RequestScheduler
    ) -> None:
        self.own: frozenset[LogId] = frozenset()
        self._conversation, self._reader, self._levels, self._scheduler = conversation, reader, levels, scheduler
        self._tips: dict[LogId, Position] = {}
        self._asked: dict[LogId, Request] = {}
        self._wanted: dict[LogId, EntryId] = {}  # with this one, what was asked for is here
        self._hangs: set[LogId] = set()
        self._done: dict[LogId, EntryId] = {}

    def follows(self, log: LogId) -> bool:
        """Whether entries of a log go to the gate whatever their number: it is ours, and forked."""
        head = self._levels.ours.get(log)
        return head is not None and head.frozen and log in self.own

    def peer_position(self, named: Position) -> None:
        """The newest that the peer has of a log."""
        log = LogId(named.log)
        known = self._tips.get(log)
        if log in self.own and named.seq and (known is None or named.seq > known.seq):
            self._tips[log] = named

    def took(self, entry: Entry) -> bool:
        """An entry came; whether it is of a log that this `follows`, and goes to the gate."""
        log = entry.log
        if log not in self.own or not self.follows(log):
            return False
        self.peer_position(Position(log, entry.seq, entry.id))
        asked = self._asked.get(log)
        if asked is None or log in self._hangs or entry.seq != asked.first:
            return True
        if self._is_known(log, entry.seq, entry.id) or self._is_known(log, entry.seq - 1, EntryId(entry.header.prev)):
            self._hangs.add(log)
        else:
            self._ask(log, REACH_GROWS * (asked.last - asked.first + 1))
        return True

    def commands(self, now: float) -> tuple[list[Command], float | None]:
        """Requests. Second: when to look again at what other sessions are asked for."""
        out: list[Command] = []
        look_again: float | None = None
        for log, tip in self._tips.items():
            if not self.follows(log) or self._is_done(log, tip):
                continue
            if log in self._asked:
                continue
            if not self._scheduler.claim(CLAIM_PREFIX + log, self, now):
                free_at = self._scheduler.free_at(CLAIM_PREFIX + log)
                look_again = free_at if look_again is None else min(look_again, free_at or look_again)
                continue
            self._ask(log, FIRST_REACH_ENTRIES)
        for log, asked in self._asked.items():
            if log not in self._wanted:
                self._wanted[log] = EntryId(self._tips[log].id)
                out.append(SendRecord(asked))
        return out, look_again

    def stopped(self) -> None:
        """The session has ended."""
        self._scheduler.release_all(self)

    def _ask(self, log: LogId, reach: int) -> None:
        last = self._tips[log].seq
        self._wanted.pop(log, None)
        self._asked[log] = Request(self._conversation, log, max(1, last - reach + 1), last)

    def _is_done(self, log: LogId, tip: Position) -> bool:
        """Whether the peer's newest is here. When all that was asked for is, the next question is free."""
        if self._done.get(log) == tip.id:
            return True
        asked = self._asked.get(log)
        if asked is not None and log in self._wanted and self._is_known(log, asked.last, self._wanted[log]):
            self._done[log] = self._wanted[log]  # asked once: evidence brings no body, and a tombstone has none
            del self._asked[log], self._wanted[log]
            self._hangs.discard(log)
            self._scheduler.release(CLAIM_PREFIX + log, self)
        ours = self._reader.id_at(self._conversation, log, tip.seq) == tip.id
        if ours or self._reader.is_taken_whole(EntryId(tip.id)):
            self._done[log] = EntryId(tip.id)
        return self._done.get(log) == tip.id

    def _is_known(self, log: LogId, seq: int, entry_id: EntryId) -> bool:
        if entry_id == NO_ENTRY:
            return True
        return self._reader.id_at(self._conversation, log, seq) == entry_id or self._reader.is_taken(entry_id)


def chains(entries: Iterable[Entry]) -> list[Sequence[Entry]]:
    """Entries of one log as runs in which each names the one before."""
    runs: list[list[Entry]] = []
    for entry in entries:
        if runs and entry.header.prev == runs[-1][-1].id:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return list(runs)
