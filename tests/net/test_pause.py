"""Sleeping, and being woken."""

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from onionchat.net.pause import Pause


def sleeper(pause, seconds):
    woken = []
    ensureDeferred(pause.sleep(seconds)).addCallback(woken.append)
    return woken


def test_it_sleeps_its_time():
    clock = Clock()
    woken = sleeper(Pause(clock), 5)
    clock.advance(4.9)
    assert woken == []
    clock.advance(0.2)
    assert woken == [None]


def test_a_poke_wakes_and_leaves_no_timer():
    clock = Clock()
    pause = Pause(clock)
    woken = sleeper(pause, 5)
    pause.poke()
    assert woken == [None]
    assert clock.getDelayedCalls() == []


def test_a_poke_before_the_sleep_is_not_lost_and_counts_once():
    pause = Pause(Clock())
    pause.poke()
    pause.poke()
    assert sleeper(pause, 5) == [None]
    assert sleeper(pause, 5) == []


def test_after_the_end_nobody_sleeps():
    pause = Pause(Clock())
    woken = sleeper(pause, 5)
    pause.end()
    assert woken == [None]
    assert sleeper(pause, 5) == [None]
    assert sleeper(pause, 5) == [None]
    assert pause.has_ended()
