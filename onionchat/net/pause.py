"""A wait that can be cut short."""

from typing import Any

from twisted.internet.defer import Deferred


class Pause:
    """One sleeper at a time. A poke that comes while nobody sleeps makes the next sleep short, so none is lost."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._sleeper: Deferred[None] | None = None
        self._timer: Any = None
        self._was_poked = False
        self._ended = False

    async def sleep(self, seconds: float) -> None:
        """Until the time is over, or somebody pokes."""
        if self._ended or self._was_poked:
            self._was_poked = False
            return
        self._sleeper = Deferred()
        self._timer = self._clock.callLater(seconds, self.poke)
        await self._sleeper

    def has_ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    def poke(self) -> None:
        """Wake the sleeper."""
        if self._sleeper is None:
            self._was_poked = True
            return
        if self._timer.active():
            self._timer.cancel()
        sleeper, self._sleeper = self._sleeper, None
        sleeper.callback(None)

    def end(self) -> None:
        """Wake the sleeper and let nobody sleep any more."""
        self._ended = True
        self.poke()
