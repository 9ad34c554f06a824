"""A profile with a little history: a contact, messages both ways, an edit, a reaction, an invitation."""

from collections.abc import Callable
from pathlib import Path

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.crypto.vault import Cost, unwrap_key
from onionchat.identity.account import account_id, make_genesis
from onionchat.identity.device import issue_certificate
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Edit, Reaction, Text, Timer
from onionchat.kinds.fold import Body, Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, Entry, direct_id, make_entry, self_id
from onionchat.node import profile
from onionchat.store.db import Connection, connect
from onionchat.store.gate import Gate
from onionchat.store.own import Own, load_own
from onionchat.wire.records import LogOffered

NOW = 1_700_000_000_000
PASSPHRASE = "correct horse"


def counting(seed: int = 0) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run."""
    import random

    return random.Random(seed).randbytes


class Friend:
    """Another person with one device and one log in the direct conversation."""

    def __init__(self, own_account: bytes, seed: int = 7) -> None:
        self.random = counting(seed)
        self.identity = SigningKey(self.random(32))
        self.genesis = make_genesis(self.identity, self.random(32), None)
        self.account: AccountId = account_id(self.genesis)
        self.device = DeviceId(self.identity.public)
        self.static = ExchangeKey(self.random(32))
        self.card = issue_certificate(self.identity, SigningKey(self.random(32)).public, self.static.public, 1)
        self.discovery = self.random(32)
        self.conversation = direct_id(AccountId(own_account), self.account)
        self.key = SigningKey(self.random(32))
        self.log = LogId(self.key.public)
        self.certificate = make_log_certificate(self.key, self.conversation, self.device)
        self.entries: list[Entry] = []

    def admission(self) -> AdmitLog:
        """The log as a session hands it to the gate."""
        offer = LogOffered(self.certificate, (), False)
        return AdmitLog(self.conversation, parse_log_certificate(self.certificate), Belief.DIRECT, offer)

    def write(self, body: Body, ms: int, expires: int = 0) -> Entry:
        """The next entry of the log."""
        content = Content(self.random(16), (), kind_of(body), expires, body_bytes(body))
        prev = self.entries[-1].id if self.entries else NO_ENTRY
        entry = make_entry(self.key, len(self.entries) + 1, prev, (ms, 0), content)
        self.entries.append(entry)
        return entry


def meet(c: Connection, own: Own, gate: Gate, name: str = "Ann", seed: int = 7) -> Friend:
    """Make a contact, inside a transaction."""
    friend = Friend(own.account, seed)
    place = self_id(own.account)
    gate.append_own(c, place, kinds.Contact(friend.account, name, "Annie", "active", NOW, owed=bytes(32)), NOW)
    gate.append_own(c, place, kinds.TrustSet(friend.account, "validated"), NOW)
    gate.append_own(c, place, kinds.Card(friend.account, (friend.genesis,), ((friend.card, friend.discovery),)), NOW)
    gate.open_conversation(c, friend.conversation, Place.DIRECT, friend.account)
    gate.admit(c, friend.admission())
    return friend


def talk(c: Connection, own: Own, gate: Gate) -> Friend:
    """Fill a new profile's database, inside a transaction."""
    friend = meet(c, own, gate)
    mine = gate.append_own(c, friend.conversation, Text("first words of mine"), NOW + 1).entries[0]
    theirs = friend.write(Text("an answer about marmalade"), NOW + 2)
    gate.append(c, friend.conversation, [theirs], NOW + 2)
    gate.append_own(c, friend.conversation, Edit(mine.id, "second thoughts of mine"), NOW + 3)
    gate.append_own(c, friend.conversation, Reaction(theirs.id, "👍"), NOW + 4)
    gate.append(c, friend.conversation, [friend.write(Timer(3600), NOW + 5)], NOW + 5)
    gate.append_own(c, self_id(own.account), Text("a note to myself"), NOW + 6)
    invitation = kinds.Invitation(b"\x11" * 32, b"\x22" * 32, b"\x33" * 32, False, "open", NOW, NOW + 10**6)
    gate.append_own(c, self_id(own.account), invitation, NOW + 7)
    return friend


def opened(directory: Path, passphrase: str = PASSPHRASE) -> Connection:
    """The database of a profile that nobody has open."""
    return connect(directory / "onionchat.db", unwrap_key((directory / "key").read_bytes(), passphrase))


def write_all_again(c: Connection, gate: Gate) -> None:
    """As after a fork before the first entry: all of our logs are frozen, and stand again in others."""
    own = [bytes(row[0]) for row in c.execute("SELECT conversation.id FROM conversation WHERE place != 'archive'")]
    c.execute("INSERT INTO mending SELECT n, 1 FROM log WHERE seed IS NOT NULL")
    c.execute("UPDATE log SET frozen = 1 WHERE seed IS NOT NULL")
    for conversation in own:
        while gate.mend(c, ConversationId(conversation), NOW + 1000).mending:
            pass


def make_profile(directory: Path, seed: int = 1, forked: bool = False) -> Friend:
    """A profile named Bob, with its history; the contact is called Ann."""
    profile.create_profile(directory, "Bob", PASSPHRASE, "keep", Cost.TESTS, counting(seed))
    c = opened(directory)
    own = load_own(c)
    c.execute("BEGIN")
    gate = Gate(own, counting(seed + 1))
    friend = talk(c, own, gate)
    if forked:
        write_all_again(c, gate)
    c.execute("COMMIT")
    c.close()
    return friend
