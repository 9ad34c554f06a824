"""When a heartbeat is due, when the other side counts as dead, and how many questions are answered."""

import pytest

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.wire.heartbeat import TOKEN_BYTES, Heartbeat
from onionchat.wire.records import Ping, Pong
from tests.wire.stream import counting_random

SILENCE, PATIENCE = limits.HEARTBEAT_SECONDS, limits.HEARTBEAT_TIMEOUT_SECONDS


@pytest.fixture
def heartbeat() -> Heartbeat:
    return Heartbeat(100.0, counting_random())


def test_nothing_is_due_before_silence(heartbeat: Heartbeat) -> None:
    assert heartbeat.next_at == 100.0 + SILENCE
    assert heartbeat.due(100.0 + SILENCE - 0.1) is None
    ping = heartbeat.due(100.0 + SILENCE)
    assert ping == Ping(1) and heartbeat.next_at == 100.0 + SILENCE + PATIENCE
    assert heartbeat.due(100.0 + SILENCE + 1) is None, "not twice"


def test_one_end_leaves_the_first_word_to_the_other() -> None:
    """So that a channel at rest carries one question and one answer each time, not two of each."""
    asks, yields = Heartbeat(0.0, counting_random()), Heartbeat(0.0, counting_random(), yields=True)
    for _ in range(10):
        now = asks.next_at
        ping = asks.due(now)
        assert ping is not None and yields.due(now + 1) is None
        yields.heard(now + 1)
        asks.answered(yields.answer(ping, now + 1), now + 2)
        asks.heard(now + 2)
    assert yields.due(yields.next_at) is not None


def test_it_is_dead_after_as_many_lost_as_allowed(heartbeat: Heartbeat) -> None:
    for _ in range(limits.HEARTBEATS_LOST_MAX):
        assert heartbeat.due(heartbeat.next_at) is not None and not heartbeat.dead
    assert heartbeat.due(heartbeat.next_at) is None and heartbeat.dead


def test_a_sign_of_life_starts_anew(heartbeat: Heartbeat) -> None:
    heartbeat.due(heartbeat.next_at)
    heartbeat.due(heartbeat.next_at)
    heartbeat.heard(500.0)
    assert heartbeat.next_at == 500.0 + SILENCE
    for _ in range(limits.HEARTBEATS_LOST_MAX):
        assert heartbeat.due(heartbeat.next_at) is not None
    assert not heartbeat.dead


def test_only_the_answer_to_the_last_question_measures(heartbeat: Heartbeat) -> None:
    first, at = heartbeat.due(heartbeat.next_at), heartbeat.next_at
    second = heartbeat.due(at)
    assert first is not None and second is not None
    heartbeat.answered(Pong(first.token), at + 1)
    assert heartbeat.rtt_seconds is None
    heartbeat.answered(Pong(second.token), at + 2)
    heartbeat.answered(Pong(second.token), at + 9)
    assert heartbeat.rtt_seconds == 2


def test_a_clock_that_goes_back_gives_no_negative_time(heartbeat: Heartbeat) -> None:
    ping = heartbeat.due(heartbeat.next_at)
    assert ping is not None
    heartbeat.answered(Pong(ping.token), 0.0)
    assert heartbeat.rtt_seconds == 0.0


def test_tokens_are_random_and_fit() -> None:
    heartbeat = Heartbeat(0.0, lambda size: b"\xff" * size)
    ping = heartbeat.due(SILENCE)
    assert ping is not None and ping.token == 2 ** (8 * TOKEN_BYTES) - 1


def test_questions_are_answered_at_a_bounded_rate(heartbeat: Heartbeat) -> None:
    for number in range(limits.PINGS_AT_ONCE_MAX):
        assert heartbeat.answer(Ping(number), 100.0) == Pong(number)
    with pytest.raises(RemoteError):
        heartbeat.answer(Ping(1), 100.5)
    assert heartbeat.answer(Ping(2), 101.1) == Pong(2)
    for number in range(limits.PINGS_AT_ONCE_MAX):
        heartbeat.answer(Ping(number), 10_000.0)
    with pytest.raises(RemoteError):
        heartbeat.answer(Ping(1), 10_000.0)
