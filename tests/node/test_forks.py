"""A disk that goes back to an old copy: what was written apart comes together, once, in its order; nobody is fooled."""

import os
import random
import shutil

import msgspec
import pytest

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import body_bytes
from onionchat.log.commands import StartLevel, StartSync
from onionchat.log.entry import NO_ENTRY, Content, WireEntry, make_entry
from onionchat.store.people import find_device
from onionchat.testing.nodes import EPOCH_SECONDS, Actor
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Ack, Batch, Frontier, Position, Request

NOW = int(EPOCH_SECONDS * 1000)


def copy_disk(actor: Actor) -> None:
    """A copy of the profile's folder, as a backup makes it, while it is stopped."""
    actor.stop()
    shutil.copytree(actor.folder, actor.folder.with_suffix(".copy"))
    actor.start()


def put_back(actor: Actor, start: bool = True) -> None:
    """The old copy in place of the disk."""
    actor.stop()
    shutil.rmtree(actor.folder)
    shutil.copytree(actor.folder.with_suffix(".copy"), actor.folder)
    if start:
        actor.start()


def said(actor: Actor, name: str) -> list[tuple[str, str]]:
    """Ids and texts of a conversation, without what the program says."""
    return [(line.id, line.text) for line in actor.log(name, limit=1000) if line.kind != "notice"]


def notices(actor: Actor, name: str) -> list[str]:
    return [line.text for line in actor.log(name, limit=1000) if line.kind == "notice"]


def forked(actor: Actor) -> int:
    """How many logs are frozen here."""
    (count,) = actor.node.store.reads.execute("SELECT count(*) FROM log WHERE frozen").fetchone()
    return int(count)


def test_a_restored_device_that_hears_first_takes_its_own_entries_back(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    copy_disk(alice)
    world.pass_time(10)
    alice.send("Bob", "after")
    bob.send("Alice", "an answer")
    put_back(alice)
    world.pass_time(10)
    alice.send("Bob", "and on")
    world.pass_time(10)
    assert [text for _, text in said(alice, "Bob")] == ["before", "after", "an answer", "and on"]
    assert said(alice, "Bob") == said(bob, "Alice")
    assert forked(alice) == forked(bob) == 0
    assert alice.status().queued == 0


def test_a_restored_device_that_wrote_first_gets_both_branches(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    copy_disk(alice)
    world.pass_time(10)
    for number in range(3):
        alice.send("Bob", f"lost {number}")
    bob.send("Alice", "an answer")
    world.pass_time(10)
    world.pass_time(30)
    put_back(alice, start=False)
    bob.cut()
    alice.start()
    for number in range(5):
        alice.send("Bob", f"anew {number}")
    bob.restore()
    world.pass_time(60)
    texts = ["before", "lost 0", "lost 1", "lost 2", "an answer", *(f"anew {n}" for n in range(5))]
    assert [text for _, text in said(alice, "Bob")] == texts
    assert said(alice, "Bob") == said(bob, "Alice")
    assert forked(alice) == forked(bob) == 1
    assert all(line.state == "delivered" for line in alice.log("Bob") if line.sender == "me")
    assert alice.status().queued == 0
    assert len(notices(alice, "Bob")) == len(notices(bob, "Alice")) == 1
    assert any("old copy" in warning for warning in alice.status().warnings)
    alice.send("Bob", "and on")
    assert [text for _, text in said(bob, "Alice")] == [*texts, "and on"]


def restored_apart(world, alice: Actor, others: list[Actor], lost, anew) -> None:
    """Copy, live on, go back to the copy and write there before anybody is reached; then all meet."""
    copy_disk(alice)
    world.pass_time(30)
    lost()
    world.pass_time(30)
    put_back(alice, start=False)
    for other in others:
        other.cut()
    alice.start()
    anew()
    for other in others:
        other.restore()
    world.pass_time(120)


def test_what_names_old_ids_finds_them(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    ids = {}

    def lost() -> None:
        for name in ("edited", "taken back", "plain"):
            ids[name] = alice.send("Bob", name)
        world.pass_time(5)
        bob.do("message.react", name="Alice", id=ids["plain"], emoji="👍")
        alice.do("message.edit", name="Bob", id=ids["edited"], text="edited twice")
        alice.do("message.retract", name="Bob", id=ids["taken back"])
        alice.do("message.react", name="Bob", id=bob.send("Alice", "an answer", reply_to=ids["plain"]), emoji="🎉")

    restored_apart(world, alice, [bob], lost, lambda: alice.send("Bob", "anew"))
    texts = ["before", "edited twice", "plain", "an answer", "anew"]
    for actor, name in ((alice, "Bob"), (bob, "Alice")):
        lines = {line.text: line for line in actor.log(name) if line.kind == "text" and not line.retracted}
        assert list(lines) == texts
        assert lines["edited twice"].edited
        assert [mark.emoji for mark in lines["plain"].reactions] == ["👍"]
        assert [mark.emoji for mark in lines["an answer"].reactions] == ["🎉"]
        assert lines["an answer"].reply_to == lines["plain"].id == ids["plain"]
        assert not any(line.missing_before for line in lines.values())
    alice.do("message.edit", name="Bob", id=ids["plain"], text="changed by its old id")
    world.pass_time(5)
    assert "changed by its old id" in bob.texts("Alice")
    assert [line.text for line in bob.do("message.search", query="old id")] == ["changed by its old id"]
    assert [line.id for line in alice.do("message.search", query="old id")] == [ids["plain"]]
    bob.do("message.forget", name="Alice", ids=[ids["plain"]])
    assert "changed by its old id" not in bob.texts("Alice")


def test_long_branches_come_whole(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    restored_apart(
        world,
        alice,
        [bob],
        lambda: [alice.begin("message.send", name="Bob", text=f"lost {n}") for n in range(700)],
        lambda: [alice.begin("message.send", name="Bob", text=f"anew {n}") for n in range(600)],
    )
    rows = [a.node.store.reads.execute("SELECT count(*) FROM entry WHERE shown = 1").fetchone() for a in (alice, bob)]
    assert rows == [(1301,), (1301,)]
    assert said(alice, "Bob") == said(bob, "Alice")
    assert alice.status().queued == 0


def test_a_stop_in_the_middle_doubles_nothing(world, friends, monkeypatch):
    from onionchat.store import mending

    alice, bob = friends
    alice.send("Bob", "before")
    copy_disk(alice)
    world.pass_time(30)
    for number in range(20):
        alice.send("Bob", f"lost {number}")
    world.pass_time(30)
    put_back(alice, start=False)
    bob.cut()
    alice.start()
    for number in range(20):
        alice.send("Bob", f"anew {number}")
    monkeypatch.setattr(mending, "PORTION_ENTRIES", 7)
    portions = []
    gate = type(alice.node.store.gate)
    mend = gate.mend

    def once(self, c, conversation, now_ms):
        if portions:
            raise OSError("killed")
        portions.append(1)
        return mend(self, c, conversation, now_ms)

    monkeypatch.setattr(gate, "mend", once)
    bob.restore()
    world.pass_time(60)
    texts = ["before", *(f"lost {n}" for n in range(20)), *(f"anew {n}" for n in range(20))]
    assert [text for _, text in said(alice, "Bob")] == texts
    assert len(said(bob, "Alice")) == 21 + 7
    world.faults.clear()
    monkeypatch.setattr(gate, "mend", mend)
    alice.restart()
    world.pass_time(60)
    assert said(alice, "Bob") == said(bob, "Alice")
    assert [text for _, text in said(bob, "Alice")] == texts


def test_cuts_in_the_middle_double_nothing(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    copy_disk(alice)
    world.pass_time(30)
    for number in range(60):
        alice.send("Bob", f"lost {number} " + "x" * 5000)
    world.pass_time(30)
    put_back(alice, start=False)
    bob.cut()
    alice.start()
    for number in range(60):
        alice.send("Bob", f"anew {number} " + "x" * 5000)
    bob.tor.restore()
    for number in range(40):
        for _ in range(3 * number):
            if world.reactor.calls and world.reactor.calls[0].getTime() <= world.reactor.seconds() + 1:
                world.reactor.advance(0.02)
        world.network.break_streams(alice.tor)
        world.settle()
        if number % 8 == 7:
            alice.restart()
    world.pass_time(400)
    assert len(said(alice, "Bob")) == 121
    assert said(alice, "Bob") == said(bob, "Alice")


def test_a_disk_that_goes_back_twice_is_mended_twice(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    restored_apart(world, alice, [bob], lambda: alice.send("Bob", "lost"), lambda: alice.send("Bob", "anew"))
    texts = ["before", "lost", "anew"]
    assert [text for _, text in said(bob, "Alice")] == texts
    # the same old copy once more: it knows nothing of the first mending
    for other in (bob,):
        other.cut()
    put_back(alice)
    alice.send("Bob", "third life")
    bob.restore()
    world.pass_time(120)
    assert said(alice, "Bob") == said(bob, "Alice")
    assert [text for _, text in said(bob, "Alice")] == [*texts, "third life"]
    # and a copy from after it, so that the new log is forked too
    shutil.rmtree(alice.folder.with_suffix(".copy"))
    restored_apart(world, alice, [bob], lambda: alice.send("Bob", "lost 2"), lambda: alice.send("Bob", "anew 2"))
    assert said(alice, "Bob") == said(bob, "Alice")
    assert [text for _, text in said(bob, "Alice")] == [*texts, "third life", "lost 2", "anew 2"]
    assert alice.status().queued == 0


def address_at(actor: Actor, of: Actor) -> bytes:
    """Where this one would dial that one."""
    row = find_device(actor.node.store.reads, of.node.own.device)
    assert row is not None
    return row.certificate.address


# --- addresses -----------------------------------------------------------------------------------------
def test_a_device_that_had_moved_since_is_reached_again(world, friends):
    """The old disk knows neither the address nor the certificate that its contacts have by now."""
    alice, bob = friends
    mallory = world.add("Mallory")
    world.befriend(alice, mallory)
    alice.send("Bob", "before")
    copy_disk(alice)
    world.pass_time(30)
    alice.do("contact.block", id="Mallory")
    world.pass_time(60)
    alice.send("Bob", "from the new address")
    world.pass_time(30)
    put_back(alice)
    world.pass_time(120)
    alice.send("Bob", "from the old one")
    world.pass_time(120)
    bob.send("Alice", "an answer")
    world.pass_time(120)
    assert said(alice, "Bob") == said(bob, "Alice") and len(said(bob, "Alice")) == 4
    assert address_at(bob, alice) == address_at(alice, alice)
    assert address_at(alice, alice) == alice.node.services.current_address().key
    bob.restart()
    alice.restart()
    bob.send("Alice", "again")
    world.pass_time(120)
    assert alice.texts("Bob")[-1] == "again"


# --- several devices -------------------------------------------------------------------------------------
@pytest.fixture
def household(world, friends):
    """Alice's laptop and phone, Bob, Carol; all connected."""
    laptop, bob = friends
    phone = world.add_device(laptop, "phone")
    carol = world.add("Carol")
    world.befriend(laptop, carol)
    world.pass_time(60)
    return laptop, phone, bob, carol


def state(actor: Actor) -> dict[str, object]:
    """What a person's devices are to agree about."""
    c = actor.node.store.reads
    registers = c.execute("SELECT kind, key, value FROM register WHERE kind NOT IN ('read') ORDER BY kind, key")
    forgotten = c.execute("SELECT log, first, last FROM forgotten ORDER BY log, first")
    return {"registers": registers.fetchall(), "forgotten": forgotten.fetchall()}


def lines(actor: Actor, name: str) -> list[tuple[str, str]]:
    return [(id, text) for id, text in said(actor, name) if not text.startswith("(")]


def test_account_state_and_conversations_are_mended_at_once(world, household):
    laptop, phone, bob, carol = household
    laptop.send("Bob", "before")
    secret = bob.send("Alice", "forget me")
    laptop.do("setting.set", key="name", value="old name")

    def lost() -> None:
        laptop.send("Bob", "lost to Bob")
        laptop.send("Carol", "lost to Carol")
        laptop.do("contact.rename", name="Carol", new="Caroline")
        laptop.do("setting.set", key="name", value="new name")
        laptop.do("setting.set", key="both", value="lost")
        laptop.do("message.forget", name="Bob", ids=[secret])
        laptop.do("contact.trust", name="Bob", trust="validated")
        laptop.send("Notes", "a note")

    def anew() -> None:
        laptop.send("Bob", "anew to Bob")
        laptop.send("Carol", "anew to Carol")
        laptop.do("setting.set", key="greeting", value="anew")
        laptop.do("setting.set", key="both", value="anew")

    restored_apart(world, laptop, [phone, bob, carol], lost, anew)
    assert state(laptop) == state(phone)
    assert laptop.node.book.settings["name"] == "new name" and phone.node.book.settings["greeting"] == "anew"
    assert laptop.node.book.settings["both"] == phone.node.book.settings["both"] == "anew"  # the later one
    assert laptop.contact("Caroline").name == "Caroline"
    assert laptop.contact("Bob").trust == phone.contact("Bob").trust == "validated"
    assert "forget me" not in laptop.texts("Bob") + phone.texts("Bob")
    for one in (laptop, phone):
        assert lines(one, "Bob") == [line for line in lines(bob, "Alice") if line[1] != "forget me"]
        assert lines(one, "Caroline") == lines(carol, "Alice")
        assert [text for _, text in lines(one, "Notes")] == ["a note"]
    assert [text for _, text in lines(carol, "Alice")] == ["lost to Carol", "anew to Carol"]
    assert any("laptop" in w or "old copy" in w for w in phone.status().warnings)
    # the registers hold on both after a change, wherever it is made
    phone.do("setting.set", key="name", value="newest")
    world.pass_time(10)
    assert laptop.node.book.settings["name"] == "newest" and state(laptop) == state(phone)


def test_forked_logs_do_not_keep_own_devices_apart(world, household):
    laptop, phone, bob, _ = household
    laptop.send("Bob", "before")
    restored_apart(world, laptop, [phone, bob], lambda: laptop.send("Bob", "lost"), lambda: laptop.send("Bob", "anew"))
    assert forked(laptop) and forked(laptop) == forked(phone)
    started = []
    for actor in (laptop, phone):
        start = actor.node.syncing._carry_out

        def carry_out(state, conversation, command, start=start):
            if isinstance(command, StartSync | StartLevel):
                started.append(type(command))
            start(state, conversation, command)

        actor.node.syncing._carry_out = carry_out
    phone.cut()
    phone.restore()
    world.pass_time(60)
    assert started and set(started) == {StartLevel}


def test_a_replica_that_was_off_all_the_time_gets_everything(world, household):
    """Bob's tablet has the branch that was lost, and comes back after all is mended; his second phone has neither."""
    laptop, phone, bob, _ = household
    tablet, spare = world.add_device(bob, "tablet"), world.add_device(bob, "spare")
    laptop.send("Bob", "before")
    world.pass_time(30)
    spare.cut()
    copy_disk(laptop)
    world.pass_time(30)
    laptop.send("Bob", "lost")
    world.pass_time(30)
    tablet.cut()
    for other in (phone, bob):
        other.cut()
    put_back(laptop)
    laptop.send("Bob", "anew")
    phone.restore()
    bob.restore()
    world.pass_time(120)
    tablet.restore()
    spare.restore()
    world.pass_time(120)
    everyone = [lines(a, "Bob") for a in (laptop, phone)] + [lines(a, "Alice") for a in (bob, tablet, spare)]
    assert everyone == [everyone[0]] * 5
    assert [text for _, text in everyone[0]] == ["before", "lost", "anew"]


def test_a_device_that_is_linked_afterwards_gets_the_history_from_before_the_fork(world, friends):
    alice, bob = friends
    for number in range(150):
        alice.send("Bob", f"old {number}")
    restored_apart(
        world,
        alice,
        [bob],
        lambda: [alice.send("Bob", f"lost {n}") for n in range(5)],
        lambda: [alice.send("Bob", f"anew {n}") for n in range(5)],
    )
    for owner, name in ((alice, "Bob"), (bob, "Alice")):
        new = world.add_device(owner, f"new of {owner.name}")
        world.pass_time(120)
        assert lines(new, name) == lines(owner, name)
        assert len(lines(new, name)) == 160


# --- a copy that runs at the same time ------------------------------------------------------------------
def test_a_copy_in_use_elsewhere_is_noticed_and_forks_once(world, friends):
    alice, bob = friends
    alice.send("Bob", "before")
    alice.stop()

    def found(new: Actor) -> None:
        shutil.copytree(alice.folder, new.folder)

    alice.start()
    copy = Actor(world, "copy", 77, found)
    world.actors.append(copy)
    for number in range(4):
        alice.tor.cut()
        copy.tor.cut()
        for one in (alice, copy):
            one.send("Bob", f"{one.name} {number}")
            world.pass_time(120)
        alice.tor.restore()
        copy.tor.restore()
        world.pass_time(400)
    for one in (alice, copy):
        assert any("a copy of this device is in use" in warning for warning in one.status().warnings), one.name
    dials = len(world.network.dials)
    world.pass_time(1800)
    assert len(world.network.dials) - dials < 80  # whoever is connected last pushes the other one out, at leisure
    copy.stop()
    world.actors.remove(copy)
    world.pass_time(900)
    wanted = {"before", *(f"{name} {n}" for name in ("Alice", "copy") for n in range(4))}
    assert sorted(text for _, text in said(bob, "Alice")) == sorted(wanted)
    assert said(alice, "Bob") == said(bob, "Alice")
    (logs,) = bob.node.store.reads.execute(
        "SELECT count(*) FROM log WHERE device = ?", (alice.node.own.device,)
    ).fetchone()
    assert logs == 3 and forked(bob) == 1
    assert len(notices(bob, "Alice")) == 1


def test_no_copy_is_suspected_where_there_is_none(world, household):
    laptop, phone, bob, _ = household
    laptop.send("Bob", "before")
    restored_apart(world, laptop, [phone, bob], lambda: laptop.send("Bob", "lost"), lambda: laptop.send("Bob", "anew"))
    laptop.restart()
    world.pass_time(3600)
    for one in (laptop, phone, bob):
        assert not any("in use" in w and "a copy of this device" in w for w in one.status().warnings)


# --- who is not honest --------------------------------------------------------------------------------------
def forged_log(mallory: Stranger, number: int) -> SigningKey:
    """Another log key of Mallory's; what it wrote so far stays in the old log."""
    mallory.log_key = SigningKey(bytes([number]) * 32)
    mallory.entries.clear()
    return mallory.log_key


def test_a_contact_that_forks_on_purpose_is_told_of_once_and_costs_little(world):
    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    for number in range(1, 6):
        key = forged_log(mallory, number)
        mallory.open(link, alice)
        mallory.write(Text(f"one thing {number}"), NOW + number)
        mallory.push(link, alice)
        for other in range(20):
            content = Content(bytes(16), (), "text", 0, body_bytes(Text(f"another thing {other}")))
            mallory.push(link, alice, [make_entry(key, 1, NO_ENTRY, (NOW + number, other + 5), content)])
    assert not link.closed
    assert forked(alice) == 5 and len(notices(alice, "Mallory")) == 1
    evidence = alice.node.store.reads.execute("SELECT log, count(*), sum(length(raw)) FROM branch GROUP BY log")
    assert all(count <= limits.FORK_BRANCHES_MAX and size < 300 * count for _, count, size in evidence)
    assert alice.node.store.reads.execute("SELECT count(*) FROM log WHERE seed IS NOT NULL").fetchone() == (1,)
    key = forged_log(mallory, 9)  # another device of hers goes on
    mallory.open(link, alice)
    mallory.write(Text("and on"), NOW + 500)
    mallory.push(link, alice)
    assert [text for _, text in said(alice, "Mallory")] == [*(f"one thing {n}" for n in range(1, 6)), "and on"]
    assert not alice.status().warnings


def test_a_peer_that_shows_a_false_branch_of_ours_is_refused(world):
    alice = world.add("Alice")
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    alice.send("Mallory", "mine")
    conversation = mallory.conversation(alice)
    (log,) = alice.node.store.reads.execute(
        "SELECT log.id FROM log JOIN conversation ON conversation.n = log.conversation WHERE conversation.id = ?"
        " AND seed IS NOT NULL",
        (conversation,),
    ).fetchone()
    mallory.say(link, Ack(conversation, ()))
    content = Content(bytes(16), (), "text", 0, body_bytes(Text("never said")))
    header = make_entry(mallory.log_key, 1, NO_ENTRY, (NOW, 0), content).header
    forged = msgspec.structs.replace(header, log=bytes(log))
    raw = encode(WireEntry(encode(forged), bytes(64), encode(content)))
    asked = mallory.say(link, Frontier(conversation, (Position(bytes(log), 1, b"\x07" * 32),)))
    assert any(isinstance(record, Request) for record in asked)  # that entry is asked for, as evidence
    mallory.say(link, Batch(conversation, (raw,)))
    assert link.closed
    assert forked(alice) == 0 and alice.texts("Mallory") == ["mine"]
    assert not alice.status().warnings


def test_an_old_disk_learns_of_its_own_newer_certificate(world, household):
    laptop, phone, bob, _ = household
    laptop.send("Bob", "before")

    def lost() -> None:
        world.wait(laptop.node.services.move(urgent=False))
        laptop.send("Bob", "lost")

    restored_apart(world, laptop, [phone, bob], lost, lambda: laptop.send("Bob", "anew"))
    for actor in (laptop, phone, bob):
        actor.restart()
    world.pass_time(300)
    assert address_at(phone, laptop) == address_at(bob, laptop) == address_at(laptop, laptop)
    assert address_at(laptop, laptop) == laptop.node.services.current_address().key
    assert laptop.contact("Bob").online and bob.contact("Alice").online
    assert lines(laptop, "Bob") == lines(phone, "Bob") == lines(bob, "Alice")


# --- whatever happens ---------------------------------------------------------------------------------------
class Household:
    """Two people with two devices each, and dice: they write, change, forget, part, and go back to old disks."""

    def __init__(self, world, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        alice, bob = world.add("Alice"), world.add("Bob")
        world.befriend(alice, bob)
        self.devices = [alice, world.add_device(alice, "Alice 2"), bob, world.add_device(bob, "Bob 2")]
        self.others = ["Bob", "Bob", "Alice", "Alice"]
        self.number = 0
        world.pass_time(60)

    def act(self) -> None:
        n = self.dice.randrange(4)
        actor, other = self.devices[n], self.others[n]
        mine = [line for line in actor.log(other, limit=50) if line.sender == "me" and line.kind == "text"]
        mine = [line for line in mine if not (line.retracted or line.forgotten)]
        match self.dice.choice(
            ["write"] * 6 + ["cut", "join", "copy", "copy", "back", "back", "edit", "retract", "wait"]
        ):
            case "write":
                self.number += 1
                actor.send(other, f"{actor.name} {self.number}")
            case "edit" if mine:
                self.number += 1
                actor.do("message.edit", name=other, id=self.dice.choice(mine).id, text=f"edited {self.number}")
            case "retract" if mine:
                actor.do("message.retract", name=other, id=self.dice.choice(mine).id)
            case "cut":
                actor.cut()
            case "join":
                actor.restore()
            case "copy":
                shutil.rmtree(actor.folder.with_suffix(".copy"), ignore_errors=True)
                copy_disk(actor)
            case "back" if actor.folder.with_suffix(".copy").exists():
                put_back(actor)
            case "wait":
                self.world.pass_time(self.dice.uniform(1, 90))
        self.world.pass_time(self.dice.uniform(0.01, 3))

    def held(self) -> set[tuple[str, str]]:
        """All that any disk holds now, by what was first written."""
        return {line for actor, other in zip(self.devices, self.others, strict=True) for line in said(actor, other)}

    def heal(self) -> None:
        for _ in range(3):
            for actor in self.devices:
                actor.restore()
            self.world.pass_time(1000)
            for actor in self.devices:
                actor.restart()
            self.world.pass_time(1000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [int(n) for n in os.environ.get("ONIONCHAT_FORK_SEEDS", "1 2 60").split()])
def test_whatever_happens_all_come_to_the_same(world, seed):
    house = Household(world, seed)
    for _ in range(60):
        house.act()
    before = house.held()
    gone = {id for id, text in before if text == "(taken back)"}  # on a disk that is here: others may be lost
    house.heal()
    views = [lines(actor, other) for actor, other in zip(house.devices, house.others, strict=True)]
    ids = [id for id, _ in views[0]]
    assert len(ids) == len(set(ids))
    assert all(sorted(view) == sorted(views[0]) for view in views)
    assert all(view == views[0] for view in views)
    wiped = {id for id, text in house.held() if text.startswith("(")}
    assert {id for id, _ in before} <= set(ids) | wiped
    assert not gone & set(ids)
