"""Runs of worlds: trouble, healing, promises; each from its seed."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass

from onionchat.testing.sim.actions import Actions, has_body
from onionchat.testing.sim.device import Device
from onionchat.testing.sim.promises import Promises
from onionchat.testing.sim.trouble import HOUR, Trouble
from onionchat.testing.sim.trust import Quarrel, TrustPromises
from onionchat.testing.sim.world import World

START_SECONDS = 30.0
APART_SECONDS = 120.0  # that thief and owner do not hear each other


@dataclass(frozen=True)
class Sort:
    """A sort of worlds. `friends_each`: how many contacts each person has at first, in a ring."""

    people: int
    trouble: Trouble
    devices_each: int = 1
    friends_each: int = 2
    heal_seconds: float = 2 * HOUR
    has_thief: bool = False
    """The first person and a thief remove each other's device, apart; for odd seeds the recovery key then speaks."""
    false_share: float = 0.0
    """Above 0: the second half of the people have a last device that lies so often when it passes something on."""


@dataclass
class Report:
    """What one run came to."""

    seed: int
    devices: int
    events: int
    device_hours: float
    messages: int
    kills: int
    connections: int
    trace: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.devices} devices, {self.device_hours:,.0f} device-hours, {self.events:,} events,"
            f" {self.messages:,} messages, {self.kills} kills, {self.connections:,} connections, {self.seconds:.1f} s"
        )


def run(seed: int, sort: Sort) -> Report:
    """One world. `Broken` when a promise does not hold."""
    began = time.monotonic()
    with World(seed, sort.trouble) as world:
        quarrel = Quarrel(world) if sort.has_thief else None
        recovery = None if quarrel is None else quarrel.entropy
        people = [world.add_person(recovery=recovery) for _ in range(sort.people)]
        world.run(START_SECONDS)
        pairs = {
            frozenset((i, (i + step) % len(people))): (people[i], people[(i + step) % len(people)])
            for i in range(len(people))
            for step in range(1, sort.friends_each // 2 + 1)
            if i != (i + step) % len(people)
        }
        world.befriend(list(pairs.values()))
        add_devices(world, sort.devices_each)
        if sort.false_share:
            for person in people[len(people) // 2 :]:
                world.corrupt(person.devices[-1], sort.false_share)
        if sort.trouble.untrust or sort.has_thief:
            begin_logs(world)
        make_trouble(world, sort.trouble.seconds)
        if quarrel is not None:
            quarrel.break_out(people[0])
            make_trouble(world, APART_SECONDS)
        heal_and_check(world, sort.heal_seconds)
        if quarrel is not None:
            quarrel.check_dispute()
            if seed % 2:
                quarrel.recover()
                heal_and_check(world, sort.heal_seconds)
                quarrel.check_recovered()
        return Report(
            seed, len(world.devices), world.queue.run_count, world.device_hours, len(world.ledger.written),
            world.kills, world.network.connections, world.queue.trace, time.monotonic() - began,
        )  # fmt: skip


def heal_and_check(world: World, seconds: float) -> None:
    """All promises."""
    world.heal(seconds)
    gc.collect()  # a Deferred whose failure nobody took says so when it goes
    trust = TrustPromises(world)
    trust.settle()
    promises = Promises(world)
    promises.check_quiet()
    if not trust.is_disputed:  # then nobody drops or takes anything, until it is over
        promises.check()
    trust.check()


def add_devices(world: World, devices_each: int) -> None:
    """Link devices, in quiet, until everybody has so many; wait until all know of them."""
    people = list(world.people.values())
    for _ in range(devices_each - 1):
        for person in people:
            world.link(person, person.devices[0])
        world.wait_until(lambda: not any(p.joining for p in people), "a device is not admitted")
        world.wait_until(lambda: all(knows_all(world, d) for d in world.devices), "a new device is not known to all")


def knows_all(world: World, device: Device) -> bool:
    """Whether a device is a member, and knows its account's devices and all of its contacts'."""
    if not device.is_ready or not device.node.book.is_member:
        return False
    book = device.node.book
    counts = {name: len(person.devices) for name, person in world.people.items()}
    is_level = {p.name for p in book.people.values()} == world.friends_of(device)
    return is_level and all(len(p.devices) == counts[p.name] for p in book.people.values())


def begin_logs(world: World) -> None:
    """Every device writes to every contact, and all hear it, before any is removed.

    Of several removers who know of different logs, some may be out themselves before a contact is shown their cuts:
    then a log that only those knew ends elsewhere there (docs/spec/identity.md, "What a removal does").
    """
    actions = Actions(world)
    for device in world.devices:
        for name in sorted(world.friends_of(device)):
            actions.send(world.owner_of(device), device, name)
    world.run(START_SECONDS)
    for message in world.ledger.written:
        one, other = (world.people[name] for name in sorted(world.ledger.written[message].people))
        everywhere = [*one.devices, *other.devices]
        world.wait_until(lambda m=message, e=everywhere: all(has_body(d, m) for d in e), "not all hear a greeting")  # type: ignore[misc]


def make_trouble(world: World, seconds: float) -> None:
    """For so long."""
    actions = Actions(world)
    world.network.refused_share = world.trouble.refused_share
    end = world.queue.now + seconds
    while world.queue.now < end:
        actions.happen()
        world.run(world.dice.expovariate(1 / world.trouble.pause_seconds))


def total(reports: Sequence[Report]) -> str:
    """One line about many runs."""
    return (
        f"{len(reports)} worlds: {sum(r.device_hours for r in reports):,.0f} device-hours,"
        f" {sum(r.events for r in reports):,} events, {sum(r.messages for r in reports):,} messages,"
        f" {sum(r.kills for r in reports):,} kills, {sum(r.connections for r in reports):,} connections"
    )
