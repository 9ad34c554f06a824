"""`LocalClient`: the same calls as `AsyncClient`, on a service in this very process."""

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from onionchat.api import types as t
from onionchat.api.methods import EVENTS
from onionchat.api.server import Service


class LocalClient:
    """What a console in the node's own process calls."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._unsubscribe: Callable[[], None] | None = None

    def call(self, name: str, params: t.Params | None = None) -> "Deferred[Any]":
        """Call a method; fires with its typed result, or fails with OnionchatError."""
        return maybeDeferred(self._service.call, name, t.Nothing() if params is None else params)

    def subscribe(self, on_event: Callable[[t.Event], None], events: Collection[str] = ()) -> None:
        """Every event from now on (of these names; none named: all) goes to `on_event`."""
        self.close()
        self._unsubscribe = self._service.subscribe(tuple(events) or EVENTS, on_event)

    def close(self) -> None:
        """End the subscription."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
