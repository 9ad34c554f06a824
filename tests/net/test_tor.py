"""The whole of it over a Tor in memory: found, lost, restarted, filtered, refused, stopped."""

from pathlib import Path

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.ids import onion_address
from onionchat.limits import DISCOVERY_KEYS
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.find import TorKind, TorOptions
from onionchat.net.onions import VIRTUAL_PORT, OnionService, OnionState
from onionchat.net.tor import POLL_SECONDS, RETRY_MAX_SECONDS, Tor, TorState
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.memory import settle
from onionchat.testing.simulatedtor import TorInMemory

KEY = SigningKey(bytes(range(32)))
ADDRESS = onion_address(KEY.public)
CLIENTS = [ExchangeKey(bytes([n + 1]) * 32) for n in range(DISCOVERY_KEYS)]
SERVICE = OnionService(
    ADDRESS, KEY.expanded(), 16600, tuple(key.public for key in CLIENTS), CLIENTS[0].private
)  # fmt: skip


class Recorder:
    """Writes down what the node would hear."""

    def __init__(self):
        self.heard = []

    def on_connected(self):
        self.heard.append("connected")

    def on_ready(self):
        self.heard.append("ready")

    def on_lost(self, reason):
        self.heard.append("lost")

    def on_bootstrap(self, progress, summary):
        self.heard.append(progress)

    def on_onion_state(self, address, state):
        self.heard.append(state)


class World:
    def __init__(self, tmp_path: Path, rules=None, options=None, mark=None):
        self.clock = Clock()
        self.memory = TorInMemory(self.clock, rules)
        self.recorder = Recorder()
        if mark is not None:
            (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / mark).touch()
        options = options or TorOptions(mode="system")
        self.tor = Tor(
            self.clock, options, tmp_path / "p", self.recorder, {}, tmp_path, self.memory.endpoint_for
        )  # fmt: skip

    @property
    def heard(self):
        return self.recorder.heard

    def start(self):
        self.tor.start()
        settle(self.clock)
        return self

    def run(self, coroutine):
        results = []
        ensureDeferred(coroutine).addBoth(results.append)
        settle(self.clock)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

    def pass_time(self, seconds, step=0.25):
        for _ in range(int(seconds / step) + 1):
            self.clock.advance(step)
            settle(self.clock, 60)

    def dial(self, address=ADDRESS, user="bob"):
        results = []
        self.tor.connect(address, VIRTUAL_PORT, user, Protocol()).addBoth(results.append)
        settle(self.clock)
        return results[0]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_it_connects_and_says_how_tor_is(world):
    world.start()
    assert world.heard == ["connected", 100, "ready"]
    status = world.tor.status
    assert (status.state, status.kind, status.version, status.bootstrap) == (
        TorState.READY, TorKind.SYSTEM, "0.4.9.11", 100
    )  # fmt: skip
    assert status.missing == ()


def test_a_tor_that_starts_is_followed(world):
    world.memory.simulated.progress, world.memory.simulated.has_circuits = 10, False
    world.start()
    assert world.tor.status.state is TorState.BOOTSTRAPPING
    world.memory.simulated.progress = 80
    world.memory.simulated.tell("650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=80")
    settle(world.clock)
    assert world.heard == ["connected", 10, 80]
    world.memory.simulated.progress, world.memory.simulated.has_circuits = 100, True
    world.pass_time(1)
    assert world.heard[-2:] == [100, "ready"]


def test_with_no_tor_it_waits_says_so_and_goes_on_trying(world):
    world.memory.control.is_refusing = True
    world.start()
    status = world.tor.status
    assert status.state is TorState.WAITING
    assert "is Tor running?" in status.problem
    world.pass_time(60)
    assert world.heard == ["lost"]
    world.memory.control.is_refusing = False
    world.pass_time(RETRY_MAX_SECONDS)
    assert world.heard == ["lost", "connected", 100, "ready"]


@pytest.mark.parametrize("kind", ["whonix", "tails"])
def test_it_works_whole_behind_the_filter(tmp_path, kind):
    """Publish restricted, reach, dial, lose all silently, mend, take keys back: with the shipped profile's rules."""
    mark = {"whonix": "usr/share/anon-ws-base-files/workstation", "tails": "etc/amnesia"}[kind]
    rules = FilterRules.from_text(profile_text(kind), "10.152.152.11")
    world = World(tmp_path, rules, TorOptions(), mark).start()
    simulated = world.memory.simulated
    world.run(world.tor.onions.publish(SERVICE))
    assert simulated.clients[ADDRESS] == DISCOVERY_KEYS
    host = "10.152.152.11" if kind == "whonix" else "127.0.0.1"
    assert simulated.targets[ADDRESS] == f"{VIRTUAL_PORT},{host}:16600"
    world.pass_time(5)
    assert world.heard[-1] is OnionState.REACHABLE
    assert isinstance(world.dial(), Protocol)
    simulated.restart()
    world.pass_time(POLL_SECONDS + 6)
    assert set(simulated.onions) == set(simulated.discovery_keys) == {ADDRESS}
    assert "lost" not in world.heard
    assert world.heard[-1] is OnionState.REACHABLE
    assert world.tor.status.missing == ()
    world.run(world.tor.stop())
    assert simulated.onions == simulated.discovery_keys == {}


def test_a_control_connection_that_breaks_is_made_anew_with_everything(world):
    world.start()
    world.run(world.tor.onions.publish(SERVICE))
    world.pass_time(5)
    world.memory.simulated.restart()
    settle(world.clock)
    assert world.heard[-2:] == [OnionState.UNPUBLISHED, "lost"]
    assert world.tor.status.state is TorState.WAITING
    world.pass_time(8)
    assert world.heard[-1] is OnionState.REACHABLE
    assert set(world.memory.simulated.discovery_keys) == {ADDRESS}


def test_a_tor_that_hangs_is_left_and_found_again(world):
    world.start()
    world.memory.simulated.is_hanging = True
    world.pass_time(POLL_SECONDS + 25)
    assert "lost" in world.heard
    world.memory.simulated.is_hanging = False
    world.pass_time(30)
    assert world.tor.status.state is TorState.READY


def test_when_circuits_go_and_come_back_it_is_told(world):
    world.start()
    world.memory.simulated.has_circuits = False
    world.pass_time(POLL_SECONDS + 1)
    assert world.tor.status.state is TorState.BOOTSTRAPPING
    world.memory.simulated.has_circuits = True
    world.pass_time(2)
    assert world.heard.count("ready") == 2


def test_a_filter_without_our_profile_says_what_to_install(tmp_path):
    rules = FilterRules.from_text("---\n- name: x\n  commands:\n    GETINFO:\n      - 'version'\n")
    world = World(tmp_path, rules, TorOptions(), "etc/amnesia").start()
    with pytest.raises(Exception, match="tor-profile tails"):
        world.run(world.tor.onions.publish(SERVICE))
    assert "GETINFO onions/current" in world.tor.status.missing
    assert "tor-profile tails" in world.tor.onions.problem(ADDRESS)
    assert world.tor.status.state is TorState.READY


def test_a_tor_that_says_it_restarted_is_looked_at_at_once(tmp_path):
    rules = FilterRules.from_text(profile_text("tails"))
    world = World(tmp_path, rules, TorOptions(), "etc/amnesia").start()
    world.run(world.tor.onions.publish(SERVICE))
    world.memory.simulated.restart()
    world.memory.simulated.tell("650 STATUS_CLIENT NOTICE CIRCUIT_ESTABLISHED")
    settle(world.clock)
    assert set(world.memory.simulated.onions) == {ADDRESS}


def test_a_dial_has_the_peers_own_isolation_and_its_failure_a_meaning(world):
    world.start()
    assert world.dial(user="carol").value.failure is DialFailure.NO_DESCRIPTOR
    assert world.memory.requests[-1].user == "carol"
    assert world.memory.requests[-1].host == ADDRESS + ".onion"


def test_probes_have_circuits_of_their_own(world):
    world.start()
    world.memory.replies[ADDRESS] = 0xF2
    world.run(world.tor.onions.publish(SERVICE))
    world.pass_time(20)
    users = [request.user for request in world.memory.requests]
    assert len(users) > 2
    assert len(set(users)) == len(users)
    assert world.tor.onions.state(ADDRESS) is OnionState.PUBLISHING


def test_nothing_is_dialled_before_the_start_and_after_the_stop(world):
    assert world.dial().value.failure is DialFailure.TOR_AWAY
    world.start()
    world.run(world.tor.stop())
    failure = world.dial()
    assert failure.check(DialError)
    assert failure.value.failure is DialFailure.TOR_AWAY
    assert world.memory.requests == []


def test_stopping_leaves_nothing_and_starting_again_works(world):
    world.start()
    world.run(world.tor.onions.publish(SERVICE))
    world.run(world.tor.stop())
    world.run(world.tor.stop())
    assert world.tor.status.state is TorState.STOPPED
    assert world.tor.onions.addresses == []
    assert world.memory.simulated.onions == world.memory.simulated.discovery_keys == {}
    settle(world.clock)
    assert world.clock.getDelayedCalls() == []
    world.start()
    assert world.tor.status.state is TorState.READY


def test_stopping_while_it_waits_for_tor(world):
    world.memory.control.is_refusing = True
    world.start()
    world.run(world.tor.stop())
    assert world.clock.getDelayedCalls() == []


def test_a_second_start_changes_nothing(world):
    world.start().start()
    assert len(world.memory.control.servers) == 1


def test_a_descriptor_can_be_fetched_anew_where_that_may_be(world):
    assert world.run(world.tor.refresh(ADDRESS)) is False
    world.start()
    assert world.run(world.tor.refresh(ADDRESS)) is True
    world.memory.simulated.refusals["HSFETCH"] = "510 Command filtered"
    assert world.run(world.tor.refresh(ADDRESS)) is False
    assert world.tor.status.missing == ("HSFETCH",)


@pytest.mark.parametrize("refusal", [None, "510 Command filtered", "551 no"])
def test_a_fresh_dial_fetches_first_and_goes_on_whatever_comes_of_it(world, refusal):
    world.start()
    if refusal:
        world.memory.simulated.refusals["HSFETCH"] = refusal
    results = []
    world.tor.connect(ADDRESS, VIRTUAL_PORT, "bob", Protocol(), fresh=True).addBoth(results.append)
    settle(world.clock)
    assert f"HSFETCH {ADDRESS}" in world.memory.simulated.lines
    assert results[0].value.failure is DialFailure.NO_DESCRIPTOR
    assert world.tor.status.state is TorState.READY


def test_the_socket_is_preferred_and_kept_to(tmp_path):
    (tmp_path / "run/tor").mkdir(parents=True)
    (tmp_path / "run/tor/control").touch()
    world = World(tmp_path).start()
    assert str(world.tor.place.control) == f"unix:{tmp_path}/run/tor/control"
