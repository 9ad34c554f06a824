"""The book is what the database says, before and after a restart; people are found by name and by id."""

import pytest

from onionchat.errors import LocalError
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.node.book import Book, is_id_of


def reloaded(actor):
    """The book as it would be read now."""
    book = Book(actor.node.own)
    book.load(actor.node.store.reads)
    return book


def test_it_is_always_what_the_database_says(world, friends):
    alice, bob = friends
    world.befriend(alice, world.add("Carol"))
    bob.do("contact.add", link=alice.do("invite.create", open=True).link)
    alice.do("contact.trust", name="Bob", trust="validated")
    alice.do("contact.rename", name="Carol", new="Caroline")
    alice.do("contact.block", id="Caroline")
    alice.do("setting.set", key="theme", value="dark")
    alice.do("conversation.timer", name="Bob", seconds=60)
    book, again = alice.node.book, reloaded(alice)
    for name in ("people", "asked", "requests", "invitations", "settings", "timers", "own_devices", "own_name"):
        mine, theirs = getattr(book, name), getattr(again, name)
        if name == "people":  # when somebody was last seen is read from the database each time
            mine, theirs = ({key: (p.value, p.trust, set(p.devices), p.former) for key, p in table.items()}
                            for table in (mine, theirs))  # fmt: skip
        if name != "own_devices":
            assert mine == theirs, name
    assert set(book.own_devices) == set(again.own_devices) == {alice.node.own.device}


def test_people_are_found_by_name_and_id(world, friends):
    alice, _ = friends
    person = alice.node.book.find("Bob")
    identifier = id_text(person.account)
    for wanted in ("bob", "BOB", "Ｂob", identifier, identifier[:6], identifier.upper()[:20]):
        assert alice.node.book.find(wanted) is person
    for wanted in ("", "Bo", identifier[:5], "x" * 10_000, "\x1b[31mred", identifier + "a"):
        with pytest.raises(LocalError) as refused:
            alice.node.book.find(wanted)
        assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 300


def test_a_name_goes_before_an_id(world, friends):
    """Somebody who calls himself as another's id begins."""
    alice, bob = friends
    prefix = id_text(alice.node.book.find("Bob").account)[:8]
    carol = world.add("Carol")
    world.befriend(alice, carol)
    alice.do("contact.rename", name="Carol", new=prefix)
    assert alice.node.book.find(prefix).account == carol.node.own.account
    assert bob.node.own.account != carol.node.own.account


def test_the_beginning_of_an_id():
    raw = b"\x00" * 32
    assert is_id_of("aaaaaa", raw) and is_id_of(" AAAAAAA ", raw)
    assert not is_id_of("aaaaa", raw) and not is_id_of("aaaaab", raw)


def test_devices_and_their_people(world, friends):
    alice, bob = friends
    book = alice.node.book
    assert book.person_of(bob.node.own.device) is book.find("Bob")
    assert book.person_of(alice.node.own.device) is None
    assert book.by_conversation(book.find("Bob").conversation) is book.find("Bob")
    assert book.by_conversation(alice.node.store.self_id) is None
    assert book.device_label(alice.node.own.device) == "device 1"
    assert book.device_label(b"\x00" * 32) == "aaaaaaaa"


def test_values_that_cannot_be_read_are_left_out(world):
    """A register that a newer version of one of our devices wrote."""
    alice = world.add("Alice")
    book = reloaded(alice)
    book._set(book.asked, b"k" * 32, b"garbage", kinds.Asked)
    assert book.asked == {}
    book.reload_register(alice.node.store.reads, "hologram", b"key")
    book.reload_register(alice.node.store.reads, "contact", b"k" * 32)
    assert book.people == {}
