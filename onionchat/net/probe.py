"""Whether an onion of ours can be reached: we dial it ourselves, fast at first, rarely once it is there."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

FIRST_SECONDS = 0.25  # the time from start to ready is what a person waits for
GROWTH = 1.4
SLOWEST_SECONDS = 30.0
RARE_SECONDS = 600.0
FAILURES_MAX = 2  # a single failure of a circuit says nothing about the onion

ProbeCall = Callable[[], "Deferred[Any]"]


class ReachabilityProbe:
    """Probes one onion. `on_change(is_reachable)` is called at every change; at first it counts as not reachable.

    `probe()` gives a Deferred that fires when the onion was reached and fails when it was not.
    """

    def __init__(self, clock: Any, probe: ProbeCall, on_change: Callable[[bool], object]) -> None:
        self._clock = clock
        self._probe = probe
        self._on_change = on_change
        self._timer: Any = None
        self._running: Deferred[Any] | None = None
        self._delay = FIRST_SECONDS
        self._failures = 0
        self.is_reachable = False
        self._is_on = False

    def start_once(self) -> None:
        """Probe now, and go on by itself. Does nothing when that is so already."""
        if not self._is_on:
            self._is_on = True
            self._failures, self._delay = 0, FIRST_SECONDS
            self._start()

    def pause(self) -> None:
        """No more probes until `start_once`; one that is under way is cancelled. Counts as not reachable."""
        self._is_on = False
        self.is_reachable = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._running is not None:
            self._running.cancel()

    def _start(self) -> None:
        self._running = running = self._probe()
        running.addCallbacks(self._reached, self._failed)

    def _reached(self, _: object) -> None:
        self._failures = 0
        self._delay = FIRST_SECONDS
        self._again(RARE_SECONDS)
        self._set(True)

    def _failed(self, _: Failure) -> None:
        self._failures += 1
        self._again(self._delay)
        self._delay = min(SLOWEST_SECONDS, self._delay * GROWTH)
        if self._failures >= FAILURES_MAX:
            self._set(False)

    def _again(self, seconds: float) -> None:
        self._running = None
        if self._is_on:
            self._timer = self._clock.callLater(seconds, self._start)

    def _set(self, is_reachable: bool) -> None:
        if not self._is_on or self.is_reachable == is_reachable:
            return
        self.is_reachable = is_reachable
        self._on_change(is_reachable)
