"""The network without sockets: who can reach whom, and what becomes of streams."""

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.protocol import Factory, Protocol

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.ids import onion_address
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.onions import OnionService, OnionState
from onionchat.net.tor import TorState
from onionchat.testing import virtualtor
from onionchat.testing.virtualtor import OnionNetwork, VirtualReactor, VirtualTor

KEY = ExchangeKey(b"\x07" * 32)
ADDRESS = onion_address(SigningKey(bytes(32)).public)


class Listener:
    """Writes down what Tor says."""

    def __init__(self):
        self.heard = []

    def __getattr__(self, name):
        return lambda *arguments: self.heard.append((name.removeprefix("on_"), *arguments))


class Echo(Protocol):
    """Sends back what it gets."""

    def __init__(self):
        self.received, self.lost = b"", False

    def dataReceived(self, data):
        self.received += data
        if len(self.received) < 20:
            self.transport.write(data)

    def connectionLost(self, reason=None):
        self.lost = True


class Rig:
    """A Tor with one onion, and a Tor that dials."""

    def __init__(self, client_keys=()):
        self.reactor = VirtualReactor()
        self.network = OnionNetwork(self.reactor)
        self.owner, self.dialler = (VirtualTor(self.network, Listener()) for _ in range(2))
        for tor in (self.owner, self.dialler):
            tor.start()
        self.reactor.settle()
        port = self.reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        self.port = port
        service = OnionService(ADDRESS, b"", port.getHost().port, client_keys, None)
        ensureDeferred(self.owner.onions.publish(service))

    def dial(self):
        """The protocol, or the way it failed."""
        outcome = []
        done = self.dialler.connect(ADDRESS, 1, "user", Echo())
        done.addBoth(outcome.append)
        self.reactor.settle()
        return outcome[0].value.failure if not isinstance(outcome[0], Echo) else outcome[0]


def test_a_stream_goes_both_ways():
    rig = Rig()
    near = rig.dial()
    near.transport.write(b"hello")
    rig.reactor.settle()
    assert near.received.startswith(b"hello")
    assert rig.network.dials == [(ADDRESS, None)]


def test_an_onion_is_found_with_its_key_alone():
    rig = Rig((KEY.public,))
    assert rig.dial() is DialFailure.KEY_MISSING
    ensureDeferred(rig.dialler.keys.grant(ADDRESS, b"\x08" * 32))
    assert rig.dial() is DialFailure.KEY_WRONG
    ensureDeferred(rig.dialler.keys.grant(ADDRESS, KEY.private))
    assert isinstance(rig.dial(), Echo)
    ensureDeferred(rig.dialler.keys.revoke(ADDRESS))
    assert rig.dial() is DialFailure.KEY_MISSING


def test_an_onion_that_is_not_up_has_no_descriptor():
    rig = Rig()
    assert rig.owner.onions.state(ADDRESS) is OnionState.REACHABLE
    ensureDeferred(rig.owner.onions.unpublish(ADDRESS))
    assert rig.dial() is DialFailure.NO_DESCRIPTOR
    assert rig.owner.onions.state(ADDRESS) is OnionState.UNPUBLISHED
    assert not rig.owner.onions.is_restricted(ADDRESS)


def test_a_port_where_nobody_listens():
    rig = Rig()
    rig.port.stopListening()
    assert rig.dial() is DialFailure.TARGET_REFUSED


@pytest.mark.parametrize(("end", "failure"), [("owner", "INTRODUCTION_FAILED"), ("dialler", "TOR_AWAY")])
def test_being_cut_off_breaks_streams_and_dials(end, failure):
    rig = Rig()
    near = rig.dial()
    tor = getattr(rig, end)
    tor.cut()
    rig.reactor.settle()
    assert near.lost and tor.status.state is TorState.WAITING
    assert rig.dial() is DialFailure[failure]
    tor.restore()
    assert isinstance(rig.dial(), Echo) and tor.status.state is TorState.READY
    assert [what for what, *_ in tor.listener.heard if what != "onion_state"] == [
        "connected", "ready", "lost", "connected", "ready",
    ]  # fmt: skip


def test_a_stopped_tor_has_forgotten_everything():
    rig = Rig()
    ensureDeferred(rig.owner.keys.grant(ADDRESS, bytes(32)))
    ensureDeferred(rig.owner.stop())
    assert rig.dial() is DialFailure.NO_DESCRIPTOR
    assert not rig.owner.keys.held and rig.owner.status.state is TorState.STOPPED


def test_a_dial_can_be_cancelled():
    rig = Rig()
    done = rig.dialler.connect(ADDRESS, 1, "user", Echo())
    done.addErrback(lambda failure: None)
    done.cancel()
    rig.reactor.settle()
    assert rig.network.dials == []


def test_time_passes_moment_by_moment():
    reactor, seen = VirtualReactor(), []
    reactor.callLater(1, lambda: reactor.callLater(1, lambda: seen.append(reactor.seconds())))
    reactor.callLater(2.5, lambda: seen.append(reactor.seconds()))
    reactor.pass_time(2)
    assert seen == [2.0] and reactor.seconds() == 2.0


def test_jobs_of_threads_are_waited_for():
    reactor, done = VirtualReactor(), Deferred()
    reactor.counted(done)
    reactor.callFromThread(done.callback, 1)
    reactor.settle()
    assert done.result == 1 and reactor.jobs_underway == 0
    assert reactor.counted(succeed(2)).result == 2 and reactor.jobs_underway == 0


def test_what_feeds_itself_is_noticed(monkeypatch):
    monkeypatch.setattr(virtualtor, "TURNS_MAX", 50)
    reactor = VirtualReactor()

    def again():
        reactor.callLater(0, again)

    again()
    with pytest.raises(AssertionError, match="rest"):
        reactor.settle()


def test_a_dial_error_says_why():
    with pytest.raises(DialError, match="no descriptor"):
        OnionNetwork(VirtualReactor()).reach(Rig().dialler, "b" * 56)
