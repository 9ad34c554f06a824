"""What people do, and what befalls machines, one by one."""

from collections.abc import Iterator

import pytest

from onionchat.testing.sim.actions import Actions, has_body
from onionchat.testing.sim.promises import Promises
from onionchat.testing.sim.trouble import EVENTFUL, Trouble
from onionchat.testing.sim.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World(1, Trouble(devices_max=2)) as world:
        people = [world.add_person() for _ in range(3)]
        world.run(20)
        world.befriend([(people[0], people[1])])
        yield world


@pytest.mark.parametrize("kind", EVENTFUL)
def test_each_happening_leaves_a_world_that_heals(world: World, kind: str) -> None:
    actions, ann = Actions(world), world.people["Ann"]
    for _ in range(5):
        actions.write(ann, ann.devices[0])
    world.run(20)
    for _ in range(3):
        if ann.devices[0].is_ready:
            getattr(actions, kind)(ann, ann.devices[0])
        world.run(30)
    world.heal(3600)
    Promises(world).check()


def test_what_was_sent_is_promised_once_it_is_committed(world: World) -> None:
    actions, ann = Actions(world), world.people["Ann"]
    actions.write(ann, ann.devices[0])
    assert len(world.ledger.texts) == 1
    assert world.ledger.written == {}
    world.run(5)
    ((message, written),) = world.ledger.written.items()
    assert written.people == {"Ann", "Bob"} and written.author == "Ann"
    assert has_body(ann.devices[0], message)
    assert not has_body(world.people["Cleo"].devices[0], message)


def test_people_do_nothing_while_their_device_is_off(world: World) -> None:
    ann = world.people["Ann"]
    actions = Actions(world)
    for device in world.devices:
        world.kill(device, 1e6)
    for _ in range(200):
        actions.happen()
    assert world.ledger.texts == set() and ann.devices[0].machine is None
