"""Channels between devices: who may have one, which of two stays, cards, and what is refused before both are ready."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import fold, make_add
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.net.failure import DialError
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import (
    Ack,
    Batch,
    Cards,
    CardsKept,
    ConversationUnknown,
    Frontier,
    Ready,
    RootDigest,
    Statements,
)


@pytest.fixture
def alice(world):
    return world.add("Alice")


@pytest.fixture
def mallory(world):
    return Stranger(world)


# --- who may --------------------------------------------------------------------------------------------------
def test_an_unknown_device_gets_nothing(world, alice, mallory):
    """Even with a discovery key that it stole: no Ready, no word."""
    channel = mallory.dial_device(alice)
    assert mallory.say(channel, Ready()) == []
    assert alice.status().peers == []


@pytest.mark.parametrize(
    "record",
    [
        Frontier(bytes(32), ()),
        Batch(bytes(32), ()),
        Ack(bytes(32), ()),
        RootDigest(bytes(16)),
        Cards(()),
        CardsKept(()),
        ConversationUnknown(bytes(32)),
    ],
    ids=lambda record: type(record).__name__,
)
def test_records_before_ready_end_the_channel(world, alice, mallory, record):
    for channel in (mallory.dial_device(alice), known(alice, mallory)):
        mallory.say(channel, record)
        assert channel.closed


def known(alice, mallory):
    """A channel of a contact, before it says that it is ready."""
    accepted = mallory.meet(alice)
    return mallory.dial_device(alice, accepted.introduction.cards[0].discovery_private)


def test_a_contact_is_ready_and_connected(world, alice, mallory):
    channel = mallory.connect(alice, mallory.meet(alice))
    assert not channel.closed and alice.contact("Mallory").online
    said = [type(record) for record in mallory.heard]
    assert said.index(Ready) < said.index(Frontier) and Cards in said[said.index(Ready) :]
    assert [event.contact for event in alice.heard("online")] == ["Mallory"]
    channel.close("done")
    world.settle()
    assert not alice.contact("Mallory").online and len(alice.heard("offline")) == 1


def test_requests_and_digests_are_not_for_contacts(world, alice, mallory):
    accepted = mallory.meet(alice)
    for record in (mallory.request(), RootDigest(bytes(16)), Ready()):
        channel = mallory.connect(alice, accepted)
        assert alice.contact("Mallory").online
        mallory.say(channel, record)
        assert channel.closed, record
        world.pass_time(limits.FAULTS_FORGOTTEN_SECONDS)


def test_a_contact_sees_no_conversation_but_its_own(world, alice, mallory):
    """Nor does it learn which there are: one of ours and one that is made up are answered alike."""
    world.befriend(alice, world.add("Bob"))
    channel = mallory.connect(alice, mallory.meet(alice))
    others = [alice.node.store.self_id, alice.node.book.find("Bob").conversation, b"\x07" * 32]
    for conversation in others:
        assert mallory.say(channel, Frontier(conversation, ())) == [ConversationUnknown(conversation)]
    assert not channel.closed


def test_a_blocked_contact_is_refused(world, alice, mallory):
    accepted = mallory.meet(alice)
    channel = mallory.connect(alice, accepted)
    old = alice.address
    alice.do("contact.block", id="Mallory")
    assert channel.closed and not alice.contact("Mallory").online
    assert alice.address != old
    late = mallory.dial_device(alice)  # with a key of the new address, wherever it got that
    assert mallory.say(late, Ready()) == [] and late.closed
    with pytest.raises(DialError):
        mallory.dial_device(alice, accepted.introduction.cards[0].discovery_private)
    alice.do("contact.unblock", id="Mallory")
    assert not mallory.connect(alice, _anew(alice, accepted)).closed
    assert alice.contact("Mallory").online


def _anew(alice, accepted):
    """The acceptance with a key of the address that is current now."""
    import msgspec

    address = alice.node.services.current_address()
    (private,) = alice.node.store.reads.execute(
        "SELECT private FROM slot WHERE address = ? AND slot = 9", (address.key,)
    ).fetchone()
    card = msgspec.structs.replace(accepted.introduction.cards[0], discovery_private=private)
    return msgspec.structs.replace(accepted, introduction=msgspec.structs.replace(accepted.introduction, cards=(card,)))


def test_a_removed_contact_is_refused(world, alice, mallory):
    channel = mallory.connect(alice, mallory.meet(alice))
    alice.do("contact.remove", name="Mallory")
    assert channel.closed and alice.do("contact.list") == []
    late = mallory.dial_device(alice)
    assert mallory.say(late, Ready()) == []
    assert alice.status().peers == []


# --- one channel a device ----------------------------------------------------------------------------------------
def test_crossed_dials_leave_one_channel(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    for actor in (alice, bob):
        actor.tor.is_cut = True
        world.network.break_streams(actor.tor)
    world.pass_time(1)
    for actor in (alice, bob):
        actor.tor.is_cut = False
        actor.tor.listener.on_ready()
    world.pass_time(60)
    open_streams = [stream for stream in world.network.streams if stream.near.is_open]
    assert len(open_streams) == 1 and alice.contact("Bob").online and bob.contact("Alice").online


def test_a_new_channel_replaces_an_old_one(world, alice, mallory):
    accepted = mallory.meet(alice)
    first = mallory.connect(alice, accepted)
    world.pass_time(limits.CROSSED_DIAL_SECONDS + 1)
    second = mallory.connect(alice, accepted)
    assert first.closed and not second.closed
    assert len(alice.status().peers) == 1


def test_channels_that_are_never_ready_are_few(world, alice, mallory):
    """Who may dial, but says nothing, holds a bounded number of them open."""
    accepted = mallory.meet(alice)
    key = accepted.introduction.cards[0].discovery_private
    channels = [mallory.dial_device(alice, key) for _ in range(12)]
    world.settle()
    assert sum(not channel.closed for channel in channels) <= 4
    assert not channels[-1].closed
    others = []
    for seed in range(limits.STRANGERS_MAX + 8):
        others.append(Stranger(world, seed).dial_device(alice))
    world.settle()
    assert sum(not channel.closed for channel in others) <= limits.STRANGERS_MAX
    assert not others[-1].closed


# --- cards -------------------------------------------------------------------------------------------------------
def test_a_new_address_reaches_contacts_and_the_old_one_goes(world):
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    world.befriend(alice, bob)
    world.befriend(alice, carol)
    old = alice.address
    carol.cut()
    world.wait(alice.node.services.move(urgent=False))
    assert alice.address != old
    assert bob.node.book.find("Alice").devices[alice.node.own.device].certificate.address_text == alice.address
    assert set(alice.tor.onions.own) >= {old, alice.address}  # Carol does not know it yet
    carol.restore()
    world.pass_time(60)
    assert carol.node.book.find("Alice").devices[alice.node.own.device].certificate.address_text == alice.address
    assert old not in alice.tor.onions.own and old not in world.network.onions
    for actor in (bob, carol):
        actor.cut()
        actor.restore()
        world.pass_time(120)
        assert actor.contact("Alice").online
    assert any(address == alice.address and failure is None for address, failure in world.network.dials)


def test_an_urgent_move_does_not_wait_for_ever(world):
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    world.befriend(alice, bob)
    world.befriend(alice, carol)
    old = alice.address
    carol.stop()
    world.actors.remove(carol)
    alice.do("contact.block", id="Bob")
    assert old in alice.tor.onions.own
    alice.clock_offset_seconds += limits.OLD_ADDRESS_SECONDS + 1
    alice.node.services.drop_old()
    world.pass_time(10)
    assert old not in alice.tor.onions.own


def test_the_card_of_a_device_that_is_not_its_is_not_taken(world, alice, mallory):
    """Otherwise a contact could claim somebody's device before we meet them, and we could never reach them."""
    carol = Stranger(world, 60, "Carol")
    channel = mallory.connect(alice, mallory.meet(alice))
    mallory.say(channel, Cards((carol.card(),)))
    assert carol.device not in alice.node.book.find("Mallory").former
    carol.meet(alice, "Carol")
    assert [device.id for device in alice.contact("Carol").devices] == [id_text(carol.device)]


def test_a_newer_card_is_taken_and_an_older_one_is_not(world, alice, mallory):
    channel = mallory.connect(alice, mallory.meet(alice))
    moved = SigningKey(b"\x0c" * 32).public
    assert mallory.say(channel, Cards((mallory.card(3, moved),))) == [CardsKept(((mallory.device, 3),))]
    count = alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone()
    for serial in (1, 2, 3):
        mallory.say(channel, Cards((mallory.card(serial),)))
    row = alice.node.book.find("Mallory").devices[mallory.device]
    assert (row.certificate.serial, row.certificate.address) == (3, moved)
    assert alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone() == count


def test_a_card_that_nobody_signed_ends_the_channel(world, alice, mallory):
    import msgspec

    channel = mallory.connect(alice, mallory.meet(alice))
    raw = mallory.certificate(2)
    forged = msgspec.structs.replace(mallory.card(), certificate=raw[:-1] + bytes([raw[-1] ^ 1]))
    mallory.say(channel, Cards((forged,)))
    assert channel.closed
    assert alice.node.book.find("Mallory").devices[mallory.device].certificate.serial == 1


# --- a new device of a contact -------------------------------------------------------------------------------------
def second_device(world, mallory):
    """A stranger that is a device of Mallory's account, and the statements that admit it."""
    phone = Stranger(world, 70, "Mallory's phone")
    heads = fold((mallory.genesis,), mallory.account).heads
    add = make_add(mallory.account, heads, phone.identity, mallory.identity)
    return phone, (mallory.genesis, add)


def test_a_new_device_shows_who_admitted_it(world, alice, mallory):
    mallory.meet(alice)
    phone, statements = second_device(world, mallory)
    channel = phone.dial_device(alice)
    heard = phone.say(channel, Statements(mallory.account, statements))
    assert Ready() in heard
    phone.say(channel, Ready())
    assert {device.id for device in alice.contact("Mallory").devices} == {
        id_text(mallory.device), id_text(phone.device)}  # fmt: skip
    assert alice.contact("Mallory").online


def test_statements_that_do_not_admit_it_leave_no_trace(world, alice, mallory):
    mallory.meet(alice)
    phone, statements = second_device(world, mallory)
    other = Stranger(world, 71)
    count = alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone()
    claims = [
        (phone, mallory.account, (mallory.genesis,)),
        (other, mallory.account, statements),
        (other, other.account, (other.genesis,)),
        (other, mallory.account, (other.genesis,)),
        (phone, mallory.account, (b"garbage",)),
        (phone, mallory.account, ()),
    ]
    for who, account, shown in claims:
        channel = who.dial_device(alice)
        assert who.say(channel, Statements(account, shown)) == []
        assert channel.closed
        assert alice.node.store.reads.execute("SELECT 1 FROM device WHERE id = ?", (who.device,)).fetchone() is None
    assert alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone() == count


def test_statements_of_a_blocked_contact(world, alice, mallory):
    mallory.meet(alice)
    alice.do("contact.block", id="Mallory")
    phone, statements = second_device(world, mallory)
    channel = phone.dial_device(alice)
    assert phone.say(channel, Statements(mallory.account, statements)) == []
    assert channel.closed and alice.status().peers == []


def test_a_device_of_somebody_whom_we_have_not_heard_of_is_not_blamed(world, alice, mallory):
    """A device that was just linked does not know the contacts yet, and they greet it at once."""
    phone, statements = second_device(world, mallory)
    closed, blamed = alice.node.channel_closed, []

    def note(link, reason, remote_fault):
        blamed.append((reason, remote_fault))
        closed(link, reason, remote_fault)

    alice.node.channel_closed = note
    channel = phone.dial_device(alice)
    phone.say(channel, Statements(mallory.account, statements))
    assert channel.closed and blamed == [("unknown", False)]


def test_a_disputed_account_is_shut_out(world, alice, mallory):
    """Two devices that removed each other: nobody knows whose account it is."""
    from onionchat.identity.account import make_remove

    channel = mallory.connect(alice, mallory.meet(alice))
    phone, statements = second_device(world, mallory)
    heads = fold(statements, mallory.account).heads
    removals = [
        make_remove(mallory.account, heads, phone.device, "stolen", (), (), mallory.identity),
        make_remove(mallory.account, heads, mallory.device, "stolen", (), (), phone.identity),
    ]
    world.wait(alice.node.append_self([kinds.Card(mallory.account, (*statements, *removals), ())]))
    assert alice.contact("Mallory").disputed and alice.contact("Mallory").trust == "compromised"
    assert channel.closed
    late = mallory.dial_device(alice)
    assert mallory.say(late, Ready()) == []


def test_a_device_that_was_removed_loses_its_channel(world, alice, mallory):
    from onionchat.identity.account import make_remove

    channel = mallory.connect(alice, mallory.meet(alice))
    phone, statements = second_device(world, mallory)
    heads = fold(statements, mallory.account).heads
    remove = make_remove(mallory.account, heads, mallory.device, "stolen", (), (), phone.identity)
    world.wait(alice.node.append_self([kinds.Card(mallory.account, (*statements, remove), ())]))
    assert channel.closed
    assert alice.contact("Mallory").former == [id_text(mallory.device)]
    late = mallory.dial_device(alice)
    assert mallory.say(late, Ready()) == [] and late.closed
