"""A reactor in a thread of its own, so that a short command can block on what is asynchronous."""

import threading
from typing import Any

from onionchat.cli.faults import tell_places_only


class ReactorThread:
    """A reactor in a thread, for callers that block. One that runs already is used, and left running."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self._thread: threading.Thread | None = None
        if not self.reactor.running:
            tell_places_only()
            started = threading.Event()
            self.reactor.callWhenRunning(started.set)
            run = {"installSignalHandlers": False}
            self._thread = threading.Thread(target=self.reactor.run, kwargs=run, name="reactor", daemon=True)
            self._thread.start()
            started.wait()

    def call(self, function: Any, *arguments: Any) -> Any:
        """Call a function in the reactor's thread and wait for its result, also when that is a Deferred."""
        from twisted.internet.threads import blockingCallFromThread

        return blockingCallFromThread(self.reactor, function, *arguments)

    def stop(self) -> None:
        """Stop the reactor, if it is ours."""
        if self._thread is not None:
            self.reactor.callFromThread(self.reactor.stop)
            self._thread.join()
