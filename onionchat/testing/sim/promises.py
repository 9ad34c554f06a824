"""What must hold when a world has healed. Raises `Broken` with what does not."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from onionchat.codec import decode
from onionchat.crypto.hashing import labelled_hash
from onionchat.ids import ConversationId, id_text
from onionchat.limits import ENTRY_MAX_BYTES
from onionchat.log.entry import Content, direct_id, self_id
from onionchat.store.gate import NO_LOG
from onionchat.store.messages import Line as StoredLine
from onionchat.store.messages import page
from onionchat.store.rows import Flag, find_conversation, logs_of
from onionchat.testing.sim.device import Device
from onionchat.testing.sim.world import Person, World

PAGE = 1_000_000
OF_FULL_DISKS = ("a background job failed: StoreError", "what was delivered is not noted: the disk is full")
PLACE = re.compile(r"\S+:\d+ in \S+")
STALE_MS = 60_000
SHOWN = 5  # of what is wrong, so much is named


@dataclass(frozen=True)
class Line:
    """One line as it is on the screen."""

    id: str
    text: str
    edited: bool
    reactions: tuple[tuple[str, bytes], ...]
    expires_ms: int


@dataclass
class View:
    """A conversation on one device. `chain`: all entries in the order of the screen; `seen`: what each had seen."""

    device: Device
    heads: frozenset[tuple[bytes, int, bytes]]
    frozen: frozenset[bytes]
    chain: list[tuple[bytes, bool]]
    seen: dict[bytes, tuple[bytes, ...]]
    lines: list[Line]
    bodies: dict[bytes, int]
    """Entries that lack their body, and their flags."""

    @property
    def lasting(self) -> list[Line]:
        """Lines that do not disappear: when the others do depends on the clock of each device."""
        return [line for line in self.lines if not line.expires_ms]


def view(device: Device, conversation: ConversationId) -> View | None:
    """What a device has of a conversation; None when it has not heard of it."""
    c = device.connection
    row = find_conversation(c, conversation)
    if row is None:
        return None
    logs = logs_of(c, conversation)
    chain, seen, lacking = [], {}, {}
    for header, content, flags in c.execute(
        "SELECT header, content, flags FROM entry WHERE conversation = ? AND log != ? ORDER BY ms, counter, tie, seq",
        (row.n, NO_LOG),
    ):
        entry = labelled_hash(b"entry header", header)
        chain.append((entry, content is not None))
        if content is None:
            lacking[entry] = int(flags)
        else:
            seen[entry] = decode(content, Content, ENTRY_MAX_BYTES).seen
    lines = [
        Line(id_text(line.id), line.text, line.edited, _reactions(line), line.expires or 0)
        for line in page(c, row, PAGE)
        if line.text is not None and line.log != NO_LOG
    ]
    heads = frozenset((bytes(log.head.log), log.head.seq, bytes(log.head.id)) for log in logs if log.head.seq)
    frozen = frozenset(bytes(log.head.log) for log in logs if log.head.frozen)
    return View(device, heads, frozen, chain, seen, lines, lacking)


def _reactions(line: StoredLine) -> tuple[tuple[str, bytes], ...]:
    return tuple(sorted((emoji, bytes(who)) for emoji, who in line.reactions))


def without_full_disks(faults: list[str]) -> list[str]:
    """What was logged, but for what follows from a full disk, and the places that stand behind it."""
    left, is_place_of_one = [], False
    for fault in faults:
        is_place = PLACE.fullmatch(fault) is not None
        is_place_of_one = fault.startswith(OF_FULL_DISKS) or (is_place and is_place_of_one)
        if not is_place_of_one:
            left.append(fault)
    return left


class Promises:
    """Holds all devices of a world against its ledger."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, world.ledger

    def check(self) -> None:
        """All of it."""
        self.check_quiet()
        world = self.world
        people = [person for person in world.people.values() if person.honest]
        for pair in self.ledger.friends:
            names = sorted(pair)
            if not all(world.people[name].honest for name in names):
                continue  # all devices of one are out
            are = world.are_friends(world.people[names[0]], world.people[names[1]])
            world.claim(are, f"{names[0]} and {names[1]} did not become contacts")
        for i, one in enumerate(people):
            self._check_self(one)
            for other in people[i + 1 :]:
                self._check_pair(one, other)

    def check_quiet(self) -> None:
        """No fault was logged, and nobody honest was blamed."""
        world = self.world
        faults = without_full_disks(world.faults) if world.full_disks else world.faults
        world.claim(not faults, lambda: f"faults: {faults[:SHOWN]}")
        world.claim(not world.blames, lambda: f"honest devices blamed each other: {world.blames[:SHOWN]}")

    # --- two people ----------------------------------------------------------------------------------------
    def _account(self, person: Person) -> Any:
        return person.honest[0].node.own.account

    def _check_self(self, person: Person) -> None:
        conversation = self_id(self._account(person))
        views = self._views(conversation, [person])
        self._check_equal(f"{person.name}'s own", views)
        self._check_people(f"{person.name}'s own", views, [person])
        self._check_registers(person)

    def _check_pair(self, one: Person, other: Person) -> None:
        conversation = direct_id(self._account(one), self._account(other))
        views = self._views(conversation, [one, other])
        if views:
            name = f"{one.name} and {other.name}"
            self._check_equal(name, views)
            self._check_people(name, views, [one, other])
            self._check_both_see(name, views, one, other)
            self._check_delivered(name, one, other)

    def _views(self, conversation: ConversationId, people: list[Person]) -> dict[str, list[View]]:
        found: dict[str, list[View]] = {}
        for person in people:
            views = [view(device, conversation) for device in person.honest]
            some = [each for each in views if each is not None]
            self.world.claim(len(some) in (0, len(views)), f"not all of {person.name} have a conversation")
            if some:
                found[person.name] = some
        self.world.claim(len(found) in (0, len(people)), f"a conversation of {sorted(found)} alone")
        return found

    def _check_equal(self, name: str, views: dict[str, list[View]]) -> None:
        """The same entries in the same order, everywhere."""
        everywhere = [each for some in views.values() for each in some]
        first = everywhere[0]
        for each in everywhere:
            where = f"{name}: {first.device.name} and {each.device.name}"
            self.world.claim(not each.frozen, f"{name}: a log is frozen on {each.device.name}")
            self.world.claim(each.heads == first.heads, lambda w=where: f"{w} have different logs")  # type: ignore[misc]
            ids = [entry for entry, _ in each.chain]
            self.world.claim(len(ids) == len(set(ids)), f"{name}: an entry stands twice on {each.device.name}")
            self.world.claim(ids == [e for e, _ in first.chain], f"{where} have another order")
            self._check_causal(name, each)

    def _check_causal(self, name: str, view: View) -> None:
        places = {entry: place for place, (entry, _) in enumerate(view.chain)}
        for entry, seen in view.seen.items():
            late = [each for each in seen if each in places and places[each] >= places[entry]]
            self.world.claim(not late, f"{name}: on {view.device.name} an answer stands before what it answers")

    def _check_people(self, name: str, views: dict[str, list[View]], people: list[Person]) -> None:
        """Nothing lost, nothing twice, deletions hold; all devices of one person show the same."""
        for person in people:
            here = views[person.name]
            for each in here:
                where = f"{name}: {each.device.name}"
                apart = _apart(here[0].lasting, each.lasting)
                self.world.claim(not apart, f"{where} shows something else: {apart}")
                self._check_lines(where, person, each, frozenset(p.name for p in people))
                self._check_bodies(where, each, [v for some in views.values() for v in some])

    def _check_lines(self, where: str, person: Person, view: View, people: frozenset[str]) -> None:
        ledger, claim = self.ledger, self.world.claim
        ids = [line.id for line in view.lines]
        texts = Counter(line.text for line in view.lines if not line.edited)
        twice = [text for text, count in texts.items() if count > 1 and text.startswith("m")]
        claim(len(ids) == len(set(ids)) and not twice, f"{where} shows something twice")
        strange = [line.text for line in view.lines if line.text not in ledger.texts and line.text.startswith("m")]
        claim(not strange, f"{where} shows what nobody wrote: {strange[:SHOWN]}")
        shown = set(ids)
        lost = [
            (message, written.text[:12], written.author) for message, written in ledger.written.items()
            if written.people == people and message not in shown
            and not written.expires and not ledger.may_lack(person.name, message)
        ]  # fmt: skip
        claim(not lost, f"{where} has lost {len(lost)}: {lost[:SHOWN]}")
        now_ms = int(view.device.wall_clock() * 1000)
        stale = [line.text[:12] for line in view.lines if 0 < line.expires_ms < now_ms - STALE_MS]
        claim(not stale, f"{where} shows what should have disappeared: {stale[:SHOWN]}")
        back = shown & (ledger.retracted | ledger.forgotten.get(person.name, set()))
        claim(not back, f"{where} shows {len(back)} that were forgotten or taken back")

    def _check_bodies(self, where: str, view: View, everywhere: list[View]) -> None:
        """A body that is not here for good is nowhere; a final one never comes back."""
        final = Flag.FINAL
        held = {entry for each in everywhere for entry, has_body in each.chain if has_body}
        lacking = [entry for entry, flags in view.bodies.items() if not flags & final and entry in held]
        self.world.claim(not lacking, f"{where} lacks {len(lacking)} bodies that another device would give")

    def _check_both_see(self, name: str, views: dict[str, list[View]], one: Person, other: Person) -> None:
        """What one of both has not forgotten, and the other has not, looks the same to both."""
        gone = self.ledger.forgetting.get(one.name, set()) | self.ledger.forgetting.get(other.name, set())
        here, there = ([line for line in views[who.name][0].lasting if line.id not in gone] for who in (one, other))
        apart = _apart(here, there)
        self.world.claim(not apart, f"{name} do not see the same: {apart}")

    def _check_delivered(self, name: str, one: Person, other: Person) -> None:
        """Whoever wrote knows that all devices of the other one have it."""
        for here, there in ((one, other), (other, one)):
            if there.false:
                continue  # one of them may deny it
            for device in here.honest:
                for line in device.tell("message.log", name=there.name, limit=200):
                    if line.device == device.id and line.kind == "text":
                        is_known = len(line.delivered_to) == line.devices == len(there.honest)
                        self.world.claim(
                            is_known, f"{name}: {device.name} does not know that {line.text[:12]!r} is there"
                        )

    def _check_registers(self, person: Person) -> None:
        """Contacts, trust, settings, read marks: the same on all devices of one person, also in memory."""
        states = [(device, _registers(device)) for device in person.honest]
        for device, state in states:
            self.world.claim(state == states[0][1], f"{device.name} has other registers than {states[0][0].name}")
            is_level = _read_marks(device) == _read_marks(person.honest[0])
            self.world.claim(is_level, f"{device.name} has other read marks than {states[0][0].name}")


def _registers(device: Device) -> set[tuple[str, bytes, bytes]]:
    rows = device.connection.execute(
        "SELECT kind, key, value FROM register WHERE kind NOT IN ('read', 'timer', 'card')"
    )
    return {(kind, bytes(key), bytes(value)) for kind, key, value in rows}


def _read_marks(device: Device) -> set[tuple[bytes, int]]:
    """What the account has read, log by log, also as the screen's counts take it."""
    c = device.connection
    marks = {(bytes(log), int(seq)) for log, seq in c.execute("SELECT log, seq FROM read_mark")}
    return marks | {(bytes(log), int(seq)) for log, seq in c.execute("SELECT id, read_seq FROM log WHERE read_seq > 0")}


def _apart(here: list[Line], there: list[Line]) -> str:
    """How two screens differ; empty when they do not."""
    if here == there:
        return ""
    only = [[line for line in one if line not in other][:SHOWN] for one, other in ((here, there), (there, here))]
    return " / ".join(str([(x.id[:8], x.text[:16], x.edited, x.reactions) for x in lines]) for lines in only)
