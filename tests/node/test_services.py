"""Onion services: which are up, with what keys, and when; moving; links that expire."""

from onionchat import limits
from onionchat.net.onions import OnionState
from onionchat.node.services import INVITATION_DELAY_SETTING


def test_the_device_s_address_is_for_those_with_a_key(world):
    alice = world.add("Alice")
    service = alice.tor.onions.own[alice.address]
    assert len(set(service.client_keys)) == limits.DISCOVERY_KEYS and not service.pow_defense
    assert alice.status().restricted_discovery and alice.status().onion == "reachable"


def test_a_link_is_open_and_has_defences(world):
    alice = world.add("Alice")
    link = alice.do("invite.create").link
    service = alice.tor.onions.own[link.partition(":")[2]]
    assert service.client_keys == () and service.pow_defense and service.expanded_key
    assert [i.state for i in alice.do("invite.list")] == ["published"]


def test_adding_contacts_changes_nothing_that_can_be_seen(world):
    alice = world.add("Alice")
    before = alice.tor.onions.own[alice.address]
    for name in ("Bob", "Carol"):
        world.befriend(alice, world.add(name))
    assert alice.tor.onions.own[alice.address] is before


def test_each_onion_has_a_port_and_a_certificate_of_its_own(world):
    alice = world.add("Alice")
    for _ in range(2):
        alice.do("invite.create")
    services = list(alice.tor.onions.own.values())
    listeners = [world.reactor.listening[service.local_port] for service in services]
    assert len({service.local_port for service in services}) == len(services) == 3
    assert len({id(listener._tls) for listener in listeners}) == 3


def test_used_and_closed_and_expired_links_go_down(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    used, closed, _ = (alice.do("invite.create", expires_seconds=3600).link for _ in range(3))
    bob.do("contact.add", link=used)
    alice.do("request.accept", id=alice.do("request.list")[0].id)
    world.pass_time(5)
    alice.do("invite.close", link=closed)
    world.pass_time(3700)
    assert list(alice.tor.onions.own) == [alice.address]
    assert sorted(i.state for i in alice.do("invite.list")) == ["closed", "expired", "used"]
    assert all(not i.seed for i in alice.node.book.invitations.values() if i.state in ("closed", "expired"))
    alice.restart()
    world.pass_time(1)
    assert list(alice.tor.onions.own) == [alice.address]


def test_a_link_that_waits_stays_up_over_a_restart(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    link = alice.do("invite.create").link
    bob.do("contact.add", link=link)
    alice.restart()
    world.pass_time(1)
    assert link.partition(":")[2] in alice.tor.onions.own
    assert [i.state for i in alice.do("invite.list")] == ["pending"]


def test_links_of_earlier_starts_come_up_after_a_while(world):
    """So that they are not tied to the start of the device; a new one is up at once."""
    alice = world.add("Alice")
    old = alice.do("invite.create").link.partition(":")[2]
    alice.do("setting.set", key=INVITATION_DELAY_SETTING, value="600")
    alice.restart()
    new = alice.do("invite.create").link.partition(":")[2]
    assert new in alice.tor.onions.own and old not in alice.tor.onions.own
    assert [i.state for i in alice.do("invite.list")] == ["waiting", "published"]
    world.pass_time(600)
    assert old in alice.tor.onions.own


def test_a_stop_takes_everything_down(world, friends):
    alice, bob = friends
    alice.do("invite.create")
    alice.do("node.lock")
    assert alice.tor.onions.own == {} and alice.node.services.state(b"k" * 32) is OnionState.UNPUBLISHED
    assert alice.status().onion == "unpublished" and not alice.status().restricted_discovery
    listening = len(world.reactor.listening)
    bob.stop()
    assert len(world.reactor.listening) == listening - 1
    bob.start()


def test_a_refused_onion_is_said(world):
    alice = world.add("Alice")
    from onionchat.errors import TorError

    async def refuse(service):
        raise TorError("Tor does not let us publish an onion")

    alice.tor.onions.publish = refuse
    alice.do("invite.create")
    assert "Tor does not let us publish an onion" in alice.status().warnings
    assert [i.state for i in alice.do("invite.list")] == ["waiting"]


def test_moving_keeps_the_old_address_until_all_know(world, friends):
    alice, bob = friends
    old = alice.address
    bob.cut()
    world.wait(alice.node.services.move(urgent=False))
    alice.restart()
    world.pass_time(1)
    assert set(alice.tor.onions.own) == {old, alice.address}
    bob.restore()
    world.pass_time(60)
    assert list(alice.tor.onions.own) == [alice.address]
    row = alice.node.store.reads.execute("SELECT count(*) FROM address").fetchone()
    slots = alice.node.store.reads.execute("SELECT count(*) FROM slot").fetchone()
    assert row == (1,) and slots == (limits.DISCOVERY_KEYS,)
