"""How people become contacts, and what strangers can and cannot do at an invitation."""

import dataclasses

import msgspec
import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import make_add, make_genesis, make_remove
from onionchat.identity.link import parse_link
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.net.failure import DialError
from onionchat.node.meeting import check_introduction
from onionchat.testing.hostile_claims import false_introductions
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import (
    Cards,
    ContactAccepted,
    ContactAcceptedKept,
    ContactRefused,
    ContactRequestKept,
    InvitationProof,
    Ready,
)


def incoming(actor):
    """Requests that wait."""
    return [r for r in actor.do("request.list") if r.direction == "incoming"]


def outgoing(actor):
    """Links that were added."""
    return [r for r in actor.do("request.list") if r.direction == "outgoing"]


# --- the usual way ----------------------------------------------------------------------------------------
def test_a_request_is_accepted_over_the_open_channel(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link, name="Al", greeting="It is me")
    (request,) = incoming(alice)
    assert (request.name, request.greeting, request.state) == ("Bob", "It is me", "waiting")
    assert [r.state for r in outgoing(bob)] == ["sent"] and bob.do("contact.list") == []
    alice.do("request.accept", id=request.id, name="Bobby")
    assert bob.contact("Al").trust == alice.contact("Bobby").trust == "unvalidated"
    assert incoming(alice) == outgoing(bob) == []
    assert (
        alice.do("contact.words", name="Bobby").mine
        == bob.do("contact.words", name="Al").theirs
        == request_words(alice)
    )
    alice.send("Bobby", "welcome")
    assert bob.texts("Al") == ["welcome"]
    world.pass_time(5)
    assert [i.state for i in alice.do("invite.list")] == ["used"]
    assert alice.node.book.find("Bobby").value.owed == b""


def request_words(actor):
    """Of one's own account."""
    from onionchat.crypto.words import comparison_words

    return list(comparison_words(actor.node.own.account))


def test_acceptance_finds_who_has_gone(world):
    """Bob went away after asking; the acceptance comes to his device's address when he is back."""
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link)
    bob.stop()
    alice.do("request.accept", id=incoming(alice)[0].id)
    assert not alice.contact("Bob").online
    bob.start()
    world.pass_time(120)
    assert alice.contact("Bob").online and bob.contact("Alice").online


def test_acceptance_comes_to_the_device_address(world):
    """The invitation is out of reach for Bob for good: Alice's device dials his."""
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    bob.do("contact.add", link=link)
    bob.cut()
    alice.do("request.accept", id=incoming(alice)[0].id)
    address = next(a for a in alice.tor.onions.own if a in link)
    del world.network.onions[address]
    bob.restore()
    world.pass_time(120)
    assert bob.contact("Alice").online


def test_both_were_stopped_between(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link)
    alice.restart()
    assert [r.name for r in incoming(alice)] == ["Bob"]
    alice.do("request.accept", id=incoming(alice)[0].id)
    bob.restart()
    world.pass_time(120)
    assert alice.contact("Bob").online and bob.contact("Alice").online


def test_ignoring_says_nothing(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link)
    alice.do("request.ignore", id=incoming(alice)[0].id)
    world.pass_time(60)
    assert [r.state for r in outgoing(bob)] == ["sent"]
    alice.do("request.accept", id=incoming(alice)[0].id)  # second thoughts
    world.pass_time(1200)
    assert bob.contact("Alice").name == "Alice"


def test_blocking_a_request_says_nothing_and_asks_no_more(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=True).link
    stranger.say(stranger.dial_link(link), stranger.request())
    alice.do("contact.block", id=incoming(alice)[0].id)
    assert incoming(alice) == []
    assert stranger.say(stranger.dial_link(link), stranger.request("again")) == [ContactRequestKept()]
    assert incoming(alice) == []
    alice.do("contact.unblock", id=stranger.id)
    stranger.say(stranger.dial_link(link), stranger.request("again"))
    assert [r.state for r in incoming(alice)] == ["ignored"]


def test_acceptance_in_advance(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create", accept_as="My Bob").link)
    world.pass_time(5)
    assert alice.contact("My Bob").online and bob.contact("Alice").online
    assert incoming(alice) == [] and [i.state for i in alice.do("invite.list")] == ["used"]


def test_adding_each_other_needs_no_click(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    links = [actor.do("invite.create").link for actor in (alice, bob)]
    alice.do("contact.add", link=links[1], name="Bobby")
    bob.do("contact.add", link=links[0], name="Ally")
    world.pass_time(60)
    assert alice.contact("Bobby").online and bob.contact("Ally").online
    assert incoming(alice) == incoming(bob) == outgoing(alice) == outgoing(bob) == []
    assert len(alice.do("contact.list")) == len(bob.do("contact.list")) == 1
    alice.send("Bobby", "both")
    assert bob.texts("Ally") == ["both"]


def test_adding_each_other_at_the_same_moment(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    links = [actor.do("invite.create").link for actor in (alice, bob)]
    begun = [alice.begin("contact.add", link=links[1]), bob.begin("contact.add", link=links[0])]
    for one in begun:
        world.wait(one)
    world.pass_time(60)
    assert len(alice.do("contact.list")) == len(bob.do("contact.list")) == 1
    assert alice.contact("Bob").online and outgoing(alice) == incoming(alice) == []


def test_an_open_link_serves_several(world):
    alice, *others = [world.add(name) for name in ("Alice", "Bob", "Carol", "Dan")]
    link = alice.do("invite.create", open=True).link
    for other in others:
        other.do("contact.add", link=link)
        alice.do("request.accept", id=incoming(alice)[0].id)
    world.pass_time(10)
    assert [c.name for c in alice.do("contact.list") if c.online] == ["Bob", "Carol", "Dan"]
    assert [i.state for i in alice.do("invite.list")] == ["published"]


def test_names_stay_unique_when_someone_took_one_meanwhile(world):
    """Bob called Alice "Al" when he asked; before she answers another contact of his gets that name."""
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    world.befriend(bob, carol)
    links = [actor.do("invite.create").link for actor in (alice, bob)]
    bob.do("contact.add", link=links[0], name="Al")
    bob.do("contact.rename", name="Carol", new="AI")  # looks like it
    alice.do("contact.add", link=links[1])
    world.pass_time(60)
    names = [c.name for c in bob.do("contact.list")]
    assert len(names) == 2 and sorted(names) == ["AI", "Al 2"]


# --- refused ----------------------------------------------------------------------------------------------
def test_one_s_own_link(world):
    alice = world.add("Alice")
    with pytest.raises(LocalError, match="own link"):
        alice.do("contact.add", link=alice.do("invite.create").link)


def test_a_link_is_added_once(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    bob.do("contact.add", link=link)
    with pytest.raises(LocalError, match="added already"):
        bob.do("contact.add", link=link)


@pytest.mark.parametrize("how", ["used", "expired", "closed", "full", "own"])
def test_refusals_name_their_reason(world, how):
    """Each is answered on a channel that was open before the link went."""
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=how == "full", expires_seconds=600).link
    channel = stranger.dial_link(link)
    record = stranger.request()
    if how == "used":
        world.add("Bob").do("contact.add", link=link)
        alice.do("request.accept", id=incoming(alice)[0].id)
    elif how == "expired":
        world.pass_time(700)
    elif how == "closed":
        alice.do("invite.close", link=link)
    elif how == "full":
        for seed in range(limits.REQUESTS_PER_INVITATION_MAX):
            other = Stranger(world, seed)
            other.say(other.dial_link(link), other.request())
    else:
        return
    assert stranger.say(channel, record)[-1:] == [ContactRefused(how)]
    assert all(r.id != stranger.id for r in incoming(alice))


def test_who_asks_too_late_is_told_why(world):
    """The link was used by another when Bob's request got through."""
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    link = alice.do("invite.create").link
    carol.do("contact.add", link=link)
    bob.do("contact.add", link=link)
    assert [r.state for r in outgoing(bob)] == ["refused: used"]
    bob.do("request.cancel", id=outgoing(bob)[0].id)
    assert outgoing(bob) == [] and [r.name for r in incoming(alice)] == ["Carol"]


def test_a_closed_link_leads_nowhere(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create").link
    alice.do("invite.close", link=link)
    with pytest.raises(DialError):
        stranger.dial_link(link)
    assert parse_link(link) in alice.node.book.invitations  # it is listed, without its keys
    assert alice.node.book.invitations[parse_link(link)].seed == b""


# --- requests outlive their link ----------------------------------------------------------------------------
def test_a_request_outlives_its_link_s_time(world):
    """What waits when the link expires can still be accepted, and the one who asks is not told otherwise."""
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create", expires_seconds=600).link)
    world.pass_time(700)
    bob.restart()
    world.pass_time(30)
    assert [r.state for r in outgoing(bob)] == ["sent"]
    alice.do("request.accept", id=incoming(alice)[0].id)
    world.pass_time(1200)
    assert bob.contact("Alice").online


def test_a_request_whose_link_was_taken_back_cannot_be_accepted(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    bob.do("contact.add", link=link)
    alice.do("invite.close", link=link)
    for request in incoming(alice):
        with pytest.raises(LocalError, match="taken back"):
            alice.do("request.accept", id=request.id)
    assert alice.do("contact.list") == []


# --- floods -------------------------------------------------------------------------------------------------
def test_a_one_time_link_takes_one_request_even_of_a_burst(world):
    """Accounts cost nothing: one device may found many, and ask for all of them before the first is on the disk."""
    alice, stranger = world.add("Alice"), Stranger(world)
    channel = stranger.dial_link(alice.do("invite.create").link)
    stranger.say(channel, *(burst(stranger, number) for number in range(12)))
    assert len(incoming(alice)) == 1


def test_a_link_that_accepts_in_advance_accepts_one_of_a_burst(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    channel = stranger.dial_link(alice.do("invite.create", accept_as="Bob").link)
    stranger.say(channel, *(burst(stranger, number) for number in range(5)))
    assert len(alice.do("contact.list")) <= 1


def test_two_who_come_to_an_accepting_link_at_once(world):
    alice, one, two = world.add("Alice"), Stranger(world, 1), Stranger(world, 2)
    link = alice.do("invite.create", accept_as="Bob").link
    channels = [who.dial_link(link) for who in (one, two)]
    for who, channel in zip((one, two), channels, strict=True):
        channel.send([who.request()])
    world.settle()
    assert len(alice.do("contact.list")) == 1
    assert sum(isinstance(record, ContactAccepted) for record in one.heard + two.heard) == 1


def burst(stranger, number):
    """A request of another account of the same device."""
    genesis = make_genesis(stranger.identity, number.to_bytes(32, "big"), None)
    from onionchat.identity.account import account_id

    return stranger.request(account=account_id(genesis), statements=(genesis,), name=f"N{number}")


def test_an_open_link_takes_a_few_requests_even_of_a_burst(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create", open=True).link
    for start in range(0, 40, 10):
        stranger.say(stranger.dial_link(link), *(burst(stranger, start + number) for number in range(10)))
    assert len(incoming(alice)) <= limits.REQUESTS_PER_INVITATION_MAX


def test_all_links_together_take_a_bounded_number(world, monkeypatch):
    monkeypatch.setattr(limits, "REQUESTS_TOTAL_MAX", 4)
    alice, stranger = world.add("Alice"), Stranger(world)
    for start in range(0, 12, 3):
        link = alice.do("invite.create", open=True).link
        stranger.say(stranger.dial_link(link), *(burst(stranger, start + number) for number in range(3)))
    assert len(incoming(alice)) <= 4


def test_asking_again_and_again_writes_nothing(world):
    """What waits is kept as it came first: a stranger cannot make our log grow."""
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create").link
    stranger.say(stranger.dial_link(link), stranger.request("first"))
    count = alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone()
    for number in range(5):
        answers = stranger.say(stranger.dial_link(link), stranger.request(f"again {number}"))
        assert answers == [ContactRequestKept()]
    assert alice.node.store.reads.execute("SELECT count(*) FROM entry").fetchone() == count
    assert [r.greeting for r in incoming(alice)] == ["first"]
    assert len(alice.heard("request")) == 1


def test_idle_strangers_are_few(world, monkeypatch):
    monkeypatch.setattr(limits, "STRANGERS_MAX", 3)
    alice = world.add("Alice")
    link = alice.do("invite.create", open=True).link
    channels = []
    for seed in range(6):
        stranger = Stranger(world, seed)
        channels.append(stranger.dial_link(link))
    world.settle()
    assert [channel.closed for channel in channels] == [True, True, True, False, False, False]


def test_a_stranger_s_second_channel_replaces_its_first(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create").link
    first, second = stranger.dial_link(link), stranger.dial_link(link)
    world.settle()
    assert first.closed and not second.closed


def test_a_request_that_is_too_large_is_refused(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    channel = stranger.dial_link(alice.do("invite.create").link)
    stranger.say(channel, stranger.request(statements=(stranger.genesis,) * 300))
    assert channel.closed and incoming(alice) == []


# --- what a stranger learns -----------------------------------------------------------------------------------
def test_a_stranger_learns_nothing_before_it_is_accepted(world):
    """Every record and every handshake payload that goes to it, and the certificate of the TLS session."""
    alice, stranger = world.add("Alice Liddell"), Stranger(world)
    links = [alice.do("invite.create", open=True).link for _ in range(2)]
    seen = []
    for link in links:
        channel = stranger.dial_link(link)
        assert channel.peer is not None and channel.peer.device is None and channel.peer.certificate is None
        seen.append(channel.peer.static)
        stranger.say(channel, stranger.request())
        world.pass_time(100)
    alice.do("request.ignore", id=stranger.id)
    stranger.say(stranger.dial_link(links[0]), stranger.request())
    said = b"".join(msgspec.msgpack.encode(record) for record in stranger.heard)
    own = alice.node.own
    secrets = [own.device, own.account, own.static.public, b"Liddell", alice.address.encode()]
    secrets += [parse_id for row in alice.node.store.reads.execute("SELECT key FROM address") for parse_id in row]
    assert stranger.heard and not [secret for secret in secrets if bytes(secret) in said]
    assert own.static.public not in seen and len(set(seen)) == 2  # two links of one device cannot be connected
    raw = b"".join(stream.far.written for stream in world.network.streams)
    assert not [secret for secret in secrets if bytes(secret) in raw]


def test_only_what_strangers_may_say(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = alice.do("invite.create").link
    for record in (Ready(), Cards((stranger.card(),)), ContactRequestKept()):
        channel = stranger.dial_link(link)
        stranger.say(channel, record)
        assert channel.closed
    assert stranger.heard == [] and alice.do("contact.list") == []


# --- false introductions --------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(9))
def test_false_introductions_are_refused(world, number):
    alice = world.add("Alice")
    me = Stranger(world, 50)
    claims = false_introductions(me, Stranger(world, 51))
    assert len(claims) == 9
    name, claim = list(claims.items())[number]
    channel = me.dial_link(alice.do("invite.create").link)
    assert me.say(channel, me.request(**claim)) == [], name
    assert channel.closed and incoming(alice) == []
    with pytest.raises(RemoteError):
        check_introduction(me.introduction(**claim), me.certificate())


def test_a_device_that_was_removed_cannot_introduce_its_account(world):
    """A thief shows the statements from before the removal; we know better, and tell it nothing."""
    alice, stranger = world.add("Alice"), Stranger(world)
    second = SigningKey(b"\x09" * 32)
    add = make_add(stranger.account, [], second, stranger.identity)
    stranger.meet(alice)
    from onionchat.identity.account import fold

    roster = fold((stranger.genesis,), stranger.account)
    add = make_add(stranger.account, roster.heads, second, stranger.identity)
    roster = fold((stranger.genesis, add), stranger.account)
    remove = make_remove(stranger.account, roster.heads, stranger.device, "stolen", (), (), second)
    world.wait(alice.node.append_self([kinds.Card(stranger.account, (add, remove), ())]))
    assert stranger.device not in alice.node.book.find("Mallory").devices
    channel = stranger.dial_link(alice.do("invite.create", open=True).link)
    before = len(stranger.heard)
    stranger.say(channel, stranger.request())
    assert not any(isinstance(record, ContactAccepted) for record in stranger.heard[before:])


def test_a_device_of_a_contact_has_no_second_account(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    stranger.meet(alice)
    channel = stranger.dial_link(alice.do("invite.create").link)
    stranger.say(channel, burst(stranger, 1))
    assert channel.closed and incoming(alice) == []


# --- false acceptances ------------------------------------------------------------------------------------------
class Asking:
    """Bob has added a link whose key the test holds; nobody is there yet."""

    def __init__(self, world):
        self.world, self.bob = world, world.add("Bob")
        self.stranger, self.key = Stranger(world), SigningKey(b"\x0a" * 32)
        from onionchat.identity.link import format_link

        self.bob.do("contact.add", link=format_link(self.key.public))

    def accept(self, channel, key=None, **other):
        """What the stranger says to Bob's device."""
        proof = self.stranger.prove(channel, key or self.key)
        return self.stranger.say(channel, ContactAccepted(proof, self.stranger.introduction(**other)))


def test_an_acceptance_with_its_proof_is_taken(world):
    asking = Asking(world)
    channel = asking.stranger.dial_device(asking.bob)
    answers = asking.accept(channel)
    assert ContactAcceptedKept() in answers and Ready() in answers
    assert [c.name for c in asking.bob.do("contact.list")] == ["Mallory"]


def test_an_acceptance_of_nothing_that_was_asked(world):
    asking = Asking(world)
    channel = asking.stranger.dial_device(asking.bob)
    assert asking.accept(channel, SigningKey(b"\x0b" * 32)) == []
    assert channel.closed and asking.bob.do("contact.list") == []


def test_an_acceptance_without_the_invitation_s_key(world):
    asking = Asking(world)
    channel = asking.stranger.dial_device(asking.bob)
    proof = InvitationProof(asking.key.public, asking.stranger.prove(channel, SigningKey(b"\x0b" * 32)).signature)
    asking.stranger.say(channel, ContactAccepted(proof, asking.stranger.introduction()))
    assert channel.closed and asking.bob.do("contact.list") == []


def test_an_acceptance_of_another_channel_is_no_acceptance(world):
    """The proof is bound to the TLS session that it was made for."""
    asking = Asking(world)
    old = asking.stranger.dial_device(asking.bob)
    replayed = ContactAccepted(asking.stranger.prove(old, asking.key), asking.stranger.introduction())
    channel = asking.stranger.dial_device(asking.bob)
    asking.stranger.say(channel, replayed)
    assert channel.closed and asking.bob.do("contact.list") == []


def test_an_acceptance_for_somebody_else(world):
    """The key is right, the introduction is another's, whom the device does not belong to."""
    asking = Asking(world)
    other = Stranger(world, 51)
    channel = asking.stranger.dial_device(asking.bob)
    asking.accept(channel, account=other.account, statements=(other.genesis,), cards=(other.card(),))
    assert channel.closed and asking.bob.do("contact.list") == []


def test_an_acceptance_after_it_was_cancelled(world):
    asking = Asking(world)
    asking.bob.do("request.cancel", id=id_text(asking.key.public))
    channel = asking.stranger.dial_device(asking.bob)
    asking.accept(channel)
    assert channel.closed and asking.bob.do("contact.list") == []


def test_an_acceptance_by_ourselves_or_somebody_blocked(world):
    asking = Asking(world)
    asking.stranger.meet(asking.bob)
    asking.bob.do("contact.block", id="Mallory")
    channel = asking.stranger.dial_device(asking.bob)
    asking.accept(channel)
    assert channel.closed and asking.bob.contact("Mallory").blocked


def test_an_acceptance_twice_changes_nothing(world):
    asking = Asking(world)
    channel = asking.stranger.dial_device(asking.bob)
    asking.accept(channel)
    asking.stranger.say(channel, Ready())
    asking.bob.do("contact.rename", name="Mallory", new="M")
    assert asking.accept(channel) == [ContactAcceptedKept()]
    assert [c.name for c in asking.bob.do("contact.list")] == ["M"]


# --- hostile text -------------------------------------------------------------------------------------------------
NASTY = "\x1b[2J\u202eevil\u200b\u2066\x07\r\nname\u0000"


def test_names_and_greetings_are_safe(world):
    from onionchat.text import safe_line, safe_text

    alice, stranger = world.add("Alice"), Stranger(world, name=NASTY)
    stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request(NASTY + "\nmore"))
    (request,) = incoming(alice)
    assert safe_line(request.name) == request.name and safe_text(request.greeting) == request.greeting
    assert "\x1b" not in request.name + request.greeting and "\u202e" not in request.name + request.greeting
    alice.do("request.accept", id=request.id)
    (contact,) = alice.do("contact.list")
    assert safe_line(contact.name) == contact.name and safe_line(contact.remote_name) == contact.remote_name
    assert all("\x1b" not in str(event) for event in alice.events)


def test_a_refusal_s_reason_is_safe(world):
    """What an invitation answers is a stranger's word, too."""
    bob, fake = world.add("Bob"), Stranger(world)
    from onionchat.node.events import RequestChanged

    asked = kinds.Asked(fake.account, "", "", "waiting", 0, bob.node.own.device)
    world.wait(bob.node.append_self([asked]))
    link = FakeLink(fake.account)
    bob.node.meeting._asking[link] = fake.account
    bob.node.meeting.invitation_said(link, ContactRefused(NASTY))
    world.settle()
    (request,) = outgoing(bob)
    assert request.state.startswith("refused: ") and request.state.isprintable()
    assert any(isinstance(event, RequestChanged) and event.state == "refused" for event in bob.node_events)


@dataclasses.dataclass(eq=False)
class FakeLink:
    """A link to an invitation, of which only the end matters."""

    key: bytes
    closed: bool = False

    def close(self, reason):
        self.closed = True
