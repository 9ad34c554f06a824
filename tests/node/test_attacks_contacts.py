"""What a hostile contact, or a device that only knows our address, must not get or cost."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import fold, make_remove
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Text
from onionchat.log.certificate import make_log_certificate
from onionchat.net.peer import PeerLink
from onionchat.testing.hostile_caps import size_of_self
from onionchat.testing.hostile_claims import admit
from onionchat.testing.nodes import Actor, World
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Batch, Cards, LogBox, LogOffered, Ready, Statements


def count(actor: Actor, query: str) -> int:
    """Of rows in an actor's store."""
    return int(actor.node.store.reads.execute(f"SELECT count(*) FROM {query}").fetchone()[0])


def contact(world: World, alice: Actor, seed: int = 1000, name: str = "Mallory") -> tuple[Stranger, PeerLink]:
    """A stranger that Alice has accepted, with a channel that is ready."""
    mallory = Stranger(world, seed, name)
    return mallory, mallory.connect(alice, mallory.meet(alice, name))


# --- devices ------------------------------------------------------------------------------------------------
def test_a_contact_cannot_claim_the_device_of_somebody_we_do_not_know_yet(world: World) -> None:
    """A device belongs to one account for ever, so the claim must be by the account itself."""
    alice, bob = world.add("Alice"), Stranger(world, 2000, "Bob")
    mallory, link = contact(world, alice)
    mallory.say(link, Cards((mallory.card(), bob.card())))
    assert alice.node.book.person_of(bob.device) is None
    accepted = bob.meet(alice, "Bob")
    bob.connect(alice, accepted)
    assert alice.contact("Bob").online


def test_cards_of_devices_outside_the_account_cost_nothing(world: World) -> None:
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    before = size_of_self(alice.node)
    for seed in range(3000, 3010):
        mallory.say(link, Cards((Stranger(world, seed).card(),)))
    assert size_of_self(alice.node) == before


def test_new_cards_without_end_are_taken_a_few_times_a_day(world: World) -> None:
    """Each is an entry of *self*, on every device of ours, for ever."""
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    before = size_of_self(alice.node)
    for serial in range(2, 202):
        if link.closed:
            link = mallory.dial_device(alice)
            mallory.say(link, Ready())
        mallory.say(link, Cards((mallory.card(serial),)))
    assert 1 <= size_of_self(alice.node) - before <= 64
    world.pass_time(86_400)
    link = mallory.dial_device(alice)
    mallory.say(link, Ready(), Cards((mallory.card(999),)))
    assert alice.node.book.find("Mallory").devices[mallory.device].certificate.serial == 999


def test_a_device_that_no_statement_admits_leaves_nothing(world: World) -> None:
    """Whoever reaches our address may claim to be a new device of a contact, under as many keys as it likes."""
    alice, bob = world.add("Alice"), Stranger(world, 2000, "Bob")
    bob.meet(alice, "Bob")
    before = size_of_self(alice.node)
    for seed in range(3000, 3005):
        mallory = Stranger(world, seed)
        link = mallory.dial_device(alice)
        mallory.say(link, Statements(bob.account, (bob.genesis,)))
        assert link.closed
        assert alice.node.book.person_of(mallory.device) is None
    assert size_of_self(alice.node) == before


def test_a_device_that_its_account_admits_may_come(world: World) -> None:
    """The honest case of the same; its discovery key comes with its card."""
    alice, bob = world.add("Alice"), Stranger(world, 2000, "Bob")
    bob.meet(alice, "Bob")
    phone = Stranger(world, 2001, "Bob's phone")
    add = admit(bob, phone)
    link = phone.dial_device(alice)
    phone.say(link, Statements(bob.account, (bob.genesis, add)))
    phone.say(link, Ready(), Cards((phone.card(),)))
    assert not link.closed
    rows = alice.node.book.find("Bob").devices
    assert rows[phone.device].discovery == phone.discovery


def test_a_removed_device_loses_its_channel(world: World) -> None:
    """What is said after a device was declared stolen must not reach it over the channel that it still has."""
    alice, bob = world.add("Alice"), Stranger(world, 2000, "Bob")
    bob.meet(alice, "Bob")
    phone = Stranger(world, 2001, "Bob's phone")
    add = admit(bob, phone)
    link = phone.dial_device(alice)
    phone.say(link, Statements(bob.account, (bob.genesis, add)))
    phone.say(link, Ready())
    assert not link.closed and phone.device in alice.node.peers.live
    heads = fold((bob.genesis, add), bob.account).heads
    remove = make_remove(bob.account, heads, phone.device, "stolen", (), (), bob.identity)
    world.wait(alice.node.append_self([kinds.Card(bob.account, (remove,), ())]))
    world.settle()
    assert phone.device not in alice.node.peers.live
    contact = alice.contact("Bob")
    assert contact.stolen == contact.former == [id_text(phone.device)]


# --- channels that do nothing -----------------------------------------------------------------------------------
def test_a_device_has_few_channels_that_are_not_ready(world: World) -> None:
    alice, mallory = world.add("Alice"), Stranger(world)
    mallory.meet(alice)
    links = [mallory.dial_device(alice) for _ in range(6)]
    world.settle()
    assert sum(not link.closed for link in links) <= 4


def test_unknown_devices_hold_a_bounded_number_of_channels(world: World) -> None:
    alice = world.add("Alice")
    links = [Stranger(world, 4000 + n).dial_device(alice) for n in range(limits.STRANGERS_MAX + 6)]
    world.settle()
    assert sum(not link.closed for link in links) <= limits.STRANGERS_MAX


def test_a_channel_that_never_gets_ready_ends(world: World) -> None:
    alice, mallory = world.add("Alice"), Stranger(world)
    mallory.meet(alice)
    link = mallory.dial_device(alice)
    world.pass_time(600)
    assert link.closed


# --- what a contact can make grow ---------------------------------------------------------------------------------
def test_boxes_of_a_log_are_bounded(world: World) -> None:
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    mallory.open(link, alice)
    certificate = make_log_certificate(mallory.log_key, mallory.conversation(alice), mallory.device)
    for n in range(40):
        boxes = tuple(LogBox(mallory.device, n, 100 * n + m, b"x") for m in range(32))
        mallory.say(link, LogOffered(certificate, boxes, False))
    assert count(alice, "log_box") <= 2 * limits.LOG_BOXES_MAX


def test_a_notice_that_was_just_said_is_not_said_again(world: World) -> None:
    """Two devices of one account that claim one log could fill disk and screen with warnings."""
    alice, bob = world.add("Alice"), Stranger(world, 2000, "Bob")
    accepted = bob.meet(alice, "Bob")
    phone = Stranger(world, 2001, "Bob's phone")
    link = phone.dial_device(alice)
    phone.say(link, Statements(bob.account, (bob.genesis, admit(bob, phone))))
    link = bob.connect(alice, accepted)
    bob.open(link, alice)
    false = make_log_certificate(bob.log_key, bob.conversation(alice), phone.device)
    before = len(alice.texts("Bob"))
    for _ in range(20):
        bob.say(link, LogOffered(false, (), False))
    assert len(alice.texts("Bob")) - before == 1


def test_batches_beyond_any_window_end_the_channel(world: World) -> None:
    """They would wait in memory for a disk that is slower than the network."""
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    mallory.open(link, alice)
    entries = [mallory.write(Text("x"), int(alice.wall_clock() * 1000)) for _ in range(400)]
    for start in range(0, 400, 2):
        raws = tuple(entry.raw for entry in entries[start : start + 2])
        link.send([Batch(mallory.conversation(alice), raws)])
    world.settle()
    assert link.closed
    assert len(alice.texts("Mallory")) < 400


def test_many_logs_of_a_contact_do_not_keep_us_from_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGS_PER_CONVERSATION_MAX", 8)
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    mallory.open(link, alice)
    for _ in range(7):
        certificate = make_log_certificate(SigningKey(mallory.random(32)), mallory.conversation(alice), mallory.device)
        mallory.say(link, LogOffered(certificate, (), False))
    assert alice.send("Mallory", "still here")
