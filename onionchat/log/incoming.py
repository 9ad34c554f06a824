"""What comes from the peer in one conversation: offers, batches, and what is asked for.

The gate is behind a writer thread, so this half runs ahead of the commits: `expected` is where a log will be when
what is under way is committed. What it lets through is judged again, with signatures, inside the transaction.
"""

from collections.abc import Iterable

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.log.branches import BranchPull
from onionchat.log.certificate import Admission, Belief, LogCertificate, admit, believe, parse_log_certificate
from onionchat.log.commands import AdmitLog, Command, ConflictNoticed, SendRecord
from onionchat.log.entry import Entry, parse_entry
from onionchat.log.frontier import Levels
from onionchat.log.history import HistoryPull
from onionchat.log.log import LogHead
from onionchat.log.reader import MembershipReader
from onionchat.log.scheduler import RequestScheduler
from onionchat.wire.records import LogOffered, Position, Request


class Inflow:
    """The receiving half of a `SyncSession`."""

    def __init__(
        self,
        conversation: ConversationId,
        peer_device: DeviceId,
        levels: Levels,
        members: MembershipReader,
        own_account: AccountId,
        scheduler: RequestScheduler,
        history: HistoryPull | None,
        branches: BranchPull,
    ) -> None:
        self.history, self.branches = history, branches
        self.behind: set[LogId] = set()
        self._conversation, self._peer_device, self._levels = conversation, peer_device, levels
        self._members, self._own_account, self._scheduler = members, own_account, scheduler
        self._ahead: dict[LogId, int] = {}
        self._under_way = 0
        self._asked: dict[LogId, int] = {}
        self._disputed: set[LogId] = set()
        self._held: dict[LogId, dict[int, Entry]] = {}
        self._held_bytes = 0
        self._below_floor: list[Entry] = []
        self._refused_offers: dict[LogId, LogOffered] = {}

    # --- offers ------------------------------------------------------------------------------------
    def offered(self, offer: LogOffered) -> list[Command]:
        """Judge an offer. What cannot be believed now is put aside: its entries are dropped, nobody is blamed."""
        certificate = parse_log_certificate(offer.certificate)
        if certificate.conversation != self._conversation:
            raise RemoteError("a log of another conversation")
        log, author = LogId(certificate.log), DeviceId(certificate.device)
        known = self._members.known_log(log)
        belief = self._belief(certificate, author, offer)
        self._check_number_of_logs(log)
        self._levels.named.add(log)
        if belief is None:
            if log not in self._levels.ours:
                self._put_aside(log, offer)
            return []
        verdict = admit(known, certificate, belief)
        if verdict is Admission.CONFLICT and known is not None:
            if log not in self._levels.ours:
                self._put_aside(log, offer)
            return [ConflictNoticed(self._conversation, log, known.device, author)]
        if verdict is Admission.UNCHANGED and log in self._levels.ours:
            return [AdmitLog(self._conversation, certificate, belief, offer)] if offer.boxes else []
        return self._admitted(log, certificate, belief, offer)

    def _admitted(self, log: LogId, certificate: LogCertificate, belief: Belief, offer: LogOffered) -> list[Command]:
        if log not in self._levels.ours:
            if len(self._levels.ours) >= limits.LOGS_PER_CONVERSATION_MAX:
                self._put_aside(log, offer)
                return []
            self._refused_offers.pop(log, None)
            self._levels.ours[log] = LogHead(log)
            if self.history is not None:
                self.history.peer_position(log)
            self.behind.add(log)
        return [AdmitLog(self._conversation, certificate, belief, offer)]

    def _belief(self, certificate: LogCertificate, author: DeviceId, offer: LogOffered) -> Belief | None:
        members = self._members
        return believe(
            certificate,
            peer_device=self._peer_device,
            peer_account=members.member_account(self._conversation, self._peer_device),
            author_account=members.member_account(self._conversation, author),
            own_account=self._own_account,
            vouched=offer.vouched,
            boxes=(members.box_opens(author, offer.certificate, box) for box in offer.boxes),
        )

    def _put_aside(self, log: LogId, offer: LogOffered) -> None:
        if log in self._refused_offers or len(self._refused_offers) < limits.LOGS_PER_CONVERSATION_MAX:
            self._refused_offers[log] = offer

    def members_changed(self) -> list[Command]:
        """A roster or certificate changed: look again at what was put aside."""
        waiting = list(self._refused_offers.values())
        return [command for offer in waiting for command in self.offered(offer)]

    # --- batches -----------------------------------------------------------------------------------
    def take(self, raws: Iterable[bytes], now: float) -> tuple[list[Entry], list[LogId]]:
        """Decode a batch: what goes to the gate, in order, and the logs it names. RemoteError for what may not be."""
        entries: list[Entry] = []
        ours, asked, history = self._levels.ours, self._asked, self.history
        fresh = history.fresh if history is not None else None
        log, expected, floor, before = LogId(b""), 0, 0, 0
        seen: dict[LogId, int] = {}
        for raw in raws:
            entry = parse_entry(raw)
            header = entry.header
            if header.log != log:
                if log:
                    seen[log] = before
                    self._took(log, before, expected, now)
                log = LogId(header.log)
                before, expected, floor = seen.get(log, 0), self.expected(log), self._floor(log)
            seq = header.seq
            if seq <= before:
                raise RemoteError("a batch that is not in the order of its log")
            before = seq
            if fresh and log in fresh and history is not None and history.take(entry):
                continue
            if self.branches.took(entry):
                entries.append(entry)
                continue
            if seq == expected + 1 and log in ours:
                entries.append(entry)
                expected = seq
                if log in self._held:
                    expected = self._release(log, expected, entries)
            elif log not in ours:
                self._check_put_aside(log)
            elif seq <= floor:
                taken = history is not None and history.take(entry)
                if seq == floor and not taken:  # the floor itself may show a fork
                    entries.append(entry)
                elif not taken and history is not None and len(self._below_floor) < limits.FORK_BRANCHES_MAX:
                    self._below_floor.append(entry)  # evidence, it may be, that counts when our copy reaches down
            elif seq <= expected:
                entries.append(entry)
            else:
                if asked.get(log, 0) > expected:  # the peer cannot give what stands between
                    self._scheduler.release(log, self)
                self._hold(entry)
        if log:
            seen[log] = before
            self._took(log, before, expected, now)
        if entries:
            self._under_way += 1
        return entries, list(seen)

    def note(self, raws: Iterable[bytes]) -> None:
        """Remember what a batch shows that the peer has, and keep nothing of it."""
        for raw in raws:
            entry = parse_entry(raw)
            if entry.log in self._levels.ours:
                self._levels.peer_has(entry.log, entry.seq)

    def _took(self, log: LogId, last: int, expected: int, now: float) -> None:
        self._levels.peer_has(log, last)
        if log not in self._levels.ours:
            return
        if expected > self._levels.ours[log].seq:
            self._ahead[log] = expected
        if self._asked.get(log, 0) <= expected:
            self._scheduler.release(log, self)
        else:
            self._scheduler.progressed(log, self, now)
        if last > expected:
            self.behind.add(log)

    def _floor(self, log: LogId) -> int:
        head = self._levels.ours.get(log)
        return 0 if head is None else head.floor_seq

    def _check_put_aside(self, log: LogId) -> None:
        if log not in self._refused_offers:
            raise RemoteError("entries of a log that was not offered")

    def _hold(self, entry: Entry) -> None:
        """Keep an entry until what stands before it came. What is over the caps is dropped and asked for again."""
        log = LogId(entry.header.log)
        held = self._held.setdefault(log, {})
        size = entry.size_bytes
        if len(held) >= limits.HELD_ENTRIES_MAX or self._held_bytes + size > limits.HELD_BYTES_MAX:
            self._asked[log] = min(self._asked.get(log, 0), entry.header.seq - 1)
            return
        if entry.header.seq not in held:
            held[entry.header.seq] = entry
            self._held_bytes += size

    def _release(self, log: LogId, expected: int, entries: list[Entry]) -> int:
        held = self._held[log]
        while (entry := held.pop(expected + 1, None)) is not None:
            self._held_bytes -= entry.size_bytes
            entries.append(entry)
            expected += 1
        if not held:
            del self._held[log]
        return expected

    def released(self, log: LogId) -> list[Entry]:
        """What was held of a log and may go to the gate now that its head or floor has moved; the rest stays held."""
        floor = self._floor(log)
        entries = [entry for entry in self._below_floor if entry.log == log and entry.seq > floor]
        self._below_floor = [entry for entry in self._below_floor if entry not in entries]
        expected, held = self.expected(log), self._held.get(log, {})
        for seq in [seq for seq in held if seq <= expected]:
            self._held_bytes -= held.pop(seq).size_bytes
        if log in self._held:
            self._ahead[log] = self._release(log, expected, entries)
        self._under_way += bool(entries)
        return entries

    def cut(self, log: LogId) -> None:
        """The log ends elsewhere now: what was held and what was asked for does not count any more."""
        self._ahead.pop(log, None)
        for entry in self._held.pop(log, {}).values():
            self._held_bytes -= entry.size_bytes
        self._asked.pop(log, None)
        self._scheduler.release(log, self)

    # --- commits -----------------------------------------------------------------------------------
    def expected(self, log: LogId) -> int:
        """Where the log will be when all that is under way is committed."""
        head = self._levels.ours.get(log)
        return max(0 if head is None else head.seq, self._ahead.get(log, 0))

    def committed(self) -> None:
        """The gate has taken, or refused, what one `AppendEntries` held."""
        if self._under_way == 0:
            raise ValueError("committed without an AppendEntries")
        self._under_way -= 1
        if self._under_way == 0:
            for log, seq in self._ahead.items():
                if self._levels.ours[log].seq < seq:  # the gate did not take all: its view is the right one
                    self._asked.pop(log, None)
                    self.behind.add(log)
            self._ahead.clear()

    # --- requests ----------------------------------------------------------------------------------
    def peer_position(self, named: Position, differs: bool) -> list[Command]:
        """The peer says how far it has a log. `differs`: not with the id that we have there."""
        log = LogId(named.log)
        self._check_number_of_logs(log)
        self._levels.peer_has(log, named.seq)
        self.branches.peer_position(named)
        if self.history is not None:
            self.history.peer_position(log)
        self.behind.add(log)
        if not differs or log in self._disputed or self._levels.ours[log].frozen:
            return []
        self._disputed.add(log)  # the entry itself is the evidence
        return [SendRecord(Request(self._conversation, log, named.seq, named.seq))]

    def _check_number_of_logs(self, log: LogId) -> None:
        if log not in self._levels.named and len(self._levels.named) >= 2 * limits.LOGS_PER_CONVERSATION_MAX:
            raise RemoteError("more logs than a conversation may have")

    def ask(self, now: float) -> tuple[list[Command], float | None]:
        """Ask for what the peer has and we lack. Second: when to look again at what others are asked for."""
        out, look_again = self.branches.commands(now)
        for log in sorted(self.behind):
            head = self._levels.ours.get(log)
            first = self.expected(log) + 1
            if head is None or (self.history is not None and log in self.history.fresh):
                continue
            last = head.end(self._levels.theirs.get(log, 0))
            if last < first or head.frozen:
                self.behind.discard(log)
            elif self._asked.get(log, 0) >= first:
                continue  # on its way
            elif self._scheduler.claim(log, self, now):
                self._asked[log] = last
                out.append(SendRecord(Request(self._conversation, log, first, last)))
            else:
                free_at = self._scheduler.free_at(log)
                look_again = free_at if look_again is None else min(look_again, free_at or look_again)
        return out, look_again

    def ask_anew(self) -> None:
        """What was asked for was not kept (a quota): it may be asked for again."""
        self._asked.clear()
        self.behind.update(self._levels.theirs)

    def stopped(self) -> None:
        """The session has ended: leave everything to the others."""
        self._scheduler.release_all(self)
        self.branches.stopped()
        if self.history is not None:
            self.history.stopped()
        self._held.clear()
        self._held_bytes = 0
