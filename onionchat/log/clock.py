"""Hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone 2014): causal order first, then wall-clock order.

A time is (ms since 1970, counter). It is the author's clock, raised to everything the entry has seen; the counter
breaks ties, so that a burst of entries does not run ahead of the clock.
"""

from collections.abc import Iterable

from onionchat import limits

HybridTime = tuple[int, int]
"""(ms since 1970, counter), compared as tuples."""


def next_time(now_ms: int, last: HybridTime, seen: Iterable[HybridTime]) -> HybridTime:
    """The time of the next entry of a log.

    Args: `now_ms` our clock; `last` the time of the log's newest entry, (0, 0) without one; `seen` the times of
    what the entry names as seen. Times that are still in the future do not raise it, but `last` always does,
    because the chain demands a growing time.
    """
    newest = last
    for time in seen:
        if time > newest and not is_future(time, now_ms):
            newest = time
    if now_ms > newest[0]:
        return (now_ms, 0)
    if newest[1] >= limits.COUNTER_MAX:
        return (newest[0] + 1, 0)
    return (newest[0], newest[1] + 1)


def is_future(time: HybridTime, now_ms: int) -> bool:
    """Whether a time is so far ahead of our clock that it is flagged and neither seen nor followed until due."""
    return time[0] > now_ms + limits.FUTURE_MILLISECONDS_MAX
