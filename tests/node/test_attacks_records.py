"""Every kind of record, wrong in every way, from everybody who can say one: it is refused or does no harm."""

import logging
from collections.abc import Callable

import pytest
from twisted.logger import Logger

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.identity import statements
from onionchat.identity.account import fold, make_remove, statement_id
from onionchat.identity.link import parse_code
from onionchat.ids import onion_address
from onionchat.kinds.chat import Text
from onionchat.net.failure import DialError
from onionchat.net.peer import PeerLink
from onionchat.store import people
from onionchat.testing.hostile import NOW_MS, Hostile, Victim, forged_entries
from onionchat.testing.hostile_caps import excess, size_of_self
from onionchat.testing.hostile_claims import admit, forged_rosters
from onionchat.testing.hostile_records import ESCAPES, Wrong, examples, wrong_bodies
from onionchat.testing.nodes import World
from onionchat.testing.strangers import Stranger
from onionchat.text import safe_text
from onionchat.wire.handshake import InvitationExpected
from onionchat.wire.records import Goodbye, Ready, RenewalAccepted, RenewalProposed, Statements
from tests.node.logs import Heard

ENDING = (Goodbye, RenewalProposed, RenewalAccepted)  # the channel's own: tests/wire/test_channel.py


class Scene:
    """Alice with a friend, Bob, and somebody hostile, Mallory, who is her contact as well."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alice, self.bob = world.add("Alice"), world.add("Bob")
        world.befriend(self.alice, self.bob)
        self.mallory = Hostile(world)
        self.victim: Victim = self.mallory.befriend(self.alice.do("invite.create", accept_as="Mallory").link)
        self.alice.send("Mallory", "good day")
        for number in range(2):
            self.mallory.write(Text(f"line {number}"), NOW_MS + number)
        self.link = self.alice.do("invite.create", open=True).link

    def stranger(self) -> PeerLink:
        return Hostile(self.world, 777, "Eve").dial_link(self.link)

    def at_a_code(self) -> PeerLink:
        """Where a device of Alice's own is awaited; nobody has compared the words."""
        key = parse_code(self.alice.do("link.start").code)
        return Hostile(self.world, 779, "Eve").dial(InvitationExpected(key), onion_address(key))

    def unknown_device(self) -> PeerLink:
        return Hostile(self.world, 778, "Eve").dial_device(self.alice)

    def not_ready(self) -> PeerLink:
        return self.mallory.call(self.victim)

    def ready(self) -> PeerLink:
        return self.mallory.arrive(self.victim)

    def in_sync(self) -> PeerLink:
        link = self.ready()
        self.mallory.begin(link, self.victim)
        self.mallory.push(link, self.alice)
        return link

    def wrong(self) -> list[Wrong]:
        everything = wrong_bodies(examples(self.mallory, self.mallory.with_victim(self.victim)))
        return [wrong for wrong in everything if wrong.records and not isinstance(wrong.records[0], ENDING)]

    def require_well(self) -> None:
        """Alice is as she was, and Bob can talk with her."""
        assert self.world.faults == []
        assert excess(self.alice.node) == []
        sent = self.bob.send("Alice", "are you well?")
        assert [line.state for line in self.bob.log("Alice") if line.id == sent] == ["delivered"]
        assert {contact.name for contact in self.alice.do("contact.list")} == {"Bob", "Mallory"}
        assert self.alice.contact("Mallory").trust == "unvalidated"
        assert set(self.alice.node.book.own_devices) == {self.alice.node.own.device}


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def say_all(scene: Scene, dial: Callable[[], PeerLink], wrongs: list[Wrong]) -> None:
    link = dial()
    for wrong in wrongs:
        if link.closed:
            scene.alice.node.peers._faults.clear()  # the wait has a test of its own
            link = dial()
        assert not link.closed, wrong.name
        scene.mallory.say_bytes(link, wrong.frame)
    link.close("done")


WHO = ("stranger", "at_a_code", "unknown_device", "not_ready", "ready", "in_sync")


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_well_formed_and_wrong(scene: Scene, heard: Heard, who: str) -> None:
    before = size_of_self(scene.alice.node)
    say_all(scene, getattr(scene, who), scene.wrong())
    scene.require_well()
    assert size_of_self(scene.alice.node) - before <= 12
    heard.require_nothing_of(scene.mallory, ESCAPES)


@pytest.mark.parametrize("who", WHO)
def test_some_of_it(scene: Scene, heard: Heard, who: str) -> None:
    say_all(scene, getattr(scene, who), scene.wrong()[WHO.index(who) :: 11])
    scene.require_well()
    heard.require_nothing_of(scene.mallory, ESCAPES)


def test_malformed_bytes_end_the_channel_and_are_not_answered(scene: Scene, heard: Heard) -> None:
    """All are refused by one decoder (tests/testing/test_hostile_records.py): a few of them through everything."""
    conversation = scene.mallory.with_victim(scene.victim)
    malformed = [wrong for wrong in wrong_bodies(examples(scene.mallory, conversation)) if not wrong.records]
    for wrong in malformed[::101]:
        scene.alice.node.peers._faults.clear()
        link = scene.ready()
        said = len(scene.mallory.heard)
        scene.mallory.say_bytes(link, wrong.frame)
        assert link.closed, wrong.name
        assert len(scene.mallory.heard) == said
    scene.require_well()
    heard.require_nothing_of(scene.mallory, ESCAPES)


def test_forged_entries(scene: Scene, heard: Heard) -> None:
    """What is refused leaves nothing; what is only absurd is shown as nothing, or as clean text."""
    link = scene.in_sync()
    for name, entries in list(forged_entries(scene.mallory)):
        if link.closed:
            scene.alice.node.peers._faults.clear()
            link = scene.ready()
            scene.mallory.begin(link, scene.victim)
        scene.mallory.say(link, scene.mallory.batch(scene.victim, entries))
        scene.require_well()
        assert all(line.text == safe_text(line.text) for line in scene.alice.log("Mallory")), name
    heard.require_nothing_of(scene.mallory, ESCAPES)


def test_forged_entries_on_a_log_of_their_own_each(scene: Scene) -> None:
    """The first of them freezes a log, so each gets a new one."""
    runs = len(list(forged_entries(scene.mallory)))
    for number in range(runs):
        scene.alice.node.peers._faults.clear()
        mallory = Fresh(scene, number)
        link = mallory.arrive(scene.victim)
        mallory.begin(link, scene.victim)
        mallory.push(link, scene.alice)
        _, entries = list(forged_entries(mallory))[number]
        mallory.say(link, mallory.batch(scene.victim, entries))
        link.close("done")
        scene.require_well()
    assert len(scene.alice.log("Mallory", limit=1000)) <= 1 + runs * 5


class Fresh(Hostile):
    """Mallory with another log."""

    def __init__(self, scene: Scene, number: int) -> None:
        super().__init__(scene.world, tor=scene.mallory.tor)
        self.log_key = SigningKey(bytes([number + 1]) * 32)
        for line in range(2):
            self.write(Text(f"line {line}"), NOW_MS + line)


def test_who_misbehaves_is_dropped_and_kept_out_for_longer_and_longer(scene: Scene) -> None:
    """It is not dialled either, and nobody else has to wait."""
    world, mallory, victim = scene.world, scene.mallory, scene.victim
    waits = []
    for _ in range(12):
        link = mallory.arrive(victim)
        mallory.say(link, mallory.request())
        assert link.closed and not scene.alice.contact("Mallory").online
        explained = scene.alice.node.dialing.explain(mallory.device)
        assert explained is not None and (explained.next_try_seconds or 0) > 30
        waited = 0.0
        while True:
            before = len(mallory.heard)
            link = mallory.arrive(victim)
            if Ready() in mallory.heard[before:]:
                break
            assert link.closed
            world.pass_time(1 if waited < 10 else 60)
            waited += 1 if waited < 10 else 60
        link.close("done")
        waits.append(waited)
        scene.require_well()
    assert waits[0] < 10 < waits[3] < waits[6] and max(waits) <= 1000
    world.pass_time(4000)
    mallory.say(mallory.arrive(victim), mallory.request())
    world.pass_time(6)
    assert not mallory.arrive(victim).closed


def test_what_is_logged_would_be_found(scene: Scene, heard: Heard) -> None:
    heard.require_nothing_of(scene.mallory)
    for say in (logging.getLogger("test").info, print, Logger().debug):
        say(f"it is {scene.mallory.device.hex()}")
        with pytest.raises(AssertionError):
            heard.require_nothing_of(scene.mallory)
        heard.forget()


def test_an_unknown_device_is_not_remembered(scene: Scene) -> None:
    """It costs nothing to have another key."""
    for seed in range(800, 810):
        eve = Stranger(scene.world, seed)
        eve.say(eve.dial_device(scene.alice), eve.request())
    assert scene.alice.node.peers._faults == {}


def test_forged_rosters(scene: Scene) -> None:
    """Whatever a contact's device says of accounts: nobody else's changes, and its own only by who is in it."""
    phone, friend = Hostile(scene.world, 901, "Phone"), Hostile(scene.world, 902, "Friend")
    friend.befriend(scene.alice.do("invite.create", accept_as="Friend").link)
    before = size_of_self(scene.alice.node)
    for _, account, forged in forged_rosters(scene.mallory, phone, friend):
        scene.alice.node.peers._faults.clear()
        try:
            link = scene.ready()
        except DialError:
            break
        scene.mallory.say(link, Statements(account, forged))
        link.close("done")
        assert scene.world.faults == [] and excess(scene.alice.node) == []
        assert set(scene.alice.node.book.find("Friend").devices) == {friend.device}
        assert set(scene.alice.node.book.own_devices) == {scene.alice.node.own.device}
        known = set(scene.alice.node.book.find("Mallory").devices)
        assert known <= {scene.mallory.device, phone.device}
    assert size_of_self(scene.alice.node) - before <= 2 * limits.STATEMENTS_PER_DAY_MAX
    assert scene.bob.send("Alice", "all the same")


def test_what_is_said_again_is_not_verified_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame has room for hundreds of records: each must cost no more than its own bytes."""
    link = scene.ready()
    adds = [admit(scene.mallory, Hostile(scene.world, 910 + n)) for n in range(20)]
    for add in adds:
        scene.mallory.say(link, Statements(scene.mallory.account, (add,)))
    verified: list[bytes] = []
    verify = statements.verify
    monkeypatch.setattr(statements, "verify", lambda *a: (verified.append(a[0]), verify(*a))[1])
    scene.mallory.say(link, *[Statements(scene.mallory.account, tuple(adds[:n])) for n in range(20)] * 5)
    assert not link.closed and verified == []
    new = admit(scene.mallory, Hostile(scene.world, 950))
    before = size_of_self(scene.alice.node)
    verified.clear()
    scene.mallory.say(link, *[Statements(scene.mallory.account, (new,))] * 300)
    assert size_of_self(scene.alice.node) - before <= limits.STATEMENTS_PER_DAY_MAX
    assert len(verified) < 300 * 2 + 200 * limits.STATEMENTS_PER_DAY_MAX


def test_another_device_may_speak_when_one_has_said_too_much(scene: Scene) -> None:
    """A thief's device must not keep the owner's others from telling that it was stolen."""
    laptop = Hostile(scene.world, 960, "Laptop")
    link = scene.ready()
    add = admit(scene.mallory, laptop)
    scene.mallory.say(link, Statements(scene.mallory.account, (add,)))
    told = scene.alice.node.peers._statement_news
    told[scene.mallory.device] = (told[scene.mallory.device][0], limits.STATEMENTS_PER_DAY_MAX)
    late = admit(scene.mallory, Hostile(scene.world, 961))
    scene.mallory.say(link, Statements(scene.mallory.account, (late,)))
    assert statement_id(late) not in fold_of(scene)
    heads = fold((scene.mallory.genesis, add), scene.mallory.account).heads
    removal = make_remove(scene.mallory.account, heads, scene.mallory.device, "stolen", (), (), laptop.identity)
    channel = laptop.dial_device(scene.alice)
    laptop.say(channel, Ready())
    laptop.say(channel, Statements(scene.mallory.account, (removal,)))
    assert scene.mallory.device not in scene.alice.node.book.find("Mallory").devices


def fold_of(scene: Scene) -> set[bytes]:
    c = scene.alice.node.store.reads
    return {statement_id(raw) for raw in people.statements_of(c, scene.mallory.account)}
