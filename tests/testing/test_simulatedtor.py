"""A Tor in memory: its places lead to the right port, its onions can be dialled while they are up."""

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock

from onionchat.crypto.keys import SigningKey
from onionchat.ids import onion_address
from onionchat.net.endpoint import parse_place
from onionchat.net.failure import DialFailure
from onionchat.net.socks import connect_onion
from onionchat.testing.memory import settle
from onionchat.testing.simulatedtor import TorInMemory

ADDRESS = onion_address(SigningKey(bytes(32)).public)


@pytest.mark.parametrize(
    ("text", "is_control"),
    [
        ("127.0.0.1:951", True),
        ("127.0.0.1:9051", True),
        ("unix:/run/tor/control", True),
        ("127.0.0.1:9050", False),
        ("unix:/p/tor/socks.sock", False),
    ],
)
def test_places_lead_to_their_ports(text, is_control):
    tor = TorInMemory(Clock())
    endpoint = tor.endpoint_for(None, parse_place(text), 1.0)
    assert endpoint is (tor.control if is_control else tor.socks)


def test_an_onion_can_be_dialled_while_it_is_up():
    clock = Clock()
    tor = TorInMemory(clock)
    session = tor.simulated.open(lambda line: None, lambda: None, False)
    results = []
    for is_up in (False, True):
        if is_up:
            tor.simulated.onions[ADDRESS] = session
        connect_onion(clock, tor.socks, ADDRESS, 1, Protocol(), "bob").addBoth(results.append)
        settle(clock)
    assert results[0].value.failure is DialFailure.NO_DESCRIPTOR
    assert isinstance(results[1], Protocol)
