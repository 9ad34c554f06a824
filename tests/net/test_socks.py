"""Dialling through SOCKS: the handshake, every reply, every way to break, and nothing but onions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock

from onionchat.errors import LocalError
from onionchat.ids import onion_address
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.socks import connect_onion, reply_length
from onionchat.testing.memory import MemoryEndpoint, settle
from onionchat.testing.socksport import SocksRequest, SocksServer

ADDRESS = onion_address(bytes(range(32)))


class Inner(Protocol):
    def __init__(self):
        self.received = b""
        self.lost = False

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason=None):
        self.lost = True


class Raw(Protocol):
    """A port that says what it is told, a byte at a time, to each thing it hears."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def dataReceived(self, data):
        if self.answers:
            for byte in self.answers.pop(0):
                self.transport.write(bytes([byte]))


class Dial:
    def __init__(self, build, address=ADDRESS, user="bob", timeout_seconds=60.0):
        self.clock = Clock()
        self.endpoint = MemoryEndpoint(self.clock, build)
        self.inner = Inner()
        self.result = None
        self.deferred = connect_onion(self.clock, self.endpoint, address, 16600, self.inner, user, timeout_seconds)
        self.deferred.addBoth(self.keep)
        settle(self.clock)

    def keep(self, result):
        self.result = result

    @property
    def failure(self):
        assert self.result is not None and self.result.check(DialError)
        return self.result.value.failure

    def assert_clean(self):
        settle(self.clock)
        assert self.clock.getDelayedCalls() == []
        assert all(not server.transport.is_open for server in self.endpoint.servers)


def test_a_dial_asks_tor_by_name_with_the_peers_own_user_and_then_is_a_stream():
    dial = Dial(lambda: SocksServer(lambda request: 0))
    assert dial.result is dial.inner
    assert dial.endpoint.servers[0].requests == [SocksRequest(ADDRESS + ".onion", 16600, "bob")]
    dial.inner.transport.write(b"hello")
    settle(dial.clock)
    assert dial.inner.received == b"hello"
    dial.endpoint.servers[0].transport.loseConnection()
    settle(dial.clock)
    assert dial.inner.lost
    dial.assert_clean()


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (0x01, DialFailure.TARGET_REFUSED),
        (0x04, DialFailure.UNREACHABLE),
        (0x05, DialFailure.PORT_CLOSED),
        (0x06, DialFailure.TIMED_OUT),
        (0xF0, DialFailure.NO_DESCRIPTOR),
        (0xF1, DialFailure.BAD_DESCRIPTOR),
        (0xF2, DialFailure.INTRODUCTION_FAILED),
        (0xF3, DialFailure.RENDEZVOUS_FAILED),
        (0xF4, DialFailure.KEY_MISSING),
        (0xF5, DialFailure.KEY_WRONG),
        (0xF6, DialFailure.BAD_ADDRESS),
        (0xF7, DialFailure.TIMED_OUT),
        (0x77, DialFailure.UNREACHABLE),
    ],
)
def test_each_reply_of_tor_has_its_meaning(code, failure):
    dial = Dial(lambda: SocksServer(lambda request: code))
    assert dial.failure is failure
    assert str(dial.result.value) == failure.value
    dial.assert_clean()


def test_what_comes_with_the_reply_is_not_lost():
    reply = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    dial = Dial(lambda: Raw(b"\x05\x02", b"\x01\x00", reply + b"first words"))
    assert dial.inner.received == b"first words"


@pytest.mark.parametrize("kind", [b"\x04" + bytes(16), b"\x03\x05abcde", b"\x03\x00"])
def test_replies_with_other_kinds_of_address_are_read_to_their_end(kind):
    dial = Dial(lambda: Raw(b"\x05\x02", b"\x01\x00", b"\x05\x00\x00" + kind + b"\x12\x34" + b"rest"))
    assert dial.inner.received == b"rest"


@pytest.mark.parametrize(
    "answers",
    [
        (b"\x05\xff",),  # no method suits it
        (b"\x05\x00",),  # it wants no user name: streams would share circuits
        (b"\x04\x5a",),
        (b"HTTP/1.1 400 Bad Request\r\n",),
        (b"\x05\x02", b"\x01\x01"),
        (b"\x05\x02", b"\x01\x00", b"\x04\x00\x00\x01" + bytes(6)),
        (b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x09" + bytes(6)),
    ],
)
def test_what_is_not_tor_is_told_so(answers):
    dial = Dial(lambda: Raw(*answers))
    assert dial.failure is DialFailure.NOT_TOR
    dial.assert_clean()


def test_nobody_on_the_socks_port():
    clock = Clock()
    endpoint = MemoryEndpoint(clock, Protocol)
    endpoint.is_refusing = True
    results = []
    connect_onion(clock, endpoint, ADDRESS, 1, Inner(), "bob").addErrback(results.append)
    assert results[0].value.failure is DialFailure.TOR_AWAY
    assert clock.getDelayedCalls() == []


def test_a_dial_that_hangs_ends_by_our_own_clock():
    dial = Dial(lambda: SocksServer(lambda request: None), timeout_seconds=60.0)
    dial.clock.advance(59.9)
    assert dial.result is None
    dial.clock.advance(0.2)
    assert dial.failure is DialFailure.TIMED_OUT
    dial.assert_clean()


def test_a_dial_can_be_given_up():
    dial = Dial(lambda: SocksServer(lambda request: None))
    dial.deferred.cancel()
    assert dial.failure is DialFailure.CANCELLED
    dial.assert_clean()


def test_the_connection_breaks_on_the_way():
    dial = Dial(lambda: Raw(b"\x05\x02"))
    dial.endpoint.servers[0].transport.abortConnection()
    settle(dial.clock)
    assert dial.failure is DialFailure.LOST
    assert not dial.inner.lost
    dial.assert_clean()


@pytest.mark.parametrize(
    "address", ["example.com", "127.0.0.1", "", ADDRESS[:-1], "b" + ADDRESS[1:], ADDRESS + ".onion.example.com"]
)
def test_nothing_but_an_onion_is_ever_dialled(address):
    clock = Clock()
    endpoint = MemoryEndpoint(clock, Protocol)
    with pytest.raises(LocalError):
        connect_onion(clock, endpoint, address, 80, Inner(), "bob")
    assert endpoint.servers == []


@pytest.mark.parametrize(("port", "user"), [(0, "bob"), (65536, "bob"), (80, ""), (80, "x" * 256)])
def test_impossible_ports_and_users(port, user):
    with pytest.raises(LocalError):
        connect_onion(Clock(), MemoryEndpoint(Clock(), Protocol), ADDRESS, port, Inner(), user)


@given(st.binary(min_size=1, max_size=300))
def test_any_answer_ends_in_a_stream_or_a_dial_error(noise):
    dial = Dial(lambda: Raw(noise[:2], noise[2:4], noise[4:]), timeout_seconds=5.0)
    dial.clock.advance(6.0)
    assert dial.result is dial.inner or dial.failure in DialFailure


@given(st.binary(max_size=40))
def test_the_length_of_a_reply_depends_on_its_head_only(head):
    try:
        length = reply_length(head)
    except DialError:
        assert head[3] not in (1, 3, 4)
    else:
        assert (length is None) == (len(head) < 5)
