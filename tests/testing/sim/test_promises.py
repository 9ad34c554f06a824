"""What is checked must be able to fail."""

from collections.abc import Iterator

import pytest

from onionchat.testing.sim.ledger import Written
from onionchat.testing.sim.promises import Promises, without_full_disks
from onionchat.testing.sim.trouble import QUIET
from onionchat.testing.sim.world import Broken, World


@pytest.fixture
def world() -> Iterator[World]:
    """Ann with two devices and Bob have talked, and all is well."""
    with World(1, QUIET) as world:
        ann, bob = world.add_person(), world.add_person()
        world.run(20)
        world.befriend([(ann, bob)])
        world.link(ann, ann.devices[0])
        world.run(60)
        for number, (device, name) in enumerate([(ann.devices[0], "Bob"), (bob.devices[0], "Ann")] * 2):
            world.ledger.texts.add(f"m{number}")
            author = "Ann" if name == "Bob" else "Bob"

            def sent(result: object, number: int = number, author: str = author) -> None:
                line = Written(f"m{number}", frozenset(("Ann", "Bob")), author)
                world.ledger.written[result.id] = line  # type: ignore[attr-defined]

            device.ask("message.send", sent, name=name, text=f"m{number}")
            world.run(20)
        Promises(world).check()
        yield world


def broken(world: World) -> str:
    with pytest.raises(Broken) as found:
        Promises(world).check()
    assert "seed 1: " in str(found.value)
    return str(found.value)


def test_it_sees_what_is_lost(world: World) -> None:
    world.ledger.written["e" * 52] = Written("m9", frozenset(("Ann", "Bob")), "Ann")
    assert "has lost 1" in broken(world)


def test_it_sees_what_nobody_wrote(world: World) -> None:
    world.ledger.texts.discard("m1")
    assert "shows what nobody wrote: ['m1']" in broken(world)


def test_it_sees_what_was_forgotten_and_is_there(world: World) -> None:
    some = next(iter(world.ledger.written))
    world.ledger.begin_forgetting("Ann", [some])
    world.ledger.forget("Ann", [some])
    assert "shows 1 that were forgotten or taken back" in broken(world)


def test_it_sees_what_was_taken_back_and_is_there(world: World) -> None:
    world.ledger.retracted.add(next(iter(world.ledger.written)))
    assert "taken back" in broken(world)


def test_it_sees_a_device_that_lacks_an_entry(world: World) -> None:
    c = world.people["Ann"].devices[1].connection
    c.execute("UPDATE log SET seq = seq - 1 WHERE seed IS NULL AND seq > 1")
    assert "have different logs" in broken(world)


def test_it_sees_another_order(world: World) -> None:
    c = world.people["Bob"].devices[0].connection
    (n,) = c.execute("SELECT max(n) FROM entry WHERE shown > 0").fetchone()
    c.execute("UPDATE entry SET ms = 1 WHERE n = ?", (n,))
    assert "have another order" in broken(world) or "an answer stands before" in broken(world)


def test_it_sees_a_missing_body(world: World) -> None:
    c = world.people["Ann"].devices[1].connection
    c.execute("UPDATE entry SET content = NULL WHERE shown > 0 AND mine = 0")
    assert "Ann2" in broken(world)


def test_it_sees_another_text_on_one_device(world: World) -> None:
    c = world.people["Ann"].devices[1].connection
    c.execute("UPDATE entry SET mine = 1 - mine, shown = 0 WHERE n = (SELECT max(n) FROM entry WHERE shown > 0)")
    assert "Ann2" in broken(world)


def test_it_sees_registers_and_read_marks_that_differ(world: World) -> None:
    c = world.people["Ann"].devices[1].connection
    (log,) = c.execute("SELECT id FROM log WHERE seq > 0 LIMIT 1").fetchone()
    c.execute("INSERT INTO read_mark VALUES (?, 1)", (log,))
    assert "Ann2 has other read marks than Ann1" in broken(world)
    c.execute("DELETE FROM read_mark")
    c.execute("UPDATE register SET value = x'00' WHERE kind = 'setting'")
    assert "Ann2 has other registers than Ann1" in broken(world)


def test_it_sees_a_frozen_log(world: World) -> None:
    world.people["Bob"].devices[0].connection.execute("UPDATE log SET frozen = 1")
    assert "a log is frozen on Bob1" in broken(world)


def test_it_sees_a_delivery_that_is_not_known(world: World) -> None:
    device = world.people["Ann"].devices[0]
    device.node.deliveries.__init__(device.node)  # type: ignore[misc]
    device.connection.execute("DELETE FROM ack")
    device.node.deliveries.load(device.connection)
    assert "Ann1 does not know that 'm0' is there" in broken(world)


def test_it_sees_faults_blame_and_people_who_did_not_meet(world: World) -> None:
    world.blames.append("Ann1 blames Bob1: forgery")
    assert "honest devices blamed each other" in broken(world)
    world.blames.clear()
    world.faults.append("a background job failed: ZeroDivisionError")
    assert "faults" in broken(world)
    world.faults.clear()
    world.add_person("Cleo")
    world.run(20)
    world.ledger.friends.add(frozenset(("Ann", "Cleo")))
    assert "Ann and Cleo did not become contacts" in broken(world)


def test_of_faults_only_those_of_full_disks_are_left_out() -> None:
    places = ["/x/node.py:3 in _start", "/x/store.py:5 in write"]
    full = "a background job failed: StoreError"
    assert without_full_disks([full, *places, full, "a channel failed: KeyError", places[0]]) == [
        "a channel failed: KeyError",
        places[0],
    ]
