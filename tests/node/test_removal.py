"""A removed contact is forgotten: its words, its names, its devices. A compromised one gets nothing more."""

import pytest

from onionchat.errors import LocalError
from onionchat.ids import id_text
from onionchat.store import people


def everything(actor) -> bytes:
    """All values of all tables that hold text or bytes, as one string."""
    c = actor.node.store.reads
    found = []
    for (table,) in c.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'words%'"
    ).fetchall():
        for row in c.execute(f"SELECT * FROM {table}").fetchall():
            found += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    return b"\0".join(found)


def test_nothing_is_left_of_a_removed_contact(world, friends):
    alice, bob = friends
    bob.send("Alice", "a secret of Bob's")
    world.pass_time(5)
    account = alice.node.book.find("Bob").account
    device = bob.node.own.device
    address = bob.node.book.own_devices[device].certificate.address
    assert b"a secret of Bob's" in everything(alice)
    alice.do("contact.rename", name="Bob", new="Robert-the-friend")
    alice.do("contact.remove", name="Robert-the-friend")
    world.pass_time(5)
    left = everything(alice)
    assert b"a secret of Bob's" not in left
    assert b"Robert-the-friend" not in left
    assert address not in left
    assert people.statements_of(alice.node.store.reads, account) == []
    assert alice.do("contact.list") == []


def test_who_was_removed_can_become_a_contact_again(world, friends):
    alice, bob = friends
    alice.do("contact.remove", name="Bob")
    bob.do("contact.remove", name="Alice")
    world.pass_time(5)
    world.befriend(alice, bob)
    alice.send("Bob", "once more")
    world.pass_time(10)
    assert [m.text for m in bob.log("Alice") if m.kind == "text"] == ["once more"]


def test_a_compromised_contact_gets_nothing_even_of_what_waits(world, friends):
    alice, bob = friends
    world.pass_time(5)
    alice.do("contact.trust", name="Bob", trust="compromised")
    world.pass_time(60)
    assert not alice.contact("Bob").online and not bob.contact("Alice").online
    with pytest.raises(LocalError, match="compromised"):
        alice.do("message.send", name="Bob", text="no")
    assert bob.log("Alice") == []


def test_who_insists_may_write_to_a_compromised_contact_until_it_is_marked_anew(world, friends):
    alice, bob = friends
    alice.do("contact.trust", name="Bob", trust="compromised")
    world.pass_time(60)
    alice.do("message.send", name="Bob", text="all the same", force=True)
    world.pass_time(1200)
    assert [m.text for m in bob.log("Alice")] == ["all the same"]
    alice.do("contact.trust", name="Bob", trust="unvalidated")
    alice.do("contact.trust", name="Bob", trust="compromised")
    world.pass_time(1200)
    assert not alice.contact("Bob").online


def test_a_blocked_contact_is_not_told_why_its_channel_ends(world, friends):
    alice, bob = friends
    alice.do("contact.block", id=id_text(alice.node.book.find("Bob").account))
    world.pass_time(1200)
    assert not bob.contact("Alice").online
    said = " ".join(c.last_failure for c in bob.do("connection.list"))
    assert "block" not in said
