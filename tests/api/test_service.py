"""The service answers every method of the table, and says no in words."""

import pytest

from onionchat.api import types as t
from onionchat.api.methods import METHODS
from onionchat.errors import LockedError, UsageError


def test_every_method_of_the_table_is_carried_out(world):
    alice = world.add("Alice")
    missing = {method.name for method in METHODS} - set(alice.service._methods)
    assert missing <= {"subscribe", "node.stop"}, missing


def test_nothing_is_carried_out_that_is_not_in_the_table(world):
    alice = world.add("Alice")
    assert set(alice.service._methods) <= {method.name for method in METHODS}


@pytest.mark.parametrize("name", ["", "status", "status.get ", "__init__", "message.send\n", "x" * 10_000])
def test_a_method_that_does_not_exist(world, name):
    with pytest.raises(UsageError) as refused:
        world.add("Alice").service.call(name, t.Nothing())
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_what_works_while_locked(world):
    alice = world.add("Alice")
    alice.do("node.lock")
    for method in METHODS:
        if method.name in alice.service._methods and not method.locked:
            with pytest.raises(LockedError, match="unlock"):
                alice.service.call(method.name, t.Nothing())
    assert alice.status().tor.state == "off"
    alice.do("node.unlock", passphrase="correct horse")


def test_subscribing(world, friends):
    alice, _ = friends
    heard = []
    end = alice.service.subscribe(["message"], heard.append)
    alice.send("Bob", "one")
    end()
    alice.send("Bob", "two")
    assert [(event.event, event.text) for event in heard] == [("message", "one")]
