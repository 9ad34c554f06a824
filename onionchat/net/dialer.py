"""Who is to be dialled, and when. No I/O, no clock, no randomness of its own.

Rules, for each target (anything hashable; the node uses device ids and invitation addresses):

| state | leaves it by | goes to |
|---|---|---|
| WAITING until a time | the time has come, a slot is free, Tor is there: `Dial` | DIALING |
| DIALING | `dial_succeeded`; it is of use from `channel_opened` on | CONNECTED |
| DIALING | `dial_failed`: longer and longer waits, with jitter | WAITING |
| CONNECTED | `lost`: soon again when it was of use, else longer and longer waits | WAITING |
| any | the other side dialled us: `channel_opened` | CONNECTED |

- At most `BACKGROUND_DIALS_MAX` are under way at once. *Urgent* targets (an open conversation, something to
  be delivered by hand) do not count: they are dialled at once when they become urgent, and wait less.
- What went wrong decides how fast the wait grows. Who has no descriptor is off, and dials us when back.
- Failures of our own Tor count as no try. When Tor comes back, all waits are cut to a few seconds.
- Jitter (half of the wait) keeps devices that lost each other from dialling in step, and a watcher from
  telling contacts by the beat. It comes from `random`, a source of bytes.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from onionchat.limits import BACKGROUND_DIALS_MAX, BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS
from onionchat.net.failure import DialFailure

T = TypeVar("T", bound=Hashable)

URGENT_MIN_SECONDS = 1.0
URGENT_MAX_SECONDS = 30.0  # somebody is looking at the screen
SPREAD_SECONDS = 2.0  # after Tor came back, and after a channel broke: not all in the same moment
_GROWTH_STEPS_MAX = 16  # 2 ** 16 × the least wait is far beyond the longest: keeps the power small

_PATIENCE = {  # what a wait is multiplied by
    DialFailure.NO_DESCRIPTOR: 2.0,
    DialFailure.KEY_MISSING: 4.0,
    DialFailure.KEY_WRONG: 4.0,
    DialFailure.BAD_ADDRESS: 16.0,
    DialFailure.REJECTED: 16.0,
}
_MAYBE_STALE = frozenset(
    {
        DialFailure.LOST,
        DialFailure.TIMED_OUT,
        DialFailure.TARGET_REFUSED,
        DialFailure.INTRODUCTION_FAILED,
        DialFailure.BAD_DESCRIPTOR,
        DialFailure.UNREACHABLE,
    }
)  # an onion whose Tor was restarted fails like this as long as its old descriptor is used
_NOT_THEIRS = frozenset({DialFailure.TOR_AWAY, DialFailure.NOT_TOR, DialFailure.CANCELLED})


class DialState(Enum):
    """Where a target stands."""

    WAITING = "waiting"
    DIALING = "dialing"
    CONNECTED = "connected"


@dataclass(frozen=True)
class Dial(Generic[T]):
    """Dial this target now, and report how it went. `fresh`: Tor's descriptor of it may be an old one."""

    target: T
    fresh: bool = False


@dataclass(frozen=True)
class WakeAt:
    """Call `wake` at this time, in seconds; it replaces the time given before."""

    time: float


@dataclass(frozen=True)
class Explanation:
    """A target on the connection screen. `next_try_seconds` is None unless it waits for a time of its own."""

    state: DialState
    tries: int
    next_try_seconds: float | None
    last_failure: str | None


@dataclass
class _Target:
    state: DialState = DialState.WAITING
    not_before: float = 0.0
    tries: int = 0
    last_failure: DialFailure | None = None
    is_wanted: bool = True
    is_urgent: bool = False
    is_taken: bool = False  # the channel that it has, or had, was of use


Command = Dial[T] | WakeAt


class Dialer(Generic[T]):
    """Decides; whoever holds it dials. Every method that returns commands must have them carried out."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._targets: dict[T, _Target] = {}
        self._has_tor = False

    # --- what is wanted ----------------------------------------------------------------------------

    def wanted(self, targets: Iterable[T], now: float, urgent: Collection[T] = ()) -> list[Command[T]]:
        """The whole set of targets to be connected with; `urgent` ones of them are dialled at once."""
        names = dict.fromkeys(targets)  # no set: in what order is dialled must not depend on hashes
        for name in names:
            if name not in self._targets:
                self._targets[name] = _Target(not_before=now)
        for name, target in list(self._targets.items()):
            target.is_wanted = name in names
            if not target.is_wanted and target.state is DialState.WAITING:
                del self._targets[name]
                continue
            self._set_urgent(target, target.is_wanted and name in urgent, now)
        return self.wake(now)

    def _set_urgent(self, target: _Target, is_urgent: bool, now: float) -> None:
        if is_urgent and not target.is_urgent and target.state is DialState.WAITING:
            target.not_before = min(target.not_before, now)
        target.is_urgent = is_urgent

    # --- what happened -----------------------------------------------------------------------------

    def dial_succeeded(self, target: T, now: float) -> list[Command[T]]:
        """A dial of ours led to a channel (authenticated: a stream alone is no success).

        It counts as a try until `channel_opened`: who turns us away at once would else be dialled every other second.
        """
        known = self._targets.get(target)
        if known is not None and known.state is not DialState.CONNECTED:
            known.state, known.is_taken = DialState.CONNECTED, False
        return self.wake(now)

    def channel_opened(self, target: T, now: float) -> list[Command[T]]:
        """There is a channel that both sides want, whoever dialled."""
        known = self._targets.get(target)
        if known is not None:
            known.state, known.tries, known.last_failure, known.is_taken = DialState.CONNECTED, 0, None, True
        return self.wake(now)

    def dial_failed(self, target: T, failure: DialFailure, now: float) -> list[Command[T]]:
        """A dial ended without a channel. Ignored when a channel was opened meanwhile from the other side."""
        known = self._targets.get(target)
        if known is None or known.state is not DialState.DIALING:
            return self.wake(now)
        known.state, known.last_failure = DialState.WAITING, failure
        if failure in _NOT_THEIRS:
            known.not_before = now + self._jittered(SPREAD_SECONDS)
        else:
            known.tries += 1
            known.not_before = now + self._wait_seconds(known, failure)
        self._drop_unwanted(target, known)
        return self.wake(now)

    def lost(self, target: T, now: float, failure: DialFailure = DialFailure.LOST) -> list[Command[T]]:
        """A channel ended. `REJECTED` when it was we who ended it, for cause: then the wait is long.

        The wait grows as for a failed dial when the channel was never of use.
        """
        known = self._targets.get(target)
        if known is None or known.state is not DialState.CONNECTED:
            return self.wake(now)
        known.state, known.last_failure = DialState.WAITING, failure
        if failure in _PATIENCE or not known.is_taken:
            known.tries += 1
            known.not_before = now + self._wait_seconds(known, failure)
        else:
            known.not_before = now + self._jittered(SPREAD_SECONDS)
        self._drop_unwanted(target, known)
        return self.wake(now)

    def tor_lost(self, now: float) -> list[Command[T]]:
        """No Tor: nothing is dialled until it is back."""
        self._has_tor = False
        return self.wake(now)

    def tor_returned(self, now: float) -> list[Command[T]]:
        """Tor has circuits (again): all waits are cut short, and grow anew from there."""
        self._has_tor = True
        for target in self._targets.values():
            if target.state is DialState.WAITING and target.last_failure is not DialFailure.REJECTED:
                soon = now if target.last_failure is None else now + self._jittered(SPREAD_SECONDS)
                target.not_before = min(target.not_before, soon)
                target.tries = min(target.tries, 1)
        return self.wake(now)

    def wake(self, now: float) -> list[Command[T]]:
        """What is due now, and when to call again."""
        commands: list[Command[T]] = []
        for name in self._due(now):
            target = self._targets[name]
            target.state = DialState.DIALING
            commands.append(Dial(name, target.last_failure in _MAYBE_STALE))
        next_wake = self._next_wake(now)
        if next_wake is not None:
            commands.append(WakeAt(next_wake))
        return commands

    def _due(self, now: float) -> list[T]:
        """Urgent ones all, of the others as many as there are slots, the longest overdue first."""
        if not self._has_tor:
            return []
        waiting = [
            (name, target)
            for name, target in self._targets.items()
            if target.state is DialState.WAITING and target.not_before <= now
        ]
        waiting.sort(key=lambda item: item[1].not_before)
        background = [name for name, target in waiting if not target.is_urgent]
        return [name for name, target in waiting if target.is_urgent] + background[: self._free_slots()]

    def _free_slots(self) -> int:
        dialing = sum(1 for t in self._targets.values() if t.state is DialState.DIALING and not t.is_urgent)
        return max(0, BACKGROUND_DIALS_MAX - dialing)

    def _next_wake(self, now: float) -> float | None:
        """The next time at which a wait ends. Those that are overdue wait for a slot, not for a time."""
        if not self._has_tor:
            return None
        times = [t.not_before for t in self._targets.values() if t.state is DialState.WAITING and t.not_before > now]
        return min(times, default=None)

    # --- for the connection screen -----------------------------------------------------------------

    def explain(self, target: T, now: float) -> Explanation | None:
        """How it stands with a target; None for one that is not wanted."""
        known = self._targets.get(target)
        if known is None or not known.is_wanted:
            return None
        waits = known.state is DialState.WAITING and self._has_tor
        return Explanation(
            known.state,
            known.tries,
            max(0.0, known.not_before - now) if waits else None,
            known.last_failure.value if known.last_failure else None,
        )

    # --- waits -------------------------------------------------------------------------------------

    def _wait_seconds(self, target: _Target, failure: DialFailure) -> float:
        """Exponential in the tries (Jacobson 1988), half of it jitter, within the caps."""
        least, most = BACKOFF_MIN_SECONDS, BACKOFF_MAX_SECONDS
        if target.is_urgent and failure is not DialFailure.REJECTED:
            least, most = URGENT_MIN_SECONDS, URGENT_MAX_SECONDS
        doubled = least * 2.0 ** min(target.tries - 1, _GROWTH_STEPS_MAX)
        return self._jittered(min(most, doubled * _PATIENCE.get(failure, 1.0)))

    def _jittered(self, seconds: float) -> float:
        """Between half of it and all of it."""
        fraction = int.from_bytes(self._random(4), "big") / 2**32
        return seconds * (0.5 + 0.5 * fraction)

    def _drop_unwanted(self, name: T, target: _Target) -> None:
        if not target.is_wanted:
            del self._targets[name]
