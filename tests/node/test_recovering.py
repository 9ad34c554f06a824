"""Ways back into an account with its 24 words, in place: after a removal, a quarrel, a theft."""

import pytest

from onionchat.crypto.keys import SigningKey
from onionchat.crypto.vault import Cost
from onionchat.crypto.words import recovery_words
from onionchat.errors import LocalError, LockedError
from onionchat.identity.account import make_add
from onionchat.kinds.account import Card
from onionchat.node.recovering import Recovery
from onionchat.testing.nodes import PASSPHRASE
from tests.node.recoveries import active, notices, recover, removal, say

AGAIN = "was out is in again: compare words again"


@pytest.fixture
def alice(alice_with_words):
    return alice_with_words


@pytest.fixture
def bob(bob_who_has_compared):
    return bob_who_has_compared


def test_a_device_that_was_removed_comes_back_as_itself(world, alice, bob):
    phone = world.add_device(alice, "phone")
    say(alice, removal(alice, phone))
    assert active(bob, "Alice") == {alice.device}
    with pytest.raises(LocalError, match="removed from its account"):
        phone.send("Bob", "nobody hears me")
    world.pass_time(60)
    assert bob.texts("Alice")[-1] != "nobody hears me"
    before = phone.device
    done = recover(phone, alice.words)
    assert not done.is_new_device and phone.device == before
    assert done.is_admitted
    world.pass_time(120)
    assert active(bob, "Alice") == {alice.device, phone.device}
    assert notices(bob, "Alice")[-1].endswith(AGAIN) and bob.contact("Alice").trust == "unvalidated"
    assert {d.id for d in alice.do("device.list") if d.state == "active"} == {alice.device, phone.device}
    phone.send("Bob", "and back")
    bob.send("Alice", "welcome")
    world.pass_time(10)
    assert alice.texts("Bob")[-2:] == phone.texts("Bob")[-2:] == ["and back", "welcome"]


def test_a_dispute_ends_and_the_owner_wins(world, alice, bob):
    thief = world.add_device(alice, "phone")
    world.pass_time(10)
    heads = alice.node.book.own_roster.heads
    alice.cut()
    theirs, mine = removal(thief, alice, "stolen", heads), removal(alice, thief, "stolen", heads)
    say(thief, theirs)
    thief.send("Bob", "it is only me, Alice")
    world.pass_time(10)
    for actor, heard in ((alice, (mine, theirs)), (bob, (mine,))):  # by whatever way
        world.wait(actor.node.append_self([Card(alice.node.own.account, heard, ())]))
    world.pass_time(10)
    assert bob.node.book.find("Alice").roster.disputed
    alice.tor.restore()
    done = recover(alice, alice.words, stolen=["phone"])
    world.pass_time(200)
    assert done.removed == ["phone"] and done.is_admitted
    roster = bob.node.book.find("Alice").roster
    assert not roster.disputed and active(bob, "Alice") == {alice.device}
    assert roster.removed[thief.node.own.device].reason == "stolen"
    assert bob.contact("Alice").trust == "unvalidated"
    alice.send("Bob", "that was not me")
    world.pass_time(10)
    assert bob.texts("Alice")[-1] == "that was not me"
    say(thief, removal(thief, alice, "stolen", heads=[alice.node.own.account]))  # whatever it says now
    world.pass_time(200)
    assert active(bob, "Alice") == {alice.device} and not alice.node.book.own_roster.disputed


def test_a_thief_that_has_taken_over_is_put_out_and_what_it_took_out_is_back(world, alice, bob):
    laptop, thief = world.add_device(alice, "laptop"), world.add_device(alice, "phone")
    world.pass_time(20)
    removals = removal(thief, alice, "stolen"), removal(thief, laptop)
    say(thief, *removals)
    world.pass_time(60)
    say(laptop, *removals)  # who is out is told nothing, but it comes to hear of it
    assert active(bob, "Alice") == {thief.device}
    done = recover(laptop, alice.words, stolen=["phone"], keep=["device 1"])
    assert done.returned == ["device 1"] and done.removed == ["phone"]
    world.pass_time(200)
    assert active(bob, "Alice") == {laptop.device, alice.device}
    assert alice.node.book.is_member and not alice.node.book.own_roster.disputed
    laptop.send("Bob", "we are back")
    world.pass_time(20)
    assert bob.texts("Alice")[-1] == alice.texts("Bob")[-1] == "we are back"
    assert "we are back" not in thief.texts("Bob")


def test_a_device_that_is_in_removes_others_and_moves(world, alice, bob):
    phone, tablet = world.add_device(alice, "phone"), world.add_device(alice, "tablet")
    before = alice.address
    done = recover(alice, alice.words, stolen=["phone"], retired=["tablet"])
    assert (done.is_admitted, done.removed) == (False, ["phone", "tablet"])
    world.pass_time(120)
    assert active(bob, "Alice") == {alice.device} and bob.contact("Alice").trust == "validated"
    assert alice.address != before and bob.contact("Alice").online
    assert not {phone.node.own.device, tablet.node.own.device} & set(alice.node.peers.live)
    assert recover(alice, alice.words).removed == []


def test_the_words_are_not_kept_after_they_were_typed(world, alice, bob):
    phone = world.add_device(alice, "phone")
    assert alice.do("recovery.words").words == alice.words.split()
    assert recover(alice, alice.words, retired=["phone"]).removed == ["phone"]
    assert alice.do("recovery.words").words == []
    assert phone.do("recovery.words").words == []


def test_what_is_refused_changes_nothing(world, alice, bob):
    phone = world.add_device(alice, "phone")
    report = removal(alice, phone, "stolen")
    say(alice, report)
    say(phone, report)
    for actor in (alice, phone, bob):
        actor.stop()
    foreign = " ".join(recovery_words(b"\x05" * 32))
    with pytest.raises(LocalError, match="of another account"):
        Recovery(alice.folder, PASSPHRASE, foreign, Cost.TESTS)
    with pytest.raises(LocalError, match="without recovery words"):
        Recovery(bob.folder, PASSPHRASE, foreign, Cost.TESTS)
    with pytest.raises(LocalError, match="there are 3 words"):
        Recovery(alice.folder, PASSPHRASE, "one two three", Cost.TESTS)
    with pytest.raises(LockedError):
        Recovery(alice.folder, "wrong", alice.words, Cost.TESTS)
    recovery = Recovery(phone.folder, PASSPHRASE, alice.words, Cost.TESTS)
    with pytest.raises(LocalError, match="in use"):
        Recovery(phone.folder, PASSPHRASE, alice.words, Cost.TESTS)
    with pytest.raises(LocalError, match=r"the others are: device 1 \("):
        recovery.find("laptop")
    with pytest.raises(LocalError, match="reported as stolen"):
        recovery.carry_out({})
    recovery.close()
    for actor in (alice, phone, bob):
        actor.start()
    world.pass_time(30)
    assert not phone.node.book.is_member and len(alice.node.book.own_roster.parsed) == 3
    done = recover(phone, alice.words, stolen=["device 1"])  # the report was a thief's
    assert done.is_admitted and active(bob, "Alice") == {phone.device}


def test_a_device_that_is_out_gets_in_by_nothing_else(world, alice, bob):
    """A stolen device shows what it likes: that it was admitted again by a device that is in, or by itself."""
    phone, tablet = world.add_device(alice, "phone"), world.add_device(alice, "tablet")
    world.pass_time(20)
    say(alice, removal(alice, phone, "stolen"))
    world.pass_time(20)
    node = phone.node
    phone.cut()
    heads = node.book.own_roster.heads
    for signer in (tablet.node.own.identity, SigningKey(b"\x07" * 32)):
        again = make_add(node.own.account, heads, node.own.identity, signer)
        say(phone, again)
    phone.restore()
    world.pass_time(200)
    assert active(bob, "Alice") == {alice.device, tablet.device}
    assert phone.node.own.device not in bob.node.peers.live


def test_what_was_read_is_read_after_a_thief_had_cut_it_off(world, alice, bob):
    thief = world.add_device(alice, "phone")
    alice.send("Bob", "one")
    world.pass_time(10)
    thief.cut()
    alice.send("Bob", "two")
    world.pass_time(10)
    bob.do("message.read", name="Alice")
    alice.cut()
    thief.do("device.untrust", device="device 1", stolen=True)
    thief.restore()
    world.pass_time(60)
    assert "two" not in bob.texts("Alice")
    recover(alice, alice.words, stolen=["phone"])
    alice.restore()
    world.pass_time(200)
    assert "two" in bob.texts("Alice") and bob.contact("Alice").unread == 0
