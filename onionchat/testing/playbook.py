"""Tests of pure cores that read as a dialogue: given this, expect that, and nothing else.

    play = Playbook(session)
    play.given(Frontier(CHAT, positions), now=1.0).expect(SendRecord(Request(CHAT, ALICE, 3, 4)))
    play.expect_no_more()

Commands are compared by equality; a class stands for any command (or record in a `SendRecord`) of that class.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class TakesRecords(Protocol):
    """What a playbook plays with: a core whose methods return commands."""

    def receive_record(self, record: Any, now: float) -> Sequence[Any]:
        """A record came in."""


class Playbook:
    """Plays with one core and checks its commands in order."""

    def __init__(self, core: TakesRecords) -> None:
        self.core = core
        self._said: list[Any] = []

    def given(self, record: Any, now: float = 0.0) -> "Playbook":
        """The peer sends a record."""
        return self.when(lambda: self.core.receive_record(record, now))

    def when(self, call: Callable[[], Sequence[Any]]) -> "Playbook":
        """Something happens on our side. What was said before must have been expected."""
        self.expect_no_more()
        self._said = list(call())
        return self

    def expect(self, *wanted: Any) -> "Playbook":
        """The next commands, in this order."""
        for want in wanted:
            assert self._said, f"expected {want!r}, but nothing more was said"
            said = self._said.pop(0)
            assert _fits(said, want), f"expected {want!r}, but the next was {said!r}"
        return self

    def take(self, kind: type[Any]) -> Any:
        """The next command, or the record in it when `kind` is a record's class."""
        first = self._said[0] if self._said else None
        self.expect(kind)
        return first if isinstance(first, kind) else getattr(first, "record", None)

    def expect_no_more(self) -> None:
        """Nothing else was said."""
        assert not self._said, f"nothing more was expected, but: {self._said!r}"


def _fits(said: Any, want: Any) -> bool:
    if not isinstance(want, type):
        return bool(said == want)
    return isinstance(said, want) or isinstance(getattr(said, "record", None), want)
