"""Forwarding to another control port: authenticated, in order, and over a restart when a filter stands before it."""

import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from onionchat.net.control import connect_control
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlforward import ForwardedTor
from onionchat.testing.controlport import ControlServer, SimulatedTor
from onionchat.testing.memory import MemoryEndpoint, settle


class World:
    def __init__(self, tmp_path, rules=None):
        self.clock = Clock()
        self.real = SimulatedTor()
        self.real.cookie_path = tmp_path / "cookie"
        self.real.cookie_path.write_bytes(bytes(range(32)))
        upstream = MemoryEndpoint(self.clock, lambda: ControlServer(self.real))
        forwarded = ForwardedTor(self.clock, upstream, self.real.cookie_path)
        self.endpoint = MemoryEndpoint(self.clock, lambda: ControlServer(forwarded, rules))
        self.heard = []

    def run(self, coroutine):
        results = []
        ensureDeferred(coroutine).addBoth(results.append)
        for _ in range(5):
            settle(self.clock)
            self.clock.advance(0.1)
        return results[0]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, FilterRules.from_text(profile_text("tails")))


def test_questions_are_passed_on_with_the_real_cookie(world):
    control = world.run(connect_control(world.endpoint, world.clock, ""))
    assert control.version == "0.4.9.11"
    assert world.run(control.onions_current()) == set()
    assert f"AUTHENTICATE {bytes(range(32)).hex()}" in world.real.lines


def test_behind_a_filter_a_restart_is_not_seen_and_events_come_again(world):
    control = world.run(connect_control(world.endpoint, world.clock, ""))
    world.run(control.listen(lambda name, line: world.heard.append(name)))
    world.real.restart()
    assert world.run(control.onions_current()) == set()
    assert not control.is_lost
    world.real.upload("a" * 56)
    settle(world.clock)
    assert world.heard == ["HS_DESC"]


def test_without_a_filter_a_restart_ends_the_connection(tmp_path):
    world = World(tmp_path)
    control = world.run(connect_control(world.endpoint, world.clock, ""))
    assert control.version == "0.4.9.11"
    world.real.restart()
    settle(world.clock)
    assert control.is_lost


def test_a_tor_that_is_away_at_first_is_waited_for(world):
    cookie = world.real.cookie_path.read_bytes()
    world.real.cookie_path.write_bytes(b"not yet")
    world.real.refusals["AUTHENTICATE"] = "515 Authentication failed"
    results = []
    ensureDeferred(connect_control(world.endpoint, world.clock, "")).addBoth(results.append)
    settle(world.clock)
    assert results == []
    world.real.cookie_path.write_bytes(cookie)
    world.real.refusals.clear()
    for _ in range(5):
        world.clock.advance(0.1)
        settle(world.clock)
    assert results[0].version == "0.4.9.11"
