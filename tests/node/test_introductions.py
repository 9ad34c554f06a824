"""Introducing: Bob asks Carol for a link and hands it to Alice; Carol decides, and a flood costs no more than a few."""

import pytest

from onionchat import limits
from onionchat.errors import LocalError
from onionchat.kinds.chat import Card
from onionchat.testing.nodes import EPOCH_SECONDS
from onionchat.testing.strangers import Stranger

NOW = int(EPOCH_SECONDS * 1000)


@pytest.fixture
def three(world):
    """Bob knows Alice and Carol, who do not know each other."""
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    world.befriend(bob, alice)
    world.befriend(bob, carol)
    return alice, bob, carol


def handed(actor):
    """The link in the last card that came."""
    (card,) = [line for line in actor.log("Bob") if line.kind == "card"]
    assert card.text.startswith("introduces Carol: onionchat:")
    return card.text.partition(": ")[2]


def meet(world, alice, carol):
    """Alice uses the link, Carol accepts."""
    alice.do("contact.add", link=handed(alice))
    (request,) = carol.do("request.list")
    assert request.name == "Alice" and alice.do("contact.list")[0].name == "Bob"
    carol.do("request.accept", id=request.id)
    world.pass_time(5)
    assert alice.contact("Carol").online and carol.contact("Alice").online


def test_an_introduction(world, three):
    alice, bob, carol = three
    assert "Alice gets a link" in bob.do("contact.introduce", name="Carol", to="Alice").notice
    assert any("introduces you to Alice" in text for text in carol.texts("Bob"))
    meet(world, alice, carol)
    assert alice.contact("Carol").introduced_by == carol.contact("Alice").introduced_by == "Bob"
    assert alice.contact("Carol").trust == carol.contact("Alice").trust == "unvalidated"


def test_it_waits_for_who_is_away_and_survives_restarts(world, three):
    alice, bob, carol = three
    carol.cut()
    alice.cut()
    bob.do("contact.introduce", name="Carol", to="Alice")
    bob.restart()
    carol.restart()
    world.pass_time(60)
    alice.restart()
    world.pass_time(60)
    assert len(carol.do("invite.list")) == 1
    meet(world, alice, carol)


def test_not_to_oneself_and_not_the_unknown(world, three):
    _, bob, _ = three
    for name, to in (("Carol", "Carol"), ("Carol", "nobody"), ("nobody", "Alice")):
        with pytest.raises(LocalError):
            bob.do("contact.introduce", name=name, to=to)


def contact(world, alice):
    """Mallory, connected with Alice."""
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.open(link, alice)
    return mallory, link


def test_asking_for_links_without_end(world):
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    for number in range(limits.INTRODUCTION_LINKS_MAX + 10):
        mallory.write(Card("ask", number.to_bytes(16, "big"), "x\x1b[31m"), NOW + number)
    mallory.push(link, alice)
    made = [i for i in alice.node.book.invitations.values() if i.for_contact == mallory.account]
    assert 0 < len(made) <= limits.INTRODUCTION_LINKS_MAX
    assert all("\x1b" not in text for text in alice.texts("Mallory"))


def test_a_link_that_nobody_asked_for_goes_nowhere(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    mallory, link = contact(world, alice)
    mallory.write(Card("link", bytes(16), "Carol", b"\x07" * 32), NOW)
    mallory.write(Card("link", b"\x01" * 16, "Carol", b"short"), NOW + 1)
    mallory.push(link, alice)
    assert alice.texts("Bob") == [] and bob.texts("Alice") == []


def test_what_is_handed_over_is_safe_to_show(world):
    alice = world.add("Alice")
    mallory, link = contact(world, alice)
    mallory.write(Card("hand", bytes(16), "\u202e\x1b[2J Carol: onionchat:false", b"\x07" * 32), NOW)
    mallory.push(link, alice)
    (line,) = alice.log("Mallory")
    assert "\x1b" not in line.text and "\u202e" not in line.text and line.kind == "card"
