"""A world: people, their devices, the network between them; all that happens in it comes from one seed."""

import random as dice
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, cast

from twisted.logger import LogEvent, LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from onionchat.errors import StoreError
from onionchat.net.peer import PeerLink
from onionchat.testing.sim.clock import Event, EventQueue, Machine
from onionchat.testing.sim.device import Device
from onionchat.testing.sim.disk import Disk
from onionchat.testing.sim.founding import found, join
from onionchat.testing.sim.hostile import FalseCarrier
from onionchat.testing.sim.ledger import Ledger, Removing
from onionchat.testing.sim.network import SimulatedNetwork
from onionchat.testing.sim.sessions import repeatable_tls
from onionchat.testing.sim.trouble import HOUR, Trouble

# fmt: off
NAMES = (
    "Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kit", "Lea", "Max", "Nia", "Oda", "Pat",
    "Quin", "Ria", "Sam", "Tess", "Uma", "Vic", "Wes", "Xia", "Yan", "Zoe",
)
# fmt: on
MEET_SECONDS = 900.0
JOIN_SECONDS = 120.0  # then somebody who links a device gives up, for now
STEP_SECONDS = 5.0
TIMED_OUT = ("took too long",)
"""Of the reasons for blame, what an honest device does that was killed, sleeps, or has lost the network."""


class Broken(AssertionError):
    """A promise did not hold. The text names the seed that shows it again."""


class Person:
    """Somebody with one account and one device or more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.devices: list[Device] = []
        self.joining: list[Device] = []
        """Devices of which nobody knows yet whether they were admitted."""
        self.false: dict[Device, FalseCarrier] = {}
        """Those that carry falsely. Their owner writes at others."""
        self.out: set[Device] = set()
        """Those that were removed, as it turned out when the world had healed (trust.py)."""

    def __repr__(self) -> str:
        return f"Person({self.name})"

    @property
    def honest(self) -> list[Device]:
        """Devices for which all promises hold."""
        return [device for device in self.devices if device not in self.false and device not in self.out]


class World:
    """Use it as a context: within it, TLS is repeatable and faults that are logged are caught."""

    def __init__(self, seed: int, trouble: Trouble) -> None:
        self.seed, self.trouble = seed, trouble
        self.dice = dice.Random(f"world {seed}")
        self.queue = EventQueue()
        self.network = SimulatedNetwork(self.queue, dice.Random(f"network {seed}"))
        self.people: dict[str, Person] = {}
        self.ledger = Ledger()
        self.quarrels: set[frozenset[str]] = set()
        """Where one has blocked the other, at any time."""
        self.meetings: set[frozenset[str]] = set()
        """Who has begun to become contacts: once for each two."""
        self.removals: list[Removing] = []
        self.faults: list[str] = []
        self.blames: list[str] = []
        self.kills = 0
        self.linked = 0
        self.full_disks = 0  # that there were: what follows from them is no fault
        self._death: tuple[str, int, bool] | None = None
        self.queue.before = lambda event: self._look_for_death(event, is_before=True)
        self.queue.after = lambda event: self._look_for_death(event, is_before=False)
        self._tls = repeatable_tls(dice.Random(f"tls {seed}").randbytes)
        self._observer = cast(Any, self._logged)

    def __enter__(self) -> Self:
        self._tls.__enter__()
        globalLogPublisher.addObserver(self._observer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        globalLogPublisher.removeObserver(self._observer)
        self._tls.__exit__(kind, error, at)
        for device in self.devices:
            device.kill()

    def _logged(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            what = "" if failure is None else failure.getTraceback()
            text = str(event.get("log_format", "")).format_map({k: str(v) for k, v in event.items()})
            self.faults.append(f"{text} {what}".strip())

    def claim(self, holds: bool, otherwise: Callable[[], str] | str) -> None:
        """Raise `Broken` with the seed."""
        if not holds:
            raise Broken(f"seed {self.seed}: {otherwise if isinstance(otherwise, str) else otherwise()}")

    # --- people --------------------------------------------------------------------------------------------
    @property
    def devices(self) -> list[Device]:
        """All devices of all people, also those that are about to be linked."""
        return [device for person in self.people.values() for device in (*person.devices, *person.joining)]

    def add_person(self, name: str = "", recovery: bytes | None = None) -> Person:
        """Somebody new, whose first device starts. `recovery`: entropy of the recovery key."""
        name = name or (NAMES[len(self.people)] if len(self.people) < len(NAMES) else f"P{len(self.people)}")
        person = self.people[name] = Person(name)
        disk = Disk(dice.Random(f"disk {self.seed} {name}").randbytes)
        found(disk, name, dice.Random(f"found {self.seed} {name}").randbytes, recovery)
        person.devices.append(self._make_device(f"{name}1", disk))
        person.devices[0].start()
        return person

    def _make_device(self, name: str, disk: Disk) -> Device:
        return Device(name, disk, self.queue, self.network, f"device {self.seed} {name}", self._blamed)

    def link(self, person: Person, member: Device) -> None:
        """Another device, admitted by a member that is ready. It may come to nothing when that one fails."""
        self.linked += 1
        name = f"{person.name}{len(person.devices) + len(person.joining) + 1}"
        random = dice.Random(f"join {self.seed} {name} {self.linked}").randbytes
        disk = Disk(random)
        done = join(disk, member.node, name, random, int(member.wall_clock() * 1000))
        device = self._make_device(name, disk)
        person.joining.append(device)

        def admitted(_: object) -> None:
            person.joining.remove(device)
            person.devices.append(device)

        def not_admitted(failure: Failure) -> None:
            if not isinstance(failure.value, StoreError):
                member.node.report(failure)

        done.addCallbacks(admitted, not_admitted)
        device.start()

        def give_up() -> None:
            if device in person.joining:
                device.stop()

        self.queue.schedule(JOIN_SECONDS, None, "give up", give_up)

    def settle_links(self) -> None:
        """Those who were admitted after all are members, the others' profiles are thrown away."""
        for person in self.people.values():
            for device in list(person.joining):
                person.joining.remove(device)
                rosters = [member.node.book.own_roster for member in person.devices if member.is_ready]
                own = device.node.own.device if device.is_ready else None
                if own is not None and any(roster is not None and roster.is_member(own) for roster in rosters):
                    person.devices.append(device)
                else:
                    device.kill()

    def befriend(self, pairs: Sequence[tuple[Person, Person]]) -> None:
        """Make them contacts of each other, through a link that accepts in advance; waits until they are."""
        for one, other in pairs:
            self.begin_meeting(one, other)
        self.wait_until(lambda: all(self.are_friends(*pair) for pair in pairs), "they do not become contacts")

    def begin_meeting(self, one: Person, other: Person) -> None:
        """`one` makes a link, `other` adds it."""
        here, there = one.devices[0], other.devices[0]
        self.meetings.add(frozenset((one.name, other.name)))

        def linked(invitation: Any) -> None:
            if there.is_ready:
                there.ask("contact.add", added, link=invitation.link, name=one.name)

        def added(_: Any) -> None:
            self.ledger.friends.add(frozenset((one.name, other.name)))

        here.ask("invite.create", linked, accept_as=other.name, expires_seconds=0)  # clocks jump

    def are_friends(self, one: Person, other: Person) -> bool:
        """Whether each has the other for a contact, on all devices."""
        return all(
            device.is_ready and any(p.name == whom.name and p.is_active for p in device.node.book.people.values())
            for who, whom in ((one, other), (other, one))
            for device in who.honest
        )

    def owner_of(self, device: Device) -> Person:
        """Whose device it is."""
        return next(p for p in self.people.values() if device in p.devices or device in p.joining)

    def friends_of(self, device: Device) -> set[str]:
        """The contacts that were promised to a device's owner."""
        name = self.owner_of(device).name
        return {other for pair in self.ledger.friends if name in pair for other in pair if other != name}

    # --- time ----------------------------------------------------------------------------------------------
    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.queue.run_until(self.queue.now + seconds)

    def wait_until(self, is_true: Callable[[], bool], otherwise: str, seconds: float = MEET_SECONDS) -> None:
        """Let time pass until something holds; `Broken` when it does not come to hold."""
        end = self.queue.now + seconds
        while not is_true():
            self.claim(self.queue.now < end, otherwise)
            self.run(STEP_SECONDS)

    # --- death ---------------------------------------------------------------------------------------------
    def kill_at(self, kind: str, count: int, is_before: bool) -> None:
        """Kill the machine that has the `count`-th next event of this kind, just before or just after it."""
        self._death = (kind, count, is_before)

    def _look_for_death(self, event: Event, is_before: bool) -> None:
        if self._death is None or (event.kind, is_before) != (self._death[0], self._death[2]):
            return
        kind, count, _ = self._death
        if count > 0:
            self._death = (kind, count - 1, is_before)
            return
        self._death = None
        device = self.device_on(event.owner)
        if device is not None:
            self.kill(device)

    def device_on(self, machine: Machine | None) -> Device | None:
        """Whose life this is."""
        return next((device for device in self.devices if machine is not None and device.machine is machine), None)

    def kill(self, device: Device, down_seconds: float | None = None) -> None:
        """End a life. The next begins after a while."""
        if device.is_up:
            self.kills += 1
            device.kill()
            self.start_later(device, self.dice.expovariate(1 / 60) if down_seconds is None else down_seconds)

    def start_later(self, device: Device, seconds: float) -> None:
        """The device is switched on again after so long."""
        self.queue.schedule(seconds, None, "start", device.start)

    def _blamed(self, device: Device, link: PeerLink, reason: str) -> None:
        """By a false device or of one, it is as it should be."""
        whom = None if link.peer is None else link.peer.device
        false = {each.node.own.device for p in self.people.values() for each in p.false if each.is_ready}
        is_false = device in self.owner_of(device).false or whom in false or (whom is None and bool(false))
        if not is_false and not any(part in reason for part in TIMED_OUT):
            self.blames.append(f"{device.name} blames {whom.hex()[:8] if whom else '?'}: {reason}")

    def corrupt(self, device: Device, share: float) -> FalseCarrier:
        """From now on this device carries falsely."""
        carrier = FalseCarrier(device, f"false {self.seed} {device.name}", share)
        self.owner_of(device).false[device] = carrier
        return carrier

    # --- healing -------------------------------------------------------------------------------------------
    def heal(self, seconds: float = 2 * HOUR) -> None:
        """Everybody up, with room on the disk and the right time; nothing breaks any more; time to settle."""
        self._death = None
        self.network.divide({})
        self.network.refused_share = 0.0
        for device in self.devices:
            device.disk.free()
            device.clock_ahead_seconds = 0.0
            device.start()
            if device.machine is not None:
                device.machine.wake()
            device.tor.is_cut = False
        self.run(seconds / 3)
        self.settle_links()
        for device in self.devices:
            self.unlock(device)
        self.run(seconds / 3)
        for device in self.devices:
            for person in device.node.book.people.values() if device.is_ready else ():
                if person.value.state == "blocked":
                    device.ask("contact.unblock", id=person.name)
        self.run(seconds / 3)

    def unlock(self, device: Device) -> None:
        """The passphrase is given."""
        if device.is_up and not device.node.is_unlocked:
            device.node.unlock("passphrase").addErrback(device.node.report)

    @property
    def device_hours(self) -> float:
        """For how long devices were up, all together."""
        running = sum(self.queue.now - d.up_since for d in self.devices if d.is_up)
        return (sum(device.up_seconds for device in self.devices) + running) / HOUR
