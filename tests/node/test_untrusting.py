"""Removing devices of ours: what takes effect at once, and what nobody who has heard takes any more."""

import pytest

from onionchat.errors import LocalError, RemovedError
from onionchat.identity.statements import Cut, cut_digest
from onionchat.ids import id_text


def remove(world, actor, target, stolen=True, undone=(), also=()):
    """Untrust a device of the same account."""
    return world.wait(actor.node.untrusting.untrust(target.node.own.device, stolen, undone, also))


def own_heads(actor, conversation):
    """How far an actor has each log of a conversation."""
    return {head.log: (head.seq, head.id) for head in actor.node.reader.heads(conversation)}


def roster(actor):
    return actor.node.book.own_roster


def test_the_removed_device_has_no_channel_and_those_that_stay_move(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    before = {actor: actor.address for actor in (alice, phone)}
    remove(world, alice, laptop)
    world.pass_time(20)
    assert roster(alice).removed[laptop.node.own.device].reason == "stolen"
    assert roster(phone).active == roster(alice).active == {alice.node.own.device, phone.node.own.device}
    for actor in (alice, phone):
        assert actor.address != before[actor]
        assert laptop.node.own.device not in actor.node.peers.live
    assert laptop.node.own.device not in bob.node.peers.live
    assert {d.id for d in bob.contact("Alice").devices} == {alice.device, phone.device}
    assert all(d.online for d in bob.contact("Alice").devices)
    assert any("stolen" in line.text for line in bob.log("Alice"))
    moved = {actor: actor.address for actor in (alice, phone)}
    for actor in (alice, phone):
        actor.restart()
    world.pass_time(60)
    assert {actor: actor.address for actor in (alice, phone)} == moved, "once for each removal"


def test_an_honest_device_learns_that_it_is_out_and_only_reads(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    phone.send("Bob", "before")
    world.pass_time(5)
    remove(world, alice, phone, stolen=False)
    world.pass_time(10)
    assert phone.node.book.is_out
    with pytest.raises(RemovedError, match="removed from its account"):
        phone.send("Bob", "after")
    assert phone.texts("Bob")[-1] == "before"
    dialled = len(world.network.dials)
    phone.restart()
    world.pass_time(600)
    assert not phone.tor.onions.own and not phone.node.peers.live
    assert not any(stream.dialler is phone.tor for stream in world.network.streams[dialled:])
    assert bob.texts("Alice")[-2] == "before"


def test_a_device_that_was_away_hears_it_when_it_comes(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    phone.cut()
    remove(world, alice, phone, stolen=False)
    phone.restore()
    world.pass_time(60)
    assert phone.node.book.is_out


def test_who_cannot_be_removed(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    for target, words in ((alice, "does not remove itself"), (friends[1], "no device of yours")):
        with pytest.raises(LocalError, match=words):
            remove(world, alice, target)
    remove(world, alice, phone, stolen=False)
    with pytest.raises(LocalError, match="out already"):
        remove(world, alice, phone, stolen=False)
    remove(world, alice, phone, stolen=True)  # it turns out that it was stolen
    assert roster(alice).removed[phone.node.own.device].reason == "stolen"
    with pytest.raises(LocalError, match="out already"):
        remove(world, alice, phone, stolen=True)


def test_what_came_past_the_cut_before_the_removal_was_heard_goes(world, friends):
    """The desktop cuts the laptop where it has it; what the laptop said to Bob meanwhile is gone there, too."""
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    world.pass_time(5)
    kept = laptop.send("Bob", "mine")
    first = bob.send("Alice", "hello")
    world.settle()
    alice.cut()
    laptop.send("Bob", "the thief's")
    laptop.do("message.edit", name="Bob", id=kept, text="forged")
    laptop.do("message.react", name="Bob", id=first, emoji="👍")
    world.settle()
    assert "forged" in bob.texts("Alice")
    laptop.cut()
    remove(world, alice, laptop)
    alice.restore()
    world.pass_time(60)
    texts = bob.texts("Alice")
    assert "mine" in texts and "hello" in texts
    assert "the thief's" not in texts and "forged" not in texts
    assert [line.reactions for line in bob.log("Alice") if line.text == "hello"] == [[]]
    assert not bob.do("message.search", query="forged") and bob.do("message.search", query="mine")
    conversation = bob.node.book.find("Alice").conversation
    theirs, ours = own_heads(bob, conversation), own_heads(alice, conversation)
    shared = theirs.keys() & ours.keys()
    assert len(shared) == len(theirs) and all(theirs[log] == ours[log] for log in shared)


def test_state_that_a_thief_wrote_to_self_is_undone_on_devices_that_had_it(world, friends):
    alice, _bob = friends
    alice.do("contact.trust", name="Bob", trust="validated")
    phone = world.add_device(alice, "phone")
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    sent = [alice.send("Bob", f"old {n}") for n in range(3)]
    world.settle()
    alice.cut()
    laptop.do("contact.trust", name="Bob", trust="compromised")
    laptop.do("contact.rename", name="Bob", new="Mallory")
    laptop.do("message.forget", name="Mallory", ids=[sent[1]], withdraw=False)
    laptop.do("device.rename", device="phone", name="mine now")
    world.settle()
    assert phone.contact("Mallory").trust == "compromised" and "(forgotten)" in phone.texts("Mallory")
    laptop.cut()
    remove(world, alice, laptop)
    alice.restore()
    world.pass_time(60)
    assert phone.contact("Bob").trust == alice.contact("Bob").trust == "validated"
    assert phone.texts("Bob")[-3:] != [] and "old 1" in phone.texts("Bob") and "(forgotten)" not in phone.texts("Bob")
    assert sorted(d.name for d in phone.do("device.list")) == sorted(d.name for d in alice.do("device.list"))
    assert own_heads(phone, phone.node.store.self_id) == own_heads(alice, alice.node.store.self_id)


def test_links_of_a_stolen_device_and_all_others_are_closed(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    links = {actor: actor.do("invite.create", open=True).link for actor in (alice, phone)}
    waiting = alice.do("invite.create").link
    carol = world.add("Carol")
    carol.do("contact.add", link=waiting, name="Alice")
    world.pass_time(5)
    remove(world, alice, phone)
    world.pass_time(5)
    states = {i.link: i.state for i in alice.do("invite.list")}
    assert states[links[alice]] == states[links[phone]] == states[waiting] == "closed"
    (request,) = [r for r in alice.do("request.list") if r.direction == "incoming"]
    alice.do("request.accept", id=request.id)
    world.pass_time(60)
    assert carol.contact("Alice").online


def test_a_retired_device_closes_its_own_links_only(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    links = {actor: actor.do("invite.create", open=True).link for actor in (alice, phone)}
    remove(world, alice, phone, stolen=False)
    states = {i.link: i.state for i in alice.do("invite.list")}
    assert states[links[phone]] == "closed" and states[links[alice]] != "closed"


def test_a_contact_whose_device_was_stolen_cannot_be_used_to_find_us(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(10)
    before = bob.address
    remove(world, alice, phone)
    world.pass_time(20)
    assert bob.address != before
    assert all(d.online for d in bob.contact("Alice").devices)
    assert id_text(phone.node.own.device) in bob.contact("Alice").former


def test_a_log_that_the_owner_had_never_heard_of_goes_at_the_contact(world, friends):
    """The thief has begun it with a contact, whose devices have it up to different numbers."""
    alice, bob = friends
    laptop, tablet = world.add_device(alice, "laptop"), world.add_device(bob, "tablet")
    world.pass_time(10)
    sent = alice.send("Bob", "mine")
    world.settle()
    alice.cut()
    for number in range(3):
        laptop.send("Bob", f"thief {number}")
    world.settle()
    tablet.cut()
    laptop.send("Bob", "thief at last")
    world.settle()
    assert bob.texts("Alice")[-1] == "thief at last" and tablet.texts("Alice")[-1] == "thief 2"
    remove(world, alice, laptop)
    laptop.cut()
    alice.restore()
    tablet.restore()
    world.pass_time(200)
    for one in (bob, tablet):
        assert not any("thief" in text for text in one.texts("Alice")), one.name
        assert sent in [line.id for line in one.log("Alice")]
    conversation = alice.node.book.find("Bob").conversation
    assert own_heads(bob, conversation) == own_heads(tablet, conversation)
    laptop.restore()
    world.pass_time(200)
    assert not any("thief" in text for text in bob.texts("Alice"))


def test_a_removal_does_not_show_who_talks_with_whom(world, friends):
    """A contact that guesses a conversation cannot try it from the digests: its mark has a random id."""
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    carol = world.add("Carol")
    world.befriend(alice, carol)
    remove(world, alice, laptop)
    world.pass_time(20)
    other = alice.node.book.find("Bob").conversation
    for told in carol.node.book.find("Alice").roster.parsed:
        opened = {cut.log for cut in told.cuts}
        assert other not in opened
        digests = getattr(told.body, "digests", ())
        guesses = {cut_digest(Cut(other, count, bytes(32))) for count in range(5)}
        assert guesses.isdisjoint(digests)
    assert any(cut.log == other for told in bob.node.book.find("Alice").roster.parsed for cut in told.cuts)
