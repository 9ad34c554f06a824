"""Who is dialled, with which key, over which circuit; what is left after lock, cut and move."""

from onionchat import limits
from onionchat.net.dialer import URGENT_MAX_SECONDS, DialState
from onionchat.net.failure import DialFailure


def test_contacts_are_dialled_with_their_discovery_key(world, friends):
    alice, bob = friends
    assert set(alice.tor.keys.held) >= {bob.address, alice.address}
    keys = [actor.tor.keys.held[other.address] for actor, other in ((alice, bob), (bob, alice)) if
            other.address in actor.tor.keys.held]  # fmt: skip
    assert len(set(keys)) == len(keys)


def test_each_peer_has_a_circuit_of_its_own(world, friends):
    alice, bob = friends
    world.befriend(alice, world.add("Carol"))
    for actor in (alice, bob):
        actor.restart()
    world.pass_time(120)
    users = {}
    for stream in world.network.streams:
        users.setdefault((id(stream.dialler), stream.user), set()).add(stream.address)
    assert all(len(addresses) == 1 for addresses in users.values())
    starts = {stream.user.split("-")[0] for stream in world.network.streams}
    assert len(starts) >= 4  # another circuit after each start


def test_dials_go_on_until_somebody_is_there(world, friends):
    alice, bob = friends
    bob.cut()
    world.pass_time(1)
    tries = len(world.network.dials)
    world.pass_time(3600)
    more = len(world.network.dials) - tries
    assert 4 <= more <= 120  # seldom, but for ever
    explained = alice.node.dialing.explain(bob.node.own.device)
    assert explained.last_failure == DialFailure.INTRODUCTION_FAILED.value and explained.tries > 3
    bob.restore()
    assert alice.contact("Bob").online


def test_an_open_conversation_is_dialled_at_once(world, friends):
    alice, bob = friends
    bob.cut()
    world.pass_time(1800)
    tries = len(world.network.dials)
    alice.do("conversation.opened", name="Bob")
    world.pass_time(60)
    assert len(world.network.dials) - tries >= 2
    alice.do("conversation.opened")


def test_removed_contacts_are_dialled_no_more(world, friends):
    alice, bob = friends
    address = bob.address
    bob.cut()
    alice.do("contact.remove", name="Bob")
    world.pass_time(1)
    tries = [d for d in world.network.dials if d[0] == address]
    world.pass_time(3600)
    assert [d for d in world.network.dials if d[0] == address] == tries
    assert address not in alice.tor.keys.held
    assert alice.node.dialing.explain(bob.node.own.device) is None


def test_a_link_is_dialled_until_it_is_answered_or_cancelled(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    alice.cut()
    added = bob.do("contact.add", link=link)
    world.pass_time(300)
    address = link.partition(":")[2]
    assert len([d for d in world.network.dials if d[0] == address]) > 1
    bob.do("request.cancel", id=added.id)
    tries = len([d for d in world.network.dials if d[0] == address])
    alice.restore()
    world.pass_time(3600)
    assert len([d for d in world.network.dials if d[0] == address]) == tries
    assert alice.do("request.list") == []


def test_after_a_lock_everybody_is_dialled_again(world, friends):
    """Lock ends every channel and takes every key back from Tor; unlocking begins anew."""
    alice, bob = friends
    alice.do("node.lock")
    assert alice.tor.keys.held == {} and alice.tor.onions.own == {}
    assert not bob.contact("Alice").online
    bob.node.dialing.stop()  # Alice has to do it
    tries = len(world.network.dials)
    alice.do("node.unlock", passphrase="correct horse")
    world.pass_time(5)
    assert bob.address in alice.tor.keys.held
    assert world.network.dials[tries:] and alice.contact("Bob").online
    assert alice.node.dialing.explain(bob.node.own.device).state is DialState.CONNECTED


def test_without_tor_nothing_is_dialled(world, friends):
    alice, bob = friends
    alice.cut()
    assert alice.status().tor.state == "lost"
    tries = len(world.network.dials)
    bob.node.dialing.stop()
    world.pass_time(600)
    assert len(world.network.dials) == tries
    alice.restore()
    assert alice.contact("Bob").online


def test_who_moved_is_dialled_at_the_new_address(world, friends):
    alice, bob = friends
    old = alice.address
    world.wait(alice.node.services.move(urgent=False))
    alice.node.dialing.stop()  # Bob has to do it
    world.network.break_streams(alice.tor)
    world.pass_time(60)
    assert bob.contact("Alice").online
    assert old not in bob.tor.keys.held and alice.address in bob.tor.keys.held


def test_a_blocked_contact_s_program_does_not_dial_without_end(world):
    """The old address is there as long as somebody else has not the new one; nobody says why it turns one away."""
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    for friend in (bob, carol):
        world.befriend(alice, friend)
    carol.cut()
    old = alice.address
    alice.do("contact.block", id="Bob")
    before = len(world.network.dials)
    world.pass_time(1800)
    reached = [failure for address, failure in world.network.dials[before:] if address == old]
    assert reached[:1] == [None] and len(reached) < 15


def test_a_full_link_is_asked_less_and_less(world, monkeypatch):
    monkeypatch.setattr(limits, "REQUESTS_PER_INVITATION_MAX", 1)
    alice, bob, carol = (world.add(name) for name in ("Alice", "Bob", "Carol"))
    link = alice.do("invite.create", open=True).link
    for friend in (bob, carol):
        friend.do("contact.add", link=link, name="Alice")
    before = len(world.network.dials)
    world.pass_time(1800)
    assert len(world.network.dials) - before <= 2 * 1800 / URGENT_MAX_SECONDS, "somebody waits for it"
    for request in alice.do("request.list"):
        alice.do("request.accept", id=request.id)
    world.pass_time(900)
    assert [r.name for r in alice.do("request.list")] == ["Carol"], "it asks again, and finds room"
