"""What people do, and what befalls their machines. Each happening is drawn from the world's dice."""

from collections.abc import Callable
from typing import Any

from onionchat.api.present import NOTES_NAME
from onionchat.ids import parse_id
from onionchat.store.changes import find_entry
from onionchat.testing.sim.device import Device
from onionchat.testing.sim.ledger import Written
from onionchat.testing.sim.trouble import DAY, EVENTFUL, PEOPLES
from onionchat.testing.sim.trust import known_out, untrust_another
from onionchat.testing.sim.world import Person, World

DEATHS = ("commit", "committed", "deliver", "tor", "timer", "dial")
"""Kinds of events: a machine dies just before or after one of them. Between them are all awaits of the node."""
LINES = 30  # on a screen: what people act upon
EMOJI = ("👍", "❤", "😀", "")
TIMERS_SECONDS = (None, 60, 3600, 30 * 86400)


class Actions:
    """Things that happen in one world."""

    def __init__(self, world: World) -> None:
        self.world, self.dice, self.ledger = world, world.dice, world.ledger
        self._kinds = [kind for kind in EVENTFUL if getattr(world.trouble, kind) > 0]
        self._weights = [getattr(world.trouble, kind) for kind in self._kinds]

    def happen(self) -> None:
        """One thing."""
        (kind,) = self.dice.choices(self._kinds, self._weights)
        person = self.dice.choice(list(self.world.people.values()))
        device = self.dice.choice(person.devices)
        action: Callable[[Person, Device], None] = getattr(self, kind)
        if kind in PEOPLES and (not device.is_ready or device in person.false):
            return
        action(person, device)

    # --- people --------------------------------------------------------------------------------------------
    def _text(self) -> str:
        text = f"m{len(self.ledger.texts) + 1}" + " lorem ipsum" * self.dice.choice((0, 0, 1, 20, 600))
        self.ledger.texts.add(text)
        return text

    def _conversation(self, device: Device) -> str | None:
        names = [person.name for person in device.node.book.active()]
        return self.dice.choice(names) if names else None

    def send(self, person: Person, device: Device, name: str, expires_seconds: int | None = None) -> None:
        """A message to a contact, or a note."""
        text = self._text()
        self.ledger.secrets[text] = known_out(device, name)
        people = frozenset((person.name,) if name == NOTES_NAME else (person.name, name))

        def sent(result: Any) -> None:
            expires = bool(expires_seconds) or timer_was_on
            self.ledger.written[result.id] = Written(text, people, person.name, expires, device.name)

        conversation = next((p.conversation for p in device.node.book.people.values() if p.name == name), None)
        timer_was_on = conversation is not None and bool(device.node.book.timers.get(conversation))
        device.ask("message.send", sent, self._refused, name=name, text=text, expires_seconds=expires_seconds)

    def _refused(self) -> None:
        self.ledger.refused += 1

    def write(self, person: Person, device: Device) -> None:
        """A message."""
        name = self._conversation(device)
        if name is not None:
            self.send(person, device, name, 600 if self.dice.random() < 0.03 else None)

    def burst(self, person: Person, device: Device) -> None:
        """Many messages at once."""
        name = self._conversation(device)
        if name is not None:
            for _ in range(self.dice.randint(5, 120)):
                self.send(person, device, name)

    def note(self, person: Person, device: Device) -> None:
        """A note to oneself."""
        self.send(person, device, NOTES_NAME)

    def _line(self, device: Device, mine: bool) -> tuple[str, Any] | None:
        """A conversation and a line on its screen."""
        name = self._conversation(device) if self.dice.random() < 0.9 else NOTES_NAME
        if name is None:
            return None
        lines = [
            line for line in device.tell("message.log", name=name, limit=LINES)
            if line.kind == "text" and not (line.forgotten or line.retracted or line.withheld)
            and (not mine or line.sender == "me")
        ]  # fmt: skip
        return (name, self.dice.choice(lines)) if lines else None

    def edit(self, person: Person, device: Device) -> None:
        """Another text for a message of one's own."""
        found = self._line(device, mine=True)
        if found is not None:
            text = self._text()
            self.ledger.secrets[text] = known_out(device, found[0])
            device.ask("message.edit", None, self._refused, name=found[0], id=found[1].id, text=text)

    def react(self, person: Person, device: Device) -> None:
        """A reaction."""
        found = self._line(device, mine=False)
        if found is not None:
            emoji = self.dice.choice(EMOJI)
            device.ask("message.react", None, self._refused, name=found[0], id=found[1].id, emoji=emoji)

    def retract(self, person: Person, device: Device) -> None:
        """Take a message back."""
        found = self._line(device, mine=True)
        if found is not None:
            name, line = found
            self.ledger.touched.add(line.id)
            self.ledger.begin_deleting(device.name, "", [line.id])
            done = self.ledger.retracted.add
            device.ask("message.retract", lambda _: done(line.id), self._refused, name=name, id=line.id)

    def forget(self, person: Person, device: Device) -> None:
        """Forget one message, or some, here and on all one's devices."""
        found = self._line(device, mine=False)
        if found is None:
            return
        name, line = found
        ids = [line.id]
        if self.dice.random() < 0.2:
            page = device.tell("message.log", name=name, limit=LINES)
            ids = [each.id for each in page if each.kind == "text"][:: self.dice.randint(1, 3)] or ids
        withdraw = self.dice.random() < 0.3
        if withdraw:
            self.ledger.touched.update(ids)  # what is unsent is taken back, too
        self.ledger.touched.update(each for each in ids if not self._is_everywhere(person, name, each))
        self.ledger.begin_forgetting(person.name, ids)
        self.ledger.begin_deleting(device.name, person.name, ids)
        done = self.ledger.forget
        device.ask(
            "message.forget", lambda _: done(person.name, ids), self._refused, name=name, ids=ids, withdraw=withdraw
        )

    def _is_everywhere(self, person: Person, name: str, message: str) -> bool:
        """Whether nobody's copy depends on the one that is about to be forgotten."""
        people = [person] if name == NOTES_NAME else [person, self.world.people[name]]
        return all(has_body(device, message) for each in people for device in each.devices)

    def read(self, person: Person, device: Device) -> None:
        """All is read."""
        name = self._conversation(device)
        if name is not None:
            device.ask("message.read", None, self._refused, name=name)

    def timer(self, person: Person, device: Device) -> None:
        """Disappearing messages."""
        name = self._conversation(device)
        if name is not None:
            seconds = self.dice.choice(TIMERS_SECONDS)
            device.ask("conversation.timer", None, self._refused, name=name, seconds=seconds)

    def trust(self, person: Person, device: Device) -> None:
        """Words were compared, or not."""
        name = self._conversation(device)
        if name is not None:
            trust = self.dice.choice(("unvalidated", "validated"))
            device.ask("contact.trust", None, self._refused, name=name, trust=trust)

    def rename(self, person: Person, device: Device) -> None:
        """A setting of the account."""
        device.ask("setting.set", None, self._refused, key="theme", value=str(self.dice.random()))

    def meet(self, person: Person, device: Device) -> None:
        """Two who are not contacts become contacts."""
        others = [
            other for other in self.world.people.values()
            if other is not person and frozenset((person.name, other.name)) not in self.world.meetings
        ]  # fmt: skip
        other = self.dice.choice(others) if others else None
        if other is not None and other.devices[0].is_ready and person.devices[0].is_ready:
            self.world.begin_meeting(person, other)

    def link(self, person: Person, device: Device) -> None:
        """A further device."""
        if len(person.devices) + len(person.joining) < self.world.trouble.devices_max and device.node.book.is_member:
            self.world.link(person, device)

    def block(self, person: Person, device: Device) -> None:
        """Somebody is blocked for a while, so that devices move. Never both: they would lose each other's address."""
        name = self._conversation(device)
        if name is None or frozenset((person.name, name)) in self.world.quarrels:
            return
        self.world.quarrels.add(frozenset((person.name, name)))
        device.ask("contact.block", None, self._refused, id=name)
        seconds = self.dice.expovariate(1 / 200)
        self.world.queue.schedule(seconds, None, "unblock", lambda: self._unblock(device, name))

    def _unblock(self, device: Device, name: str) -> None:
        if device.is_ready and any(p.name == name for p in device.node.book.contacts()):
            device.ask("contact.unblock", None, self._refused, id=name)

    def lock(self, person: Person, device: Device) -> None:
        """The profile is locked for a while."""
        node = device.node
        node.lock().addErrback(node.report)
        seconds = self.dice.expovariate(1 / 120)
        self.world.queue.schedule(seconds, None, "unlock", lambda: self.world.unlock(device))

    def untrust(self, person: Person, device: Device) -> None:
        """Another device of the account is removed: stolen or retired."""
        untrust_another(self.world, person, device)

    # --- machines and networks -----------------------------------------------------------------------------
    def break_links(self, person: Person, device: Device) -> None:
        """Some streams are lost."""
        self.world.network.break_some(self.dice.choice((0.1, 0.5, 1.0)))

    def partition(self, person: Person, device: Device) -> None:
        """Two halves that do not see each other, for a while."""
        network = self.world.network
        network.divide({one.name: self.dice.randint(0, 1) for one in self.world.devices})
        self.world.queue.schedule(self.dice.uniform(10, 600), None, "heal", lambda: network.divide({}))

    def kill(self, person: Person, device: Device) -> None:
        """A machine ends at once, at some event."""
        if self.dice.random() < 0.2:
            self.world.kill(device)
        else:
            self.world.kill_at(self.dice.choice(DEATHS), self.dice.randint(0, 40), self.dice.random() < 0.5)

    def stop(self, person: Person, device: Device) -> None:
        """An orderly stop, and a start some time later."""
        device.stop()
        self.world.start_later(device, self.dice.expovariate(1 / 300))

    def sleep(self, person: Person, device: Device) -> None:
        """The lid is closed, without a word to anyone."""
        if device.machine is not None:
            device.machine.sleep(self.dice.expovariate(1 / 600))

    def offline(self, person: Person, device: Device) -> None:
        """Its Tor loses the network, and knows."""
        if not device.is_up or device.tor.is_cut:
            return
        tor = device.tor
        tor.cut()

        def back() -> None:
            if device.is_up and device.tor is tor:
                tor.restore()

        self.world.queue.schedule(self.dice.expovariate(1 / 200), None, "online", back)

    def skew(self, person: Person, device: Device) -> None:
        """Its clock is set: right, or wrong."""
        device.clock_ahead_seconds = self.dice.choice(self.world.trouble.skews_seconds)

    def fill_disk(self, person: Person, device: Device) -> None:
        """Its disk is full for a while."""
        self.world.full_disks += 1
        device.disk.fill()
        self.world.queue.schedule(self.dice.expovariate(1 / 120), None, "free", device.disk.free)

    def absence(self, person: Person, device: Device) -> None:
        """It is off for weeks, and most others are, for most of the time."""
        self.world.kill(device, self.dice.uniform(1, 6) * 7 * DAY)
        for other in self.world.devices:
            if other is not device and self.dice.random() < 0.9:
                self.world.kill(other, self.dice.uniform(0.1, 6 * 7) * DAY)


def has_body(device: Device, message: str) -> bool:
    """Whether a device has what a message says."""
    n = find_entry(device.connection, parse_id(message))
    row = None if n is None else device.connection.execute("SELECT content FROM entry WHERE n = ?", (n,)).fetchone()
    return row is not None and row[0] is not None
