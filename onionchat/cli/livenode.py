"""A node with its socket: started, stopped, and stopped from outside by `node.stop`."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred

from onionchat.api import types as t
from onionchat.api.server import ApiServer, Service
from onionchat.api.socketpath import socket_path


class Node(Protocol):
    """What is started and stopped."""

    def start(self) -> "Deferred[Any]":
        """Fires when the store and the services are up; Tor may still be on its way."""
        ...

    def stop(self) -> "Deferred[Any]":
        """Fires when all is closed."""
        ...


class LiveNode:
    """Puts service and socket on a node. `stop_asked` fires when a client called `node.stop` or `profile.wipe`.

    It is a service itself: `node.stop` ends the process, so it is answered here; `profile.wipe` ends it as well. All
    else goes to the node's.
    """

    def __init__(self, node: Node, service: Service, profile: Path, reactor: Any) -> None:
        self._node = node
        self._service = service
        self._reactor = reactor
        self._server = ApiServer(self, socket_path(profile), reactor)
        self.stop_asked: Deferred[None] = Deferred()

    async def start(self) -> None:
        """Start the node, then listen. When that fails the node is stopped again."""
        await self._node.start()
        try:
            self._server.start()
        except BaseException:
            await self._node.stop()
            raise

    async def stop(self) -> None:
        """Let the last answers out, then stop the node."""
        await self._server.stop()
        await self._node.stop()

    def call(self, name: str, params: t.Params) -> Any:
        """Carry out one method."""
        if name == "node.stop":
            self._ask_to_stop()
            return t.Done()
        result = self._service.call(name, params)
        if name == "profile.wipe":
            return maybeDeferred(lambda: result).addCallback(self._wiped)
        return result

    def _wiped(self, done: t.Done) -> t.Done:
        self._ask_to_stop()
        return done

    def _ask_to_stop(self) -> None:
        if not self.stop_asked.called:
            self._reactor.callLater(0, self._stop_asked)  # after this answer

    def _stop_asked(self) -> None:
        if not self.stop_asked.called:
            self.stop_asked.callback(None)

    def subscribe(self, events: Collection[str], send: Callable[[t.Event], None]) -> Callable[[], None]:
        """Events go straight from the node's service."""
        return self._service.subscribe(events, send)
