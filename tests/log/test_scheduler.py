"""One peer for a log at a time."""

from onionchat import limits
from onionchat.log.scheduler import RequestScheduler

LOG = b"l" * 32
STALL = limits.REQUEST_STALL_SECONDS


def test_the_first_claim_holds_until_it_is_released() -> None:
    scheduler = RequestScheduler()
    assert scheduler.claim(LOG, "one", 0.0)
    assert scheduler.claim(LOG, "one", 1.0)
    assert not scheduler.claim(LOG, "two", 1.0)
    scheduler.release(LOG, "two")
    assert not scheduler.claim(LOG, "two", 1.0)
    scheduler.release(LOG, "one")
    assert scheduler.free_at(LOG) is None
    assert scheduler.claim(LOG, "two", 1.0)


def test_progress_keeps_a_claim_and_a_stall_loses_it() -> None:
    scheduler = RequestScheduler()
    scheduler.claim(LOG, "one", 0.0)
    scheduler.progressed(LOG, "one", 50.0)
    scheduler.progressed(LOG, "two", 500.0)
    assert scheduler.free_at(LOG) == 50.0 + STALL
    assert not scheduler.claim(LOG, "two", 49.0 + STALL)
    assert scheduler.claim(LOG, "two", 50.0 + STALL)


def test_an_ended_session_leaves_all() -> None:
    scheduler = RequestScheduler()
    scheduler.claim(LOG, "one", 0.0)
    scheduler.claim(b"m" * 32, "two", 0.0)
    scheduler.release_all("one")
    assert scheduler.claim(LOG, "two", 0.0)
    assert not scheduler.claim(b"m" * 32, "one", 0.0)
