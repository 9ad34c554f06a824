"""A device at a desk, for playbooks: a store, its people, and sessions with named peers."""

import itertools
from typing import Any

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.log.certificate import Belief, make_box, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import Entry, direct_id
from onionchat.log.log import LogHead
from onionchat.log.scheduler import RequestScheduler
from onionchat.log.sync import SyncSession
from onionchat.testing.playbook import Playbook
from onionchat.testing.simulator_replica import Directory, Members, Person
from onionchat.testing.simulator_store import MemoryStore
from onionchat.wire.records import LogOffered, Position
from tests.log.chains import KEY, LOG

OURS, THEIRS = AccountId(b"o" * 32), AccountId(b"t" * 32)
CHAT = direct_id(OURS, THEIRS)
ME, MY_OTHER = DeviceId(b"m" * 32), DeviceId(b"n" * 32)
ANN, BEN = DeviceId(b"a" * 32), DeviceId(b"b" * 32)  # both of one contact
STRANGER = DeviceId(b"x" * 32)


_COUNTER = itertools.count()


def bytes_of(count: int) -> bytes:
    """Different every time, the same in every run."""
    return next(_COUNTER).to_bytes(count, "big")


def offer(
    key: SigningKey = KEY,
    author: DeviceId = ANN,
    conversation: ConversationId = CHAT,
    vouched: bool = False,
    boxes: Any = (),
) -> LogOffered:
    """An offer of a log."""
    return LogOffered(make_log_certificate(key, conversation, author), tuple(boxes), vouched)


def position(entries: list[Entry]) -> Position:
    """Where a log with these entries stands."""
    return Position(entries[-1].log, entries[-1].seq, entries[-1].id)


class Desk:
    """Our device in one conversation with one contact of two devices; the log of ANN's is known on request."""

    def __init__(self, entries: list[Entry] | None = None, known: bool = True) -> None:
        self.directory = Directory()
        for device, account in ((ME, OURS), (MY_OTHER, OURS), (ANN, THEIRS), (BEN, THEIRS)):
            self.directory.people[device] = Person(device, account, ExchangeKey(device))
        self.directory.members[CHAT] = frozenset((OURS, THEIRS))
        self.store = MemoryStore(ME, bytes_of, lambda conversation, raw: [])
        self.store.add_conversation(CHAT)
        self.scheduler = RequestScheduler()
        if known:
            self.admit(offer())
        if entries:
            self.store.append(CHAT, entries)

    def admit(self, offered: LogOffered, belief: Belief = Belief.DIRECT) -> LogHead:
        """Put a log into the store."""
        return self.store.admit(AdmitLog(CHAT, parse_log_certificate(offered.certificate), belief, offered))

    def box_for_me(self, author: DeviceId, certificate: bytes) -> Any:
        """A box from an author's static key to ours."""
        people = self.directory.people
        return make_box(certificate, people[author].static, 1, ME, people[ME].static.public, 1, bytes_of)

    def session(self, peer: DeviceId = ANN, **more: Any) -> SyncSession:
        """A session that has not begun."""
        members = Members(self.directory, self.directory.people[ME], self.store)
        return SyncSession(CHAT, peer, self.store, members=members, own_account=OURS, scheduler=self.scheduler, **more)

    def open(self, peer: DeviceId = ANN, *positions: Position, **more: Any) -> Playbook:
        """A playbook with a session that has exchanged frontiers; what was said by then is dropped."""
        from onionchat.wire.records import Frontier

        session = self.session(peer, **more)
        session.start(0.0)
        session.receive_record(Frontier(CHAT, positions), 0.0)
        return Playbook(session)

    def commit(self, entries: list[Entry]) -> list[LogHead]:
        """The gate, at once."""
        return self.store.append(CHAT, entries).heads

    def head(self, log: LogId = LOG) -> LogHead:
        """A head on the disk."""
        return next(head for head in self.store.heads(CHAT) if head.log == log)
