"""People with nodes on one network in memory. A test that leaves a fault in the log has failed."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from onionchat.testing.nodes import Actor, World
from tests.node.logs import Heard
from tests.node.recoveries import add_with_words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A network with nobody on it."""
    world = World(tmp_path)
    yield world
    world.stop()
    assert world.faults == []


@pytest.fixture
def friends(world: World) -> tuple[Actor, Actor]:
    """Alice and Bob, contacts and connected."""
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    return alice, bob


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Heard]:
    """All that is logged or printed meanwhile."""
    caplog.set_level(logging.DEBUG)
    with Heard(caplog, capfd) as heard:
        yield heard


@pytest.fixture
def alice_with_words(world: World) -> Actor:
    """Alice, whose recovery words are `.words`."""
    return add_with_words(world, "Alice")


@pytest.fixture
def bob_who_has_compared(world: World, alice_with_words: Actor) -> Actor:
    """Bob, her contact, who has compared words."""
    bob = world.add("Bob")
    world.befriend(alice_with_words, bob)
    bob.do("contact.trust", name="Alice", trust="validated")
    return bob
