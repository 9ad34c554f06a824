"""Devices that are removed in simulated worlds: what is checked about them must be able to fail."""

from collections.abc import Iterator

import pytest

from onionchat.testing.sim.actions import Actions
from onionchat.testing.sim.promises import Promises
from onionchat.testing.sim.trouble import QUIET
from onionchat.testing.sim.trust import Quarrel, TrustPromises, device_id, known_out, roster_on, untrust
from onionchat.testing.sim.world import Broken, World

ENTROPY = bytes(range(32))


@pytest.fixture
def world() -> Iterator[World]:
    """Ann with two devices, and Bob; all have written."""
    with World(1, QUIET) as world:
        ann, bob = world.add_person(recovery=ENTROPY), world.add_person()
        world.run(20)
        world.befriend([(ann, bob)])
        world.link(ann, ann.devices[0])
        world.run(60)
        actions = Actions(world)
        for device, name in ((ann.devices[0], "Bob"), (ann.devices[1], "Bob"), (bob.devices[0], "Ann")):
            actions.send(world.owner_of(device), device, name)
            world.run(20)
        yield world


def remove_second(world: World) -> None:
    ann = world.people["Ann"]
    untrust(world, ann, ann.devices[0], ann.devices[1], stolen=True, undo="none")
    world.run(30)


def check(world: World) -> None:
    trust = TrustPromises(world)
    trust.settle()
    Promises(world).check()
    trust.check()


def test_who_is_removed_is_out_and_all_promises_hold(world: World) -> None:
    ann, bob = world.people["Ann"], world.people["Bob"]
    remove_second(world)
    assert known_out(bob.devices[0], "Ann") == {device_id(ann.devices[1])}
    Actions(world).send(bob, bob.devices[0], "Ann")
    world.run(20)
    check(world)
    assert ann.out == {ann.devices[1]} and ann.honest == [ann.devices[0]]
    assert len(world.ledger.written) == 4 and not world.ledger.touched


def test_what_the_removed_device_wrote_unheard_is_released(world: World) -> None:
    ann = world.people["Ann"]
    world.network.divide({"Ann2": 1})
    Actions(world).send(ann, ann.devices[1], "Bob")
    remove_second(world)
    world.network.divide({})
    world.run(300)
    check(world)
    (unheard,) = world.ledger.touched
    assert world.ledger.written[unheard].device == "Ann2"


def test_it_sees_what_reaches_a_device_that_is_out(world: World) -> None:
    ann = world.people["Ann"]
    remove_second(world)
    (of_bob,) = [w for w in world.ledger.written.values() if w.author == "Bob"]
    world.ledger.secrets[of_bob.text] = frozenset((device_id(ann.devices[1]),))
    with pytest.raises(Broken, match="Ann2 is out and has"):
        check(world)


def test_it_sees_a_log_past_its_cut_and_another_roster(world: World) -> None:
    ann, bob = world.people["Ann"], world.people["Bob"]
    remove_second(world)
    trust = TrustPromises(world)
    trust.settle()
    target, c = device_id(ann.devices[1]), bob.devices[0].connection
    c.execute("UPDATE log SET seq = seq + 1 WHERE device = ?", (target,))
    with pytest.raises(Broken, match="Bob1 has 2 of Ann2's, cut at 1"):
        trust.check()
    c.execute("UPDATE log SET seq = seq - 1 WHERE device = ?", (target,))
    trust.check()
    c.execute("DELETE FROM statement WHERE id IN (SELECT id FROM statement ORDER BY length(raw) DESC LIMIT 1)")
    with pytest.raises(Broken, match="another roster of Ann"):
        trust.check()


def test_no_ring_of_removals_comes_of_the_action(world: World) -> None:
    ann, actions = world.people["Ann"], Actions(world)
    actions.untrust(ann, ann.devices[0])
    actions.untrust(ann, ann.devices[1])
    assert [(r.remover, r.target) for r in world.removals] == [("Ann1", "Ann2")]


def test_thief_and_owner_are_both_out_until_the_recovery_key_speaks(world: World) -> None:
    ann, quarrel = world.people["Ann"], Quarrel(world)
    quarrel.entropy = ENTROPY
    quarrel.break_out(ann)
    with pytest.raises(Broken, match="does not know of the dispute"):
        quarrel.check_dispute()
    world.heal(1800)
    TrustPromises(world).settle()
    assert ann.out == set(ann.devices)
    quarrel.check_dispute()
    with pytest.raises(Broken, match="does not know that the owner has recovered"):
        quarrel.check_recovered()
    quarrel.recover()
    world.heal(1800)
    check(world)
    quarrel.check_recovered()
    roster = roster_on(ann.devices[1], ann.devices[0].node.own.account)
    assert roster is not None and ann.out == {ann.devices[1]}
