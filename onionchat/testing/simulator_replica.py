"""One simulated device: a store, a gate with a queue, and a sync session for each conversation and link.

A replica is what a node is, without sockets and threads: it returns effects, the simulator carries them out. What
is queued for the gate is lost in a crash; what was committed stays.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import ExchangeKey
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.log.certificate import KnownLog, open_log_box
from onionchat.log.commands import (
    AdmitLog,
    AppendEntries,
    Close,
    Command,
    ConflictNoticed,
    PrependBlock,
    SendRecord,
    StartLevel,
    StartSync,
    WakeAt,
)
from onionchat.log.entry import Entry
from onionchat.log.history import Goal
from onionchat.log.log import LogHead
from onionchat.log.scheduler import RequestScheduler
from onionchat.log.sync import SyncSession, conversation_of
from onionchat.log.sync_digest import DigestSession
from onionchat.testing.simulator_store import Appended, MemoryStore
from onionchat.wire.records import (
    AnyRecord,
    ConversationDigests,
    ConversationUnknown,
    LogBox,
    RootDigest,
)


@dataclass(frozen=True, slots=True)
class Send:
    """Put a record on a link."""

    link: int
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class WakeSession:
    """Call `wake` at this time."""

    link: int
    conversation: ConversationId
    at: float


@dataclass(frozen=True, slots=True)
class CommitWanted:
    """Something waits for the gate."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """A session refused what its peer sent: the link is closed."""

    link: int
    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two certificates for one log."""

    log: LogId


Effect = Send | WakeSession | CommitWanted | Blamed | Conflict


@dataclass(slots=True)
class Person:
    """A device as all others know it: its account and static key. Rosters here do not change by themselves."""

    device: DeviceId
    account: AccountId
    static: ExchangeKey


@dataclass(slots=True)
class Directory:
    """Who is who, and who is in which conversation."""

    people: dict[DeviceId, Person] = field(default_factory=dict)
    members: dict[ConversationId, frozenset[AccountId]] = field(default_factory=dict)

    def share(self, a: DeviceId, b: DeviceId) -> list[ConversationId]:
        """Conversations of both devices."""
        pair = {self.people[a].account, self.people[b].account}
        return sorted(name for name, accounts in self.members.items() if pair <= accounts)


@dataclass(slots=True)
class Members:
    """A `MembershipReader` for one device."""

    directory: Directory
    own: Person
    store: MemoryStore

    def member_account(self, conversation: ConversationId, device: DeviceId) -> AccountId | None:
        """The member account of a device."""
        person = self.directory.people.get(device)
        if person is None or person.account not in self.directory.members[conversation]:
            return None
        return person.account

    def known_log(self, log: LogId) -> KnownLog | None:
        """What the store has."""
        return self.store.known_log(log)

    def box_opens(self, author: DeviceId, certificate_raw: bytes, box: LogBox) -> bool:
        """Open it for real."""
        if box.to != self.own.device or author not in self.directory.people:
            return False
        try:
            open_log_box(
                box, certificate_raw, self.own.device, self.own.static, self.directory.people[author].static.public
            )
        except RemoteError:
            return False
        return True


@dataclass(slots=True)
class Link:
    """One channel to a peer, seen from this end."""

    peer: DeviceId
    sessions: dict[ConversationId, SyncSession] = field(default_factory=dict)
    digests: DigestSession | None = None


class Replica:
    """A device's node: links, sessions, the gate. `history`: take older entries from own devices, block by block."""

    def __init__(self, own: Person, directory: Directory, store: MemoryStore, history: Goal | None = None) -> None:
        self.own, self.store, self.history = own, store, history
        self.links: dict[int, Link] = {}
        self._directory = directory
        self._members = Members(directory, own, store)
        self._schedulers: dict[ConversationId, RequestScheduler] = {}
        self._gate: deque[tuple[int, AppendEntries | PrependBlock | AdmitLog]] = deque()

    # --- links -------------------------------------------------------------------------------------
    def link_opened(self, link: int, peer: DeviceId, now: float) -> list[Effect]:
        """A channel is ready."""
        self.links[link] = Link(peer)
        if self._directory.people[peer].account == self.own.account:
            digests = DigestSession(self.store, labelled_hash(b"simulated exporter", link.to_bytes(8, "big")), peer)
            self.links[link].digests = digests
            return self._run(link, None, digests.start(), now)
        out: list[Effect] = []
        for conversation in self._shared(peer):
            out += self._run(link, conversation, self._session(link, conversation).start(now), now)
        return out

    def _shared(self, peer: DeviceId) -> list[ConversationId]:
        known = set(self.store.conversations())
        return [name for name in self._directory.share(self.own.device, peer) if name in known]

    def _session(self, link: int, conversation: ConversationId) -> SyncSession:
        session = SyncSession(
            conversation,
            self.links[link].peer,
            self.store,
            members=self._members,
            own_account=self.own.account,
            scheduler=self._schedulers.setdefault(conversation, RequestScheduler()),
            history=self.history,
        )
        self.links[link].sessions[conversation] = session
        return session

    def link_closed(self, link: int, now: float) -> list[Effect]:
        """A channel is gone. What it brought and is queued is still committed."""
        gone = self.links.pop(link, None)
        if gone is None:
            return []
        for session in gone.sessions.values():
            session.stopped()
        return self._everywhere(gone.sessions, lambda session: session.wake(now), now)

    def crash(self) -> None:
        """Everything but the disk is lost."""
        self.links.clear()
        self._gate.clear()
        self._schedulers.clear()

    def conversation_learned(self, conversation: ConversationId, now: float) -> list[Effect]:
        """A contact was accepted: the conversation begins on all links that share it."""
        self.store.add_conversation(conversation)
        out: list[Effect] = []
        for number, link in list(self.links.items()):
            if conversation in self._shared(link.peer) and conversation not in link.sessions:
                out += self._run(number, conversation, self._session(number, conversation).start(now), now)
        return out

    # --- records -----------------------------------------------------------------------------------
    def record_received(self, number: int, record: AnyRecord, now: float) -> list[Effect]:
        """A record came in."""
        link = self.links.get(number)
        if link is None:
            return []
        if isinstance(record, RootDigest | ConversationDigests):
            assert link.digests is not None
            return self._run(number, None, link.digests.receive_record(record), now)
        conversation = conversation_of(record)
        assert conversation is not None
        session = link.sessions.get(conversation)
        if session is None:
            if conversation not in self._shared(link.peer):
                unknown = isinstance(record, ConversationUnknown)
                return [] if unknown else [Send(number, ConversationUnknown(conversation))]
            session = self._session(number, conversation)
        return self._run(number, conversation, session.receive_record(record, now), now)

    def wake(self, link: int, conversation: ConversationId, now: float) -> list[Effect]:
        """A `WakeSession` is due."""
        session = self.links[link].sessions.get(conversation) if link in self.links else None
        return [] if session is None else self._run(link, conversation, session.wake(now), now)

    def link_filled(self, link: int) -> None:
        """The channel's send buffer is full."""
        for session in self.links[link].sessions.values():
            session.pause()

    def link_drained(self, link: int, now: float) -> list[Effect]:
        """The channel's send buffer has room again."""
        out: list[Effect] = []
        for conversation, session in list(self.links[link].sessions.items()):
            out += self._run(link, conversation, session.resume(now), now)
        return out

    # --- writing -----------------------------------------------------------------------------------
    def write(self, conversation: ConversationId, body: bytes, now: float, clock_ms: int) -> tuple[Entry, list[Effect]]:
        """Write and commit one message."""
        before = set(self.store.own_logs(conversation))
        entry = self.store.write(conversation, body, clock_ms)
        out: list[Effect] = []
        if entry.log not in before:
            head = LogHead(entry.log)
            out += self._in_conversation(conversation, lambda session: session.log_added(head, now), now)
        return entry, out + self._in_conversation(conversation, lambda s: s.entries_appended([entry], now), now)

    # --- the gate ----------------------------------------------------------------------------------
    def commit(self, count: int) -> list["Committed"]:
        """Put up to `count` queued commands on the disk, as one group."""
        group = [self._gate.popleft() for _ in range(min(count, len(self._gate)))]
        return [self._commit_one(link, command) for link, command in group]

    @property
    def commit_waits(self) -> bool:
        """Whether anything is queued for the gate."""
        return bool(self._gate)

    def _commit_one(self, link: int, command: AppendEntries | PrependBlock | AdmitLog) -> "Committed":
        try:
            match command:
                case AppendEntries():
                    return Committed(link, command, self.store.append(command.conversation, command.entries))
                case PrependBlock():
                    return Committed(link, command, self.store.prepend(command.conversation, command.entries))
                case AdmitLog():
                    return Committed(link, command, self.store.admit(command))
        except RemoteError as refused:
            return Committed(link, command, refused)

    def after_commit(self, group: Sequence["Committed"], now: float) -> list[Effect]:
        """Tell the sessions what is on the disk now."""
        return [effect for done in group for effect in self._after_one(done, now)]

    def _after_one(self, done: "Committed", now: float) -> list[Effect]:
        conversation = done.command.conversation
        link = self.links.get(done.link)
        session = link.sessions.get(conversation) if link else None
        match done.result:
            case RemoteError():
                return [Blamed(done.link, str(done.result))] if link else []
            case Appended(entries, heads, frozen):
                out: list[Effect] = []
                if session is not None:
                    out += self._run(done.link, conversation, session.committed(heads, now), now)
                if entries:
                    out += self._in_conversation(conversation, lambda s: s.entries_appended(entries, now), now)
                for head in frozen:
                    out += self._in_conversation(conversation, _changed(head, now), now)
                return out
            case LogHead() as head if isinstance(done.command, PrependBlock):
                out = self._in_conversation(conversation, _changed(head, now), now)
                if session is not None:
                    out += self._run(done.link, conversation, session.block_committed(head, now), now)
                return out
            case LogHead() as head:
                return self._in_conversation(conversation, lambda s: s.log_added(head, now), now)

    # --- commands ----------------------------------------------------------------------------------
    def _in_conversation(
        self, conversation: ConversationId, call: Callable[[SyncSession], list[Command]], now: float
    ) -> list[Effect]:
        return self._everywhere([conversation], call, now)

    def _everywhere(
        self, conversations: "Sequence[ConversationId] | dict[ConversationId, SyncSession]",
        call: Callable[[SyncSession], list[Command]], now: float,
    ) -> list[Effect]:  # fmt: skip
        out: list[Effect] = []
        for conversation in conversations:
            for number, link in list(self.links.items()):
                session = link.sessions.get(conversation)
                if session is not None:
                    out += self._run(number, conversation, call(session), now)
        return out

    def _run(
        self, link: int, conversation: ConversationId | None, commands: Sequence[Command], now: float
    ) -> list[Effect]:
        out: list[Effect] = []
        for command in commands:
            match command:
                case SendRecord(record):
                    out.append(Send(link, record))
                case AppendEntries() | PrependBlock() | AdmitLog():
                    self._gate.append((link, command))
                    out.append(CommitWanted())
                case WakeAt(at):
                    assert conversation is not None
                    out.append(WakeSession(link, conversation, at))
                case Close(reason):
                    out.append(Blamed(link, reason))
                case ConflictNoticed():
                    out.append(Conflict(command.log))
                case StartSync(name):
                    if name not in self.links[link].sessions:
                        out += self._run(link, name, self._session(link, name).start(now), now)
                case StartLevel(name):
                    digests = self.links[link].digests
                    assert digests is not None
                    if name not in self.links[link].sessions:
                        session = self._session(link, name)
                        out += self._run(link, name, session.start_level(digests.heads_of(name), now), now)
                case _:
                    pass  # acknowledgements and quotas are for people to see
        return out


@dataclass(slots=True)
class Committed:
    """What came of one queued command."""

    link: int
    command: AppendEntries | PrependBlock | AdmitLog
    result: Appended | LogHead | RemoteError


def _changed(head: LogHead, now: float) -> Callable[[SyncSession], list[Command]]:
    return lambda session: session.log_changed(head, now)
