"""How far our clock is from those of others: from entries that came at once, over channels that were level."""

from collections import deque
from statistics import median

from onionchat.ids import DeviceId

SAMPLES_MAX = 8
SETTLED_SECONDS = 30.0
"""What comes in the first moments of a channel was perhaps written long before."""
WARN_SECONDS = 600.0


class ClockSamples:
    """Differences in seconds, device by device: theirs minus ours."""

    def __init__(self) -> None:
        self._samples: dict[DeviceId, deque[float]] = {}

    def add(self, device: DeviceId, written_ms: int, now_ms: int) -> None:
        """An entry of a device itself came just now."""
        self._samples.setdefault(device, deque(maxlen=SAMPLES_MAX)).append((written_ms - now_ms) / 1000)

    @property
    def skew_seconds(self) -> float | None:
        """The median over devices; None while nobody has written. Positive: our clock is behind."""
        if not self._samples:
            return None
        return round(median(median(samples) for samples in self._samples.values()), 1)

    @property
    def warning(self) -> str:
        """For people, when it matters; else empty."""
        skew = self.skew_seconds
        if skew is None or abs(skew) < WARN_SECONDS:
            return ""
        where = "behind" if skew > 0 else "ahead of"
        return f"this machine's clock is {abs(skew) / 60:.0f} minutes {where} your contacts'; set it right"
