"""Splits a stream into lines, with a cap. Used by both ends of the local API."""

from onionchat.errors import UsageError


class LineBuffer:
    """Collects bytes and gives back whole lines; never holds much more than one line of the longest kind."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._scanned = 0  # so that a line in many small pieces is looked at once

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer += data

    def next_line(self) -> bytes | None:
        """The next line without its end, or None when it is not complete yet. UsageError when it is too long."""
        end = self._buffer.find(b"\n", self._scanned)
        if (end if end >= 0 else len(self._buffer)) > self._max_bytes:
            self._buffer.clear()
            self._scanned = 0
            raise UsageError(f"the line is longer than {self._max_bytes} bytes")
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line
