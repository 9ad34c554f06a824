"""The methods of the table, on a node; and its events, as subscribers get them."""

from collections.abc import Callable, Collection
from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.api.about import About
from onionchat.api.contacts import Contacts
from onionchat.api.conversations import Conversations
from onionchat.api.devices import Devices
from onionchat.api.events import EventFeed
from onionchat.api.methods import BY_NAME
from onionchat.api.present import Presenter
from onionchat.errors import LockedError, UsageError
from onionchat.node.node import Node
from onionchat.store.db import explained


def _explain(failure: Failure) -> NoReturn:
    with explained():
        failure.raiseException()
    raise AssertionError("it was raised")


class Service:
    """Carries out methods. `call` gives a result or a Deferred of one; errors are of `errors`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        presenter = Presenter(node)
        self._feed = EventFeed(node, presenter)
        self._methods: dict[str, Callable[[Any], Any]] = {}
        families = (About(node, presenter), Devices(node), Contacts(node, presenter), Conversations(node, presenter))
        for family in families:
            self._methods.update(family.methods())

    def call(self, name: str, params: t.Params) -> Any:
        """The result of a method, or a Deferred of it."""
        method = BY_NAME.get(name)
        function = self._methods.get(name)
        if method is None or function is None:
            raise UsageError(f"there is no method {name[:60]!r}; docs/api.md lists them")
        if not method.locked and not self._node.is_unlocked:
            raise LockedError("the profile is locked; unlock it with `onionchat unlock`")
        with explained():  # a damaged page, or a full disk, may be met in any reading
            result = function(params)
        return result.addErrback(_explain) if isinstance(result, Deferred) else result

    def subscribe(self, events: Collection[str], send: Callable[[t.Event], None]) -> Callable[[], None]:
        """Stream events; the result ends it."""
        return self._feed.subscribe(events, send)
