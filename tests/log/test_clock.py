"""The hybrid clock: grows along the chain and along what was seen, and does not follow liars."""

from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.log.clock import is_future, next_time

NOW = 1_800_000_000_000
TIMES = st.tuples(st.integers(0, NOW + 2 * limits.FUTURE_MILLISECONDS_MAX), st.integers(0, limits.COUNTER_MAX))


def test_our_clock_rules_when_it_is_ahead() -> None:
    assert next_time(NOW, (NOW - 5, 7), [(NOW - 1, 3)]) == (NOW, 0)


def test_a_burst_counts_instead_of_running_ahead() -> None:
    time = (NOW, 0)
    for expected in range(1, 100):
        time = next_time(NOW, time, [])
        assert time == (NOW, expected)


def test_a_seen_time_within_the_bound_raises_it() -> None:
    ahead = (NOW + limits.FUTURE_MILLISECONDS_MAX, 4)
    assert next_time(NOW, (0, 0), [ahead]) == (ahead[0], 5)


def test_a_seen_time_from_the_future_does_not() -> None:
    assert next_time(NOW, (0, 0), [(NOW + limits.FUTURE_MILLISECONDS_MAX + 1, 0)]) == (NOW, 0)


def test_our_own_past_in_the_future_still_grows() -> None:
    last = (NOW + 3_600_000, 1)
    assert next_time(NOW, last, []) == (last[0], 2)


def test_a_full_counter_moves_to_the_next_millisecond() -> None:
    assert next_time(NOW, (NOW, limits.COUNTER_MAX), []) == (NOW + 1, 0)


def test_the_future_begins_after_ten_minutes() -> None:
    assert not is_future((NOW + limits.FUTURE_MILLISECONDS_MAX, 9), NOW)
    assert is_future((NOW + limits.FUTURE_MILLISECONDS_MAX + 1, 0), NOW)


@given(TIMES, st.lists(TIMES, max_size=5))
def test_it_is_later_than_the_log_and_all_that_counts(last: tuple[int, int], seen: list[tuple[int, int]]) -> None:
    time = next_time(NOW, last, seen)
    assert time > last
    assert all(time > one for one in seen if not is_future(one, NOW))
    assert 0 <= time[1] <= limits.COUNTER_MAX
