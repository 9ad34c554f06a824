"""The chain rules of one log: what a run of entries does to its head. Pure; the store calls it in a transaction.

Rules, in the order in which an entry meets them:

1. at or below the floor, or what we have already: changes nothing (a body that we lacked is taken);
2. another id where we have one, or a `prev` that is not our head's id: two branches signed by one key, a *fork*.
   The log is frozen at its head, the branch is evidence;
3. past a removal's cut: refused, without blame, for the peer may not know of the removal;
4. beyond our head + 1: held until the gap is filled;
5. the next one: its time must be later than that of the one before;
6. the signature of the last entry of a run counts for all of it, for each names the one before. A broken signature
   or a time that does not grow is RemoteError: no honest replica passes such an entry on.

So that whatever is passed on can be verified by its last signature again, a signature is verified at least once in
every half batch of bytes (`VERIFIED_EVERY_BYTES`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.ids import EntryId, LogId
from onionchat.log.entry import NO_ENTRY, Entry, is_signed

VERIFIED_EVERY_BYTES = limits.BATCH_MAX_BYTES // 2


class LogHead(msgspec.Struct, frozen=True):
    """How far we have one log. Nothing is asked for or missing at or below the floor.

    `seq` 0: no entry yet. (`ms`, `counter`) is the time of the newest entry, (0, 0) while it is unknown. `frozen`: a
    fork was seen, nothing more is taken. `cut_seq`: a removal ends the log there (None: no end).
    """

    log: LogId
    seq: int = 0
    id: EntryId = NO_ENTRY
    ms: int = 0
    counter: int = 0
    floor_seq: int = 0
    floor_id: EntryId = NO_ENTRY
    frozen: bool = False
    cut_seq: int | None = None
    cut_id: EntryId | None = None

    def lacks(self, seq: int) -> bool:
        """Whether a peer that has the log up to `seq` has something that we would take."""
        return not self.frozen and self.end(seq) > self.seq

    def end(self, seq: int) -> int:
        """`seq`, or where the removal's cut ends the log before it."""
        return seq if self.cut_seq is None else min(seq, self.cut_seq)


class Known(NamedTuple):
    """What we have under a number: its id, and whether we would like its body (a tombstone that is not final)."""

    id: EntryId
    wants_body: bool


class Fork(NamedTuple):
    """Evidence: a signed entry of another branch, the first number at which both branches differ as far as known."""

    seq: int
    branch: Entry


@dataclass(slots=True)
class Judgement:
    """What a run of entries does. `verified` holds the ids of accepted entries whose own signature was checked."""

    new_head: LogHead
    accepted: list[Entry] = field(default_factory=list)
    verified: set[EntryId] = field(default_factory=set)
    duplicates: list[Entry] = field(default_factory=list)
    bodies: list[Entry] = field(default_factory=list)
    held: list[Entry] = field(default_factory=list)
    refused: list[Entry] = field(default_factory=list)
    fork: Fork | None = None


class BlockJudgement(NamedTuple):
    """What a block of older history does: the head with its floor lowered, what is new, and what was verified.

    `fork`: the block belongs to another branch; the log is frozen and nothing is taken.
    """

    new_head: LogHead
    accepted: list[Entry]
    verified: set[EntryId]
    fork: Fork | None = None


Verify = Callable[[Entry], bool]


def nothing_known(_seq: int) -> Known | None:
    """For `judge_run` where the store need not be asked."""
    return None


def judge_run(
    head: LogHead,
    entries: Sequence[Entry],
    verify: Verify = is_signed,
    known: Callable[[int], Known | None] = nothing_known,
) -> Judgement:
    """Judge entries of one log in the order of their numbers.

    Args: `head` is the log's; `verify` checks an entry's own signature; `known` tells what we have under a number
    above the floor (it is asked for numbers up to the head's only; without it, only the head itself is compared).
    RemoteError when an entry is signed wrongly, of another log, or does not grow in time; nothing of the run may
    then be kept.
    """
    run = _Run(head, verify, known)
    for entry in entries:
        run.take(entry)
    return run.judgement()


class _Run:
    __slots__ = (
        "_accepted",
        "_bytes",
        "_closed",
        "_head",
        "_known",
        "_last_id",
        "_last_time",
        "_result",
        "_seq",
        "_verify",
    )

    def __init__(self, head: LogHead, verify: Verify, known: Callable[[int], Known | None]) -> None:
        self._head, self._verify, self._known = head, verify, known
        self._result = Judgement(head)
        self._accepted = self._result.accepted
        self._seq, self._last_id, self._last_time = head.seq, head.id, (head.ms, head.counter)
        self._bytes = 0
        self._closed = head.frozen

    def take(self, entry: Entry) -> None:
        header = entry.header
        seq = header.seq
        if header.log != self._head.log:
            raise RemoteError("an entry of another log")
        if seq <= self._seq:
            self._look_back(entry)
        elif self._closed or (self._head.cut_seq is not None and not self._within_cut(entry)):
            self._result.refused.append(entry)
        elif seq > self._seq + 1:
            self._result.held.append(entry)
        elif header.prev != self._last_id:
            self._split(entry)
        else:
            self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        header = entry.header
        time = (header.ms, header.counter)
        if time <= self._last_time:
            raise RemoteError("an entry that is not later than the one before it")
        size = entry.size_bytes
        if self._bytes + size > VERIFIED_EVERY_BYTES:
            self._verify_last()
            self._bytes = 0
        self._bytes += size
        self._accepted.append(entry)
        self._seq, self._last_id, self._last_time = header.seq, entry.id, time

    def _look_back(self, entry: Entry) -> None:
        """An entry under a number that we have: a duplicate, a body, or a branch."""
        seq = entry.header.seq
        have = self._have(seq)
        if have is None:
            self._result.duplicates.append(entry)
        elif have.id != entry.id:
            self._split(entry)
        elif have.wants_body and entry.content is not None:
            self._result.bodies.append(entry)
        else:
            self._result.duplicates.append(entry)

    def _have(self, seq: int) -> Known | None:
        if seq <= self._head.floor_seq:
            # only the floor itself can be compared; what is below is neither missing nor wanted
            return Known(self._head.floor_id, False) if seq == self._head.floor_seq else None
        if seq > self._head.seq:
            return Known(self._accepted[seq - self._head.seq - 1].id, False)
        found = self._known(seq)
        if found is None and seq == self._head.seq:
            return Known(self._head.id, False)
        return found

    def _within_cut(self, entry: Entry) -> bool:
        cut_seq, seq = self._head.cut_seq, entry.header.seq
        if cut_seq is None or seq < cut_seq:
            return True
        return seq == cut_seq and self._head.cut_id in (None, entry.id)

    def _split(self, entry: Entry) -> None:
        """Two branches. The evidence must be signed itself, or it is only a forgery."""
        if self._closed:
            self._result.refused.append(entry)
            return
        if not self._verify(entry):
            raise RemoteError("an entry with a wrong signature")
        self._closed = True
        seq = entry.header.seq
        self._result.fork = Fork(seq if seq <= self._seq else seq - 1, entry)

    def _verify_last(self) -> None:
        if self._accepted and self._accepted[-1].id not in self._result.verified:
            if not self._verify(self._accepted[-1]):
                raise RemoteError("an entry with a wrong signature")
            self._result.verified.add(self._accepted[-1].id)

    def judgement(self) -> Judgement:
        self._verify_last()
        ms, counter = self._last_time
        if self._accepted or self._closed != self._head.frozen:
            self._result.new_head = msgspec.structs.replace(
                self._head, seq=self._seq, id=self._last_id, ms=ms, counter=counter, frozen=self._closed
            )
        return self._result


def judge_block(head: LogHead, entries: Sequence[Entry], verify: Verify = is_signed) -> BlockJudgement:
    """Judge a block of history that ends at the floor: its last entry is the floor's, all are consecutive.

    The floor is lowered to before its first entry. What reaches above the floor is left out, for another device may
    have brought it meanwhile. A log without entries begins with such a block, wherever that ends. RemoteError when
    the block does not end exactly at the floor, has a gap, or does not verify.
    """
    begins = head.seq == 0
    top = head.end(entries[-1].header.seq if entries else 0) if begins else head.floor_seq
    entries = [entry for entry in entries if entry.header.seq <= top]
    if not entries or (head.frozen and (begins or entries[-1].id != head.floor_id)):
        return BlockJudgement(head, [], set())  # what is older than a fork is still taken, from whoever has this branch
    _check_chain(head.log, entries)
    last, first = entries[-1], entries[0].header
    verified = _verified_in_block(entries, verify)
    if not begins and last.header.seq != top:
        raise RemoteError("a block of history that does not end where ours begins")
    if begins or last.id != head.floor_id:  # nothing that we trust names it: its signature must speak for itself
        if last.id not in verified:
            raise RemoteError("an entry with a wrong signature")
        if not begins:
            return BlockJudgement(msgspec.structs.replace(head, frozen=True), [], set(), Fork(top, last))
        head = msgspec.structs.replace(head, seq=top, id=last.id, ms=last.header.ms, counter=last.header.counter)
    lowered = msgspec.structs.replace(head, floor_seq=first.seq - 1, floor_id=EntryId(first.prev))
    return BlockJudgement(lowered, entries, verified)


def _check_chain(log: LogId, entries: Sequence[Entry]) -> None:
    before: Entry | None = None
    for entry in entries:
        header = entry.header
        if header.log != log:
            raise RemoteError("a block of history of another log")
        if before is not None and (header.seq != before.header.seq + 1 or header.prev != before.id):
            raise RemoteError("a block of history with a gap in it")
        if before is not None and entry.time <= before.time:
            raise RemoteError("an entry that is not later than the one before it")
        before = entry


def _verified_in_block(entries: Sequence[Entry], verify: Verify) -> set[EntryId]:
    """The last of the block, and one in every VERIFIED_EVERY_BYTES, where their signatures are right.

    The ids chain from what we trust, so a broken signature here harms nothing but passing on.
    """
    verified, size = set(), 0
    for above, entry in zip([None, *reversed(entries)], reversed(entries), strict=False):
        size += entry.size_bytes
        if (above is None or size > VERIFIED_EVERY_BYTES) and verify(entry):
            verified.add(entry.id)
            size = 0
    return verified
