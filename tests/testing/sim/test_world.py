"""A world as a whole: people meet, devices are linked, machines die, all heals; a seed gives the same again."""

import pytest
from twisted.logger import Logger

from onionchat.testing.sim.trouble import QUIET
from onionchat.testing.sim.world import Broken, World


def test_people_become_contacts_and_their_messages_arrive() -> None:
    with World(1, QUIET) as world:
        ann, bob = world.add_person(), world.add_person()
        assert (ann.name, bob.name) == ("Ann", "Bob")
        world.run(20)
        assert not world.are_friends(ann, bob)
        world.befriend([(ann, bob)])
        assert world.friends_of(ann.devices[0]) == {"Bob"} and world.owner_of(bob.devices[0]) is bob
        ann.devices[0].ask("message.send", name="Bob", text="hello")
        world.run(20)
        assert [line.text for line in bob.devices[0].tell("message.log", name="Ann")] == ["hello"]
        assert world.device_hours > 0


def test_a_machine_dies_at_the_chosen_event_and_starts_again() -> None:
    with World(2, QUIET) as world:
        ann = world.add_person()
        world.run(20)
        ann.devices[0].ask("message.send", name="Notes", text="never committed")
        world.kill_at("commit", 0, is_before=True)
        world.run(2)
        assert world.kills == 1
        world.run(3600)
        assert ann.devices[0].lives == 2
        assert ann.devices[0].tell("message.log", name="Notes") == []


@pytest.mark.parametrize(("after_seconds", "devices"), [(0.0, 1), (10.0, 2)])
def test_a_link_whose_member_dies_comes_to_nothing_or_is_completed(after_seconds: float, devices: int) -> None:
    with World(3, QUIET) as world:
        ann = world.add_person()
        world.run(20)
        world.link(ann, ann.devices[0])
        assert len(ann.joining) == 1
        world.run(after_seconds)
        world.kill(ann.devices[0], 30)
        world.heal(600)
        assert (len(ann.devices), ann.joining) == (devices, [])
        assert [len(device.node.book.own_devices) for device in ann.devices] == [devices] * devices


def test_healing_undoes_all_that_was_wrong() -> None:
    with World(4, QUIET) as world:
        ann, bob = world.add_person(), world.add_person()
        world.run(20)
        world.befriend([(ann, bob)])
        here, there = ann.devices[0], bob.devices[0]
        here.clock_ahead_seconds, world.network.refused_share = 1e6, 1.0
        here.disk.fill()
        assert here.machine is not None
        here.machine.sleep(1e6)
        there.node.lock()
        there.tor.cut()
        world.network.divide({here.name: 1})
        world.run(60)
        world.heal(1800)
        assert not here.disk.is_full and here.clock_ahead_seconds == 0
        there.ask("message.send", name="Ann", text="again")
        world.run(60)
        assert [line.text for line in here.tell("message.log", name="Bob")] == ["again"]


def test_what_does_not_come_to_hold_is_said_with_the_seed() -> None:
    with World(5, QUIET) as world, pytest.raises(Broken, match="seed 5: it never does"):
        world.wait_until(lambda: False, "it never does", 10)


def test_faults_are_caught_while_the_world_lasts() -> None:
    with World(6, QUIET) as world:
        Logger().error("a {kind} fault", kind="bad")
        assert world.faults == ["a bad fault"]
    Logger().error("not caught")
    assert len(world.faults) == 1
