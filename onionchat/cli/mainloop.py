"""Runs a coroutine on the reactor to its end, and turns SIGINT and SIGTERM into a Deferred that it can wait for."""

import signal
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat.cli.faults import tell_places_only

T = TypeVar("T")
Main = Callable[[Any, "Deferred[None]"], Coroutine[Any, Any, T]]
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Main[T]) -> T:
    """Await `main(reactor, interrupted)`; what it returns, or raises. `interrupted` fires at the first signal.

    Where the reactor runs already (in tests), it is used and left running.
    """
    from twisted.internet import reactor as found
    from twisted.internet.threads import blockingCallFromThread

    reactor: Any = found
    if reactor.running:
        never: Deferred[None] = Deferred()
        call: Any = lambda: Deferred.fromCoroutine(main(reactor, never))  # noqa: E731
        found_value: T = blockingCallFromThread(reactor, call)
        return found_value
    tell_places_only()
    reactor.seconds = steady_seconds
    outcome: list[Any] = []
    reactor.callWhenRunning(_start, main, reactor, outcome)
    reactor.run()
    result = outcome[0] if outcome else KeyboardInterrupt()
    if isinstance(result, Failure):
        result.raiseException()
    if isinstance(result, BaseException):
        raise result
    value: T = result
    return value


def steady_seconds() -> float:
    """The reactor's time: that of the machine's start. It goes on while the machine sleeps, and nobody sets it.

    Twisted takes the wall clock: set back by a year, it would hold up every dial and every heartbeat for a year.
    """
    return time.clock_gettime(_STEADY_CLOCK)


def _start(main: Main[T], reactor: Any, outcome: list[Any]) -> None:
    interrupted: Deferred[None] = Deferred()
    if threading.current_thread() is threading.main_thread():
        _listen_for_signals(reactor, interrupted)

    def end(result: Any) -> None:
        outcome.append(result)
        reactor.stop()

    Deferred.fromCoroutine(main(reactor, interrupted)).addBoth(end)


def _listen_for_signals(reactor: Any, interrupted: "Deferred[None]") -> None:
    def fire() -> None:
        if not interrupted.called:
            interrupted.callback(None)

    def on_signal(number: int, frame: object) -> None:
        reactor.callFromThread(fire)  # wakes the reactor up

    for number in SIGNALS:
        signal.signal(number, on_signal)


def first_of(*waiting: "Deferred[Any]") -> "Deferred[Any]":
    """Fires, or fails, as the first of these does. The others are left alone."""
    first: Deferred[Any] = Deferred()

    def settle(result: Any) -> None:
        if not first.called:
            first.callback(result)  # a Failure goes to the errbacks

    for each in waiting:
        each.addBoth(settle)
    return first
