"""What someone who only holds an invitation address, or who we ask ourselves, must not get or cost."""

from onionchat.crypto.keys import SigningKey
from onionchat.identity.link import format_link, parse_link
from onionchat.testing.hostile_caps import size_of_self
from onionchat.testing.nodes import World
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import (
    ContactAccepted,
    ContactAcceptedKept,
    ContactRequested,
    ContactRequestKept,
    InvitationProof,
)


def test_a_request_said_again_and_again_is_written_once(world: World) -> None:
    """Otherwise a stranger fills the disk, a few hundred bytes at a time, and every device of ours with it."""
    alice, mallory = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=True).link
    channel = mallory.dial_link(link)
    assert mallory.say(channel, mallory.request()) == [ContactRequestKept()]
    before = size_of_self(alice.node)
    for n in range(20):
        assert mallory.say(channel, mallory.request(f"hello {n}")) == [ContactRequestKept()]
    assert size_of_self(alice.node) == before
    assert [r.greeting for r in alice.do("request.list")] == ["hello"]


def test_a_request_with_a_newer_card_is_taken_a_few_times(world: World) -> None:
    """Who asks may have moved since; the acceptance must find it."""
    alice, mallory = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=True).link
    mallory.say(mallory.dial_link(link), mallory.request())
    before = size_of_self(alice.node)
    for serial in range(2, 40):
        channel = mallory.dial_link(link)
        mallory.say(channel, mallory.request(cards=(mallory.card(serial),)))
        channel.close("done")
    grown = size_of_self(alice.node) - before
    assert 1 <= grown <= 8


def test_a_contact_that_asks_in_a_loop_costs_nothing(world: World) -> None:
    """It may have lost our acceptance, so it gets it again; nothing is written for that."""
    alice, mallory = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=True).link
    channel = mallory.dial_link(link)
    mallory.say(channel, mallory.request())
    alice.do("request.accept", id=mallory.id, name="Mallory")
    mallory.say(channel, ContactAcceptedKept())
    before = size_of_self(alice.node)
    for _ in range(5):
        heard = mallory.say(channel, mallory.request())
        assert [type(record) for record in heard] == [ContactAccepted]
        mallory.say(channel, ContactAcceptedKept())
    assert size_of_self(alice.node) == before


def test_a_contact_learns_nothing_at_another_link_of_ours(world: World) -> None:
    """Whose link it is that somebody passes around: a contact who dials it must not be told before we accept."""
    alice, mallory = world.add("Alice"), Stranger(world)
    mallory.meet(alice)
    pseudonymous = alice.do("invite.create", open=True).link
    channel = mallory.dial_link(pseudonymous)
    assert mallory.say(channel, mallory.request()) == [ContactRequestKept()]
    (request,) = alice.do("request.list")
    alice.do("request.accept", id=request.id)
    assert isinstance(mallory.heard[-1], ContactAccepted)
    assert [contact.name for contact in alice.do("contact.list")] == ["Mallory"]


def test_two_at_once_at_a_link_that_accepts_in_advance(world: World) -> None:
    """It accepts one, however close together they come."""
    alice, one, other = world.add("Alice"), Stranger(world, 1001, "One"), Stranger(world, 1002, "Other")
    link = alice.do("invite.create", accept_as="Carol").link
    channels = [one.dial_link(link), other.dial_link(link)]
    channels[0].send([one.request()])
    channels[1].send([other.request()])
    world.settle()
    assert [contact.name for contact in alice.do("contact.list")] == ["Carol"]


def test_whom_we_ask_does_not_learn_our_links(world: World) -> None:
    """Who learned a link that is meant for somebody else could use it up, or be accepted under that one's name."""
    alice, bob = world.add("Alice"), world.add("Bob")
    for_carol = bob.do("invite.create", accept_as="Carol").link
    heard: list[ContactRequested] = []
    said = alice.node.meeting.stranger_said
    alice.node.meeting.stranger_said = lambda link, record: (heard.append(record), said(link, record))[1]  # type: ignore[method-assign,arg-type,func-returns-value]
    bob.do("contact.add", link=alice.do("invite.create").link)
    (request,) = heard
    assert len(request.proofs) == 1
    assert request.proofs[0].invitation != parse_link(for_carol)


def test_the_proof_of_a_link_that_we_asked_is_still_acceptance(world: World) -> None:
    """Two who add each other's links need not click."""
    alice, bob = world.add("Alice"), world.add("Bob")
    of_alice, of_bob = alice.do("invite.create").link, bob.do("invite.create").link
    bob.cut()
    bob.do("contact.add", link=of_alice, name="Alice")
    alice.do("contact.add", link=of_bob, name="Bob")
    bob.restore()
    world.pass_time(60)
    assert alice.contact("Bob").online and bob.contact("Alice").online
    assert alice.do("request.list") == [] and bob.do("request.list") == []


def test_a_proof_counts_on_its_own_channel_only(world: World) -> None:
    """One that was made elsewhere, or by another key, accepts nobody."""
    alice, mallory = world.add("Alice"), Stranger(world)
    theirs, other = SigningKey(bytes(31) + b"\x07"), SigningKey(bytes(31) + b"\x08")
    alice.do("contact.add", link=format_link(theirs.public), name="Victim")
    link = alice.do("invite.create", open=True).link
    elsewhere, channel = mallory.dial_link(link), mallory.dial_link(link)
    proof = mallory.prove_in_request(elsewhere, theirs)
    right = mallory.prove_in_request(channel, theirs)
    forged = InvitationProof(right.invitation, mallory.prove_in_request(channel, other).signature)
    plain = mallory.prove(channel, theirs)
    channel = mallory.dial_link(link)
    assert mallory.say(channel, mallory.request(proofs=[proof, forged, plain])) == [ContactRequestKept()]
    proof = mallory.prove_in_request(channel, theirs)
    forged = InvitationProof(proof.invitation, mallory.prove_in_request(channel, other).signature)
    assert mallory.say(channel, mallory.request(proofs=[forged])) == [ContactRequestKept()]
    (heard,) = mallory.say(channel, mallory.request(proofs=[proof]))
    assert isinstance(heard, ContactAccepted)
