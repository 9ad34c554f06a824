"""Peers that speak the real handshake and then misbehave: what they say, what they forge, what they flood with.

    mallory = Hostile(world)
    victim = mallory.befriend(alice.do("invite.create", accept_as="Mallory").link)
    for _ in zip(range(100), FLOODS["frontiers"](mallory, victim)):
        ...  # and look what it costs

Wrong records stand in `hostile_records`, what may be held because of them in `hostile_caps`; `hostile_process` is such
a peer in a process of its own, against a real node.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.crypto.tls import TlsIdentity
from onionchat.errors import TorError
from onionchat.identity.account import fold, make_add
from onionchat.identity.device import parse_certificate
from onionchat.identity.link import parse_link
from onionchat.ids import AccountId, ConversationId, DeviceId, onion_address
from onionchat.kinds.chat import Edit, Reaction, Retract, Text, Timer
from onionchat.kinds.fold import body_bytes
from onionchat.log.certificate import make_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, Entry, WireEntry, direct_id, make_entry
from onionchat.net.onions import VIRTUAL_PORT
from onionchat.net.peer import PeerLink
from onionchat.testing.hostile_records import ESCAPES
from onionchat.testing.strangers import Stranger
from onionchat.wire.channel import Channel
from onionchat.wire.commands import SendBytes
from onionchat.wire.frame import encode_frame
from onionchat.wire.handshake import GROUP, DeviceCredentials, DeviceExpected, Expected, InvitationExpected, Role
from onionchat.wire.records import (
    Ack,
    AnyRecord,
    Batch,
    BodiesRequested,
    Cards,
    ContactAccepted,
    ContactAcceptedKept,
    Frontier,
    LogBox,
    LogOffered,
    Position,
    Ready,
    Request,
    Statements,
)

TURNS_MAX = 2000
HEARD_MAX = 100  # an attacker need not remember
NOW_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Victim:
    """Whom it attacks, as far as a contact knows: all from the acceptance."""

    account: AccountId
    device: DeviceId
    address: str
    discovery: bytes = field(repr=False)

    @classmethod
    def of(cls, accepted: ContactAccepted) -> "Victim":
        """Who has accepted it."""
        card = accepted.introduction.cards[0]
        certificate = parse_certificate(card.certificate)
        device, account = DeviceId(certificate.device), AccountId(accepted.introduction.account)
        return cls(account, device, onion_address(certificate.address), card.discovery_private)


class Hostile(Stranger):
    """A stranger with no manners."""

    def befriend(self, link: str) -> Victim:
        """Become a contact at a link that accepts in advance."""
        channel = self.dial_link(link)
        self.say(channel, self.request())
        accepted: list[ContactAccepted] = []

        def has_come() -> bool:
            accepted[:] = [record for record in self.heard if isinstance(record, ContactAccepted)]
            return bool(accepted)

        self.wait_until(has_come)
        self.say(channel, ContactAcceptedKept())
        channel.close("done")
        victim = Victim.of(accepted[-1])
        if hasattr(self.tor, "keys"):
            self.tor.keys.held[victim.address] = victim.discovery
        return victim

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Let everything happen until it is so. AssertionError when it does not come."""
        for _ in range(TURNS_MAX):
            if true():
                return
            self.world.settle()
        raise AssertionError("it does not come")

    def call(self, victim: Victim) -> PeerLink:
        """A channel to the victim's device; nothing is said."""
        return self.dial(DeviceExpected(victim.device), victim.address)

    def arrive(self, victim: Victim) -> PeerLink:
        """A channel that is ready."""
        link = self.call(victim)
        self.say(link, Ready())
        return link

    def with_victim(self, victim: Victim) -> ConversationId:
        """Their conversation."""
        return direct_id(self.account, victim.account)

    def begin(self, link: PeerLink, victim: Victim) -> list[AnyRecord]:
        """Sync: it has nothing, and a log of its own."""
        conversation = self.with_victim(victim)
        offer = LogOffered(make_log_certificate(self.log_key, conversation, self.device), (), False)
        return self.say(link, Frontier(conversation, ()), offer)

    def batch(self, victim: Victim, entries: Sequence[Entry]) -> Batch:
        """Entries, whatever they are."""
        raws = tuple(encode(WireEntry(e.header_raw, e.signature, e.content_raw)) for e in entries)
        return Batch(self.with_victim(victim), raws)

    def say_bytes(self, link: PeerLink, data: bytes) -> None:
        """These bytes inside the encryption, where frames are expected; let everything happen."""
        say_bytes(link, data)
        self.world.settle()

    def knock(self, address: str, said: bytes) -> "Knock":
        """A stream on which only these bytes are said, so far."""
        stream = Knock(said)
        done: Deferred[Any] = self.tor.connect(address, VIRTUAL_PORT, "user", stream, 60.0, False)
        done.addErrback(lambda _: None)
        self.world.settle()
        return stream

    def first_flight(self, expected: Expected) -> bytes:
        """What an honest initiator says first: its ClientHello."""
        channel = Channel(
            Role.INITIATOR,
            DeviceCredentials(self.certificate(), self.static),
            expected,
            TlsIdentity.generate(),
            self.random,
            GROUP,
        )
        sent = channel.connection_made(0.0)
        return b"".join(command.data for command in sent if isinstance(command, SendBytes))


class Knock(Protocol):
    """Says some bytes and nothing of its own after them."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.heard = b""
        self.is_open = False

    def connectionMade(self) -> None:
        """Speak."""
        self.is_open = True
        self.say(self._said)

    def say(self, data: bytes) -> None:
        """More bytes."""
        if data and self.is_open and self.transport is not None:
            self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Written down."""
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        """The victim had enough."""
        self.is_open = False


def say_bytes(link: PeerLink, data: bytes) -> None:
    """Write into the session of an open channel, past everything that would keep one from it."""
    channel = link.channel

    def write(now: float) -> list[Any]:
        return channel._guarded(lambda at: channel._write(data, at), now)

    link._advance(write)


# --- what is forged ---------------------------------------------------------------------------------------
def forged_entries(peer: Hostile) -> Iterator[tuple[str, list[Entry]]]:
    """Runs of entries that no honest device writes, after what the peer has written; the keys are good ones."""
    key, written = peer.log_key, peer.entries
    seq = len(written) + 1
    prev = written[-1].id if written else NO_ENTRY
    ms = written[-1].header.ms + 1 if written else NOW_MS

    def content(kind: str = "text", body: bytes = body_bytes(Text("forged")), **other: Any) -> Content:
        return Content(**{"salt": bytes(16), "seen": (), "kind": kind, "expires": 0, "body": body, **other})

    def one(seq: int = seq, prev: bytes = prev, time: tuple[int, int] = (ms, 0), **other: Any) -> Entry:
        return make_entry(key, seq, prev, time, content(**other), again=True)  # as long as others may write

    right = one()
    another = make_entry(SigningKey(b"\x55" * 32), seq, prev, (ms, 0), content())
    yield "unsigned", [msgspec.structs.replace(right, signature=bytes(64))]
    yield "signed by another", [msgspec.structs.replace(right, signature=another.signature)]
    yield "of a log that was not offered", [another]
    yield "with another content", [msgspec.structs.replace(right, content_raw=encode(content(body=b"\xc1")))]
    yield "far ahead", [one(seq=seq + 5000, prev=b"\x01" * 32)]
    yield "at the end of all numbers", [one(seq=limits.SEQ_MAX, prev=b"\x01" * 32)]
    yield "before the one before", [one(time=(0, 0))]
    if written:
        yield "on another branch", [one(prev=b"\x02" * 32)]
        yield "a second one of a number", [one(seq=1, prev=NO_ENTRY, time=(5, 5))]
        yield "an old one again", [written[0]]
    yield "turned", [one(seq=seq + 1, prev=right.id, time=(ms + 1, 0)), right]
    yield "at the end of time", [one(time=(limits.TIME_MAX_MILLISECONDS, limits.COUNTER_MAX))]
    yield "expired long ago", [one(expires=1)]
    yield "never expiring", [one(expires=limits.TIME_MAX_MILLISECONDS)]
    yield "seen what is not", [one(seen=tuple(bytes([n + 1]) * 32 for n in range(limits.SEEN_MAX)))]
    yield "of no kind", [one(kind="no.such_kind-at-all", body=b"\xff" * 1000)]
    yield "without sense", [one(body=b"\xc1\xff")]
    yield "as long as may be", [one(body=bytes(limits.ENTRY_MAX_BYTES - 1000))]
    yield "escapes", [one(body=body_bytes(Text(ESCAPES)))]
    target = b"\x03" * 32
    for name, body in (
        ("edit", Edit(target, ESCAPES)),
        ("reaction", Reaction(target, ESCAPES[:16])),
        ("retraction", Retract(target)),
        ("timer", Timer(limits.DURATION_MAX_SECONDS)),
    ):
        yield f"{name} of nothing", [one(kind=name.replace("retraction", "retract"), body=body_bytes(body))]
    for name, old in _written_again(one, right, another).items():
        yield name, [one(kind="again", body=old)]
    for kind in ("contact", "trust", "card", "certificate", "forget", "read", "setting", "invitation", "request"):
        yield f"{kind} in a conversation", [one(kind=kind, body=body_bytes(Text("not mine to say")))]


def _written_again(one: Callable[..., Entry], right: Entry, another: Entry) -> dict[str, bytes]:
    """Bodies of `again` that bring nothing."""
    return {
        "of nobody's log, written again": another.raw,
        "of its own log, written again": right.raw,
        "in another, written again": one(kind="again", body=right.raw).raw,
        "unsigned, written again": msgspec.structs.replace(another, signature=bytes(64)).raw,
        "without content, written again": another.tombstone().raw,
        "garbage, written again": ESCAPES.encode(),
    }


# --- floods -----------------------------------------------------------------------------------------------
Flood = Callable[[Hostile, Victim, str], Iterator[None]]
"""(attacker, victim, link of an open invitation): each step does one piece of harm, then lets others have a turn."""


def _channels(mallory: Hostile, victim: Victim, open_sync: bool = True) -> Iterator[PeerLink]:
    """A channel that is ready, again and again, for as long as the victim takes any."""
    link: PeerLink | None = None
    while True:
        if link is None or link.closed:
            link = None
            try:
                link = mallory.arrive(victim)
                if open_sync:
                    mallory.begin(link, victim)
            except TorError:
                pass
        del mallory.heard[:-HEARD_MAX]
        if link is not None and not link.closed and not link.is_congested:
            yield link
        else:
            mallory.world.settle()
            yield _NOWHERE


class _Nowhere:
    """Stands for a channel when there is none."""

    closed = True
    is_congested = True

    def send(self, records: Sequence[AnyRecord]) -> None:
        """Nobody hears it."""


_NOWHERE: Any = _Nowhere()


def connections(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Channels of a contact that are never ready."""
    while True:
        try:
            mallory.call(victim)
        except TorError:
            mallory.world.settle()
        yield


def comings_and_goings(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Ready, and gone."""
    for channel in _channels(mallory, victim, open_sync=False):
        if channel is not _NOWHERE:
            channel.drop("gone")
        yield


def faults(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """A channel, a word that ends it, another channel."""
    for channel in _channels(mallory, victim, open_sync=False):
        channel.send([mallory.request()])
        mallory.world.settle()
        yield


def half_handshakes(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Streams with half a hello, a whole one, or something else, and then silence; at both addresses."""
    key = parse_link(link)
    places: list[tuple[Expected, str]] = [
        (DeviceExpected(victim.device), victim.address),
        (InvitationExpected(key), onion_address(key)),
    ]
    while True:
        for expected, address in places:
            hello = mallory.first_flight(expected)
            for said in (b"", hello[:20], hello, b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", hello + bytes(99)):
                mallory.knock(address, said)
                yield


def slow_bytes(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """A frame, one byte at a time."""
    frame = encode_frame([Frontier(mallory.with_victim(victim), ())])[0]
    for channel in _channels(mallory, victim):
        for at in range(len(frame)):
            if channel.closed:
                break
            say_bytes(channel, frame[at : at + 1])
            yield
        yield


def requests(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """A new stranger each time, with a name and a greeting that no screen would bear."""
    seed = 50_000
    while True:
        seed += 1
        someone = Hostile(mallory.world, seed, ESCAPES[:60], mallory.tor if hasattr(mallory.tor, "ports") else None)
        try:
            channel = someone.dial_link(link)
            someone.say(channel, someone.request(ESCAPES))
        except TorError:
            mallory.world.settle()
        yield


def frontiers(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """As many logs as a frontier may name, all unknown."""
    conversation, number = mallory.with_victim(victim), 0
    for channel in _channels(mallory, victim):
        names = range(number, number + limits.LOGS_PER_CONVERSATION_MAX)
        number += len(names)
        far = tuple(Position(n.to_bytes(32), limits.SEQ_MAX, b"\x09" * 32) for n in names)
        channel.send([Frontier(conversation, far)])
        yield


def offers(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Logs without end, each with as many boxes as fit, none of which opens."""
    conversation = mallory.with_victim(victim)
    for channel in _channels(mallory, victim):
        certificate = make_log_certificate(SigningKey(mallory.random(32)), conversation, mallory.device)
        numbers = range(2 * limits.DEVICES_PER_ACCOUNT_MAX)
        boxes = tuple(LogBox(victim.device, number, 1, mallory.random(72)) for number in numbers)
        channel.send([LogOffered(certificate, boxes, False)])
        yield


def _short_messages(mallory: Hostile) -> list[Entry]:
    """As many as a batch holds."""
    entries: list[Entry] = []
    size, body = 0, body_bytes(Text("x"))
    while size < limits.BATCH_MAX_BYTES - 300:
        entries.append(mallory.write_raw("text", body, NOW_MS + len(mallory.entries)))
        size += entries[-1].size_bytes
    return entries


def messages(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Short messages, and the next batch without waiting for an answer."""
    for channel in _channels(mallory, victim):
        if channel is not _NOWHERE:
            channel.send([mallory.batch(victim, _short_messages(mallory))])
        yield


def allowed_messages(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Short messages, as fast as the window allows: nothing of it may be refused before the room is used up."""
    before: PeerLink | None = None
    unanswered = 0
    for channel in _channels(mallory, victim):
        unanswered = 0 if channel is not before else unanswered - sum(isinstance(r, Ack) for r in mallory.heard)
        mallory.heard.clear()
        before = channel
        if channel is not _NOWHERE and unanswered < limits.WINDOW_BATCHES:
            channel.send([mallory.batch(victim, _short_messages(mallory))])
            unanswered += 1
        yield


def replays(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """One batch, again and again."""
    if not mallory.entries:
        for n in range(200):
            mallory.write(Text("once"), NOW_MS + n)
    again = mallory.batch(victim, mallory.entries[:200])
    for channel in _channels(mallory, victim):
        channel.send([again])
        yield


def forks(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Other entries under numbers that it has used."""
    first = mallory.entries[0] if mallory.entries else mallory.write(Text("one thing"), NOW_MS)
    for channel in _channels(mallory, victim):
        content = Content(mallory.random(16), (), "text", 0, body_bytes(Text("another thing")))
        other = make_entry(mallory.log_key, 1, NO_ENTRY, (first.header.ms, 1), content)
        channel.send([mallory.batch(victim, [first]), mallory.batch(victim, [other])])
        yield


def questions(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """For all that was ever written, and for all bodies of it, and never an acknowledgement."""
    conversation, logs = mallory.with_victim(victim), set[bytes]()
    for channel in _channels(mallory, victim):
        told = [record for record in mallory.heard if isinstance(record, Frontier)]
        logs |= {position.log for frontier in told for position in frontier.positions}
        ranges = tuple((2 * n + 1, 2 * n + 1) for n in range(limits.RANGES_MAX))
        for log in logs or {mallory.log_key.public}:
            channel.send([Request(conversation, log, 1, limits.SEQ_MAX), BodiesRequested(conversation, log, ranges)])
        yield


def renewals(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """New session keys, and when they are there, new ones."""
    for channel in _channels(mallory, victim, open_sync=False):
        if channel is not _NOWHERE:
            channel.renew()
        yield


def cards(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """It moves, and moves, and moves."""
    serial = 1
    for channel in _channels(mallory, victim, open_sync=False):
        serial += 1
        channel.send([Cards((mallory.card(serial),) * (2 * limits.DEVICES_PER_ACCOUNT_MAX))])
        yield


def statements(mallory: Hostile, victim: Victim, link: str) -> Iterator[None]:
    """Devices of its account, ever new ones, each told again and again; and nothing told, very often."""
    heads = fold((mallory.genesis,), mallory.account).heads
    nothing = Statements(mallory.account, ())
    for number, channel in enumerate(_channels(mallory, victim, open_sync=False)):
        add = make_add(mallory.account, heads, SigningKey(b"\x66" * 28 + number.to_bytes(4)), mallory.identity)
        channel.send([Statements(mallory.account, (mallory.genesis, add))] * 20 + [nothing] * 500)
        yield


FLOODS: dict[str, Flood] = {
    flood.__name__: flood
    for flood in (
        *(connections, comings_and_goings, faults, half_handshakes, slow_bytes, requests, frontiers, offers),
        *(messages, allowed_messages, replays, forks, questions, renewals, cards, statements),
    )
}
