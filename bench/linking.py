"""A new device of one's own, when there is a history: how fast it comes, without Tor and through it."""

import tempfile
import time
from pathlib import Path

from bench import raw
from bench.figures import Figure, Size
from bench.fill import fill_person, fill_profile
from bench.world import SECONDS_MAX, wait, world
from onionchat.api import types as t
from onionchat.errors import LocalError, OnionchatError
from onionchat.testing.nodes import PASSPHRASE, World
from onionchat.testing.people import Person, link_device, make_contacts

SCREEN = 50


def linking(size: Size) -> list[Figure]:
    """100,000 messages: both nodes in one process without Tor; then two programs on two Tors."""
    count = size.of(100_000, 10_000)
    bare = _in_memory(count)
    with world() as people:
        alice, bob = people.arrive("alice", "bob")
        make_contacts(alice, bob)
        bob.stop()
        alice.stop()
        fill_person(alice, count)
        alice.start()
        assert alice.tor is not None
        phone = people.add("phone")
        assert phone.tor is not None
        phone.tor.wait_ready()
        with raw.EchoOnion(alice.tor) as echo:
            stream = raw.connect(phone.tor, echo.address, "linking")
            raw.round_trips(stream, 10)
            pipelined = raw.pipelined(stream, 20_000)
            stream.close()
        begin = time.perf_counter()
        link_device(alice, phone, "phone")
        linked = time.perf_counter()
        phone.launch()
        screen, last = _arrived(phone, alice, count)
    named = f"{count:,} messages"
    return [
        Figure(f"{named} to a new device, without Tor", bare, "msg/s", "asked for, at least", 10_000.0),
        Figure(f"{named} to a new device, through Tor", count / (last - screen), "msg/s", "raw echo", pipelined),
        Figure("`link` and `join`, from the code to both saying linked", linked - begin, "s"),
        Figure("linked → program started, first screen there", screen - linked, "s", "asked for, at most", 2.0),
        Figure(f"linked → all {named} there", last - linked, "s"),
    ]


def _in_memory(count: int) -> float:
    """Messages a second, with both nodes on one interpreter: twice the work of one."""
    with tempfile.TemporaryDirectory(prefix="ocb-") as folder:
        world = World(Path(folder))
        alice, bob = world.add("alice"), world.add("bob")
        world.befriend(alice, bob)
        for actor in (bob, alice):
            actor.stop()
        world.actors.remove(bob)
        fill_profile(alice.folder, PASSPHRASE, count)
        alice.start()
        begin = time.perf_counter()
        phone = world.add_device(alice, "phone")
        query = "SELECT count(*) FROM entry WHERE shown > 0"
        while phone.node.store.reads.execute(query).fetchone()[0] < count:
            world.pass_time(1)
        spent = time.perf_counter() - begin
        same = [m.id for m in phone.log("bob", limit=1000)] == [m.id for m in alice.log("bob", limit=1000)]
        world.stop()
        if not same or world.faults:
            raise LocalError(f"the new device does not show the same: {world.faults[:1]}")
        return count / spent


def _arrived(phone: Person, alice: Person, count: int) -> tuple[float, float]:
    """When the newest screen was there, and when everything was; both show the same then."""
    wanted: list[t.Message] = alice.call("message.log", t.MessageLog(name="bob", limit=SCREEN))
    ids = [message.id for message in wanted]

    def newest() -> bool:
        try:
            found: list[t.Message] = phone.call("message.log", t.MessageLog(name="bob", limit=SCREEN))
        except OnionchatError:
            return False  # it does not answer yet, or knows nobody yet
        return [message.id for message in found] == ids

    screen = wait("the first screen", newest, SECONDS_MAX, 0.01)
    last = wait("all of the history", lambda: not phone.call("status.get").history_left, SECONDS_MAX, 0.02)
    texts = phone.texts("bob")
    if len(texts) != count or texts != alice.texts("bob"):
        raise LocalError(f"the new device has {len(texts)} messages, not the same {count}")
    return screen, last
