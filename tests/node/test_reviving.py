"""All devices are lost, and there are an export and the 24 words: a new device of the old account."""

import pytest

from onionchat.crypto.vault import Cost
from onionchat.errors import LocalError
from onionchat.node import profile
from onionchat.node.profile import export_profile, import_profile
from onionchat.node.recovering import Recovery
from onionchat.testing.nodes import PASSPHRASE, Actor
from tests.node.recoveries import active, notices, recover
from tests.node.worlds import counting, opened

OTHER = "of the export"
BY_WORDS = "admitted with the recovery words: compare words again"


@pytest.fixture
def alice(alice_with_words):
    return alice_with_words


@pytest.fixture
def bob(bob_who_has_compared):
    return bob_who_has_compared


class Lost:
    """All devices of Alice are gone; there is an export, and what was said after it."""

    def __init__(self, world, alice, bob):
        self.world, self.alice, self.bob = world, alice, bob
        laptop = world.add_device(alice, "laptop")
        for n in range(3):
            laptop.send("Bob", f"l{n}")
            bob.send("Alice", f"b{n}")
        alice.do("message.react", name="Bob", id=alice.log("Bob")[-1].id, emoji="👍")
        alice.do("contact.trust", name="Bob", trust="validated")
        alice.do("contact.rename", name="Bob", new="Robert")
        alice.send("Notes", "milk")
        world.settle()
        alice.stop()
        self.export = world.folder / "export"
        export_profile(alice.folder, PASSPHRASE, self.export, OTHER, cost=Cost.TESTS)
        alice.start()
        world.pass_time(30)
        alice.send("Robert", "after the export")
        world.pass_time(10)
        self.was = alice.log("Robert", limit=500)
        for actor in (alice, laptop):
            actor.cut()
        self.lost = (alice, laptop)
        bob.send("Alice", "are you there?")

    def imported(self, name="new"):
        def found(actor):
            import_profile(actor.folder, self.export, OTHER, None, PASSPHRASE, Cost.TESTS, actor.random)

        actor = Actor(self.world, name, len(self.world.actors) + 1, found)
        self.world.actors.append(actor)
        return actor

    def recovered(self):
        new = self.imported()
        self.done = recover(new, self.alice.words, retired=["device 1"], stolen=["laptop"])
        return new

    def meet(self, inviter, other, name=None):
        """`other` adds a link of `inviter`'s; the request as it is shown."""
        other.do("contact.add", link=inviter.do("invite.create").link, name=name)
        self.world.pass_time(5)
        (request,) = [r for r in inviter.do("request.list") if r.direction == "incoming"]
        return request


@pytest.fixture
def lost(world, alice, bob):
    return Lost(world, alice, bob)


def test_an_import_becomes_a_new_device_of_the_account(world, lost):
    new = lost.recovered()
    assert lost.done.is_new_device and lost.done.removed == ["device 1", "laptop"] and lost.done.contacts == 1
    assert new.node.own.account == lost.alice.node.own.account
    assert new.device not in {actor.device for actor in lost.lost}
    devices = {d.name: d.state for d in new.do("device.list")}
    assert devices == {"device 1": "removed", "laptop": "stolen", "device 2": "active"}
    assert new.status().name == "Alice" and new.contact("Robert").trust == "validated"
    assert new.do("recovery.words").words == [] and new.texts("Notes")[-1] == "milk"
    assert [line.text for line in new.log("Robert")][:-1] == [line.text for line in lost.was][:-2]


def test_the_contact_gets_the_link_and_the_conversation_goes_on(world, lost):
    new, bob = lost.recovered(), lost.bob
    before = bob.contact("Alice").id
    request = lost.meet(bob, new)
    assert request.contact == "Alice" and "admitted with their recovery words" in request.note
    assert request.words == bob.do("contact.words", name="Alice").theirs
    assert new.contact("Robert").online is False
    bob.do("request.accept", id=request.id)
    world.pass_time(60)
    assert [c.id for c in bob.do("contact.list")] == [before] and bob.contact("Alice").name == "Alice"
    assert active(bob, "Alice") == {new.device} and bob.contact("Alice").online
    assert bob.contact("Alice").trust == "unvalidated"
    said = notices(bob, "Alice")
    assert any(text.endswith(BY_WORDS) for text in said) and any("reported as stolen" in text for text in said)
    told = bob.node.book.find("Alice").roster
    assert told.removed.keys() == {actor.node.own.device for actor in lost.lost}
    new.send("Robert", "it is me, with a new machine")
    world.pass_time(30)
    mine, theirs = new.log("Robert", limit=500), bob.log("Alice", limit=500)
    assert [m.id for m in mine if m.kind == "text"] == [m.id for m in theirs if m.kind == "text"]
    assert {"after the export", "are you there?"} < {m.text for m in mine}
    assert {m.text for m in mine if m.sender == "me"} == {m.text for m in theirs if m.sender == "Alice"}
    (liked,) = [m for m in mine if m.reactions]
    (seen,) = [m for m in theirs if m.reactions]
    assert liked.id == seen.id
    assert [m.text for m in new.do("message.search", query="machine")] == ["it is me, with a new machine"]


def test_the_other_way_round_the_contact_adds_the_link(world, lost):
    new, bob = lost.recovered(), lost.bob
    request = lost.meet(new, bob, "Alice again")
    assert request.contact == "Robert" and new.node.book.contacts()[0].name == "Robert"
    new.do("request.accept", id=request.id)
    world.pass_time(60)
    assert [c.name for c in bob.do("contact.list")] == ["Alice"] and [c.name for c in new.do("contact.list")] == [
        "Robert"
    ]
    assert active(bob, "Alice") == {new.device} and bob.contact("Alice").trust == "unvalidated"
    bob.send("Alice", "there you are")
    world.pass_time(10)
    assert new.texts("Robert")[-1] == "there you are" and "are you there?" in new.texts("Robert")


def test_a_further_device_gets_all_of_it(world, lost):
    new, bob = lost.recovered(), lost.bob
    bob.do("request.accept", id=lost.meet(bob, new).id)
    world.pass_time(60)
    phone = world.add_device(new, "phone")
    world.pass_time(60)
    bob.cut()
    world.pass_time(60)
    texts = [m.text for m in new.log("Robert", limit=500) if m.kind == "text"]
    assert [m.text for m in phone.log("Robert", limit=500) if m.kind == "text"] == texts
    bob.restore()
    phone.send("Robert", "from the phone")
    world.pass_time(60)
    assert bob.texts("Alice")[-1] == "from the phone" and len(active(bob, "Alice")) == 2


def test_the_lost_devices_are_nobody_when_they_turn_up(world, lost):
    new, bob = lost.recovered(), lost.bob
    bob.do("request.accept", id=lost.meet(bob, new).id)
    world.pass_time(60)
    for actor in lost.lost:
        actor.send("Robert", f"it is {actor.name}")  # before it hears that it is out
        actor.restore()
    world.pass_time(120)
    assert active(bob, "Alice") == {new.device}
    assert not {"it is Alice", "it is laptop"} & set(bob.texts("Alice"))


def test_who_was_blocked_stays_blocked(world, alice, bob):
    alice.do("contact.block", id="Bob")
    world.pass_time(30)
    lost = Lost.__new__(Lost)
    lost.world, lost.alice, lost.export = world, alice, world.folder / "export"
    alice.stop()
    export_profile(alice.folder, PASSPHRASE, lost.export, OTHER, cost=Cost.TESTS)
    alice.start()
    new = lost.imported()
    assert new.node.book.find("Bob").value.state == "blocked"
    assert recover(new, alice.words, retired=["device 1"]).contacts == 0
    assert new.node.book.find("Bob").value.state == "blocked"
    bob.do("contact.add", link=new.do("invite.create").link)
    world.pass_time(30)
    assert new.do("request.list") == [] and not new.contact("Bob").online


def test_and_who_has_blocked_us_is_not_told_anything(world, lost):
    new, bob = lost.recovered(), lost.bob
    bob.do("contact.block", id="Alice")
    new.do("contact.add", link=bob.do("invite.create").link)
    world.pass_time(30)
    assert bob.do("request.list") == []
    (request,) = new.do("request.list")
    assert (request.direction, request.state) == ("outgoing", "sent")


def test_a_request_that_was_ignored_is_shown_again_at_another_link_only(world, lost):
    new, bob = lost.recovered(), lost.bob
    bob.do("request.ignore", id=lost.meet(bob, new).id)
    entries = bob.node.store.reads.execute("SELECT count(*) FROM entry").fetchone()
    new.restart()
    world.pass_time(600)
    assert bob.node.store.reads.execute("SELECT count(*) FROM entry").fetchone() == entries
    (old,) = [r.id for r in new.do("request.list")]
    new.do("request.cancel", id=old)
    assert lost.meet(bob, new).state == "waiting"


def test_a_lost_device_cannot_meet_a_contact_by_a_link(world, lost):
    """What the thief's request shows may leave out what it likes."""
    new, bob = lost.recovered(), lost.bob
    bob.do("request.accept", id=lost.meet(bob, new).id)
    world.pass_time(60)
    thief = lost.alice
    thief.do("contact.add", link=bob.do("invite.create").link)  # before it hears that it is out
    bob.do("contact.add", link=thief.do("invite.create").link, name="Alice anew")
    thief.restore()
    world.pass_time(60)
    assert [r for r in bob.do("request.list") if r.direction == "incoming"] == []
    for request in thief.do("request.list"):
        if request.direction == "incoming":
            thief.do("request.accept", id=request.id)
    world.pass_time(120)
    assert [c.name for c in bob.do("contact.list")] == ["Alice"]
    assert active(bob, "Alice") == {new.device}


def test_an_import_that_has_lived_is_not_recovered(world, lost):
    new = lost.imported()
    carol = world.add("Carol")
    world.befriend(new, carol)
    with pytest.raises(LocalError, match="import the export once more"):
        recover(new, lost.alice.words)
    new.start()
    assert new.contact("Carol").name == "Carol"


def test_a_crash_on_the_way_leaves_the_import_or_the_device(world, lost, monkeypatch):
    new = lost.imported()
    account = new.node.own.account
    new.stop()
    for crash in ("write_file", "replace_key"):
        with monkeypatch.context() as patch:
            patch.setattr(profile, crash, lambda *_: (_ for _ in ()).throw(OSError("no power")))
            recovery = Recovery(new.folder, PASSPHRASE, lost.alice.words, Cost.TESTS, counting(3))
            with pytest.raises(OSError, match="no power"):
                recovery.carry_out({})
            recovery.close()
        profile.Profile.open(new.folder, PASSPHRASE).close()
        c = opened(new.folder)
        (found,) = c.execute("SELECT value FROM meta WHERE key = 'account'").fetchone()
        c.close()
        assert (bytes(found) == account) == (crash == "write_file")
    new.start()
    assert new.node.book.is_member and new.contact("Robert").trust == "validated"


def test_what_a_damaged_store_has_lost_is_not_passed_on_as_if_it_were_there(world, lost):
    """A salvaged export has gaps: here in the middle of one log, and at the end of another."""
    new = lost.imported()
    new.stop()
    c = opened(new.folder)
    direct = lost.alice.node.book.find("Robert").conversation
    logs = (
        "SELECT log.n, log.id, log.seq FROM log JOIN conversation ON conversation.n = log.conversation"
        " WHERE conversation.id = ? AND device = ?"
    )
    ((mine, mine_id, _),) = c.execute(logs, (direct, lost.lost[1].node.own.device)).fetchall()
    ((theirs, theirs_id, newest),) = c.execute(logs, (direct, lost.bob.node.own.device)).fetchall()
    c.execute("DELETE FROM entry WHERE log = ? AND seq = 2", (mine,))
    c.execute("DELETE FROM entry WHERE log = ? AND seq = ?", (theirs, newest))
    c.close()
    recover(new, lost.alice.words, retired=["device 1", "laptop"])
    heads = {head.log: head for head in new.node.reader.heads(new.node.book.find("Robert").conversation)}
    assert (heads[mine_id].floor_seq, heads[theirs_id].floor_seq) == (2, newest)
    lost.bob.do("request.accept", id=lost.meet(lost.bob, new).id)
    world.pass_time(60)
    phone = world.add_device(new, "phone")
    world.pass_time(60)
    lost.bob.send("Alice", "and now")
    new.send("Robert", "then")
    world.pass_time(30)
    for actor in (new, phone):
        assert actor.texts("Robert")[-2:] == ["and now", "then"]
        assert {"after the export", "are you there?"} < set(actor.texts("Robert"))


def test_no_private_key_of_the_import_or_the_lost_devices_is_left(world, lost):
    new = lost.imported()
    seeds = [new.node.own.identity.seed, new.node.own.static.private]
    new.stop()
    recovery = Recovery(new.folder, PASSPHRASE, lost.alice.words, Cost.TESTS, counting(3))
    recovery.carry_out({})
    recovery.close()
    c = opened(new.folder)
    tables = [name for (name,) in c.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'words'")]
    cells = [cell for name in tables for row in c.execute(f"SELECT * FROM {name}") for cell in row]
    held = b"\0".join(cell for cell in cells if isinstance(cell, bytes))
    c.close()
    from onionchat.crypto.words import parse_recovery_words

    for secret in (*seeds, lost.alice.node.own.identity.seed, parse_recovery_words(lost.alice.words)):
        assert secret not in held
    new.start()
