"""A playbook must notice what was not said, said otherwise, or said too much."""

from typing import Any

import pytest

from onionchat.log.commands import SendRecord, WakeAt
from onionchat.testing.playbook import Playbook
from onionchat.wire.records import Ping, Pong


class Parrot:
    """Answers every ping, and wants to be woken."""

    def receive_record(self, record: Any, now: float) -> list[Any]:
        """Pong, then a wake."""
        return [SendRecord(Pong(record.token)), WakeAt(now + 1)]


def test_a_dialogue() -> None:
    play = Playbook(Parrot())
    play.given(Ping(3), now=5.0).expect(SendRecord(Pong(3)), WakeAt(6.0)).expect_no_more()
    assert play.given(Ping(4)).take(Pong) == Pong(4)
    assert play.take(WakeAt) == WakeAt(1.0)


def test_it_notices() -> None:
    with pytest.raises(AssertionError, match="the next was"):
        Playbook(Parrot()).given(Ping(3)).expect(SendRecord(Pong(4)))
    with pytest.raises(AssertionError, match="the next was"):
        Playbook(Parrot()).given(Ping(3)).expect(Ping)
    with pytest.raises(AssertionError, match="nothing more was said"):
        Playbook(Parrot()).expect(WakeAt)
    with pytest.raises(AssertionError, match="nothing more was expected"):
        Playbook(Parrot()).given(Ping(3)).expect(Pong).expect_no_more()
    play = Playbook(Parrot()).given(Ping(3))
    with pytest.raises(AssertionError, match="nothing more was expected"):
        play.given(Ping(4))
