"""What a device did, and undoing it."""

import pytest

from onionchat.errors import LocalError
from onionchat.ids import id_text
from onionchat.node.reviewing import review


def deeds(actor, target):
    return actor.do("device.review", device=target.device)


def test_what_a_device_did_is_listed_the_newest_first(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    sent = [bob.send("Alice", f"m{n}") for n in range(3)]
    world.pass_time(5)
    tablet = world.add_device(phone, "tablet")
    world.pass_time(5)
    for method, params in (
        ("contact.trust", {"name": "Bob", "trust": "validated"}),
        ("invite.create", {"open": True}),
        ("message.forget", {"name": "Bob", "ids": sent[:2]}),
        ("contact.block", {"id": "Bob"}),
    ):
        world.pass_time(5)
        phone.do(method, **params)
    world.pass_time(5)
    listed = deeds(alice, phone)
    assert [deed.kind for deed in listed] == ["contact", "forget", "invitation", "trust", "device"]
    assert [deed.text for deed in listed] == [
        "blocked “Bob”",
        "deleted 2 messages with “Bob”",
        "made an open link, which is open now",
        "marked “Bob” as validated",
        "linked the device “tablet”",
    ]
    assert all(deed.time for deed in listed) and [deed.undo for deed in listed] == [True, True, False, True, True]
    assert deeds(alice, tablet) == []


def test_all_is_undone(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(5)
    sent = [bob.send("Alice", f"m{n}") for n in range(3)]
    world.settle()
    tablet = world.add_device(phone, "tablet")
    world.pass_time(10)
    phone.do("contact.trust", name="Bob", trust="validated")
    phone.do("message.forget", name="Bob", ids=sent[:2])
    phone.do("contact.block", id="Bob")
    world.pass_time(10)
    assert alice.texts("Bob")[-3:] == ["(forgotten)", "(forgotten)", "m2"]
    alice.do("device.untrust", device="phone", stolen=True, undo="all")
    world.pass_time(200)
    states = {device.name: device.state for device in alice.do("device.list")}
    assert states == {"device 1": "active", "phone": "stolen", "tablet": "stolen"}
    assert alice.contact("Bob").trust == "unvalidated" and not alice.contact("Bob").blocked
    assert alice.texts("Bob")[-3:] == ["m0", "m1", "m2"], "from Bob, who still has them"
    assert {d.id for d in bob.contact("Alice").devices} == {alice.device}
    assert set(bob.contact("Alice").stolen) == {phone.device, tablet.device} and "stolen" in bob.contact("Alice").alarm


def test_nothing_or_some_is_undone(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.add_device(phone, "tablet")
    world.pass_time(10)
    phone.do("contact.trust", name="Bob", trust="validated")
    world.pass_time(5)
    trust = next(deed for deed in deeds(alice, phone) if deed.kind == "trust")
    with pytest.raises(LocalError, match="nothing with that id"):
        alice.do("device.untrust", device="phone", undo=[id_text(bytes(32))])
    alice.do("device.untrust", device="phone", undo=[trust.id])
    world.pass_time(30)
    states = {device.name: device.state for device in alice.do("device.list")}
    assert states == {"device 1": "active", "phone": "removed", "tablet": "active"}
    assert alice.contact("Bob").trust == "unvalidated"
    assert len(bob.contact("Alice").devices) == 2


def test_a_contact_that_it_added_goes_only_when_named(world, friends):
    alice, _ = friends
    phone = world.add_device(alice, "phone")
    carol = world.add("Carol")
    world.befriend(phone, carol)
    world.pass_time(10)
    added = next(deed for deed in deeds(alice, phone) if deed.kind == "contact" and "Carol" in deed.text)
    assert not added.undo
    alice.do("device.untrust", device="phone", stolen=True, undo=[added.id])
    world.pass_time(10)
    assert [contact.name for contact in alice.do("contact.list")] == ["Bob"]


def test_this_device_stays_even_when_the_one_that_linked_it_goes_with_all_that_it_did(world):
    alice = world.add("Alice")
    phone = world.add_device(alice, "phone")
    tablet = world.add_device(phone, "tablet")
    world.pass_time(10)
    tablet.do("device.untrust", device="phone", stolen=True, undo="all")
    world.pass_time(10)
    assert tablet.node.book.is_member and not tablet.node.book.is_out
    assert review(tablet.node, tablet.node.own.device) == []
