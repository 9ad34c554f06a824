"""What follows when devices come and go: who is told, who can believe whom, what comes to a new device."""

import pytest

from onionchat.identity.account import make_remove
from onionchat.kinds.account import Card
from onionchat.node.accounts import CARD_BYTES_MAX, cards_of
from onionchat.testing.nodes import EPOCH_SECONDS

NOW_MS = int(EPOCH_SECONDS * 1000)


def test_a_new_device_has_contacts_trust_settings_and_messages(world, friends):
    alice, bob = friends
    alice.do("contact.trust", name="Bob", trust="validated")
    alice.do("contact.rename", name="Bob", new="Robert")
    sent = [alice.send("Robert", f"a{n}") for n in range(120)] + [bob.send("Alice", "b")]
    phone = world.add_device(alice, "phone")
    world.pass_time(10)
    assert [line.id for line in phone.log("Robert", limit=1000)] == sent
    assert phone.contact("Robert").trust == "validated" and phone.contact("Robert").online
    assert phone.status().name == "Alice"
    assert sorted(d.name for d in phone.do("device.list")) == ["device 1", "phone"]


def test_contacts_hear_of_it_by_themselves_and_say_so_once(world, friends):
    alice, bob = friends
    bob.do("contact.trust", name="Alice", trust="validated")
    phone = world.add_device(alice, "phone")
    world.pass_time(10)
    assert {d.id for d in bob.contact("Alice").devices} == {alice.device, phone.device}
    assert all(d.online for d in bob.contact("Alice").devices)
    assert bob.contact("Alice").trust == "validated"
    bob.restart()
    world.pass_time(10)
    notices = [line.text for line in bob.log("Alice") if line.kind == "notice"]
    assert notices.count("Alice has a new device, linked by one that you know") == 1


def test_a_contact_that_was_away_hears_of_it_from_the_new_device_itself(world, friends):
    alice, bob = friends
    bob.cut()
    phone = world.add_device(alice, "phone")
    alice.cut()
    bob.restore()
    world.pass_time(60)
    assert phone.device in {d.id for d in bob.contact("Alice").devices if d.online}
    phone.send("Bob", "it is me")
    world.settle()
    assert bob.texts("Alice")[-1] == "it is me"


def test_any_device_of_the_other_side_brings_what_a_device_wrote(world, friends):
    """Alice's desktop -> Bob -> Alice's phone; desktop and phone never meet after the linking."""
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(5)
    phone.cut()
    alice.send("Bob", "from the desktop")
    world.settle()
    alice.cut()
    phone.restore()
    world.pass_time(60)
    assert phone.texts("Bob")[-1] == bob.texts("Alice")[-1] == "from the desktop"
    line = phone.log("Bob")[-1]
    assert line.sender == "me" and line.device == alice.device


def test_a_contact_of_one_device_is_everybodys(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    carol = world.add("Carol")
    link = phone.do("invite.create").link
    carol.do("contact.add", link=link, name="Alice")
    (request,) = [r for r in alice.do("request.list") if r.direction == "incoming"]  # it came to the phone
    phone.do("request.accept", id=request.id)
    world.pass_time(30)
    assert alice.contact("Carol").online and phone.contact("Carol").online
    carol.send("Alice", "to both")
    world.settle()
    assert alice.texts("Carol")[-1] == phone.texts("Carol")[-1] == "to both"


def test_less_history_when_less_was_wanted(world, friends):
    alice, bob = friends
    for number in range(200):
        alice.send("Bob", f"old {number}")
    world.pass_time(1000)
    new = [bob.send("Alice", f"new {number}") for number in range(5)]
    phone = world.add_device(alice, "phone", int((EPOCH_SECONDS + 500) * 1000))
    world.pass_time(30)
    assert [line.id for line in phone.log("Bob", limit=500)] == new
    bob.send("Alice", "later")
    world.settle()
    assert phone.texts("Bob")[-1] == "later"


def test_history_that_comes_is_not_marked_late(world, friends):
    alice, bob = friends
    for number in range(150):
        bob.send("Alice", str(number))
    phone = world.add_device(alice, "phone")
    world.pass_time(10)
    assert len(phone.log("Bob", limit=500)) == 150
    assert not any(line.late for line in phone.log("Bob", limit=500))


def test_dead_devices_stay_at_home(world, friends):
    """A contact that was met after a device was removed never hears that there was one."""
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    node = alice.node
    roster = node.book.own_roster
    removal = make_remove(node.own.account, roster.heads, phone.node.own.device, "retired", (), (), node.own.identity)
    world.wait(node.append_self([Card(node.own.account, (removal,), ())]))
    carol = world.add("Carol")
    world.befriend(alice, carol)
    told = carol.node.book.find("Alice").roster
    assert told.devices == {node.own.device}
    assert phone.node.own.device in alice.node.book.own_roster.devices


def test_statements_go_into_as_many_entries_as_they_need():
    bodies = cards_of(b"\x01" * 32, [bytes([n]) * 10_000 for n in range(7)], [(bytes([n]), b"") for n in range(40)])
    assert sum(len(body.statements) for body in bodies) == 7 and sum(len(body.cards) for body in bodies) == 40
    assert all(sum(map(len, body.statements)) <= CARD_BYTES_MAX and len(body.cards) <= 16 for body in bodies)
    assert cards_of(b"\x01" * 32, [], [])[0].cards == ()


@pytest.mark.parametrize("not_before_seconds", [0, 500])
def test_history_comes_from_a_contact_too_newest_first(world, friends, monkeypatch, not_before_seconds):
    """The device that linked it says nothing of the conversation; the contact has all of it."""
    alice, bob = friends
    for number in range(200):
        alice.send("Bob", f"old {number}")
    world.pass_time(1000)
    new = [bob.send("Alice", f"new {number}") for number in range(5)]
    conversation = alice.node.book.find("Bob").conversation
    syncing = alice.node.syncing
    carry_out, received = syncing._carry_out, syncing.record_received

    def carry(state, of, command):
        if state.account != alice.node.own.account or getattr(command, "conversation", None) != conversation:
            carry_out(state, of, command)

    def receive(link, record):
        is_own = link.peer.device in alice.node.book.own_devices
        if not (is_own and getattr(record, "conversation", None) == conversation):
            received(link, record)

    monkeypatch.setattr(syncing, "_carry_out", carry)
    monkeypatch.setattr(syncing, "record_received", receive)
    not_before_ms = int((EPOCH_SECONDS + not_before_seconds) * 1000) if not_before_seconds else 0
    phone = world.add_device(alice, "phone", not_before_ms)
    world.pass_time(60)
    came = [line.id for line in phone.log("Bob", limit=500) if line.kind == "text"]
    assert came[-5:] == new and len(came) == (5 if not_before_seconds else 205)
