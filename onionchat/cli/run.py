"""`onionchat run`: a node without a console."""

from typing import Any

from twisted.internet.defer import Deferred

from onionchat.api import types as t
from onionchat.api.server import Service
from onionchat.cli import mainloop
from onionchat.cli.livenode import LiveNode
from onionchat.cli.output import note, say
from onionchat.cli.session import Context
from onionchat.errors import ExitCode, LocalError, TorError

_TOR_LOST = "lost"


class Readiness:
    """Says `ready ADDRESS` once the onion can be reached, and what is missing while it cannot.

    `gave_up` fails with TorError when Tor cannot be used and `is_once` was asked for.
    """

    def __init__(self, service: Service, is_once: bool) -> None:
        self._service = service
        self._is_once = is_once
        self._is_said = False
        self._complaint = ""
        self.gave_up: Deferred[None] = Deferred()

    def look(self, event: t.Event | None = None) -> None:
        """Called at the start and at every `tor` event."""
        # while the node is locked, or being closed, there is no status: the next event brings one
        Deferred.fromCoroutine(self._look()).addErrback(lambda _: None)

    async def _look(self) -> None:
        found = self._service.call("status.get", t.Nothing())
        status: t.Status = await found if isinstance(found, Deferred) else found
        if status.onion == "reachable":
            if not self._is_said:
                self._is_said = True
                say(f"ready {status.address}")
            self._complaint = ""
        elif status.tor.state == _TOR_LOST:
            self._complain(status.tor.summary or "Tor cannot be reached (`onionchat doctor` tells more)")
        elif status.onion_problem:
            self._complain(status.onion_problem)

    def _complain(self, text: str) -> None:
        if self._is_once and not self._is_said:
            if not self.gave_up.called:
                self.gave_up.errback(TorError(text))
        elif text != self._complaint:
            self._complaint = text
            note(f"{text}; waiting for it")


def run(context: Context) -> int:
    """`run`: until SIGINT, SIGTERM or `onionchat stop`."""
    from onionchat.cli import compose

    compose.require_profile(context.profile)
    settings = context.settings()
    if context.is_node_running():
        raise LocalError("a node is running on this profile already")
    passphrase = [context.passphrase.existing()]  # a list, so that this function keeps nothing of it while it runs

    async def main(reactor: Any, interrupted: "Deferred[None]") -> int:
        node = compose.build_node(context.profile, passphrase.pop(), reactor, settings)
        service = compose.build_service(node)
        live = LiveNode(node, service, context.profile, reactor)
        await live.start()
        readiness = Readiness(service, context.options.once)
        unsubscribe = service.subscribe(("tor",), readiness.look)
        readiness.look()
        try:
            await mainloop.first_of(interrupted, live.stop_asked, readiness.gave_up)
        finally:
            unsubscribe()
            await live.stop()
        return int(ExitCode.DONE)

    return mainloop.run(main)
