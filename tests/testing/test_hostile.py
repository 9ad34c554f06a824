"""A hostile peer of one's own: it becomes a contact, and does what it says."""

from itertools import islice

import pytest

from onionchat.kinds.chat import Text
from onionchat.testing.hostile import FLOODS, NOW_MS, Hostile, Victim, forged_entries
from onionchat.testing.nodes import World
from onionchat.wire.handshake import DeviceExpected
from onionchat.wire.records import Frontier, Ready


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


@pytest.fixture
def alice(world):
    return world.add("Alice")


@pytest.fixture
def mallory(world):
    return Hostile(world)


@pytest.fixture
def victim(alice, mallory) -> Victim:
    return mallory.befriend(alice.do("invite.create", accept_as="Mallory").link)


def test_it_becomes_a_contact_and_knows_whom_it_attacks(alice, mallory, victim):
    assert [contact.name for contact in alice.do("contact.list")] == ["Mallory"]
    assert (victim.device, victim.address) == (alice.node.own.device, alice.address)
    assert victim.account == alice.node.own.account


def test_it_arrives_and_writes(alice, mallory, victim):
    link = mallory.arrive(victim)
    assert Ready() in mallory.heard
    mallory.begin(link, victim)
    mallory.write(Text("hello"), NOW_MS)
    mallory.say(link, mallory.batch(victim, mallory.entries))
    assert alice.texts("Mallory") == ["hello"]


def test_it_says_bytes_that_no_record_has(alice, mallory, victim):
    link = mallory.arrive(victim)
    mallory.say_bytes(link, b"\0\0\0\0\0")
    assert link.closed


def test_it_knocks_and_says_half_of_what_it_should(alice, mallory, victim, world):
    expected = DeviceExpected(victim.device)
    hello = mallory.first_flight(expected)
    stream = mallory.knock(victim.address, hello[:9])
    assert stream.is_open and stream.heard == b""
    stream.say(hello[9:])
    world.settle()
    assert stream.heard.startswith(b"\x16\x03\x03"), "a ServerHello"
    stream.say(b"\x17\x03\x03\0\0")
    world.pass_time(100)
    assert not stream.is_open


def test_its_forgeries_are_signed_and_are_different_ones(mallory, victim):
    for number in range(2):
        mallory.write(Text(f"line {number}"), NOW_MS + number)
    forged = list(forged_entries(mallory))
    assert len({name for name, _ in forged}) == len(forged) > 25
    assert all(entries for _, entries in forged)
    assert len(mallory.entries) == 2, "what is forged is no part of its log"


@pytest.mark.parametrize("name", FLOODS)
def test_each_flood_does_something_at_each_step(world, alice, mallory, victim, name):
    link = alice.do("invite.create", open=True).link
    mallory.write(Text("one"), NOW_MS)

    def traffic() -> int:
        return sum(len(stream.near.written) + len(stream.far.written) for stream in world.network.streams)

    before = traffic(), len(world.network.dials)
    for _ in islice(FLOODS[name](mallory, victim, link), 8):
        world.settle()
    assert traffic() > before[0] and (traffic() - before[0] > 512 or len(world.network.dials) > before[1])


def test_a_flood_goes_on_when_it_was_thrown_out(world, alice, mallory, victim):
    flood = FLOODS["frontiers"](mallory, victim, "")
    for _ in islice(flood, 12):
        world.settle()
    assert mallory.ends and not alice.contact("Mallory").online
    world.pass_time(10)
    for _ in islice(flood, 2):
        pass
    assert any(isinstance(record, Frontier) for record in mallory.heard)
