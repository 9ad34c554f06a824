"""The connections to one address that have not authenticated yet: a small pool, the oldest dropped first. Pure."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from onionchat import limits

Key = TypeVar("Key", bound=Hashable)


class HalfOpenPool(Generic[Key]):
    """One for each address. `Key` names a connection for the caller."""

    def __init__(self, maximum: int = limits.HALF_OPEN_MAX) -> None:
        self._maximum = maximum
        self._open: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, key: Key) -> list[Key]:
        """A connection came in; the ones to drop for it, oldest first. They have left the pool."""
        self._open.pop(key, None)
        self._open[key] = None
        excess = list(self._open)[: max(0, len(self._open) - self._maximum)]
        for dropped in excess:
            del self._open[dropped]
        return excess

    def closed(self, key: Key) -> None:
        """It has authenticated, or gone. Doing it twice is harmless."""
        self._open.pop(key, None)
