"""What is on the disks of new devices."""

import random as dice

from onionchat.store.own import load_own
from onionchat.testing.sim.disk import Disk
from onionchat.testing.sim.founding import found
from onionchat.testing.sim.trouble import QUIET
from onionchat.testing.sim.world import World


def test_a_first_device_has_an_account_of_its_own() -> None:
    owns = []
    for seed in (1, 1, 2):
        disk = Disk(dice.Random(0).randbytes)
        found(disk, "Ann", dice.Random(seed).randbytes)
        owns.append(load_own(disk.connection))
    assert owns[0].account == owns[1].account != owns[2].account
    assert not owns[0].is_linking


def test_a_further_device_is_a_member_once_it_was_admitted() -> None:
    with World(1, QUIET) as world:
        ann = world.add_person("Ann")
        world.run(10)
        world.link(ann, ann.devices[0])
        (new,) = ann.joining
        assert load_own(new.connection).is_linking
        world.run(60)
        assert ann.devices[1] is new and ann.joining == []
        assert new.node.book.is_member and new.node.own.account == ann.devices[0].node.own.account
        assert world.faults == [] == world.blames
