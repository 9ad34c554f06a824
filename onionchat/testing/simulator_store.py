"""The simulator's disk: logs in memory behind the same rules as the real store.

`ReplicaStore` is the seam: what a replica needs of a store. Everything that a method of it returns is on the disk.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId, DeviceId, EntryId, LogId
from onionchat.log.certificate import Belief, KnownLog, make_log_certificate, parse_log_certificate, stronger
from onionchat.log.clock import is_future, next_time
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import Content, Entry, make_entry
from onionchat.log.log import Known, LogHead, judge_block, judge_run
from onionchat.log.reader import LogReader, Range
from onionchat.wire.records import LogBox, LogOffered


class Appended(NamedTuple):
    """What one append did: new entries, bodies that were filled, heads of all logs named, logs newly frozen."""

    entries: list[Entry]
    heads: list[LogHead]
    frozen: list[LogHead]


class ReplicaStore(LogReader, Protocol):
    """A store as the simulator drives it."""

    def conversations(self) -> Sequence[ConversationId]:
        """All conversations."""

    def heads_of_all(self) -> dict[ConversationId, list[LogHead]]:
        """All of them, with the heads of all their logs."""

    def append(self, conversation: ConversationId, entries: Sequence[Entry]) -> Appended:
        """The gate. RemoteError when the entries must be refused; nothing of them is then kept."""

    def prepend(self, conversation: ConversationId, entries: Sequence[Entry]) -> LogHead:
        """Put a block under a floor."""

    def admit(self, command: AdmitLog) -> LogHead:
        """Keep a log; its head, which is what was there if it was known."""

    def write(self, conversation: ConversationId, body: bytes, now_ms: int) -> Entry:
        """Write an entry of our own."""

    def forget(self, conversation: ConversationId, log: LogId, seq: int) -> None:
        """Drop a body for good."""

    def shown(self, conversation: ConversationId) -> list[Entry]:
        """All entries, tombstones too, in the order of the screen."""


@dataclass(slots=True)
class StoredLog:
    """One log on the disk. `entries` holds those above the floor by their number."""

    head: LogHead
    device: bytes
    belief: Belief
    certificate: bytes
    boxes: dict[bytes, LogBox] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    branches: list[bytes] = field(default_factory=list)
    final: set[int] = field(default_factory=set)
    key: SigningKey | None = None

    def known(self, seq: int) -> Known | None:
        """What stands under a number."""
        entry = self.entries.get(seq)
        return None if entry is None else Known(entry.id, entry.content is None and seq not in self.final)

    def keep(self, entry: Entry) -> None:
        """Store an entry, without its body when that was forgotten for good."""
        self.entries[entry.seq] = entry.tombstone() if entry.seq in self.final else entry


class MemoryStore:
    """A `ReplicaStore` in memory. `snapshot` is a copy of the disk, for tests of restored backups.

    `boxes_for(conversation, certificate)` makes the boxes of a new log of ours.
    """

    def __init__(
        self,
        device: bytes,
        random: Callable[[int], bytes],
        boxes_for: Callable[[ConversationId, bytes], Sequence[LogBox]],
    ) -> None:
        self._device, self._random, self._boxes_for = device, random, boxes_for
        self._logs: dict[ConversationId, dict[LogId, StoredLog]] = {}

    def snapshot(self) -> dict[ConversationId, dict[LogId, StoredLog]]:
        """A copy of the disk. Entries are immutable and shared."""
        return {
            conversation: {log: _copied(stored) for log, stored in logs.items()}
            for conversation, logs in self._logs.items()
        }

    def restore(self, snapshot: dict[ConversationId, dict[LogId, StoredLog]]) -> None:
        """Go back to a copy of the disk."""
        self._logs = snapshot

    def add_conversation(self, conversation: ConversationId) -> None:
        """From now on the conversation is known."""
        self._logs.setdefault(conversation, {})

    # --- reads -------------------------------------------------------------------------------------
    def conversations(self) -> list[ConversationId]:
        return sorted(self._logs)

    def heads(self, conversation: ConversationId) -> list[LogHead]:
        return [stored.head for _, stored in sorted(self._logs[conversation].items())]

    def heads_of_all(self) -> dict[ConversationId, list[LogHead]]:
        return {conversation: self.heads(conversation) for conversation in self.conversations()}

    def own_logs(self, conversation: ConversationId) -> list[LogId]:
        return [log for log, stored in sorted(self._logs[conversation].items()) if stored.key is not None]

    def id_at(self, conversation: ConversationId, log: LogId, seq: int) -> EntryId | None:
        stored = self._logs[conversation].get(log)
        entry = stored and stored.entries.get(seq)
        return entry.id if entry else None

    def offer(self, conversation: ConversationId, log: LogId) -> LogOffered:
        stored = self._logs[conversation][log]
        boxes = tuple(stored.boxes[to] for to in sorted(stored.boxes))
        return LogOffered(stored.certificate, boxes, stored.belief is not Belief.PROVISIONAL)

    def read(self, conversation: ConversationId, log: LogId, first: int, last: int, max_bytes: int) -> list[bytes]:
        stored = self._logs[conversation].get(log)
        entries = stored.entries if stored else {}
        raws: list[bytes] = []
        while first <= last and first in entries:
            raw = entries[first].raw
            max_bytes -= len(raw)
            if max_bytes < 0:
                break
            raws.append(raw)
            first += 1
        return raws

    def tombstoned(self, conversation: ConversationId, log: LogId, first: int) -> list[Range]:
        stored = self._logs[conversation].get(log)
        ranges: list[Range] = []
        if stored is None:
            return ranges
        for seq, entry in sorted(stored.entries.items()):
            if seq < first or entry.content is not None or seq in stored.final:
                continue
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            else:
                ranges.append((seq, seq))
        return ranges[: limits.RANGES_MAX]

    def branches(self, conversation: ConversationId, log: LogId) -> list[bytes]:
        stored = self._logs[conversation].get(log)
        return stored.branches if stored else []

    def is_taken(self, entry: EntryId) -> bool:
        return False

    def is_taken_whole(self, entry: EntryId) -> bool:
        return False

    def unsettled(self, peer: DeviceId) -> frozenset[LogId]:
        return frozenset()

    def known_log(self, log: LogId) -> KnownLog | None:
        """What we have about a log, in whatever conversation."""
        for logs in self._logs.values():
            if log in logs:
                certificate = parse_log_certificate(logs[log].certificate)
                author = DeviceId(certificate.device)
                return KnownLog(ConversationId(certificate.conversation), author, log, logs[log].belief)
        return None

    def shown(self, conversation: ConversationId) -> list[Entry]:
        entries = [entry for stored in self._logs[conversation].values() for entry in stored.entries.values()]
        return sorted(entries, key=lambda entry: entry.key)

    def final_tombstones(self, conversation: ConversationId) -> set[tuple[LogId, int]]:
        """What was forgotten."""
        return {(log, seq) for log, stored in self._logs[conversation].items() for seq in stored.final}

    # --- writes ------------------------------------------------------------------------------------
    def append(self, conversation: ConversationId, entries: Sequence[Entry]) -> Appended:
        runs: dict[LogId, list[Entry]] = {}
        for entry in entries:
            runs.setdefault(entry.log, []).append(entry)
        logs = self._logs[conversation]
        if not runs.keys() <= logs.keys():
            raise RemoteError("entries of a log that was not admitted")
        verdicts = {log: judge_run(logs[log].head, run, known=logs[log].known) for log, run in runs.items()}
        done = Appended([], [], [])
        for log, verdict in verdicts.items():
            stored = logs[log]
            for entry in (*verdict.accepted, *verdict.bodies):
                stored.keep(entry)
            if verdict.fork is not None:
                stored.branches = [*stored.branches, verdict.fork.branch.raw][: limits.FORK_BRANCHES_MAX]
                done.frozen.append(verdict.new_head)
            stored.head = verdict.new_head
            done.entries.extend(verdict.accepted)
            done.heads.append(stored.head)
        return done

    def prepend(self, conversation: ConversationId, entries: Sequence[Entry]) -> LogHead:
        stored = self._logs[conversation][entries[0].log]
        verdict = judge_block(stored.head, entries)
        stored.head = verdict.new_head
        for entry in verdict.accepted:
            stored.keep(entry)
        if verdict.fork is not None:
            stored.branches.append(verdict.fork.branch.raw)
        return stored.head

    def admit(self, command: AdmitLog) -> LogHead:
        log = LogId(command.certificate.log)
        stored = self._logs[command.conversation].get(log)
        if stored is not None:
            stored.belief = stronger(stored.belief, command.belief)
            stored.boxes.update({box.to: box for box in command.offer.boxes})
            return stored.head
        head = LogHead(log)
        boxes = {box.to: box for box in command.offer.boxes}
        certificate = command.offer.certificate
        self._logs[command.conversation][log] = StoredLog(
            head, command.certificate.device, command.belief, certificate, boxes
        )
        return head

    def write(self, conversation: ConversationId, body: bytes, now_ms: int) -> Entry:
        logs = self._logs[conversation]
        stored = self._own_log(conversation)
        assert stored.key is not None
        others = [logs[log] for log in logs if logs[log] is not stored]
        newest = [found.entries[found.head.seq] for found in others if found.head.seq in found.entries]
        seen = sorted((entry for entry in newest if not is_future(entry.time, now_ms)), key=lambda entry: entry.key)
        seen = seen[-limits.SEEN_MAX :]
        time = next_time(now_ms, (stored.head.ms, stored.head.counter), [entry.time for entry in seen])
        content = Content(self._random(16), tuple(entry.id for entry in seen), "text", 0, body)
        entry = make_entry(stored.key, stored.head.seq + 1, stored.head.id, time, content)
        self.append(conversation, [entry])
        return entry

    def _own_log(self, conversation: ConversationId) -> StoredLog:
        logs = self._logs[conversation]
        for stored in logs.values():
            if stored.key is not None and not stored.head.frozen:
                return stored
        key = SigningKey(self._random(32))
        certificate = make_log_certificate(key, conversation, self._device)
        boxes = {box.to: box for box in self._boxes_for(conversation, certificate)}
        log = LogId(key.public)
        logs[log] = StoredLog(LogHead(log), self._device, Belief.OWN, certificate, boxes, key=key)
        return logs[log]

    def add_boxes(self, boxes_for: Callable[[ConversationId, bytes], Sequence[LogBox]]) -> None:
        """Make the boxes of our own logs again: a device was added."""
        for conversation, logs in self._logs.items():
            for stored in logs.values():
                if stored.key is not None:
                    stored.boxes = {box.to: box for box in boxes_for(conversation, stored.certificate)}

    def forget(self, conversation: ConversationId, log: LogId, seq: int) -> None:
        stored = self._logs[conversation][log]
        stored.final.add(seq)
        if seq in stored.entries:
            stored.entries[seq] = stored.entries[seq].tombstone()


def _copied(stored: StoredLog) -> StoredLog:
    duplicate = copy.copy(stored)
    duplicate.boxes, duplicate.entries = dict(stored.boxes), dict(stored.entries)
    duplicate.branches, duplicate.final = list(stored.branches), set(stored.final)
    return duplicate
