"""Events and warnings of a node, and what is said of a background job that failed."""

from collections.abc import Callable, Iterable

from twisted.logger import Logger
from twisted.python.failure import Failure

from onionchat.errors import LockedError, RemovedError
from onionchat.node.events import NodeEvent, TorChanged

WARNINGS_MAX = 8

_log = Logger()


class Telling:
    """Who wants to hear of everything, and what the user should know."""

    def __init__(self, warnings: Iterable[str] = ()) -> None:
        self._subscribers: list[Callable[[NodeEvent], None]] = []
        self.warnings: list[str] = list(warnings)

    def subscribe(self, listener: Callable[[NodeEvent], None]) -> Callable[[], None]:
        """Hear of everything; the result ends it."""
        self._subscribers.append(listener)

        def unsubscribe() -> None:
            if listener in self._subscribers:
                self._subscribers.remove(listener)

        return unsubscribe

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody would hear of an event."""
        return bool(self._subscribers)

    def emit(self, event: NodeEvent) -> None:
        """Tell the subscribers. A fault of one of them harms no one else."""
        for listener in list(self._subscribers):
            try:
                listener(event)
            except Exception as fault:
                _log.error("a subscriber failed: {kind}", kind=type(fault).__name__)

    def warn(self, text: str) -> None:
        """Something that the user should know; `status` shows the last few."""
        if text not in self.warnings:
            self.warnings.append(text)
            del self.warnings[:-WARNINGS_MAX]
        self.emit(TorChanged())

    def report(self, failure: Failure) -> None:
        """A background job failed: its class goes to the log, never what it was about."""
        if isinstance(failure.value, LockedError | RemovedError):
            return
        _log.error("a background job failed: {kind}", kind=type(failure.value).__name__)
        for name, file, line, *_ in failure.frames:  # places only: the text of an error may hold anything
            _log.error("  {file}:{line} in {name}", file=file, line=line, name=name)
