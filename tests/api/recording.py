"""A service that writes down what it is asked and answers what it was told: for tests of both ends of the API."""

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred

from onionchat.api import types as t
from onionchat.errors import LocalError


class RecordingService:
    """`answers` maps a method to a result, an exception, a Deferred, or a function of the parameters."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[str, t.Params]] = []
        self.answers: dict[str, Any] = {}
        self.subscribers: dict[int, tuple[tuple[str, ...], Callable[[t.Event], None]]] = {}
        self._next = 0

    def call(self, name: str, params: t.Params) -> Any:
        self.calls.append((name, params))
        answer = self.answers.get(name, t.Done())
        if isinstance(answer, Exception):
            raise answer
        return answer(params) if callable(answer) and not isinstance(answer, Deferred) else answer

    def subscribe(self, events: Collection[str], send: Callable[[t.Event], None]) -> Callable[[], None]:
        self._next += 1
        number = self._next
        self.subscribers[number] = (tuple(events), send)

        def unsubscribe() -> None:
            if self.subscribers.pop(number, None) is None:
                raise LocalError("unsubscribed twice")

        return unsubscribe

    def publish(self, event: t.Event) -> None:
        """Send an event to those who asked for it."""
        for names, send in list(self.subscribers.values()):
            if event.event in names:
                send(event)

    @property
    def methods(self) -> list[str]:
        """The names of the methods that were called."""
        return [name for name, _ in self.calls]
