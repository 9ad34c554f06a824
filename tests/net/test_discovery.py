"""Discovery keys: ours are in Tor while we run, and only then."""

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from onionchat.crypto.keys import SigningKey
from onionchat.ids import onion_address
from onionchat.net.control import connect_control
from onionchat.net.discovery import DiscoveryKeys
from onionchat.testing.memory import settle
from onionchat.testing.simulatedtor import TorInMemory

ADDRESSES = [onion_address(SigningKey(bytes([n]) * 32).public) for n in range(3)]


@pytest.fixture
def world():
    return World()


class World:
    def __init__(self):
        self.clock = Clock()
        self.tor = TorInMemory(self.clock)
        self.keys = DiscoveryKeys()

    def run(self, coroutine):
        results = []
        ensureDeferred(coroutine).addBoth(results.append)
        settle(self.clock)
        assert not hasattr(results[0], "raiseException"), results
        return results[0]

    def connect(self):
        self.control = self.run(connect_control(self.tor.control, self.clock, ""))
        self.run(self.keys.connected(self.control))

    @property
    def held(self):
        return set(self.tor.simulated.discovery_keys)


def test_keys_granted_before_and_after_the_connection_are_given(world):
    world.run(world.keys.grant(ADDRESSES[0], bytes(32)))
    world.connect()
    world.run(world.keys.grant(ADDRESSES[1], bytes(32)))
    assert world.held == set(ADDRESSES[:2])


def test_a_tor_that_forgot_gets_them_again(world):
    world.connect()
    world.run(world.keys.grant(ADDRESSES[0], bytes(32)))
    world.tor.simulated.restart()
    settle(world.clock)
    world.keys.disconnected()
    assert world.held == set()
    world.connect()
    assert world.held == {ADDRESSES[0]}


def test_all_are_taken_back_and_others_keys_stay(world):
    world.connect()
    world.tor.simulated.discovery_keys["someone else's"] = "x25519:"
    for address in ADDRESSES:
        world.run(world.keys.grant(address, bytes(32)))
    world.run(world.keys.revoke_all())
    assert world.held == {"someone else's"}


def test_one_of_an_earlier_run_can_be_taken_back(world):
    world.connect()
    world.tor.simulated.discovery_keys[ADDRESSES[0]] = "x25519:"
    world.run(world.keys.revoke(ADDRESSES[0]))
    assert world.held == set()


def test_taking_back_needs_no_tor_and_no_permission(world):
    world.run(world.keys.grant(ADDRESSES[0], bytes(32)))
    world.run(world.keys.revoke_all())
    world.connect()
    world.tor.simulated.refusals["ONION_CLIENT_AUTH_REMOVE"] = "551 no"
    world.run(world.keys.grant(ADDRESSES[1], bytes(32)))
    world.run(world.keys.revoke_all())
    assert "ADDRESS" not in repr(world.keys)
    assert repr(world.keys) == "DiscoveryKeys(0 keys)"
