"""A deterministic world of devices that talk, lose, crash, restore and heal, in virtual time.

Channels are faked below Record: what is sent on a link arrives in order after a random delay, or is lost with the
link; two links of one pair may be up at once (crossed dials), so that records arrive twice and in another order.
A run is determined by its seed. `Simulator.run` makes trouble, heals, and raises `Broken` with the seed when a
promise does not hold: equal frontiers, equal order on the screen, nothing lost, nothing doubled, deletions hold,
causal order, nobody blamed.

It runs the rules of logs and sync alone (layers 4 and below), over a store of its own: a hundred worlds in the time
of one of `testing/sim`, and with old disks put back. What whole nodes make of it, `testing/sim` shows.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import ExchangeKey
from onionchat.ids import AccountId, ConversationId, DeviceId, EntryId, LogId
from onionchat.log.certificate import make_box
from onionchat.log.entry import Entry, direct_id, parse_entry, self_id
from onionchat.log.history import Goal
from onionchat.testing.simulator_replica import (
    Blamed,
    CommitWanted,
    Conflict,
    Directory,
    Effect,
    Person,
    Replica,
    Send,
    WakeSession,
)
from onionchat.testing.simulator_store import MemoryStore, StoredLog
from onionchat.wire.records import AnyRecord, LogBox

START_MS = 1_800_000_000_000
SEND_BUFFER_BYTES = 96 * limits.KIB  # small, so that back-pressure happens
SETTLE_SECONDS = 900.0  # after healing: longer than any stalled request


class Broken(AssertionError):
    """A promise did not hold. The text names the seed that shows it again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """How much of what happens. Weights of the actions, relative to each other."""

    seconds: float = 240.0
    pause_seconds: float = 1.0  # mean time between actions
    write: float = 10.0
    burst: float = 1.0
    connect: float = 6.0
    disconnect: float = 3.0
    partition: float = 0.5
    crash: float = 1.0
    crash_after_commit: float = 1.0
    skew: float = 0.5
    forget: float = 1.0
    restore: float = 0.0
    new_device: float = 0.2


@dataclass(slots=True)
class Wire:
    """A link between two devices: what is under way, by receiver."""

    ends: tuple[DeviceId, DeviceId]
    arrives_at: dict[DeviceId, float] = field(default_factory=dict)
    bytes_to: Counter[DeviceId] = field(default_factory=Counter)
    full_to: set[DeviceId] = field(default_factory=set)

    def other(self, end: DeviceId) -> DeviceId:
        """The other end."""
        return self.ends[1] if self.ends[0] == end else self.ends[0]


class Simulator:
    """One world. `accounts`: number of devices of each account; every pair of accounts has a direct conversation."""

    def __init__(self, seed: int, accounts: Iterable[int] = (2, 2, 1), trouble: Trouble | None = None) -> None:
        self.seed, self.now = seed, 0.0
        self.trouble = trouble or Trouble()
        self.directory = Directory()
        self.replicas: dict[DeviceId, Replica] = {}
        self.stores: dict[DeviceId, MemoryStore] = {}
        self.written: dict[EntryId, ConversationId] = {}
        self.ever_written: set[EntryId] = set()
        self.records_sent = 0
        self.conflicts: list[LogId] = []
        self._dice = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._event_number = 0
        self._wires: dict[int, Wire] = {}
        self._wire_number = 0
        self._committing: set[DeviceId] = set()
        self._skew_ms: dict[DeviceId, int] = {}
        self._snapshots: dict[DeviceId, dict[ConversationId, dict[LogId, StoredLog]]] = {}
        self._sides: dict[DeviceId, int] = {}
        self._down: set[DeviceId] = set()
        names = [AccountId(labelled_hash(b"simulated account", bytes([i]))) for i in range(len(list(accounts)))]
        self._make_people(list(zip(names, accounts, strict=True)))

    def _make_people(self, accounts: list[tuple[AccountId, int]]) -> None:
        names = [name for name, _ in accounts]
        for i, name in enumerate(names):
            self.directory.members[self_id(name)] = frozenset((name,))
            for other in names[i + 1 :]:
                self.directory.members[direct_id(name, other)] = frozenset((name, other))
        for name, count in accounts:
            for _ in range(count):
                self._register(name)
        for device in list(self.directory.people):
            self._begin(device, None)

    def _register(self, account: AccountId) -> DeviceId:
        device = DeviceId(self._dice.randbytes(32))
        self.directory.people[device] = Person(device, account, ExchangeKey(self._dice.randbytes(32)))
        self._skew_ms[device] = self._dice.randint(-2000, 2000)
        return device

    def _begin(self, device: DeviceId, history: Goal | None) -> None:
        person = self.directory.people[device]

        def boxes_for(conversation: ConversationId, certificate: bytes) -> list[LogBox]:
            return self._boxes(person, conversation, certificate)

        store = self.stores.setdefault(device, MemoryStore(device, self._dice.randbytes, boxes_for))
        for conversation, accounts in self.directory.members.items():
            if person.account in accounts:
                store.add_conversation(conversation)
        self.replicas[device] = Replica(person, self.directory, store, history)

    def _boxes(self, author: Person, conversation: ConversationId, certificate: bytes) -> list[LogBox]:
        members = self.directory.members[conversation]
        readers = [p for p in self.directory.people.values() if p.account in members]  # itself too: disks are lost
        dice = self._dice.randbytes
        return [make_box(certificate, author.static, 1, p.device, p.static.public, 1, dice) for p in readers]

    # --- events ------------------------------------------------------------------------------------
    def _at(self, time: float, call: Callable[[], None]) -> None:
        self._event_number += 1
        heapq.heappush(self._events, (time, self._event_number, call))

    def _run_until(self, time: float) -> None:
        while self._events and self._events[0][0] <= time:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = time

    def clock_ms(self, device: DeviceId) -> int:
        """What this device's clock shows."""
        return START_MS + int(self.now * 1000) + self._skew_ms[device]

    def _carry_out(self, device: DeviceId, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(link, record):
                    self._send(device, link, record)
                case CommitWanted():
                    self._commit_soon(device)
                case WakeSession(link, conversation, at):
                    self._at(max(at, self.now), lambda n=link, c=conversation: self._wake(device, n, c))  # type: ignore[misc]
                case Blamed(_, reason):
                    raise Broken(f"seed {self.seed}: a device refused what an honest one sent: {reason}")
                case Conflict(log):
                    self.conflicts.append(log)

    def _wake(self, device: DeviceId, link: int, conversation: ConversationId) -> None:
        if device not in self._down:
            self._carry_out(device, self.replicas[device].wake(link, conversation, self.now))

    # --- links -------------------------------------------------------------------------------------
    def connect(self, a: DeviceId, b: DeviceId) -> None:
        """Open a link, even beside another one of the same pair."""
        if a in self._down or b in self._down or self._sides.get(a, 0) != self._sides.get(b, 0):
            return
        self._wire_number += 1
        number = self._wire_number
        self._wires[number] = Wire((a, b))
        for device, peer in ((a, b), (b, a)):
            self._carry_out(device, self.replicas[device].link_opened(number, peer, self.now))

    def disconnect(self, number: int) -> None:
        """Lose a link and what is under way on it; the two ends notice at different times."""
        wire = self._wires.pop(number)
        for device in wire.ends:
            self._at(self.now + self._dice.uniform(0, 20), lambda d=device: self._noticed(d, number))  # type: ignore[misc]

    def _noticed(self, device: DeviceId, number: int) -> None:
        if device not in self._down:
            self._carry_out(device, self.replicas[device].link_closed(number, self.now))

    def _send(self, sender: DeviceId, number: int, record: AnyRecord) -> None:
        wire = self._wires.get(number)
        if wire is None:
            return
        raw = encode(record)
        if len(raw) > limits.FRAME_MAX_BYTES - 64:
            raise Broken(f"seed {self.seed}: a {type(record).__name__} of {len(raw)} bytes does not fit a frame")
        self.records_sent += 1
        receiver = wire.other(sender)
        wire.bytes_to[receiver] += len(raw)
        if wire.bytes_to[receiver] > SEND_BUFFER_BYTES and receiver not in wire.full_to:
            wire.full_to.add(receiver)
            self.replicas[sender].link_filled(number)
        time = max(wire.arrives_at.get(receiver, 0.0), self.now + self._dice.uniform(0.05, 1.5))
        wire.arrives_at[receiver] = time
        self._at(time, lambda: self._arrived(number, receiver, raw))

    def _arrived(self, number: int, receiver: DeviceId, raw: bytes) -> None:
        wire = self._wires.get(number)
        if wire is None or receiver in self._down:
            return
        wire.bytes_to[receiver] -= len(raw)
        record: AnyRecord = decode(raw, AnyRecord, limits.FRAME_MAX_BYTES)  # type: ignore[arg-type]
        self._carry_out(receiver, self.replicas[receiver].record_received(number, record, self.now))
        if receiver in wire.full_to and wire.bytes_to[receiver] < SEND_BUFFER_BYTES // 2:
            wire.full_to.discard(receiver)
            sender = wire.other(receiver)
            if number in self.replicas[sender].links:
                self._carry_out(sender, self.replicas[sender].link_drained(number, self.now))

    # --- commits and crashes -----------------------------------------------------------------------
    def _commit_soon(self, device: DeviceId) -> None:
        if device not in self._committing:
            self._committing.add(device)
            self._at(self.now + self._dice.uniform(0.001, 0.5), lambda: self._commit(device, crash=False))

    def _commit(self, device: DeviceId, crash: bool) -> None:
        self._committing.discard(device)
        replica = self.replicas[device]
        if device in self._down or not replica.commit_waits:
            return
        group = replica.commit(self._dice.randint(1, 8))
        if crash:
            self.crash(device)  # on the disk, but nobody was told
            return
        self._carry_out(device, replica.after_commit(group, self.now))
        if replica.commit_waits:
            self._commit_soon(device)

    def crash(self, device: DeviceId) -> None:
        """Kill a device: its disk stays. It starts again some time later."""
        if device in self._down:
            return
        self._down.add(device)
        for number in [number for number, wire in self._wires.items() if device in wire.ends]:
            self.disconnect(number)
        self.replicas[device].crash()
        self._at(self.now + self._dice.uniform(1, 60), lambda: self._started(device))

    def _started(self, device: DeviceId) -> None:
        if device in self._down:
            self._down.discard(device)
            self._begin(device, self.replicas[device].history)

    # --- what people do ----------------------------------------------------------------------------
    def write(self, device: DeviceId, conversation: ConversationId, size_bytes: int = 20) -> None:
        """One message."""
        if device in self._down:
            return
        body = self._dice.randbytes(size_bytes)
        entry, effects = self.replicas[device].write(conversation, body, self.now, self.clock_ms(device))
        self.written[entry.id] = conversation
        self.ever_written.add(entry.id)
        self._carry_out(device, effects)

    def restore(self, device: DeviceId) -> None:
        """Put an old copy of the disk back. What only this disk had is lost, and no longer expected."""
        if device not in self._snapshots or device in self._down:
            return
        self.crash(device)
        self.stores[device].restore(self._snapshots.pop(device))
        kept = {entry.id for store in self.stores.values() for c in store.conversations() for entry in store.shown(c)}
        self.written = {entry_id: name for entry_id, name in self.written.items() if entry_id in kept}

    def _act(self) -> None:
        dice, trouble = self._dice, self.trouble
        device = dice.choice(sorted(self.replicas))
        conversation = dice.choice(self.stores[device].conversations())
        names = ("write", "burst", "connect", "disconnect", "partition", "crash", "crash_after_commit")
        names += ("skew", "forget", "restore", "new_device")  # type: ignore[assignment]
        match dice.choices(names, [getattr(trouble, name) for name in names])[0]:
            case "write":
                self.write(device, conversation, dice.choice((1, 20, 200, 2000)))
            case "burst":
                for _ in range(dice.randint(10, 150)):
                    self.write(device, conversation, dice.choice((20, 20, 200, 8000)))
            case "connect":
                self._connect_some()
            case "disconnect" if self._wires:
                self.disconnect(dice.choice(list(self._wires)))
            case "partition":
                self._sides = {name: dice.randint(0, 1) for name in self.replicas}
                for number, wire in list(self._wires.items()):
                    if self._sides[wire.ends[0]] != self._sides[wire.ends[1]]:
                        self.disconnect(number)
                self._at(self.now + dice.uniform(5, 60), self._sides.clear)
            case "crash":
                self.crash(device)
            case "crash_after_commit":
                self._commit(device, crash=True)
            case "skew":
                self._skew_ms[device] = dice.choice((0, -3600_000, -5000, 5000, 300_000, 3 * 3600_000))
            case "forget":
                self._forget(device, conversation)
            case "restore":
                if device in self._snapshots:
                    self.restore(device)
                else:
                    self._snapshots[device] = self.stores[device].snapshot()
            case "new_device" if len(self.replicas) < 8:
                self._add_device(self.directory.people[device].account)
            case _:
                pass

    def _connect_some(self) -> None:
        a, b = self._dice.sample(sorted(self.replicas), 2)
        pairs = [set(wire.ends) for wire in self._wires.values()]
        if {a, b} not in pairs or self._dice.random() < 0.1:
            self.connect(a, b)

    def _forget(self, device: DeviceId, conversation: ConversationId) -> None:
        shown = [entry for entry in self.stores[device].shown(conversation) if entry.content is not None]
        if shown:
            entry = self._dice.choice(shown)
            self.stores[device].forget(conversation, entry.log, entry.seq)

    def _add_device(self, account: AccountId) -> None:
        """A device is linked: the others make boxes for it, and it takes its history block by block."""
        device = self._register(account)
        self._begin(device, Goal())
        for other, store in self.stores.items():
            store.add_boxes(lambda c, raw, author=self.directory.people[other]: self._boxes(author, c, raw))  # type: ignore[misc]

    # --- the run -----------------------------------------------------------------------------------
    def run(self) -> None:
        """Trouble, then healing, then all promises."""
        while self.now < self.trouble.seconds:
            self._act()
            self._run_until(self.now + self._dice.expovariate(1 / self.trouble.pause_seconds))
        self.heal()
        self.heal()  # once more with new links: what healed must also be found level
        self.check()

    def heal(self) -> None:
        """Everybody up, one link for each pair, time to settle."""
        self._sides.clear()
        for number in list(self._wires):
            self.disconnect(number)
        self._run_until(self.now + 100)
        devices = sorted(self.replicas)
        for i, a in enumerate(devices):
            for b in devices[i + 1 :]:
                self.connect(a, b)
        self._run_until(self.now + SETTLE_SECONDS)

    # --- promises ----------------------------------------------------------------------------------
    def members_of(self, conversation: ConversationId) -> list[DeviceId]:
        """All devices of a conversation."""
        accounts = self.directory.members[conversation]
        return [device for device, person in sorted(self.directory.people.items()) if person.account in accounts]

    def frozen(self, conversation: ConversationId) -> set[LogId]:
        """Logs that any device has frozen."""
        return {
            head.log
            for device in self.members_of(conversation)
            for head in self.stores[device].heads(conversation)
            if head.frozen
        }

    def torn(self, conversation: ConversationId) -> set[LogId]:
        """Logs of which a new device has the newer part, while restored disks lost what stood below everywhere."""
        stores = [self.stores[device] for device in self.members_of(conversation)]
        heads = [head for store in stores for head in store.heads(conversation) if head.floor_seq]
        return {
            head.log
            for head in heads
            if all(store.id_at(conversation, head.log, head.floor_seq) != head.floor_id for store in stores)
        }

    def check(self) -> None:
        """Raise `Broken` unless every promise holds for every conversation."""
        for conversation in sorted(self.directory.members):
            apart = self.frozen(conversation) | self.torn(conversation)
            views = {d: self._view(d, conversation, apart) for d in self.members_of(conversation)}
            self._check_equal(conversation, apart, views)
            self._check_complete(conversation, apart, views)
            self._check_bodies(conversation, views)
            for device, view in views.items():
                self._check_causal(view)
                final = self.stores[device].final_tombstones(conversation)
                for entry in view:
                    self._claim((entry.log, entry.seq) not in final or entry.content is None, "a deletion came back")
        self._claim(not self.conflicts, "a conflict about who wrote a log")

    def _claim(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {otherwise}")

    def _view(self, device: DeviceId, conversation: ConversationId, apart: set[LogId]) -> list[Entry]:
        return [entry for entry in self.stores[device].shown(conversation) if entry.log not in apart]

    def _check_equal(self, conversation: ConversationId, apart: set[LogId], views: dict[DeviceId, list[Entry]]) -> None:
        frontiers, torn = set(), self.torn(conversation)
        for device in views:
            heads = self.stores[device].heads(conversation)
            frontiers.add(frozenset((h.log, h.seq, h.id) for h in heads if h.log not in apart))
            ours = {head.log for head in heads if head.frozen}
            self._claim(ours | torn == self.frozen(conversation) | torn, "a fork is not known to all")
        self._claim(len(frontiers) == 1, f"frontiers differ: {[len(f) for f in frontiers]}")
        orders = {tuple(entry.id for entry in view) for view in views.values()}
        self._claim(len(orders) == 1, "the order on the screen differs")

    def _check_complete(
        self, conversation: ConversationId, apart: set[LogId], views: dict[DeviceId, list[Entry]]
    ) -> None:
        in_apart = {
            entry.id for d in views for entry in self.stores[d].shown(conversation) if entry.log in apart
        } | {
            parse_entry(raw).id for d in views for log in apart for raw in self.stores[d].branches(conversation, log)
        }  # fmt: skip
        expected = {entry_id for entry_id, name in self.written.items() if name == conversation} - in_apart
        for view in views.values():
            ids = [entry.id for entry in view]
            self._claim(len(set(ids)) == len(ids), "an entry is shown twice")
            self._claim(expected <= set(ids), f"{len(expected - set(ids))} entries are lost")
            self._claim(self.ever_written >= set(ids), "an entry that nobody wrote")

    def _check_bodies(self, conversation: ConversationId, views: dict[DeviceId, list[Entry]]) -> None:
        held = {entry.id for view in views.values() for entry in view if entry.content is not None}
        for device, view in views.items():
            final = self.stores[device].final_tombstones(conversation)
            for entry in view:
                lacking = entry.content is None and (entry.log, entry.seq) not in final and entry.id in held
                self._claim(not lacking, "a body is missing that another device would give")

    def _check_causal(self, view: list[Entry]) -> None:
        shown: set[EntryId] = set()
        everything = {entry.id for entry in view}
        for entry in view:
            for seen in entry.content.seen if entry.content else ():
                self._claim(seen in shown or seen not in everything, "an answer stands before what it answers")
            shown.add(entry.id)
