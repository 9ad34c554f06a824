"""A device that carries falsely: each of its lies is one, and none gets anywhere."""

from collections.abc import Iterator

import pytest

from onionchat.log.certificate import parse_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, is_signed, make_entry, parse_entry
from onionchat.testing.sim.hostile import FalseCarrier
from onionchat.testing.sim.promises import Promises
from onionchat.testing.sim.trouble import QUIET
from onionchat.testing.sim.world import World
from onionchat.wire.records import Batch, Frontier, LogOffered, Ping, Position


@pytest.fixture
def world() -> Iterator[World]:
    """Ann, and Bob with two devices, of which the second is false."""
    with World(1, QUIET) as world:
        ann, bob = world.add_person(), world.add_person()
        world.run(20)
        world.befriend([(ann, bob)])
        world.link(bob, bob.devices[0])
        world.run(60)
        yield world


def carrier(world: World, share: float = 1.0) -> FalseCarrier:
    return world.corrupt(world.people["Bob"].devices[1], share)


def batch(world: World) -> Batch:
    made, prev = [], NO_ENTRY
    key = FalseCarrier(world.people["Ann"].devices[0], "key", 0.0)._key
    for seq in (1, 2, 3):
        made.append(make_entry(key, seq, prev, (seq, 0), Content(bytes(16), (), "text", 0, b"body %d" % seq)))
        prev = made[-1].id
    return Batch(b"c" * 32, tuple(entry.raw for entry in made))  # type: ignore[arg-type]


def test_each_lie_about_entries_says_something_else(world: World) -> None:
    liar, node, true = carrier(world), world.people["Bob"].devices[1].node, batch(world)
    assert liar._withhold(node, true) == []
    for lie in (liar._alter, liar._forge, liar._turn_round, liar._strip):
        (said,) = lie(node, true)
        assert isinstance(said, Batch) and said != true and len(said.entries) == 3
    (stripped,) = liar._strip(node, true)
    assert isinstance(stripped, Batch)
    assert all(parse_entry(raw).content is None for raw in stripped.entries)
    (forged,) = liar._forge(node, true)
    assert isinstance(forged, Batch)
    (false,) = [parse_entry(raw) for raw in forged.entries if raw not in true.entries]
    assert not is_signed(false)
    liar._kept = [true]
    assert liar._repeat(node, true) == [true, true]


def test_each_lie_about_positions_and_logs_says_something_else(world: World) -> None:
    liar, bob = carrier(world), world.people["Bob"].devices[1]
    frontier = Frontier(b"c" * 32, (Position(b"l" * 32, 4, b"i" * 32),))  # type: ignore[arg-type]
    (boast,) = liar._boast(bob.node, frontier)
    assert isinstance(boast, Frontier) and boast.positions[0].seq == 7
    assert liar._understate(bob.node, frontier) == [Frontier(frontier.conversation, ())]
    raw = bob.connection.execute("SELECT certificate FROM log WHERE seed IS NULL").fetchone()[0]
    claim, true = liar._claim(bob.node, LogOffered(bytes(raw), (), False))
    assert isinstance(claim, LogOffered) and isinstance(true, LogOffered)
    ours, theirs = parse_log_certificate(claim.certificate), parse_log_certificate(true.certificate)
    assert ours.device == theirs.device and ours.log != theirs.log


def test_what_is_no_carrying_is_said_as_it_is(world: World) -> None:
    liar, node = carrier(world), world.people["Bob"].devices[1].node
    assert liar._falsified(node, [Ping(1)]) == [Ping(1)] and liar.lies == 0
    honest = carrier(world, 0.0)
    assert honest._falsified(node, [batch(world)]) == [batch(world)]


def test_it_lies_life_after_life_and_nobody_honest_is_harmed(world: World) -> None:
    liar, ann, bob = carrier(world, 0.5), world.people["Ann"], world.people["Bob"]
    for number in range(5):
        world.ledger.texts.add(f"m{number}")
        ann.devices[0].ask("message.send", name="Bob", text=f"m{number}")
        world.run(30)
        world.kill(bob.devices[1], 5)
        world.run(300)
    assert liar.lies > 5
    assert bob.honest == [bob.devices[0]]
    assert [line.text for line in bob.devices[0].tell("message.log", name="Ann")] == [f"m{n}" for n in range(5)]
    world.heal(3600)
    Promises(world).check()
