"""The simulator itself: what it checks must be able to fail."""

import pytest

from onionchat.log.entry import direct_id, self_id
from onionchat.testing.simulator import Broken, Simulator, Trouble

QUIET = Trouble(seconds=0.0)


def settled() -> Simulator:
    """A world of two people, one of them with two devices, that has talked and healed."""
    world = Simulator(1, (2, 1), QUIET)
    for device in sorted(world.replicas):
        for conversation in world.stores[device].conversations():
            world.write(device, conversation)
    world.run()
    return world


def test_a_quiet_world_converges() -> None:
    world = settled()
    a, b = sorted({person.account for person in world.directory.people.values()})
    assert len(world.members_of(direct_id(a, b))) == 3
    shown = {len(world.stores[device].shown(direct_id(a, b))) for device in world.replicas}
    assert shown == {3}
    assert {len(world.members_of(self_id(account))) for account in (a, b)} == {1, 2}


def broken(world: Simulator) -> str:
    with pytest.raises(Broken) as found:
        world.check()
    return str(found.value)


def test_it_sees_a_device_that_was_not_told() -> None:
    world = settled()
    device = sorted(world.replicas)[0]
    conversation = world.stores[device].conversations()[0]
    entry = world.stores[device].write(conversation, b"untold", 1_900_000_000_000)
    assert "seed 1: frontiers differ" in broken(world)
    assert entry.seq == 2


def test_it_sees_a_lost_entry() -> None:
    world = settled()
    world.written[b"e" * 32] = world.stores[sorted(world.replicas)[0]].conversations()[0]  # type: ignore[index]
    assert "lost" in broken(world)


def test_it_sees_an_entry_that_nobody_wrote() -> None:
    world = settled()
    world.ever_written.clear()
    assert "nobody wrote" in broken(world)


def test_it_sees_a_missing_body() -> None:
    world = settled()
    device = sorted(world.replicas)[0]
    for conversation in world.stores[device].conversations():
        for entry in world.stores[device].shown(conversation):
            world.stores[device].forget(conversation, entry.log, entry.seq)
    world.check()
    disk = world.stores[device].snapshot()
    for logs in disk.values():
        for stored in logs.values():
            stored.final.clear()
    world.stores[device].restore(disk)
    assert "body is missing" in broken(world)


def test_it_sees_a_deletion_that_came_back() -> None:
    world = settled()
    device = sorted(world.replicas)[0]
    disk = world.stores[device].snapshot()
    for logs in disk.values():
        for stored in logs.values():
            stored.final.add(1)
    world.stores[device].restore(disk)
    assert "deletion came back" in broken(world)


def test_a_crash_loses_what_was_not_committed_and_nothing_else() -> None:
    world = Simulator(3, (1, 1), QUIET)
    a, b = sorted(world.replicas)
    conversation = next(iter(set(world.stores[a].conversations()) & set(world.stores[b].conversations())))
    world.connect(a, b)
    world.write(a, conversation)
    world.crash(b)
    assert world.stores[b].shown(conversation) == []
    world.heal()
    world.check()
    assert len(world.stores[b].shown(conversation)) == 1
