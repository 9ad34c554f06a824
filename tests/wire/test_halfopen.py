"""The pool drops the oldest connections that have not authenticated."""

from hypothesis import given
from hypothesis import strategies as st

from onionchat import limits
from onionchat.wire.halfopen import HalfOpenPool


def test_the_oldest_goes_first() -> None:
    pool: HalfOpenPool[int] = HalfOpenPool(3)
    assert [pool.opened(number) for number in range(5)] == [[], [], [], [0], [1]]
    assert len(pool) == 3


def test_who_has_authenticated_or_gone_takes_no_place() -> None:
    pool: HalfOpenPool[int] = HalfOpenPool(2)
    pool.opened(1)
    pool.opened(2)
    pool.closed(1)
    pool.closed(1)
    pool.closed(99)
    assert pool.opened(3) == [] and pool.opened(4) == [2]


def test_the_same_connection_counts_once() -> None:
    pool: HalfOpenPool[str] = HalfOpenPool(2)
    pool.opened("a")
    pool.opened("b")
    assert pool.opened("a") == [] and pool.opened("c") == ["b"]


@given(st.lists(st.integers(0, 100)))
def test_it_never_grows_beyond_its_maximum(keys: list[int]) -> None:
    pool: HalfOpenPool[int] = HalfOpenPool()
    for key in keys:
        pool.opened(key)
        assert len(pool) <= limits.HALF_OPEN_MAX
