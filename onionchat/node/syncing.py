"""Sync sessions on live links: routes records to them, carries out their commands, tells them of commits."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, assert_never

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from onionchat import limits
from onionchat.errors import RemoteError, StoreError
from onionchat.ids import AccountId, ConversationId, DeviceId
from onionchat.log.commands import (
    AdmitLog,
    AppendEntries,
    Close,
    Command,
    ConflictNoticed,
    PrependBlock,
    QuotaReached,
    RecordAcknowledged,
    SendRecord,
    StartLevel,
    StartSync,
    WakeAt,
)
from onionchat.log.entry import Entry, self_id
from onionchat.log.frontier import position
from onionchat.log.history import Goal
from onionchat.log.log import LogHead
from onionchat.log.scheduler import RequestScheduler
from onionchat.log.sync import State, SyncSession, conversation_of
from onionchat.log.sync_digest import DigestSession
from onionchat.net.peer import PeerLink
from onionchat.node.clocks import SETTLED_SECONDS
from onionchat.store.keeping import Appended
from onionchat.store.reader import StoreReader
from onionchat.wire.records import AnyRecord, ConversationDigests, ConversationUnknown, RootDigest

T = TypeVar("T")
WARN_AGAIN_SECONDS = 86_400.0


class SyncHost(Protocol):
    """What sync sessions need of the node."""

    reactor: Any

    @property
    def reader(self) -> StoreReader:
        """Committed logs and memberships."""

    @property
    def own_account(self) -> AccountId:
        """Ours."""

    def through_gate(self, job: Callable[[Any, Any], T]) -> "Deferred[T]":
        """Run `job(connection, gate)` in the writer."""

    def appended(self, result: Appended) -> None:
        """Tell book, sessions and front ends of a commit."""

    def history_came(self, result: Appended) -> None:
        """Tell book and front ends of a block of older history; sessions know of it."""

    def acknowledged(self, link: PeerLink, command: RecordAcknowledged) -> None:
        """A device has logs up to these positions."""

    def noticed(self, conversation: ConversationId, text: str) -> None:
        """Tell the user in the conversation."""

    def quota_reached(self, conversation: ConversationId) -> None:
        """The contact of a conversation has written all that it may for now."""

    def entry_came_at_once(self, device: DeviceId, entry: Entry, now_ms: int) -> None:
        """One entry came over a channel that was level: it was written a moment ago."""

    def peer_misbehaved(self, link: PeerLink, reason: str) -> None:
        """Close and back off."""

    def budget(self, conversation: ConversationId) -> int | None:
        """How many bytes the contact of a conversation may still write."""

    def history_goal(self, conversation: ConversationId) -> Goal | None:
        """How far back a device that was linked brings its history; None for one that has it all."""

    def now_ms(self) -> int:
        """The wall clock, ms since 1970."""


@dataclass
class LinkSessions:
    """The sessions of one link."""

    link: PeerLink
    device: DeviceId
    account: AccountId
    ready_at: float
    jobs: int = 0  # on their way to the disk; a batch counts as LINK_JOBS_OF_BATCH
    jobs_in_gate: int = 0  # of these, what the writer has been given
    waiting: deque[tuple[int, Callable[[], None]]] = field(default_factory=deque)  # the others, with their weights
    is_feeding: bool = False
    sessions: dict[ConversationId, SyncSession] = field(default_factory=dict)
    level: set[ConversationId] = field(default_factory=set)  # begun by the first that there is to say
    unfinished: frozenset[ConversationId] = frozenset()  # level, and yet there is something to ask for
    stirred: set[ConversationId] = field(default_factory=set)  # something was committed while digests were compared
    digests: DigestSession | None = None
    wakes: dict[ConversationId, Any] = field(default_factory=dict)


class Syncing:
    """All sync sessions of the node."""

    def __init__(self, host: SyncHost) -> None:
        self._host = host
        self._links: dict[PeerLink, LinkSessions] = {}
        self._schedulers: dict[ConversationId, RequestScheduler] = {}
        self._warned: dict[tuple[ConversationId, str], float] = {}

    # --- links ---------------------------------------------------------------------------------------
    def link_ready(
        self, link: PeerLink, device: DeviceId, account: AccountId, conversations: Sequence[ConversationId]
    ) -> None:
        """Both sides are ready: begin. With own devices digests come first."""
        state = self._links[link] = LinkSessions(link, device, account, self._now)
        if account == self._host.own_account:
            state.digests = DigestSession(self._host.reader, link.channel.exporter, device)
            state.unfinished = self._host.reader.unfinished()
            self._run(state, None, state.digests.start())
            return
        for conversation in conversations:
            self._run(state, conversation, self._session(state, conversation).start(self._now))

    def link_closed(self, link: PeerLink) -> None:
        """The channel is gone; what it brought and is queued is still committed."""
        state = self._links.pop(link, None)
        if state is None:
            return
        for call in state.wakes.values():
            if call.active():
                call.cancel()
        for session in state.sessions.values():
            session.stopped()
        for conversation in state.sessions:
            self.each_begun(conversation, lambda session: session.wake(self._now))

    def drained(self, link: PeerLink) -> None:
        """The send buffer has room again."""
        state = self._links.get(link)
        for conversation, session in list(state.sessions.items()) if state else []:
            self._run(state, conversation, session.resume(self._now))

    def is_level(self, link: PeerLink, conversation: ConversationId) -> bool:
        """Whether a device of ours has all of it that we have, since the digests were equal and nothing came since."""
        state = self._links.get(link)
        return state is not None and conversation in state.level

    def is_open(self, link: PeerLink, conversation: ConversationId) -> bool:
        """Whether both ends know each other's positions there."""
        state = self._links.get(link)
        if state is None:
            return False
        session = state.sessions.get(conversation)
        return conversation in state.level if session is None else session.state is State.OPEN

    def _session(self, state: LinkSessions, conversation: ConversationId) -> SyncSession:
        session = SyncSession(
            conversation,
            state.device,
            self._host.reader,
            members=self._host.reader,
            own_account=self._host.own_account,
            scheduler=self._schedulers.setdefault(conversation, RequestScheduler()),
            history=self._host.history_goal(conversation),
        )
        state.sessions[conversation] = session
        budget = self._host.budget(conversation)
        if budget is not None:
            session.allow(budget, self._now)
        return session

    # --- records ---------------------------------------------------------------------------------------
    def record_received(self, link: PeerLink, record: AnyRecord) -> None:
        """A record of a conversation or of the digests. RemoteError when it is of neither."""
        state = self._links.get(link)
        if state is None:
            raise RemoteError(f"a {type(record).__name__} before it was ready")
        if isinstance(record, RootDigest | ConversationDigests):
            if state.digests is None:
                raise RemoteError("digests are for own devices")
            self._run(state, None, state.digests.receive_record(record))
            return
        conversation = conversation_of(record)
        if conversation is None:
            raise RemoteError(f"a {type(record).__name__} at the wrong time")
        if conversation in state.level:
            self._begin_level(state, conversation)
        session = state.sessions.get(conversation)
        if session is None:
            if self._host.reader.member_account(conversation, state.device) is None:
                if not isinstance(record, ConversationUnknown):
                    link.send([ConversationUnknown(conversation)])
                return
            session = self._session(state, conversation)
        self._run(state, conversation, session.receive_record(record, self._now))

    # --- commits ---------------------------------------------------------------------------------------
    def appended(self, result: Appended) -> None:
        """A commit, by whomever: all sessions of the conversation hear of it."""
        now, conversation = self._now, result.conversation
        for head in result.added:
            self.each(conversation, lambda session, head=head: session.log_added(head, now))  # type: ignore[misc]
        entries = result.entries
        if entries:
            self.each(conversation, lambda session: session.entries_appended(entries, now))
        for head in result.frozen:
            self.each(conversation, lambda session, head=head: session.log_changed(head, now))  # type: ignore[misc]
        for where, head in result.effects.cut:
            self.each(where, lambda session, head=head: session.log_cut(head, now))  # type: ignore[misc]
        for where in sorted(result.effects.wanted):
            self.each(where, lambda session: session.bodies_wanted(now))

    def members_changed(self, conversation: ConversationId) -> None:
        """A roster or card changed: offers that could not be believed are looked at again."""
        self.each_begun(conversation, lambda session: session.members_changed(self._now))

    def all_members_changed(self) -> None:
        """Our own devices changed: they are members everywhere."""
        for state in list(self._links.values()):
            for conversation, session in list(state.sessions.items()):
                self._run(state, conversation, session.members_changed(self._now))

    def boxes_made(self, conversation: ConversationId) -> None:
        """Our logs there can be believed by further devices now, whoever brings them."""
        self.each(conversation, lambda session: session.boxes_made(self._now))

    def conversation_opened(self, conversation: ConversationId) -> None:
        """It was not there before: our other devices may have said something of it, in vain."""
        for state in list(self._links.values()):
            if state.account == self._host.own_account:
                session = state.sessions.get(conversation)
                if session is None:
                    session = self._session(state, conversation)
                if session.state in (State.NEW, State.UNKNOWN):
                    self._run(state, conversation, session.start(self._now))

    def each(self, conversation: ConversationId, call: Callable[[SyncSession], list[Command]]) -> None:
        """Call every session of a conversation and carry out what it asks for.

        One that was level, and had nothing to say so far, begins instead: from what is on the disk by now.
        """
        for state in list(self._links.values()):
            session = state.sessions.get(conversation)
            if session is not None:
                self._run(state, conversation, call(session))
            elif conversation in state.level:
                self._begin_level(state, conversation)
            elif state.digests is not None:
                state.stirred.add(conversation)

    def each_begun(self, conversation: ConversationId, call: Callable[[SyncSession], list[Command]]) -> None:
        """The same, but one that is level stays so."""
        for state in list(self._links.values()):
            session = state.sessions.get(conversation)
            if session is not None:
                self._run(state, conversation, call(session))

    # --- carrying out ------------------------------------------------------------------------------------
    @property
    def _now(self) -> float:
        return float(self._host.reactor.seconds())

    def _run(
        self, state: LinkSessions | None, conversation: ConversationId | None, commands: Sequence[Command]
    ) -> None:
        if state is None or not commands:
            return
        for command in commands:
            self._carry_out(state, conversation, command)
        if conversation is not None and state.link.is_congested:
            session = state.sessions.get(conversation)
            if session is not None:
                session.pause()

    def _carry_out(self, state: LinkSessions, conversation: ConversationId | None, command: Command) -> None:
        match command:
            case SendRecord(record):
                state.link.send([record])
                if isinstance(record, ConversationDigests):
                    state.link.flush()  # a thousand fill a frame; with what follows they would take one twice as long
            case AppendEntries(name, entries):
                self._append(state, name, entries)
            case PrependBlock():
                self._prepend(state, command)
            case AdmitLog():
                self._admit(state, command)
            case ConflictNoticed(name):
                self.warn(name, "two devices claim one log; the first was kept. Compare words again.")
            case RecordAcknowledged():
                self._host.acknowledged(state.link, command)
            case QuotaReached(name):
                self._host.quota_reached(name)
            case WakeAt(at):
                if conversation is not None:
                    self._wake_at(state, conversation, at)
            case StartSync(name):
                if name not in state.sessions:
                    self._run(state, name, self._session(state, name).start(self._now))
            case StartLevel(name):
                if name not in state.sessions:
                    state.level.add(name)
                    if name == self_id(self._host.own_account):
                        self._acknowledge_level(state, name)
                    if name in state.unfinished or name in state.stirred:
                        self._begin_level(state, name)
            case Close(reason):
                self._host.peer_misbehaved(state.link, reason)
            case _:
                assert_never(command)

    def _begin_level(self, state: LinkSessions, conversation: ConversationId) -> None:
        """A thousand conversations are level, and nothing happens in most of them: sessions are made when needed."""
        state.level.discard(conversation)
        assert state.digests is not None
        self._acknowledge_level(state, conversation)
        heads = state.digests.heads_of(conversation)
        self._run(state, conversation, self._session(state, conversation).start_level(heads, self._now))

    def _acknowledge_level(self, state: LinkSessions, conversation: ConversationId) -> None:
        """Equal digests say what `Ack`s would have said."""
        assert state.digests is not None
        heads = state.digests.heads_of(conversation)
        level = tuple(position(head) for head in heads if head.seq)
        self._host.acknowledged(state.link, RecordAcknowledged(conversation, level))

    def warn(self, conversation: ConversationId, text: str) -> None:
        """Tell the user in the conversation, once a day: who causes it can cause it again as often as it likes."""
        last = self._warned.get((conversation, text))
        if last is None or self._now - last >= WARN_AGAIN_SECONDS:
            self._warned[conversation, text] = self._now
            self._host.noticed(conversation, text)

    def _submit(self, state: LinkSessions, weight: int, job: Callable[[Any, Any], T]) -> "Deferred[T] | None":
        """A job of the gate; None when the link has far more under way than any window allows."""
        if state.account != self._host.own_account and state.jobs + weight > limits.LINK_JOBS_MAX:
            self._host.peer_misbehaved(state.link, "more at once than can be kept")
            return None
        state.jobs += weight
        done: Deferred[T] = Deferred()

        def ended(result: T | Failure) -> None:
            state.jobs -= weight
            state.jobs_in_gate -= weight
            done.callback(result)  # a Failure as well
            self._feed_gate(state)

        def begin() -> None:
            maybeDeferred(self._host.through_gate, job).addBoth(ended)  # it raises when the profile was locked

        state.waiting.append((weight, begin))
        self._feed_gate(state)
        return done

    def _feed_gate(self, state: LinkSessions) -> None:
        """The writer takes jobs in order: one peer that sends much must not keep all others, and us, waiting."""
        if state.is_feeding:  # what it has just begun has ended at once
            return
        state.is_feeding = True
        while state.waiting and state.jobs_in_gate + state.waiting[0][0] <= limits.LINK_JOBS_IN_GATE_MAX:
            weight, begin = state.waiting.popleft()
            state.jobs_in_gate += weight
            begin()
        state.is_feeding = False

    def _wake_at(self, state: LinkSessions, conversation: ConversationId, at: float) -> None:
        call = state.wakes.get(conversation)
        if call is not None and call.active():
            call.cancel()

        def wake() -> None:
            session = state.sessions.get(conversation)
            if session is not None and not state.link.closed:
                if state.link.is_congested:
                    session.pause()
                    return
                self._run(state, conversation, session.wake(self._now))

        state.wakes[conversation] = self._host.reactor.callLater(max(0.0, at - self._now), wake)

    def _append(self, state: LinkSessions, conversation: ConversationId, entries: list[Any]) -> None:
        now_ms = self._host.now_ms()
        if self._now - state.ready_at > SETTLED_SECONDS and len(entries) == 1:
            self._host.entry_came_at_once(state.device, entries[0], now_ms)
        done = self._submit(
            state, limits.LINK_JOBS_OF_BATCH, lambda c, gate: gate.append(c, conversation, entries, now_ms)
        )
        if done is None:
            return

        def committed(result: Appended) -> None:
            session = state.sessions.get(conversation)
            if session is not None and not state.link.closed:
                self._run(state, conversation, session.committed(result.heads, self._now))
            self._host.appended(result)

        done.addCallbacks(committed, lambda failure: self._refused(state, failure))

    def _prepend(self, state: LinkSessions, command: PrependBlock) -> None:
        now_ms = self._host.now_ms()
        # as batches do: it must not overtake the admission of its log
        done = self._submit(
            state,
            limits.LINK_JOBS_OF_BATCH,
            lambda c, gate: gate.prepend(c, command.conversation, command.entries, now_ms),
        )
        if done is None:
            return

        def committed(result: Appended) -> None:
            head = result.heads[0]
            self.each_begun(command.conversation, lambda session: session.log_changed(head, self._now))
            session = state.sessions.get(command.conversation)
            if session is not None and not state.link.closed:
                self._run(state, command.conversation, session.block_committed(head, self._now))
            self._host.history_came(result)

        done.addCallbacks(committed, lambda failure: self._refused(state, failure))

    def _admit(self, state: LinkSessions, command: AdmitLog) -> None:
        weight = 1 + len(command.offer.boxes) // 2  # each box is a row
        done = self._submit(state, weight, lambda c, gate: gate.admit(c, command))
        if done is None:
            return

        def committed(kept: tuple[LogHead, bool]) -> None:
            head, has_new_boxes = kept
            self.each_begun(command.conversation, lambda session: session.log_added(head, self._now))
            if has_new_boxes:
                self._offer_again(state, command.conversation, head)

        done.addCallbacks(committed, lambda failure: self._refused(state, failure))

    def _offer_again(self, source: LinkSessions, conversation: ConversationId, head: LogHead) -> None:
        """Others than who brought them see the new boxes of a log: it may be that they believe it now."""
        for state in list(self._links.values()):
            session = state.sessions.get(conversation)
            if session is not None and state is not source:
                self._run(state, conversation, session.boxes_came(head.log, self._now))

    def _refused(self, state: LinkSessions, failure: Failure) -> None:
        """The gate refused (their fault), or the disk did (ours): nothing was acknowledged, nothing is lost."""
        error = failure.value
        if isinstance(error, RemoteError):
            self._host.peer_misbehaved(state.link, str(error))
        elif isinstance(error, StoreError):
            state.link.close("full")
        else:
            state.link.close("error")
