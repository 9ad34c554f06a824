"""Floods: whatever a stranger or a contact sends without end, memory and disk stay within the caps, others are served.

How long a good contact has to wait meanwhile is measured by `python -m bench hostile`.
"""

import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.kinds.chat import Text
from onionchat.net.dialer import DialState
from onionchat.testing.hostile import FLOODS, NOW_MS, Hostile, Victim
from onionchat.testing.hostile_caps import excess, holdings
from onionchat.testing.hostile_records import ESCAPES
from onionchat.testing.nodes import PASSPHRASE, World
from tests.node.logs import Heard

STEPS = 150
ROWS = {  # what a flood may leave in the store, beyond a few dozen rows of everybody: caps of limits.py
    "requests": 10 * limits.REQUESTS_PER_INVITATION_MAX,
    "offers": limits.LOGS_PER_CONVERSATION_MAX + 10 * limits.LOG_BOXES_MAX * 32,
    "messages": 10**6,
    "allowed_messages": 10**6,  # its room is a quota in bytes: tests/store/test_quota.py
    "cards": 10 * limits.CARDS_PER_DAY_MAX,
    "replays": 10 * 200,
}
KEPT_BYTES_MAX = 6 * limits.MIB


class Siege:
    """Alice, her friend Bob, and Mallory, a contact with a link at which she may ask as somebody else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alice, self.bob = world.add("Alice"), world.add("Bob")
        world.befriend(self.alice, self.bob)
        self.mallory = Hostile(world)
        self.victim: Victim = self.mallory.befriend(self.alice.do("invite.create", accept_as="Mallory").link)
        self.link = self.alice.do("invite.create", open=True).link
        for number in range(20):
            self.alice.send("Mallory", f"line {number}")

    def flood(self, name: str) -> Iterator[None]:
        return FLOODS[name](self.mallory, self.victim, self.link)

    def require_served(self) -> None:
        """Bob's message goes there and its answer comes back without a second passing."""
        at = self.world.reactor.seconds()
        sent = self.bob.send("Alice", "are you there?")
        assert [line.state for line in self.bob.log("Alice") if line.id == sent] == ["delivered"]
        assert self.world.reactor.seconds() == at

    def rows(self) -> int:
        c = self.alice.node.store.reads
        tables = [name for (name,) in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return sum(int(c.execute(f"SELECT count(*) FROM [{name}]").fetchone()[0]) for name in tables)


@pytest.fixture
def siege(world: World) -> Siege:
    return Siege(world)


every_flood = pytest.mark.parametrize("name", FLOODS)


@every_flood
def test_caps_hold_and_others_are_served(siege: Siege, heard: Heard, name: str) -> None:
    rows = siege.rows()
    for step, _ in enumerate(islice(siege.flood(name), STEPS)):
        if step % 10 == 9:
            siege.world.settle()
            assert excess(siege.alice.node) == []
            siege.require_served()
    siege.world.settle()
    assert excess(siege.alice.node) == []
    assert siege.world.faults == []
    served = STEPS // 10 * 10  # each of Bob's messages is a row of several tables
    assert siege.rows() - rows < 100 + 4 * served + ROWS.get(name, 0)
    heard.require_nothing_of(siege.mallory, ESCAPES)
    siege.world.pass_time(600)
    siege.require_served()


@pytest.mark.parametrize("name", ["frontiers", "faults"])
def test_who_is_refused_is_dropped_and_backed_off(siege: Siege, name: str) -> None:
    for _ in islice(siege.flood(name), STEPS):
        pass
    siege.world.settle()
    explained = siege.alice.node.dialing.explain(siege.mallory.device)
    assert explained is not None and explained.state is DialState.WAITING and (explained.next_try_seconds or 0) > 30
    before = [holding for holding in holdings(siege.alice.node) if holding.what == "jobs of a link"]
    assert len(before) == 1, "only Bob's is there"
    assert not siege.alice.contact("Mallory").online


@pytest.mark.slow
@every_flood
def test_memory_stays_under_a_cap(siege: Siege, name: str) -> None:
    """Far more than is sent in this time would be, were it kept. Attacker and victim are one process: it is both."""
    flood = siege.flood(name)

    def steps(count: int) -> None:
        for _ in islice(flood, count):
            siege.world.settle()
            siege.world.network.streams[:] = [s for s in siege.world.network.streams if s.near.is_open]
            for stream in siege.world.network.streams:
                stream.near.written = stream.far.written = b""  # what the test double of a stream writes down
        del siege.mallory.entries[1:], siege.mallory.heard[:]
        siege.alice.events.clear()
        siege.alice.node_events.clear()
        siege.world.network.dials.clear()

    steps(30)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        steps(120)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < KEPT_BYTES_MAX


class SlowGate:
    """Alice's gate, on a disk that has all the time in the world: jobs begin when the test says so."""

    def __init__(self, siege: Siege) -> None:
        self._through_gate = siege.alice.node.through_gate
        self._settle = siege.world.settle
        self.begun: list[Deferred[Any]] = []
        siege.alice.node.through_gate = self._wait  # type: ignore[method-assign]

    def _wait(self, job: Any) -> "Deferred[Any]":
        self.begun.append(Deferred())
        return self.begun[-1].addCallback(lambda _: self._through_gate(job))

    def go_on(self) -> None:
        self.begun.pop(0).callback(None)
        self._settle()


def test_a_flood_of_batches_leaves_room_in_the_writer_s_queue(siege: Siege) -> None:
    """The writer takes jobs in order: at most two batches of one peer stand before what others bring and we write."""
    alice, mallory, victim = siege.alice, siege.mallory, siege.victim
    siege.require_served()
    alice.send("Bob", "I am")
    link = mallory.arrive(victim)
    mallory.begin(link, victim)
    gate = SlowGate(siege)
    entries = [mallory.write(Text("x"), NOW_MS + n) for n in range(40)]
    for start in range(0, 40, 2):
        link.send([mallory.batch(victim, entries[start : start + 2])])
    siege.world.settle()
    assert len(gate.begun) == 2
    assert not link.closed, "they wait in memory: far fewer than may"
    siege.bob.begin("message.send", name="Alice", text="may I?")
    siege.world.settle()
    assert len(gate.begun) == 3, "Bob's is given to the writer at once"
    alice.begin("message.send", name="Bob", text="of course")
    siege.world.settle()
    assert len(gate.begun) == 4, "and so is ours"
    while gate.begun:
        gate.go_on()
        assert len(gate.begun) <= 4
    assert len(alice.texts("Mallory")) >= 40
    assert alice.texts("Bob")[-2:] == ["may I?", "of course"]


def test_what_waits_for_the_gate_is_given_up_at_lock(siege: Siege) -> None:
    """It was not acknowledged, so it comes again; none of it is a fault."""
    alice, mallory, victim = siege.alice, siege.mallory, siege.victim
    link = mallory.arrive(victim)
    mallory.begin(link, victim)
    entries = [mallory.write(Text(f"line {n}"), NOW_MS + n) for n in range(60)]
    gate = SlowGate(siege)
    for entry in entries:
        link.send([mallory.batch(victim, [entry])])
    siege.world.settle()
    siege.world.wait(alice.node.lock())
    gate.go_on()
    assert len(gate.begun) > 1, "each that fails makes room for the next"
    while gate.begun:
        gate.go_on()
    siege.world.wait(alice.node.unlock(PASSPHRASE))
    siege.world.pass_time(5)
    link = mallory.arrive(victim)
    mallory.begin(link, victim)
    siege.world.settle()
    mallory.push(link, alice, entries)
    while gate.begun:
        gate.go_on()
    assert "line 59" in [line.text for line in alice.log("Mallory", limit=1000)] and not link.closed
    assert siege.world.faults == []
