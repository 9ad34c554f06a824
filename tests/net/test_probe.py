"""Probing our own onion: fast, then slower, then rarely."""

from itertools import pairwise

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from onionchat.net.probe import FIRST_SECONDS, RARE_SECONDS, SLOWEST_SECONDS, ReachabilityProbe


class Probed:
    def __init__(self):
        self.clock = Clock()
        self.attempts = []
        self.changes = []
        self.probe = ReachabilityProbe(self.clock, self.attempt, self.changes.append)

    def attempt(self):
        self.attempts.append(Deferred())
        return self.attempts[-1]

    def fail(self):
        self.attempts[-1].errback(RuntimeError())

    def succeed(self):
        self.attempts[-1].callback(None)

    def next_wait(self):
        (call,) = self.clock.getDelayedCalls()
        wait = call.getTime() - self.clock.seconds()
        self.clock.advance(wait)
        return wait


def test_it_probes_at_once_and_says_so_when_reached():
    probed = Probed()
    probed.probe.start_once()
    probed.probe.start_once()
    assert len(probed.attempts) == 1
    probed.succeed()
    assert probed.changes == [True]


def test_failures_slow_it_down_to_a_limit():
    probed = Probed()
    probed.probe.start_once()
    waits = []
    for _ in range(30):
        probed.fail()
        waits.append(probed.next_wait())
    assert waits[0] == FIRST_SECONDS
    assert all(later > earlier - 1e-6 for earlier, later in pairwise(waits))
    assert abs(waits[-1] - SLOWEST_SECONDS) < 1e-6
    assert probed.changes == []


def test_once_there_it_is_probed_rarely_and_one_failure_is_forgiven():
    probed = Probed()
    probed.probe.start_once()
    probed.succeed()
    assert abs(probed.next_wait() - RARE_SECONDS) < 1e-6
    probed.fail()
    assert probed.changes == [True]
    probed.next_wait()
    probed.fail()
    assert probed.changes == [True, False]
    probed.next_wait()
    probed.succeed()
    assert probed.changes == [True, False, True]


def test_a_pause_ends_everything_until_the_next_start():
    probed = Probed()
    probed.probe.start_once()
    probed.probe.pause()
    assert probed.clock.getDelayedCalls() == []
    probed.probe.start_once()
    assert len(probed.attempts) == 2
    probed.succeed()
    probed.probe.pause()
    assert probed.clock.getDelayedCalls() == []
    assert not probed.probe.is_reachable
    assert probed.changes == [True]
