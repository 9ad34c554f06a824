"""Nodes in memory: they meet, talk, are cut off, start again; faults are noticed."""

import pytest
from twisted.internet.defer import fail
from twisted.logger import Logger

from onionchat.errors import LocalError
from onionchat.testing.nodes import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


def test_friends_talk_and_no_socket_is_opened(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    alice.send("Bob", "hello")
    assert bob.texts("Alice") == ["hello"]
    assert [event.event for event in bob.heard("message")] == ["message"]
    assert world.faults == []


def test_cut_off_and_back(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    bob.cut()
    alice.send("Bob", "are you there?")
    assert bob.texts("Alice") == [] and not alice.contact("Bob").online
    bob.restore()
    assert bob.texts("Alice") == ["are you there?"]


def test_started_again(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    bob.restart()
    world.pass_time(5)
    assert alice.contact("Bob").online and bob.contact("Alice").online


def test_errors_of_the_api_are_raised_here(world):
    with pytest.raises(LocalError):
        world.add("Alice").do("contact.get", name="nobody")


def test_faults_are_written_down(world):
    Logger().error("a fault of {who}", who="mine")
    world.stop()
    assert world.faults == ["a fault of mine"]


def test_failures_that_nobody_took_are_written_down(world):
    fail(ValueError("lost"))
    world.stop()
    assert any("lost" in fault for fault in world.faults)


def test_the_clock_of_one_machine(world):
    alice = world.add("Alice")
    before = alice.wall_clock()
    alice.clock_offset_seconds = 60
    world.pass_time(2)
    assert alice.wall_clock() == before + 62


def test_what_waits_for_ever_is_said(world):
    from twisted.internet.defer import Deferred

    with pytest.raises(AssertionError, match="waits"):
        world.wait(Deferred())
