"""Devices that are removed: the removing, a thief and an owner who remove each other, recovery; and what then holds.

Who is out is not known while a world is in trouble: a removal may come to nothing when its device fails. It is what
all statements together come to, once the world has healed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from onionchat.api.present import NOTES_NAME
from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import Remove, Roster, fold
from onionchat.ids import AccountId, DeviceId, id_text, parse_id
from onionchat.log.entry import direct_id, self_id
from onionchat.node.recovering import Recovery
from onionchat.store.changes import find_entry
from onionchat.store.own import load_own
from onionchat.store.people import statements_of
from onionchat.testing.sim.device import Device
from onionchat.testing.sim.ledger import Removing

if TYPE_CHECKING:
    from onionchat.testing.sim.world import Person, World

AGAIN_SECONDS = 10.0
SHOWN = 5


def device_id(device: Device) -> DeviceId:
    """Its id, whether it is up or not."""
    return load_own(device.connection).device


def account_of(person: "Person") -> AccountId:
    """Somebody's account."""
    return load_own(person.devices[0].connection).account


def roster_on(device: Device, account: AccountId) -> Roster | None:
    """An account as a device's disk has it; None when it has not heard of it."""
    statements = statements_of(device.connection, account)
    return fold(statements, account) if statements else None


def known_out(device: Device, name: str) -> frozenset[bytes]:
    """The devices of which this one knows that they are out: of its account, and of a contact's."""
    book = device.node.book
    rosters = [book.own_roster]
    if name != NOTES_NAME:
        rosters += [person.roster for person in book.people.values() if person.name == name]
    return frozenset(each for roster in rosters if roster is not None for each in roster.devices - roster.active)


def held_by(world: "World", device: Device) -> frozenset[str]:
    """The messages that a device has, with what they say."""
    c, found = device.connection, set()
    for message in world.ledger.written:
        n = find_entry(c, parse_id(message))
        if n is not None:
            (content,) = c.execute("SELECT content FROM entry WHERE n = ?", (n,)).fetchone()
            if content is not None:
                found.add(message)
    return frozenset(found)


# --- removing ---------------------------------------------------------------------------------------------
def untrust_another(world: "World", person: "Person", device: Device) -> None:
    """Some device of the account is untrusted here; never so that devices remove each other in a ring."""
    roster = device.node.book.own_roster
    if roster is None or not device.node.book.is_member:
        return
    others = [
        other for other in person.devices
        if other is not device and device_id(other) in roster.active and not _reaches(world, other.name, device.name)
    ]  # fmt: skip
    if others:
        stolen, undo = world.dice.random() < 0.7, world.dice.choice(("none", "all"))
        untrust(world, person, device, world.dice.choice(others), stolen, undo)


def untrust(world: "World", person: "Person", device: Device, target: Device, stolen: bool, undo: str) -> None:
    """Begin it. Whether it comes to be on the disk is another matter."""
    world.removals.append(Removing(person.name, device.name, target.name, held_by(world, device)))
    device.ask("device.untrust", None, lambda: None, device=id_text(device_id(target)), stolen=stolen, undo=undo)


def _reaches(world: "World", remover: str, target: str) -> bool:
    """Whether a device has removed another one, or one that has, and so on."""
    if remover == target:
        return True
    return any(_reaches(world, r.target, target) for r in world.removals if r.remover == remover)


# --- promises ---------------------------------------------------------------------------------------------
class TrustPromises:
    """What holds in a healed world, about devices that were removed."""

    def __init__(self, world: "World") -> None:
        self.world, self.ledger = world, world.ledger
        self.rosters = {name: self._whole(person) for name, person in world.people.items()}

    def _whole(self, person: "Person") -> Roster:
        """All that is said of an account by devices that are in, as far as they know; by all, when none of its is.

        A removal by a device that was itself out before anybody heard it stays with that device, but in a dispute.
        """
        account = account_of(person)
        is_left = any(map(_is_in, person.devices))
        speakers = [device for device in self.world.devices if _is_in(device) or not is_left]
        said = {each for device in speakers for each in statements_of(device.connection, account)}
        return fold(sorted(said), account)

    @property
    def is_disputed(self) -> bool:
        """Whether devices of somebody have removed each other."""
        return any(roster.disputed for roster in self.rosters.values())

    # --- before all other promises ---------------------------------------------------------------------------
    def settle(self) -> None:
        """Find who is out, and release from their promises what was cut off and what the removed have deleted."""
        people = self.world.people.values()
        for person in people:
            active = self.rosters[person.name].active
            person.out = {device for device in person.devices if device_id(device) not in active}
        out = {device.name for person in people for device in person.out}
        for person in people:
            for device in person.out:
                held = self._surely_kept(person, device, out)
                cut = {m for m, w in self.ledger.written.items() if w.device == device.name and m not in held}
                self.ledger.touched |= cut
        for (whose, message), devices in self.ledger.deleted_at.items():
            if devices & out:
                self.ledger.touched.add(message)
                gone = self.ledger.forgotten.get(whose, set()) if whose else self.ledger.retracted
                gone.discard(message)

    def _surely_kept(self, person: "Person", device: Device, out: set[str]) -> frozenset[str]:
        """What was here when the device was removed: at all that removed it, if they are in themselves."""
        target = device_id(device)
        parsed = self.rosters[person.name].parsed
        signers = {s.signer for s in parsed if isinstance(s.body, Remove) and s.subject == target}
        removers = {each.name for each in person.devices if device_id(each) in signers}
        begun = [r for r in self.world.removals if r.target == device.name and r.remover in removers]
        if not begun or any(r.remover in out for r in begun):
            return frozenset()
        return frozenset.intersection(*(r.held for r in begun))

    # --- the promises --------------------------------------------------------------------------------------
    def check(self) -> None:
        """All of them."""
        for person in self.world.people.values():
            self._check_rosters(person)
            for device in person.out:
                self._check_cut(person, device)
                self._check_nothing_reached(person, device)

    def _holders(self, person: "Person") -> list[Device]:
        """All devices that are in, of somebody and of the contacts."""
        friends = {name for pair in self.ledger.friends if person.name in pair for name in pair} | {person.name}
        return [device for name in sorted(friends) for device in self.world.people[name].honest]

    def _check_rosters(self, person: "Person") -> None:
        account, whole = account_of(person), self.rosters[person.name]
        for device in self._holders(person):
            here = roster_on(device, account)
            same = here is not None and _outcome(here) == _outcome(whole)
            self.world.claim(same, f"{device.name} has another roster of {person.name}")
            book = device.node.book
            shown = book.own_roster if device in person.devices else book.people[account].roster
            same = shown is not None and _outcome(shown) == _outcome(whole)
            self.world.claim(same, f"{device.name} has another roster of {person.name} in memory")

    def _check_cut(self, person: "Person", device: Device) -> None:
        """Nowhere is more of a stolen device's logs than its removal has left."""
        target, whole = device_id(device), self.rosters[person.name]
        removal = whole.removed.get(target)
        if removal is None or removal.reason != "stolen" or whole.disputed:
            return
        for holder in self._holders(person):
            rows = holder.connection.execute("SELECT id, seq FROM log WHERE device = ? AND seq > 0", (target,))
            for log, seq in rows.fetchall():
                cut = removal.cuts.get(log)  # where the remover is out itself, not all may have been told
                is_kept = cut is None or seq <= cut.seq
                self.world.claim(is_kept, f"{holder.name} has {seq} of {device.name}'s, cut at {cut and cut.seq}")

    def _check_nothing_reached(self, person: "Person", device: Device) -> None:
        target, c = device_id(device), device.connection
        secret = {text for text, out in self.ledger.secrets.items() if target in out}
        for message, written in self.ledger.written.items():
            reached = written.text in secret and find_entry(c, parse_id(message)) is not None
            self.world.claim(not reached, f"{device.name} is out and has {written.text[:12]!r} of {written.device}")
        shown = self._texts(person, device) & secret
        self.world.claim(not shown, lambda: f"{device.name} is out and shows {sorted(t[:12] for t in shown)[:SHOWN]}")

    def _texts(self, person: "Person", device: Device) -> set[str]:
        """All that is on its screens."""
        from onionchat.testing.sim.promises import view

        account = account_of(person)
        others = [account_of(other) for other in self.world.people.values() if other is not person]
        views = [view(device, each) for each in (self_id(account), *(direct_id(account, other) for other in others))]
        return {line.text for each in views if each is not None for line in each.lines}


def _is_in(device: Device) -> bool:
    own = load_own(device.connection)
    roster = roster_on(device, own.account)
    return roster is not None and roster.is_member(own.device)


def _outcome(roster: Roster) -> tuple[object, ...]:
    reasons = {device: removal.reason for device, removal in roster.removed.items()}
    return roster.active, roster.disputed, reasons


# --- thief and owner ----------------------------------------------------------------------------------------
class DiskRecovery(Recovery):
    """The recovery key speaks on a simulated disk, while its device is off."""

    def __init__(self, device: Device, entropy: bytes, random: Callable[[int], bytes]) -> None:
        assert not device.is_up
        self._recovery, self._random = SigningKey(entropy), random
        self._c, self._device = device.connection, device
        self._begin()

    def _now_ms(self) -> int:
        return int(self._device.wall_clock() * 1000)


class Quarrel:
    """A thief and an owner, each with a device of one account."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.entropy = world.dice.randbytes(32)

    def break_out(self, person: "Person") -> None:
        """They are apart from here on, and remove each other; the world goes on without having both."""
        world = self.world
        self.person, (self.owner, self.thief) = person, person.devices[:2]
        sides = {device.name: world.dice.randint(0, 1) for device in world.devices}
        world.network.divide({**sides, self.owner.name: 0, self.thief.name: 1})
        world.wait_until(self._have_removed_each_other, "they do not remove each other")

    def _have_removed_each_other(self) -> bool:
        here, there = self._has_removed(self.owner, self.thief), self._has_removed(self.thief, self.owner)
        return here and there

    def _has_removed(self, device: Device, target: Device) -> bool:
        roster = roster_on(device, account_of(self.person))
        if roster is not None and device_id(target) not in roster.active:
            return True
        device.disk.free()
        device.start()
        if device.machine is not None:
            device.machine.wake()
        self.world.unlock(device)
        if device.is_ready:
            untrust(self.world, self.person, device, target, stolen=True, undo="none")
        return False

    def _contacts(self) -> list[Device]:
        return [
            device for person in self.world.people.values() if person is not self.person for device in person.honest
        ]

    def check_dispute(self) -> None:
        """Both are out, all know it, and nothing is sent to them."""
        world, both = self.world, {device_id(self.owner), device_id(self.thief)}
        for device in (self.owner, self.thief, *self._contacts()):
            roster = roster_on(device, account_of(self.person))
            is_known = roster is not None and roster.disputed and not roster.active & both
            world.claim(is_known, f"{device.name} does not know of the dispute")
        written: list[object] = []
        for device in self._contacts():
            person = device.node.book.people[account_of(self.person)]
            world.claim(person.is_disputed and not person.is_active, f"{device.name} does not show the dispute")
            world.claim(not both & device.node.peers.live.keys(), f"{device.name} has a channel to who is in dispute")
            device.ask("message.send", written.append, None, name=person.name, text="are you there?")
        world.run(AGAIN_SECONDS)
        world.claim(not written, "somebody could write to an account in dispute")

    def recover(self) -> None:
        """The owner's device is switched off, the recovery key speaks on it, and it is switched on."""
        self.owner.kill()
        random = self.world.dice.randbytes
        recovery = DiskRecovery(self.owner, self.entropy, random)
        done = recovery.carry_out({device_id(self.thief): "stolen"})
        self.world.claim(done.is_admitted, "the recovery key did not admit the owner")
        self.owner.start()

    def check_recovered(self) -> None:
        """The owner is in, the thief is out, and it is a dispute no more."""
        for device in (self.owner, *self._contacts()):
            roster = roster_on(device, account_of(self.person))
            is_over = roster is not None and not roster.disputed and roster.active == {device_id(self.owner)}
            self.world.claim(is_over, f"{device.name} does not know that the owner has recovered")
