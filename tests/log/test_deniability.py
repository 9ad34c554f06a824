"""What a transcript proves to somebody who was not there: nothing, for the other side could have made all of it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from onionchat.codec import encode
from onionchat.crypto.keys import ExchangeKey, SigningKey, is_signed
from onionchat.identity.account import account_id, make_genesis
from onionchat.identity.device import issue_certificate, parse_certificate
from onionchat.ids import DeviceId, LogId
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import body_bytes
from onionchat.log.certificate import (
    Belief,
    believe,
    make_box,
    make_log_certificate,
    open_log_box,
    parse_log_certificate,
)
from onionchat.log.entry import NO_ENTRY, Content, Entry, direct_id, make_entry, parse_entry
from onionchat.log.log import LogHead, judge_run
from onionchat.wire.records import LogBox

SAID = ["meet me at the boathouse", "bring the xylophone"]


class Person:
    """One device; what it publishes is `card` and `genesis`, the rest is secret."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).randbytes
        self.identity, self.static = SigningKey(self.random(32)), ExchangeKey(self.random(32))
        self.address = SigningKey(self.random(32))
        self.genesis = make_genesis(self.identity, self.random(16), None)
        self.account = account_id(self.genesis)
        self.card = issue_certificate(self.identity, self.address.public, self.static.public, 1)

    @property
    def device(self) -> DeviceId:
        return DeviceId(self.identity.public)


@dataclass(frozen=True)
class Transcript:
    """All that Bob has of Alice's side, on his disk or recorded from the wire."""

    certificate: bytes
    box: LogBox
    entries: tuple[bytes, ...]

    @property
    def whole(self) -> bytes:
        return encode([self.certificate, self.box, self.entries])


def entries(log: SigningKey, salt: Callable[[int], bytes]) -> tuple[bytes, ...]:
    made: list[Entry] = []
    for number, text in enumerate(SAID):
        content = Content(salt(16), (), "text", 0, body_bytes(Text(text)))
        prev = made[-1].id if made else NO_ENTRY
        made.append(make_entry(log, number + 1, prev, (1000 + number, 0), content))
    return tuple(entry.raw for entry in made)


def by_alice(alice: Person, bob_card: bytes) -> Transcript:
    """The true one, with Alice's keys."""
    bob, log = parse_certificate(bob_card), SigningKey(alice.random(32))
    conversation = direct_id(alice.account, ACCOUNT_OF_BOB)
    certificate = make_log_certificate(log, conversation, alice.device)
    box = make_box(certificate, alice.static, 1, DeviceId(bob.device), bob.static, bob.serial, alice.random)
    return Transcript(certificate, box, entries(log, alice.random))


def by_bob(bob: Person, alice_card: bytes, alice_account: Any) -> Transcript:
    """The forged one: with Bob's keys and what Alice gives to every contact."""
    alice, log = parse_certificate(alice_card), SigningKey(bob.random(32))
    certificate = make_log_certificate(log, direct_id(alice_account, bob.account), alice.device)
    seen = ExchangeKey(bob.static.private)
    box = make_box(certificate, seen, alice.serial, bob.device, alice.static, 1, bob.random)
    return Transcript(certificate, box, entries(log, bob.random))


ACCOUNT_OF_BOB = Person(2).account


@pytest.fixture
def alice() -> Person:
    return Person(1)


@pytest.fixture
def bob() -> Person:
    return Person(2)


def judged_by_an_outsider(transcript: Transcript, alice_card: bytes, bob: Person) -> dict[str, Any]:
    """Everything that can be checked, even by one to whom Bob gives his own secret key."""
    certificate, alice = parse_log_certificate(transcript.certificate), parse_certificate(alice_card)
    open_log_box(transcript.box, transcript.certificate, bob.device, bob.static, alice.static)
    parsed = [parse_entry(raw) for raw in transcript.entries]
    judged = judge_run(LogHead(LogId(certificate.log)), parsed)
    believed = believe(
        certificate,
        peer_device=bob.device,
        peer_account=bob.account,
        author_account=Person(1).account,
        own_account=Person(3).account,
        vouched=False,
        boxes=[True],
    )
    said = [msgspec.msgpack.decode(entry.content.body)[0] for entry in parsed if entry.content is not None]
    return {
        "by": certificate.device == alice.device,
        "in": certificate.conversation,
        "believed": believed,
        "taken": len(judged.accepted),
        "said": said,
        "sizes": (len(transcript.certificate), len(transcript.box.box), *map(len, transcript.entries)),
    }


def test_a_forged_transcript_passes_every_check_that_a_true_one_does(alice: Person, bob: Person) -> None:
    true, forged = by_alice(alice, bob.card), by_bob(bob, alice.card, alice.account)
    verdicts = [judged_by_an_outsider(each, alice.card, bob) for each in (true, forged)]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["believed"] is Belief.BOXED and verdicts[0]["taken"] == len(SAID)
    assert true.whole != forged.whole


def test_only_whom_it_is_for_can_forge_it(alice: Person, bob: Person) -> None:
    """Somebody else, with the same public things, makes no box that opens at Bob's."""
    from onionchat.errors import RemoteError

    eve = Person(9)
    log = SigningKey(eve.random(32))
    certificate = make_log_certificate(log, direct_id(alice.account, bob.account), alice.device)
    box = make_box(certificate, eve.static, 1, bob.device, bob.static.public, 1, eve.random)
    with pytest.raises(RemoteError):
        open_log_box(box, certificate, bob.device, bob.static, alice.static.public)


def windows(data: bytes) -> Iterator[bytes]:
    """Everything in it that could be a signature."""
    for start in range(len(data) - 63):
        yield data[start : start + 64]


LABELS = (b"entry", b"log certificate", b"certificate", b"open invitation", b"roster add", b"roster genesis", b"")


def test_no_long_term_key_has_signed_anything_of_it(alice: Person, bob: Person) -> None:
    """Neither the identity's nor the address's: over no part of what was said."""
    true = by_alice(alice, bob.card)
    certificate = parse_log_certificate(true.certificate)
    parsed = [parse_entry(raw) for raw in true.entries]
    values = [certificate.conversation + certificate.device, true.certificate, *true.entries]
    values += [part for entry in parsed for part in (entry.id, entry.header_raw, entry.content_raw or b"")]
    long_term = [alice.identity.public, alice.address.public]
    signatures = set(windows(true.whole))
    found = [
        (label, value)
        for key in long_term
        for signature in signatures
        for label in LABELS
        for value in values
        if is_signed(key, label, value, signature)
    ]
    assert found == []
    log = certificate.log
    assert any(is_signed(log, b"entry", parsed[0].id, signature) for signature in signatures), "the search finds"
