"""Streams in memory: in order, closed from both ends, by the clock alone."""

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from onionchat.testing.memory import MemoryEndpoint, settle


class End(Protocol):
    def __init__(self):
        self.received, self.is_lost = b"", False

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason=None):
        self.is_lost = True


def joined():
    clock = Clock()
    endpoint = MemoryEndpoint(clock, End)
    clients = []
    endpoint.connect(Factory.forProtocol(End)).addCallback(clients.append)
    return clock, clients[0], endpoint.servers[0]


def test_bytes_arrive_in_order_at_the_next_turn():
    clock, client, server = joined()
    for byte in b"abc":
        client.transport.write(bytes([byte]))
    server.transport.writeSequence([b"x", b"y"])
    assert server.received == b""
    settle(clock)
    assert (server.received, client.received) == (b"abc", b"xy")


def test_closing_lets_what_was_written_through_and_ends_both():
    clock, client, server = joined()
    client.transport.write(b"last")
    client.transport.loseConnection()
    client.transport.write(b"too late")
    settle(clock)
    assert server.received == b"last"
    assert client.is_lost
    assert server.is_lost


def test_a_refusing_port():
    endpoint = MemoryEndpoint(Clock(), End)
    endpoint.is_refusing = True
    failures = []
    endpoint.connect(Factory.forProtocol(End)).addErrback(failures.append)
    assert len(failures) == 1
    assert endpoint.servers == []
