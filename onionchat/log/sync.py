"""`SyncSession`: brings one conversation level with one device. Performs no I/O. See docs/spec/sync.md.

Both sides name their positions (`Frontier`). Who lacks something asks for the whole gap (`Request`); the other
streams it oldest first (`Batch`) under a window; each batch is answered by one `Ack` after its commit. Entries that
are new go at once to a peer that has not asked. A log is offered (`LogOffered`) before its first entry, and a
device offers its own logs always, because its own word is the best proof.

States and what may come from the peer in each; anything else closes the channel:

    NEW       nothing was said               Frontier (we greet back)
    GREETED   our frontier is out            Frontier -> OPEN, ConversationUnknown -> UNKNOWN
    OPEN      both know both positions       everything; ConversationUnknown -> UNKNOWN
    UNKNOWN   the peer has no such thing     Frontier (we greet again -> OPEN), ConversationUnknown
    CLOSED    refused or ended               nothing is looked at
"""

from collections.abc import Container, Sequence
from enum import Enum
from itertools import groupby

import msgspec

from onionchat import limits
from onionchat.codec import decode
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, EntryId, LogId
from onionchat.log.branches import BranchPull
from onionchat.log.certificate import LOG_CERTIFICATE_MAX_BYTES, LogCertificate
from onionchat.log.commands import AppendEntries, Close, Command, QuotaReached, RecordAcknowledged, SendRecord, WakeAt
from onionchat.log.entry import Entry, is_signed
from onionchat.log.frontier import Levels, check_positions, heads_by_log, position
from onionchat.log.history import Goal, HistoryPull
from onionchat.log.incoming import Inflow
from onionchat.log.log import LogHead, Verify
from onionchat.log.outgoing import Outflow, acknowledgement
from onionchat.log.reader import LogReader, MembershipReader
from onionchat.log.scheduler import RequestScheduler
from onionchat.wire.records import (
    Ack,
    AnyRecord,
    Batch,
    BodiesRequested,
    ConversationUnknown,
    Frontier,
    LogOffered,
    Position,
    Request,
)


class State(Enum):
    """See the table of the module."""

    NEW = "new"
    GREETED = "greeted"
    OPEN = "open"
    UNKNOWN = "unknown"
    CLOSED = "closed"


_ONLY_FRONTIERS = (Frontier, ConversationUnknown)
_TAKEN: dict[State, tuple[type, ...]] = {
    State.NEW: (Frontier,),
    State.GREETED: _ONLY_FRONTIERS,
    State.OPEN: (*_ONLY_FRONTIERS, LogOffered, Request, BodiesRequested, Batch, Ack),
    State.UNKNOWN: _ONLY_FRONTIERS,
}


class SyncSession:
    """One conversation with one device. Every method returns commands; times are seconds.

    The node calls: `start` (or `start_level`), `receive_record`, after every commit `entries_appended` (all sessions
    of the conversation), after the commit of an `AppendEntries` also `committed` (its own session), after a
    `PrependBlock` `block_committed`, `log_added` and `log_changed` on what happened elsewhere, `pause` and `resume`
    with the channel's send buffer, `wake` when due and after another session of the conversation ended, `stopped`
    when the channel is gone.
    """

    def __init__(
        self,
        conversation: ConversationId,
        peer_device: DeviceId,
        reader: LogReader,
        *,
        members: MembershipReader,
        own_account: AccountId,
        scheduler: RequestScheduler,
        history: Goal | None = None,
        verify: Verify = is_signed,
    ) -> None:
        self.conversation, self.peer_device = conversation, peer_device
        self.state = State.NEW
        peer_account = members.member_account(conversation, peer_device)
        self._reader, self._members = reader, members
        self._levels = Levels()
        of_ours = peer_account == own_account
        pull = None
        if history is not None:
            pull = HistoryPull(conversation, reader, self._levels, history, scheduler)
        branches = BranchPull(conversation, reader, self._levels, scheduler)
        self._in = Inflow(conversation, peer_device, self._levels, members, own_account, scheduler, pull, branches)
        self._out = Outflow(conversation, reader, self._levels, of_ours, verify)
        self._own_logs: frozenset[LogId] = frozenset()
        self._announced: dict[LogId, int] = {}
        """How far the peer knows us to have a log."""
        self._of_peer: dict[LogId, bool] = {}
        self._bodies_asked: dict[LogId, int] = {}
        self._budget_bytes: int | None = None
        self._acks_owed = 0
        self._batches: list[list[LogId]] = []

    # --- beginning and end -------------------------------------------------------------------------
    def start(self, now: float) -> list[Command]:
        """Tell the peer our positions."""
        self._load()
        self.state = State.GREETED
        return [self._frontier()]

    def start_level(self, heads: Sequence[LogHead], now: float) -> list[Command]:
        """Begin without frontiers, because digests over `heads` (ours, as they were then) were equal."""
        self._load()
        self._announced = {head.log: head.seq for head in heads}
        self.state = State.OPEN
        for head in heads:
            if head.frozen:  # both know of the fork; which branch the peer has, its digest does not say
                self._levels.named.add(head.log)
            elif head.seq:  # digests say nothing of empty logs
                self._levels.peer_has(head.log, head.seq)
        self._opened({head.log for head in heads if head.frozen})
        out: list[Command] = []
        for head in heads:
            self._ask_bodies(head.log, out)  # digests do not show that bodies are missing
        return out + self._go_on(now)

    def _load(self) -> None:
        self._levels.ours.clear()
        self._levels.ours.update(heads_by_log(self._reader.heads(self.conversation)))
        self._load_own()

    def _load_own(self) -> None:
        self._own_logs = self._in.branches.own = frozenset(self._reader.own_logs(self.conversation))

    def _frontier(self) -> SendRecord:
        heads = list(self._levels.ours.values())[: limits.LOGS_PER_CONVERSATION_MAX]
        self._announced = {head.log: head.seq for head in heads}
        return SendRecord(Frontier(self.conversation, tuple(position(head) for head in heads)))

    def stopped(self) -> None:
        """The channel is gone. Afterwards the node wakes the conversation's other sessions."""
        self.state = State.CLOSED
        self._in.stopped()
        self._out.clear()

    # --- from the peer -----------------------------------------------------------------------------
    def receive_record(self, record: AnyRecord, now: float) -> list[Command]:
        """A record of this conversation (`conversation_of`). The last command is `Close` when it must be refused."""
        if self.state is State.CLOSED:
            return []
        try:
            if not isinstance(record, _TAKEN[self.state]):
                raise RemoteError(f"a {type(record).__name__} at the wrong time")
            return self._received(record, now)
        except RemoteError as refused:
            self.stopped()
            return [Close(str(refused))]

    def _received(self, record: AnyRecord, now: float) -> list[Command]:
        match record:
            case Batch():
                return self._batch_received(record, now)
            case Ack():
                self._out.answered()
                out = self._positions_received(record.positions)
            case Frontier():
                out = self._frontier_received(record, now)
            case LogOffered():
                out = self._in.offered(record)
            case Request():
                self._asked_for(record)
                out = []
            case BodiesRequested():
                self._asked_for_bodies(record)
                out = []
            case _:
                self.state = State.UNKNOWN
                self._out.clear()
                self._batches = [[] for _ in self._batches]  # the peer waits for no answers any more
                return []
        return out + self._go_on(now)

    def _frontier_received(self, record: Frontier, now: float) -> list[Command]:
        out: list[Command] = []
        if self.state is not State.OPEN:
            if self.state is not State.GREETED:
                out += self.start(now)
            self.state = State.OPEN
            out += self._positions_received(record.positions)
            self._opened()
        else:
            out += self._positions_received(record.positions)
        for named in record.positions:
            self._ask_bodies(LogId(named.log), out)
        return out

    def _opened(self, known_forks: Container[LogId] = ()) -> None:
        """The peer's positions are known: offer what it does not name, and show it what came since we greeted."""
        for log, head in self._levels.ours.items():
            if log in self._own_logs or log not in self._levels.named:
                self._out.offer(log)
            known = max(self._announced.get(log, 0), self._levels.theirs.get(log, 0))
            if head.seq > known:
                if head.seq - known <= limits.RELAYED_PUSH_MAX:
                    self._out.show(log, known + 1, head.seq)
                else:
                    self._out.announce(log)
            else:
                self._tell_author(log, head.seq)
            if head.frozen and log not in known_forks:
                self._out.send_evidence(self._reader.branches(self.conversation, log))

    def _positions_received(self, positions: Sequence[Position]) -> list[Command]:
        check_positions(positions)
        agreed: list[Position] = []
        out: list[Command] = []
        for named in positions:
            differs = False
            our_id = self._our_id(LogId(named.log), named.seq)
            if our_id is not None:
                differs = our_id != named.id
                if not differs:
                    agreed.append(named)
            out += self._in.peer_position(named, differs)
        if agreed:
            out.insert(0, RecordAcknowledged(self.conversation, tuple(agreed)))
        return out

    def _our_id(self, log: LogId, seq: int) -> EntryId | None:
        head = self._levels.ours.get(log)
        if head is None or not 0 < seq <= head.seq or seq < head.floor_seq:
            return None
        if seq == head.seq:
            return head.id
        return head.floor_id if seq == head.floor_seq else self._reader.id_at(self.conversation, log, seq)

    def _asked_for(self, record: Request) -> None:
        head = self._levels.ours.get(LogId(record.log))
        if head is None:
            raise RemoteError("a request for a log that was not offered")
        if not 1 <= record.first <= record.last:
            raise RemoteError("a request for no entries")
        first, last = max(record.first, head.floor_seq + 1), min(record.last, head.seq)
        if first <= last:
            self._out.stream(head.log, first, last)

    def _asked_for_bodies(self, record: BodiesRequested) -> None:
        head = self._levels.ours.get(LogId(record.log))
        if head is None:
            raise RemoteError("a request for a log that was not offered")
        before = 0
        ranges = []
        for first, last in record.ranges:
            if not before < first <= last:
                raise RemoteError("a request for ranges that are not in order")
            before = last
            if first <= head.seq:
                ranges.append((max(first, head.floor_seq + 1), min(last, head.seq)))
        self._out.send_bodies(head.log, [wanted for wanted in ranges if wanted[0] <= wanted[1]])

    def _batch_received(self, record: Batch, now: float) -> list[Command]:
        if self._budget_bytes is not None:
            if self._budget_bytes <= 0:
                self._acks_owed += 1  # dropped, not refused: it is asked for again when there is room
                self._in.note(record.entries)
                return [QuotaReached(self.conversation)] if self._acks_owed == 1 else []
            self._budget_bytes -= sum(map(len, record.entries))
        entries, logs = self._in.take(record.entries, now)
        out = self._returned(entries)
        if entries:
            self._batches.append(logs)
            out.append(AppendEntries(self.conversation, entries))
        else:
            out.append(acknowledgement(self.conversation, self._levels, logs))
        return out + self._go_on(now)

    def _returned(self, entries: Sequence[Entry]) -> list[Command]:
        """What we wrote and the peer passes on to us is on its disk; from here on we would not show it, nor hear so."""
        newest = {entry.log: entry for entry in entries if entry.log in self._own_logs}
        agreed = [Position(e.log, e.seq, e.id) for e in newest.values() if self._our_id(e.log, e.seq) == e.id]
        return [RecordAcknowledged(self.conversation, tuple(agreed))] if agreed else []

    def _learn(self, head: LogHead) -> None:
        """Commits are told of in groups: an older head says nothing new, unless it is frozen."""
        known = self._levels.ours.get(head.log)
        if self._in.history is not None:
            self._in.history.head_moved(head)
        if known is not None and head.seq < known.seq:
            head = msgspec.structs.replace(known, frozen=known.frozen or head.frozen)
        self._levels.ours[head.log] = head

    # --- from our side -----------------------------------------------------------------------------
    def committed(self, heads: Sequence[LogHead], now: float) -> list[Command]:
        """The transaction of the oldest uncommitted `AppendEntries` is on the disk; `heads` of its logs after it."""
        if self.state is State.CLOSED:
            return []
        self._in.committed()
        for head in heads:
            self._learn(head)
        logs = self._batches.pop(0)
        out: list[Command] = []
        if logs:
            out.append(acknowledgement(self.conversation, self._levels, logs))
            self._announced |= {log: self._levels.ours[log].seq for log in logs if log in self._levels.ours}
        for log in logs:
            if log in self._bodies_asked:
                self._ask_bodies(log, out)
        return out + self._go_on(now)

    def entries_appended(self, entries: Sequence[Entry], now: float) -> list[Command]:
        """Entries of this conversation were committed, by whomever; each log's in order. Shown to the peer at once."""
        if self.state is State.CLOSED:
            return []
        out: list[Command] = []
        for log, group in groupby(entries, lambda entry: entry.header.log):
            self._appended(LogId(log), list(group), out)
        return out + self._go_on(now)

    def _appended(self, log: LogId, run: list[Entry], out: list[Command]) -> None:
        ours = self._levels.ours
        head, newest = ours.get(log, LogHead(log)), run[-1]
        if newest.header.seq > head.seq:
            self._learn(_moved(head, newest))
        out += self._release(log)
        if self.state is not State.OPEN:
            return
        if any(entry.content is None for entry in run):
            self._ask_bodies(log, out)
        known = self._levels.theirs.get(log, 0)
        if newest.header.seq > known:
            self._show(log, run if run[0].header.seq > known else [e for e in run if e.header.seq > known])
        else:
            self._tell_author(log, newest.header.seq)

    def _tell_author(self, log: LogId, seq: int) -> None:
        """What came by another way: its author waits to hear that it is here, and has no cause to send it."""
        if seq > self._announced.get(log, 0) and self._is_of_peer(log):
            self._announced[log] = seq
            self._out.announce(log)

    def _is_of_peer(self, log: LogId) -> bool:
        """Whether the peer writes this log."""
        if log not in self._of_peer:
            known = self._members.known_log(log)
            self._of_peer[log] = known is not None and known.device == self.peer_device
        return self._of_peer[log]

    def _release(self, log: LogId) -> list[Command]:
        released = self._in.released(log)
        if not released:
            return []
        self._batches.append([])  # its batch was answered when it came
        return [AppendEntries(self.conversation, released)]

    def _show(self, log: LogId, run: list[Entry]) -> None:
        if log not in self._levels.named:
            self._out.offer(log)
        if log in self._own_logs or len(run) <= limits.RELAYED_PUSH_MAX or self._out.is_streaming(log):
            self._out.push(log, run)
        else:
            self._out.announce(log)

    def _ask_bodies(self, log: LogId, out: list[Command]) -> None:
        """Ask once a session for bodies that we lack of entries that the peer has."""
        head = self._levels.ours.get(log)
        if head is None:
            return
        first, theirs = self._bodies_asked.get(log, 0) + 1, self._levels.theirs.get(log, 0)
        if first > theirs:
            return
        found = self._reader.tombstoned(self.conversation, log, first)[: limits.RANGES_MAX]
        ranges = tuple((start, min(end, theirs)) for start, end in found if start <= theirs)
        if ranges:
            self._bodies_asked[log] = ranges[-1][1]
            out.append(SendRecord(BodiesRequested(self.conversation, log, ranges)))

    def _older_came(self, log: LogId, before: LogHead | None, out: list[Command]) -> None:
        """A block of history may have brought tombstones, below what was asked about already."""
        if before is not None and (before.seq == 0 or self._levels.ours[log].floor_seq != before.floor_seq):
            self._bodies_asked.pop(log, None)
            self._ask_bodies(log, out)

    def log_added(self, head: LogHead, now: float) -> list[Command]:
        """A log was created or admitted, by this session or elsewhere; its certificate is on the disk.

        After an `AdmitLog` the node calls it on all sessions, with the head that the disk has.
        """
        self._load_own()
        return self.log_changed(head, now)

    def log_changed(self, head: LogHead, now: float) -> list[Command]:
        """A log was added, frozen, cut, or its floor moved."""
        if self.state is State.CLOSED:
            return []
        before = self._levels.ours.get(head.log)
        self._learn(head)
        if self.state is not State.OPEN:
            return []
        out = self._release(head.log)
        self._older_came(head.log, before, out)
        if before is None and head.log not in self._levels.named:
            self._out.offer(head.log)
        if before is None and head.seq > self._levels.theirs.get(head.log, 0):
            self._out.announce(head.log)
        else:
            self._tell_author(head.log, self._levels.ours[head.log].seq)
        if head.frozen and not (before and before.frozen):
            self._out.send_evidence(self._reader.branches(self.conversation, head.log))
        self._in.behind.add(head.log)
        return out + self._go_on(now)

    def log_cut(self, head: LogHead, now: float) -> list[Command]:
        """A removal ends the log elsewhere than before, it may be before its head of then: what is past it is gone."""
        if self.state is State.CLOSED:
            return []
        log = head.log
        self._levels.ours[log] = head
        self._announced[log] = min(self._announced.get(log, 0), head.seq)
        self._in.cut(log)
        self._out.cut(log, head.seq)
        self._bodies_asked.pop(log, None)
        self._in.behind.add(log)
        return self._go_on(now)

    def bodies_wanted(self, now: float) -> list[Command]:
        """Bodies that were gone for good are wanted after all: ask again for all that lack."""
        if self.state is not State.OPEN:
            return []
        self._bodies_asked.clear()
        out: list[Command] = []
        for log in sorted(self._levels.ours):
            self._ask_bodies(log, out)
        return out + self._go_on(now)

    def members_changed(self, now: float) -> list[Command]:
        """A roster or certificate changed: offers that could not be believed are looked at again."""
        if self.state is not State.OPEN:
            return []
        return self._in.members_changed() + self._go_on(now)

    def boxes_made(self, now: float) -> list[Command]:
        """Our own logs have boxes for further devices: they are offered again, so that others can pass them on."""
        if self.state is not State.OPEN:
            return []
        for log in sorted(self._own_logs):
            self._out.offer(log)
        return self._go_on(now)

    def boxes_came(self, log: LogId, now: float) -> list[Command]:
        """Boxes of somebody's log were brought: whoever could not believe it may do so now."""
        if self.state is not State.OPEN:
            return []
        self._out.offer(log)
        return self._go_on(now)

    def block_committed(self, head: LogHead, now: float) -> list[Command]:
        """A block of history is under the floor."""
        if self.state is State.CLOSED or self._in.history is None:
            return []
        before = self._levels.ours.get(head.log)
        self._levels.ours[head.log] = head
        self._in.history.block_committed(head)
        self._in.behind.add(head.log)
        out = self._release(head.log)
        self._older_came(head.log, before, out)
        return out + self._go_on(now)

    def allow(self, budget_bytes: int | None, now: float) -> list[Command]:
        """How many bytes of batches may still be taken from this peer; None for no limit."""
        self._budget_bytes = budget_bytes
        if self.state is not State.OPEN or (budget_bytes is not None and budget_bytes <= 0):
            return []
        out: list[Command] = [acknowledgement(self.conversation, self._levels, ()) for _ in range(self._acks_owed)]
        if self._acks_owed:
            self._acks_owed = 0
            self._in.ask_anew()
        return out + self._go_on(now)

    def pause(self) -> None:
        """The channel's send buffer is full: nothing but answers and requests until `resume`."""
        self._out.ready_for_more = False

    def resume(self, now: float) -> list[Command]:
        """The channel's send buffer has drained."""
        self._out.ready_for_more = True
        return self._go_on(now)

    def wake(self, now: float) -> list[Command]:
        """Look again at what others were asked for, and go on with what was put off."""
        return self._go_on(now)

    def _go_on(self, now: float) -> list[Command]:
        """Ask for what we lack, send what may be sent."""
        out: list[Command] = []
        look_again = None
        if self.state is not State.OPEN:
            return out
        if self._budget_bytes is None or self._budget_bytes > 0:
            out, look_again = self._in.ask(now)
            if self._in.history is not None:
                older, again = self._in.history.commands(now)
                out += older
                look_again = again if look_again is None else min(look_again, again or look_again)
        out += self._out.pump()
        if self._out.has_more:
            look_again = now
        if look_again is not None:
            out.append(WakeAt(look_again))
        return out


def _moved(head: LogHead, newest: Entry) -> LogHead:
    header = newest.header
    return msgspec.structs.replace(head, seq=header.seq, id=newest.id, ms=header.ms, counter=header.counter)


def conversation_of(record: AnyRecord) -> ConversationId | None:
    """Whose session a record is for; None for records that are not of a conversation. RemoteError when malformed."""
    match record:
        case LogOffered():
            certificate = decode(record.certificate, LogCertificate, LOG_CERTIFICATE_MAX_BYTES)
            return ConversationId(certificate.conversation)
        case Frontier() | ConversationUnknown() | Request() | BodiesRequested() | Batch() | Ack():
            return ConversationId(record.conversation)
        case _:
            return None
