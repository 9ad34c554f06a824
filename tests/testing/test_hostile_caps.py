"""What is held for others is counted, and what is too much is seen."""

import pytest

from onionchat import limits
from onionchat.testing.hostile import Hostile
from onionchat.testing.hostile_caps import excess, holdings
from onionchat.testing.nodes import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


def count(actor, what: str) -> int:
    return sum(holding.count for holding in holdings(actor.node) if holding.what == what)


def test_a_quiet_node_holds_little(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    assert excess(alice.node) == []
    assert count(alice, "sessions of a link") == 1 and count(alice, "strangers") == 0


def test_what_comes_is_counted(world):
    alice, eve = world.add("Alice"), Hostile(world)
    link = alice.do("invite.create", open=True).link
    eve.say(eve.dial_link(link), eve.request())
    assert (count(alice, "strangers"), count(alice, "requests"), count(alice, "requests at a link")) == (1, 1, 1)


def test_too_much_is_seen(world, monkeypatch):
    alice = world.add("Alice")
    link = alice.do("invite.create", open=True).link
    for seed in range(3):
        eve = Hostile(world, seed + 1)
        eve.say(eve.dial_link(link), eve.request())
    assert excess(alice.node) == []
    monkeypatch.setattr(limits, "STRANGERS_MAX", 2)
    assert [(holding.what, holding.count, holding.cap) for holding in excess(alice.node)] == [("strangers", 3, 2)]
