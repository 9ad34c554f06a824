"""The simulated Tor does what a Tor does, bare and behind the filter."""

import base64

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from onionchat.crypto.keys import SigningKey
from onionchat.ids import onion_address
from onionchat.testing.controlfilter import LINE_MAX_BYTES, FilterRules
from onionchat.testing.controlport import ControlServer, SimulatedTor, address_of
from onionchat.testing.memory import MemoryEndpoint, settle

KEY = SigningKey(bytes(range(32)))
ADD = f"ADD_ONION ED25519-V3:{base64.b64encode(KEY.expanded()).decode()} Port=1,127.0.0.1:1"
ADDRESS = onion_address(KEY.public)
RULES = FilterRules.from_text("- name: x\n  commands:\n    GETINFO:\n      - 'version'\n  events:\n    HS_DESC:\n")


class Client(Protocol):
    def __init__(self):
        self.received = b""
        self.is_open = True

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason=None):
        self.is_open = False


class World:
    def __init__(self, rules=None):
        self.clock = Clock()
        self.tor = SimulatedTor()
        self.endpoint = MemoryEndpoint(self.clock, lambda: ControlServer(self.tor, rules))

    def connect(self):
        clients = []
        self.endpoint.connect(Factory.forProtocol(Client)).addCallback(clients.append)
        settle(self.clock)
        return clients[0]

    def say(self, client, *lines):
        client.received = b""
        for line in lines:
            client.transport.write(line.encode() + b"\r\n")
        settle(self.clock)
        return client.received.decode().split("\r\n")[:-1]


@pytest.fixture
def world():
    return World()


def test_the_address_of_an_expanded_key():
    assert address_of(KEY.expanded()) == ADDRESS


def test_onions_belong_to_their_connection(world):
    one, two = world.connect(), world.connect()
    assert world.say(one, ADD) == [f"250-ServiceID={ADDRESS}", "250 OK"]
    assert world.say(one, ADD)[0].startswith("550")
    assert world.say(two, ADD)[0].startswith("550")
    assert world.say(two, f"DEL_ONION {ADDRESS}")[0].startswith("552")
    assert world.say(two, "GETINFO onions/current") == ["250-onions/current=", "250 OK"]
    one.transport.loseConnection()
    settle(world.clock)
    assert world.tor.onions == {}


def test_answers_come_in_the_order_of_the_questions(world):
    answers = world.say(world.connect(), "GETINFO version", "NONSENSE", "GETINFO onions/current")
    assert [answer[:3] for answer in answers] == ["250", "250", "510", "250", "250"]


def test_v3auth_needs_clients_and_clients_need_v3auth(world):
    client = world.connect()
    assert world.say(client, ADD.replace(" Port", " Flags=V3Auth Port"))[0].startswith("512")
    assert world.say(client, ADD + " ClientAuthV3=" + "A" * 52)[0].startswith("512")


def test_a_restart_breaks_bare_connections_only(world):
    bare, filtered = world.connect(), World(RULES)
    filtered.tor = world.tor
    behind = filtered.connect()
    world.tor.restart()
    settle(world.clock)
    settle(filtered.clock)
    assert not bare.is_open
    assert behind.is_open


def test_the_filter_answers_for_itself_and_refuses_the_rest():
    world = World(RULES)
    client = world.connect()
    assert world.say(client, "PROTOCOLINFO 1")[1] == "250-AUTH METHODS=NULL"
    assert world.say(client, "AUTHENTICATE anything") == ["250 OK"]
    assert world.say(client, "GETINFO version")[0] == "250-version=0.4.9.11"
    assert world.say(client, ADD) == ["510 Command filtered"]
    assert world.say(client, "SETEVENTS HS_DESC") == ["250 OK"]
    assert world.say(client, "SETEVENTS HS_DESC CIRC") == ["510 Command filtered"]
    world.tor.upload(ADDRESS)
    settle(world.clock)
    assert b"650 HS_DESC UPLOADED" in client.received


def test_the_filter_drops_who_sends_a_line_that_is_too_long():
    world = World(RULES)
    client = world.connect()
    assert world.say(client, "x" * LINE_MAX_BYTES) == ["510 Command filtered"]
    world.say(client, "x" * (LINE_MAX_BYTES + 1))
    assert not client.is_open
