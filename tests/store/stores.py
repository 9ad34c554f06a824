"""Stores for tests: a database in memory, its gate, and other people who write to it."""

import random as dice
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.identity.account import account_id, make_genesis
from onionchat.identity.device import issue_certificate
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.kinds.fold import Body, Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, Entry, direct_id, make_entry, self_id
from onionchat.store.db import Connection, connect, migrate
from onionchat.store.gate import Gate
from onionchat.store.keeping import Appended
from onionchat.store.messages import Line, page
from onionchat.store.own import Own, create_own
from onionchat.store.people import add_card
from onionchat.store.rows import find_conversation
from onionchat.wire.records import LogOffered

KEY = b"\x5a" * 32
NOW = 1_700_000_000_000


def seeded(seed: int = 0) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run."""
    return dice.Random(seed).randbytes


@dataclass
class Person:
    """Someone with one device: its keys and its card."""

    seed: int
    account: AccountId = field(init=False)

    def __post_init__(self) -> None:
        self.random = seeded(self.seed)
        self.identity = SigningKey(self.random(32))
        self.genesis = make_genesis(self.identity, self.random(32), None)
        self.account = account_id(self.genesis)
        self.device = DeviceId(self.identity.public)
        self.static = ExchangeKey(self.random(32))
        self.address = SigningKey(self.random(32))
        self.card = self.certificate(1)

    def certificate(self, serial: int) -> bytes:
        """A signed certificate."""
        return issue_certificate(self.identity, self.address.public, self.static.public, serial)


class Log:
    """A log that somebody else writes in one conversation."""

    def __init__(self, device: bytes, conversation: bytes, seed: int) -> None:
        self.random = seeded(seed)
        self.key = SigningKey(self.random(32))
        self.id = LogId(self.key.public)
        self.conversation = ConversationId(conversation)
        self.certificate = make_log_certificate(self.key, conversation, device)
        self.entries: list[Entry] = []

    def write(self, body: Body, ms: int, expires: int = 0, seen: tuple[bytes, ...] = ()) -> Entry:
        """The next entry."""
        return self.raw(kind_of(body), body_bytes(body), ms, expires, seen)

    def raw(self, kind: str, body: bytes, ms: int, expires: int = 0, seen: tuple[bytes, ...] = ()) -> Entry:
        """The next entry, of any kind."""
        prev = self.entries[-1].id if self.entries else NO_ENTRY
        content = Content(self.random(16), seen, kind, expires, body)
        self.entries.append(make_entry(self.key, len(self.entries) + 1, prev, (ms, 0), content))
        return self.entries[-1]

    def admission(self, belief: Belief = Belief.DIRECT) -> AdmitLog:
        """What a session asks the gate for before the first entry."""
        return AdmitLog(
            self.conversation, parse_log_certificate(self.certificate), belief, LogOffered(self.certificate, (), False)
        )


class World:
    """A store in memory (or on a disk), with one contact, *self* and the direct conversation open."""

    def __init__(self, path: str = ":memory:", seed: int = 1, own: Own | None = None, contact: Person | None = None):
        self.c: Connection = connect(path, KEY)
        migrate(self.c)
        self.own = own if own is not None else create_own(self.c, seeded(seed), None)
        self.gate = Gate(self.own, seeded(seed + 1000))
        self.contact = contact if contact is not None else Person(99)
        self.self_id = self_id(self.own.account)
        self.direct = direct_id(self.own.account, self.contact.account)
        own_card = issue_certificate(self.own.identity, bytes(32), self.own.static.public, self.own.serial)
        add_card(self.c, self.own.account, own_card, b"\x02" * 32)
        add_card(self.c, self.contact.account, self.contact.card, b"\x01" * 32)
        self.gate.open_conversation(self.c, self.self_id, Place.SELF, self.own.account)
        self.gate.open_conversation(self.c, self.direct, Place.DIRECT, self.contact.account)

    def log(self, seed: int = 5) -> Log:
        """A log of the contact's in the direct conversation, admitted."""
        log = Log(self.contact.device, self.direct, seed)
        self.gate.admit(self.c, log.admission())
        return log

    def say(self, body: Body, ms: int = NOW, place: ConversationId | None = None, expires: int = 0) -> Entry:
        """An entry of ours."""
        return self.gate.append_own(self.c, place or self.direct, body, ms, expires).entries[-1]

    def take(self, entries: Sequence[Entry], ms: int = NOW, place: ConversationId | None = None) -> Appended:
        """Entries of others."""
        return self.gate.append(self.c, place or self.direct, entries, ms)

    def lines(self, limit: int = 100, **where: object) -> list[Line]:
        """The screen of the direct conversation."""
        conversation = find_conversation(self.c, self.direct)
        assert conversation is not None
        return page(self.c, conversation, limit, **where)  # type: ignore[arg-type]

    def texts(self) -> list[str | None]:
        """What the lines say."""
        return [line.text for line in self.lines()]

    def row(self, query: str, *values: object) -> tuple:  # type: ignore[type-arg]
        """One row."""
        return tuple(self.c.execute(query, values).fetchone())
