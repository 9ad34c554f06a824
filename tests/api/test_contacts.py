"""Invitations, requests and contacts through the API: what is refused, and in which words."""

import pytest

from onionchat import limits
from onionchat.errors import LocalError, UsageError
from onionchat.identity.link import parse_link
from onionchat.testing.strangers import Stranger


# --- invitations ----------------------------------------------------------------------------------------------
def test_an_invitation(world):
    alice = world.add("Alice")
    made = alice.do("invite.create", expires_seconds=3600)
    assert made.link.startswith("onionchat:") and (made.kind, made.state) == ("once", "published")
    assert made.expires == alice.node.now_ms() + 3600_000 and len(made.qr) > 10
    (listed,) = alice.do("invite.list")
    assert (listed.link, listed.qr) == (made.link, [])
    assert alice.do("invite.qr", link=made.link).qr == made.qr


def test_an_invitation_without_end(world):
    assert world.add("Alice").do("invite.create", open=True, expires_seconds=0).expires is None


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"open": True, "accept_as": "Bob"}, UsageError),
        ({"accept_as": "\x1b[31mBob"}, LocalError),
        ({"accept_as": "/quit"}, LocalError),
        ({"accept_as": "me"}, LocalError),
        ({"accept_as": ""}, LocalError),
    ],
)
def test_invitations_that_are_refused(world, params, error):
    alice = world.add("Alice")
    with pytest.raises(error):
        alice.do("invite.create", **params)
    assert alice.do("invite.list") == []


def test_invitations_are_few(world, monkeypatch):
    monkeypatch.setattr(limits, "INVITATIONS_MAX", 2)
    alice = world.add("Alice")
    links = [alice.do("invite.create").link for _ in range(2)]
    with pytest.raises(LocalError, match="uninvite"):
        alice.do("invite.create")
    alice.do("invite.close", link=links[0])
    alice.do("invite.create")


@pytest.mark.parametrize("link", ["", "onionchat:short", "http://example.org", "onionchat:" + "a" * 56, "x" * 100_000])
def test_links_that_are_none(world, link):
    alice = world.add("Alice")
    for method in ("invite.close", "invite.qr", "contact.add"):
        with pytest.raises(LocalError) as refused:
            alice.do(method, link=link)
        assert len(str(refused.value)) < 300


def test_a_link_of_somebody_else_is_not_ours_to_close(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    with pytest.raises(LocalError, match="not a link of yours"):
        alice.do("invite.close", link=bob.do("invite.create").link)


# --- adding -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"name": "Bob"}, "in use"),
        ({"name": "bob"}, "in use"),
        ({"name": "Bоb"}, "looks like"),  # with a Cyrillic о
        ({"name": "B\u200bob"}, "cannot be seen"),
        ({"greeting": "x" * (limits.GREETING_MAX_CHARACTERS + 1)}, "too long"),
    ],
)
def test_adding_is_refused(world, friends, params, words):
    alice, _ = friends
    link = world.add("Carol").do("invite.create").link
    with pytest.raises(LocalError, match=words):
        alice.do("contact.add", link=link, **params)
    assert alice.do("request.list") == []


def test_a_cancelled_link_can_be_added_again(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    alice.cut()
    first = bob.do("contact.add", link=link)
    bob.do("request.cancel", id=first.id[:8])
    with pytest.raises(LocalError):
        bob.do("request.cancel", id="aaaaaaaa")
    bob.do("contact.add", link=link)
    alice.restore()
    world.pass_time(60)
    assert [r.name for r in alice.do("request.list")] == ["Bob"]


# --- requests ---------------------------------------------------------------------------------------------------
def test_requests_are_found_by_id_or_name(world):
    alice = world.add("Alice")
    strangers = [Stranger(world, seed, name) for seed, name in ((1, "Ann"), (2, "Ben"), (3, "Ben"))]
    for stranger in strangers:
        stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request())
    for wanted in ("Ben", "Nobody", "", "ann\x1b"):
        with pytest.raises(LocalError, match="no such request"):
            alice.do("request.accept", id=wanted)
    assert alice.do("request.accept", id="Ann").name == "Ann"
    assert alice.do("request.accept", id=strangers[1].id[:10], name="Benjamin").name == "Benjamin"
    alice.do("request.ignore", id=strangers[2].id)
    with pytest.raises(LocalError):
        alice.do("request.accept", id="Ann")
    assert alice.do("request.accept", id=strangers[2].id).name == "Ben"


def test_a_name_that_is_taken_is_numbered(world, friends):
    alice, _ = friends
    stranger = Stranger(world, 1, "bob")
    stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request())
    with pytest.raises(LocalError, match="in use"):
        alice.do("request.accept", id=stranger.id, name="BOB")
    assert alice.do("request.accept", id=stranger.id).name == "bob 2"


def test_names_that_look_alike_are_pointed_out(world):
    alice, stranger = world.add("Alice"), Stranger(world, 1, "Аlice")  # a Cyrillic А
    stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request())
    assert alice.do("request.list")[0].suspicious_name


def test_contacts_are_bounded(world, friends, monkeypatch):
    alice, bob = friends
    monkeypatch.setattr(limits, "CONTACTS_MAX", 1)
    stranger = Stranger(world)
    stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request())
    with pytest.raises(LocalError, match="too many contacts"):
        alice.do("request.accept", id=stranger.id)
    with pytest.raises(LocalError, match="too many contacts"):
        alice.do("contact.add", link="onionchat:" + world.add("Carol").do("invite.create").link.partition(":")[2])
    assert bob.do("contact.list")


# --- contacts -----------------------------------------------------------------------------------------------------
def test_trust(world, friends):
    alice, bob = friends
    for trust in ("validated", "compromised", "unvalidated"):
        alice.do("contact.trust", name="Bob", trust=trust)
        assert alice.contact("Bob").trust == trust
        assert alice.heard("trust")[-1].trust == trust
    assert bob.contact("Alice").trust == "unvalidated"
    count = len(alice.log("Bob"))
    alice.do("contact.trust", name="Bob", trust="unvalidated")
    assert len(alice.log("Bob")) == count == 3


def test_words(world, friends):
    alice, bob = friends
    mine, theirs = alice.do("contact.words", name="Bob"), bob.do("contact.words", name="Alice")
    assert (mine.mine, mine.theirs) == (theirs.theirs, theirs.mine)
    assert len(mine.mine) == len(mine.theirs) == 12 and mine.devices == 1 and len(mine.roster) == 8


def test_renaming(world, friends):
    alice, bob = friends
    alice.do("contact.rename", name="Bob", new="Robert")
    assert [c.name for c in alice.do("contact.list")] == ["Robert"]
    assert alice.contact("Robert").remote_name == "Bob" and bob.contact("Alice").name == "Alice"
    alice.do("contact.rename", name="Robert", new="robert")
    for name in ("", "me", "a\nb", "x" * 65):
        with pytest.raises(LocalError):
            alice.do("contact.rename", name="robert", new=name)


def test_blocking_and_unblocking(world, friends):
    alice, bob = friends
    assert "new address" in alice.do("contact.block", id="Bob").notice
    assert alice.contact("Bob").blocked and not alice.contact("Bob").online
    assert "already" in alice.do("contact.block", id="Bob").notice
    bob.send("Alice", "are you there?")
    world.pass_time(600)
    assert alice.texts("Bob") == [] and bob.log("Alice")[0].state == "waiting"
    alice.do("contact.unblock", id="Bob")
    assert "not blocked" in alice.do("contact.unblock", id="Bob").notice
    world.pass_time(1800)
    assert alice.texts("Bob") == ["are you there?"] and bob.contact("Alice").online
    with pytest.raises(LocalError):
        alice.do("contact.block", id="nobody")


def test_blocking_survives_a_restart(world, friends):
    alice, bob = friends
    alice.do("contact.block", id="Bob")
    alice.restart()
    bob.restart()
    world.pass_time(600)
    assert alice.contact("Bob").blocked and alice.status().peers == []


def test_ids_and_links_are_parsed_the_same_everywhere(world):
    alice = world.add("Alice")
    link = alice.do("invite.create").link
    assert parse_link(link.upper()) in alice.node.book.invitations
    alice.do("invite.close", link=f"  <{link.upper()}>. ")
    assert [i.state for i in alice.do("invite.list")] == ["closed"]
