"""Is the other end alive? A `Ping` after silence, another when it was lost, and then the end. Pure."""

from collections.abc import Callable

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.wire.records import Ping, Pong

TOKEN_BYTES = 7  # fits msgpack's unsigned numbers


class Heartbeat:
    """Times in seconds of the caller's clock. Whatever is received and verifies counts as a sign of life."""

    __slots__ = (
        "_answers",
        "_answers_at",
        "_lost",
        "_random",
        "_sent_at",
        "_silence",
        "_token",
        "next_at",
        "rtt_seconds",
    )

    def __init__(self, now: float, random: Callable[[int], bytes], yields: bool = False) -> None:
        """`yields`: leaves the first word to the other end, whose question is a sign of life here, too."""
        self._random = random
        self._silence = limits.HEARTBEAT_SECONDS + (limits.HEARTBEAT_YIELD_SECONDS if yields else 0.0)
        self._answers = float(limits.PINGS_AT_ONCE_MAX)
        self._answers_at = now
        self._lost = -1  # nothing was sent, so nothing can be lost
        self._token: int | None = None
        self._sent_at = now
        self.next_at = now + self._silence
        self.rtt_seconds: float | None = None

    @property
    def dead(self) -> bool:
        """Whether as many heartbeats as are allowed were lost in a row."""
        return self._lost >= limits.HEARTBEATS_LOST_MAX

    def heard(self, now: float) -> None:
        """A sign of life."""
        self._lost = -1
        self.next_at = now + self._silence

    def due(self, now: float) -> Ping | None:
        """What is to be sent now, if anything; look at `dead` afterwards."""
        if now < self.next_at:
            return None
        self._lost += 1
        self.next_at = now + limits.HEARTBEAT_TIMEOUT_SECONDS
        if self.dead:
            return None
        self._token = int.from_bytes(self._random(TOKEN_BYTES))
        self._sent_at = now
        return Ping(self._token)

    def answered(self, pong: Pong, now: float) -> None:
        """Takes the round-trip time. A late answer to an earlier one says nothing and does no harm."""
        if pong.token == self._token:
            self._token = None
            self.rtt_seconds = max(0.0, now - self._sent_at)

    def answer(self, ping: Ping, now: float) -> Pong:
        """The answer to the other side's. RemoteError when it asks more often than anyone needs."""
        earned = max(0.0, now - self._answers_at)
        self._answers = min(float(limits.PINGS_AT_ONCE_MAX), self._answers + earned)
        self._answers_at = now
        if self._answers < 1:
            raise RemoteError("a flood of heartbeats")
        self._answers -= 1
        return Pong(ping.token)
