"""Kills between two steps, failures at the wrong moment, times that are not true, bursts before the first is kept."""

import pytest
from twisted.internet.defer import fail

from onionchat.errors import LockedError, StoreError
from onionchat.kinds import account as kinds
from onionchat.kinds import chat
from onionchat.log.entry import Entry
from onionchat.node import removal
from onionchat.testing.nodes import Actor, World
from onionchat.testing.strangers import Stranger

YEAR_9000 = 221_845_392_000_000


def test_a_block_whose_move_was_cut_off_moves_at_the_next_start(world: World, friends: tuple[Actor, Actor]) -> None:
    """Otherwise who was blocked could tell for ever when this device is on."""
    alice, _ = friends
    before = alice.address
    person = alice.node.book.find("Bob")
    blocked = kinds.Contact(person.account, "Bob", "Bob", "blocked", 1)
    world.wait(alice.node.append_self([blocked]))  # and killed here
    alice.restart()
    world.pass_time(30)
    assert alice.address != before
    moved = alice.address
    alice.restart()
    world.pass_time(30)
    assert alice.address == moved


def test_a_removal_that_was_cut_off_forgets_at_the_next_start(world: World, friends: tuple[Actor, Actor]) -> None:
    """The contact is in no list any more, so nobody could remove it again."""
    alice, bob = friends
    bob.send("Alice", "a secret")
    person = alice.node.book.find("Bob")
    world.wait(alice.node.append_self([kinds.Contact(person.account, "Bob", "Bob", "removed", 1)]))
    alice.restart()
    world.pass_time(30)
    row = alice.node.store.reads.execute("SELECT count(*) FROM entry WHERE shown > 0 AND content IS NOT NULL")
    assert row.fetchone()[0] == 0
    assert removal.ranges_of(alice.node.store.reads, b"") == []


def test_locking_locks_even_when_tor_does_not_end_well(world: World, friends: tuple[Actor, Actor]) -> None:
    alice, _ = friends

    async def stop() -> None:
        raise OSError("no")

    alice.node.tor.stop = stop  # type: ignore[method-assign,union-attr]
    world.wait(alice.node.lock())
    assert not alice.node.is_unlocked
    with pytest.raises(LockedError):
        alice.do("contact.list")
    assert world.faults == ["Tor did not end well: OSError"]
    world.faults.clear()
    del alice.node.tor.stop  # type: ignore[union-attr]


def test_two_locks_at_once(world: World, friends: tuple[Actor, Actor]) -> None:
    alice, _ = friends
    for done in [alice.node.lock(), alice.node.lock()]:
        world.wait(done)
    assert not alice.node.is_unlocked


def test_a_timer_from_the_far_future_can_be_changed(world: World) -> None:
    """The last writer wins, and a time of its own choice would make the other side the last one for ever."""
    alice, mallory = world.add("Alice"), Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    mallory.push(link, alice, [mallory.write(chat.Timer(5), YEAR_9000)])
    (conversation,) = [c for c in alice.do("conversation.list") if c.kind == "direct"]
    assert conversation.timer_seconds == 5
    world.pass_time(1)
    alice.do("conversation.timer", name="Mallory", seconds=3600)
    (conversation,) = [c for c in alice.do("conversation.list") if c.kind == "direct"]
    assert conversation.timer_seconds == 3600


def test_a_burst_of_asks_for_links_makes_a_few(world: World) -> None:
    """Each is an onion service of ours."""
    alice, mallory = world.add("Alice"), Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    asks: list[Entry] = []
    for n in range(30):
        ask = chat.Card("ask", n.to_bytes(16, "big"), "Bob")
        asks.append(mallory.write(ask, int(alice.wall_clock() * 1000) + n))
    mallory.push(link, alice, asks)
    world.settle()
    made = [i for i in alice.node.book.invitations.values() if i.for_contact]
    assert 1 <= len(made) <= 4


def test_an_acceptance_that_could_not_be_kept_is_fetched_again(world: World) -> None:
    """A channel that stays open and silent would be the end of it."""
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link, name="Alice")
    append_self = bob.node.append_self
    bob.node.append_self = lambda *_, **__: fail(StoreError("the disk is full"))  # type: ignore[method-assign]
    alice.do("request.accept", id=alice.do("request.list")[0].id)
    world.pass_time(5)
    bob.node.append_self = append_self  # type: ignore[method-assign]
    world.pass_time(1800)
    assert bob.contact("Alice").online
    assert set(world.faults) == {"a background job failed: StoreError"}
    world.faults.clear()
