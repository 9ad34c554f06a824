"""The Tor layer over real tor processes: bare, launched by ourselves, and behind the shipped filter profiles."""

import os
import stat

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.ids import onion_address
from onionchat.limits import DISCOVERY_KEYS
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.find import TorOptions
from onionchat.net.onions import VIRTUAL_PORT, OnionService, OnionState
from onionchat.net.tor import Tor, TorState
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlforward import ForwardedTor
from onionchat.testing.controlport import ControlServerFactory

WAIT_SECONDS = 60.0


class Recorder:
    def __init__(self):
        self.heard = []
        self._waiting = {}

    def _hear(self, what):
        self.heard.append(what)
        if what in self._waiting:
            self._waiting.pop(what).callback(None)

    def on_connected(self):
        self._hear("connected")

    def on_ready(self):
        self._hear("ready")

    def on_lost(self, reason):
        self._hear("lost")

    def on_bootstrap(self, progress, summary):
        self._hear(progress)

    def on_onion_state(self, address, state):
        self._hear(state)

    def next(self, what):
        """Fires when it is heard after now."""
        self._waiting[what] = Deferred()
        self._waiting[what].addTimeout(WAIT_SECONDS, reactor)
        return self._waiting[what]


class Greeter(Protocol):
    """The far side: says back what it hears."""

    def dataReceived(self, data):
        self.transport.write(data)


class Caller(Protocol):
    def connectionMade(self):
        self.answer = Deferred()
        self.transport.write(b"hello")

    def dataReceived(self, data):
        self.answer.callback(data)


class Published:
    """A restricted onion with all its keys, and a local port behind it."""

    def __init__(self, port=0, pow_defense=False):
        self.listening = reactor.listenTCP(port, Factory.forProtocol(Greeter), interface="127.0.0.1")
        key = SigningKey(os.urandom(32))
        self.clients = [ExchangeKey(os.urandom(32)) for _ in range(DISCOVERY_KEYS)]
        self.address = onion_address(key.public)
        self.service = OnionService(
            self.address,
            key.expanded(),
            self.listening.getHost().port,
            tuple(client.public for client in self.clients),
            self.clients[0].private,
            pow_defense=pow_defense,
        )


async def hear_hello(tor, address, user="peer"):
    """Dial until it answers: descriptors take a moment, and a restarted onion is found again after a while."""
    for _ in range(60):
        try:
            caller = await tor.connect(address, VIRTUAL_PORT, user, Caller(), 20.0)
            answer = await caller.answer.addTimeout(20.0, reactor)
        except DialError:
            await deferLater(reactor, 0.5)
            continue
        caller.transport.loseConnection()
        return answer
    raise AssertionError("never reached")


@pytest_twisted.async_yield_fixture
async def bob(tor_network, tmp_path):
    """Somebody with a tor of his own, who dials."""
    client = tor_network.client("net-bob")
    client.start()
    client.wait_ready()
    tor = Tor(reactor, TorOptions(control=client.control, socks=client.socks), tmp_path, Recorder(), os.environ)
    ready = tor._listener.next("ready")
    tor.start()
    await ready
    yield tor
    await tor.stop()
    client.stop()


@pytest_twisted.ensureDeferred
async def test_our_own_tor_is_launched_used_killed_and_comes_back(tor_network, bob, tmp_path):
    profile = tor_network.directory / "launched"
    (profile / "tor").mkdir(parents=True)
    tor_network.prepare(profile / "tor")
    recorder = Recorder()
    options = TorOptions("launch", tor_options=tuple(tor_network.torrc_options()))
    tor = Tor(reactor, options, profile, recorder, os.environ)
    published = Published(pow_defense=True)
    reachable = recorder.next(OnionState.REACHABLE)
    tor.start()
    await tor.onions.publish(published.service)
    await reachable
    assert tor.status.missing == ()
    assert stat.S_IMODE((profile / "tor").stat().st_mode) == 0o700
    with pytest.raises(DialError) as caught:
        await bob.connect(published.address, VIRTUAL_PORT, "nobody", Caller())
    assert caught.value.failure is DialFailure.KEY_MISSING
    await bob.keys.grant(published.address, published.clients[77].private)
    assert await hear_hello(bob, published.address) == b"hello"
    reachable = recorder.next(OnionState.REACHABLE)
    tor._launched._transport.signalProcess("KILL")
    await reachable
    assert "lost" in recorder.heard
    assert await hear_hello(bob, published.address) == b"hello"
    await tor.stop()
    await published.listening.stopListening()
    assert tor.status.state is TorState.STOPPED
    with pytest.raises(DialError):
        await bob.connect(published.address, VIRTUAL_PORT, "after", Caller(), 5.0)


@pytest.mark.parametrize("kind", ["whonix", "tails"])
@pytest_twisted.ensureDeferred
async def test_it_works_whole_behind_the_filter_of(tor_network, bob, tmp_path, kind):
    """With a real tor behind the shipped profile, also when that tor restarts and nobody tells us."""
    client = tor_network.client(f"net-{kind}")
    client.start()
    upstream = UNIXClientEndpoint(reactor, client.control.removeprefix("unix:"))
    forwarded = ForwardedTor(reactor, upstream, client.data_directory / "control_auth_cookie")
    rules = FilterRules.from_text(profile_text(kind), "127.0.0.1")
    filtering = reactor.listenTCP(0, ControlServerFactory(forwarded, rules), interface="127.0.0.1")
    control = f"tcp:127.0.0.1:{filtering.getHost().port}"
    recorder = Recorder()
    tor = Tor(reactor, TorOptions(control=control, socks=client.socks), tmp_path, recorder, os.environ)
    published = Published(port=16600 if kind == "whonix" else 0, pow_defense=True)
    reachable = recorder.next(OnionState.REACHABLE)
    tor.start()
    await tor.onions.publish(published.service)
    await reachable
    await bob.keys.grant(published.address, published.clients[5].private)
    assert await hear_hello(bob, published.address) == b"hello"
    lost, reachable = recorder.next(OnionState.UNPUBLISHED), recorder.next(OnionState.REACHABLE)
    client.restart()
    await lost
    await reachable
    assert "lost" not in recorder.heard
    assert await hear_hello(bob, published.address) == b"hello"
    assert tor.status.missing == ()
    await tor.stop()
    await published.listening.stopListening()
    await filtering.stopListening()
    client.stop()


@pytest_twisted.ensureDeferred
async def test_discovery_keys_do_not_outlive_us_in_a_tor_that_others_use(bob):
    address = onion_address(SigningKey(os.urandom(32)).public)
    await bob.keys.grant(address, os.urandom(32))
    view = f"ONION_CLIENT_AUTH_VIEW {address}"
    assert address in await bob._control._ask(view)
    await bob.keys.revoke_all()
    assert "x25519" not in await bob._control._ask(view)


@pytest_twisted.ensureDeferred
async def test_onions_die_with_the_control_connection(bob):
    published = Published()
    await bob.onions.publish(published.service)
    assert await bob._control.onions_current() == {published.address}
    again = bob._listener.next("connected")
    bob._control.close()
    await again
    while bob.onions.state(published.address) is OnionState.UNPUBLISHED:
        await deferLater(reactor, 0.1)
    assert await bob._control.onions_current() == {published.address}
    await published.listening.stopListening()
