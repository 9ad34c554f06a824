"""What goes out to one client of the local API, and how much of it may wait."""

from collections import deque
from collections.abc import Callable

from onionchat.limits import API_EVENTS_QUEUED_MAX, API_EVENTS_QUEUED_MAX_BYTES


class Outbox:
    """Writes answers at once; holds events back while the transport's buffer is full, up to a cap."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._events: deque[bytes] = deque()
        self._event_bytes = 0
        self.is_held = False

    def write(self, line: bytes) -> None:
        """Answers: bounded because no call is taken while the outbox is held."""
        self._write(line)

    def write_event(self, line: bytes) -> bool:
        """Send an event, or queue it. False when too many wait: the client does not read."""
        if not self.is_held:
            self._write(line)
            return True
        self._events.append(line)
        self._event_bytes += len(line)
        return len(self._events) <= API_EVENTS_QUEUED_MAX and self._event_bytes <= API_EVENTS_QUEUED_MAX_BYTES

    def hold(self) -> None:
        """The transport's buffer is full."""
        self.is_held = True

    def release(self) -> None:
        """The transport's buffer is empty: send what waited, as far as it takes it."""
        self.is_held = False
        while self._events and not self.is_held:
            line = self._events.popleft()
            self._event_bytes -= len(line)
            self._write(line)
