"""TLS whose exporter is the same in every run of a seed; all else of it is real.

OpenSSL throws its own dice. Of what they decide, the exporter alone has a say in what a node does and when (digests
are keyed by it, and sorted), for all flights have the same length. So each session gets a name out of the seed's dice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onionchat.crypto.tls import EXPORTER_BYTES, TlsSession
from onionchat.wire import handshake

NAMES_MAX = 10_000  # of sessions whose other end has not asked; the oldest go


@contextmanager
def repeatable_tls(random: Callable[[int], bytes]) -> Iterator[None]:
    """Within it, every session of this process takes its exporter from `random`; both ends of one the same."""
    names: dict[bytes, bytes] = {}

    class RepeatableSession(TlsSession):
        """See the module."""

        def exporter(self) -> bytes:
            """See `TlsSession`."""
            real = super().exporter()
            if real in names:
                return names.pop(real)
            if len(names) >= NAMES_MAX:
                del names[next(iter(names))]
            names[real] = random(EXPORTER_BYTES)
            return names[real]

    before: object = vars(handshake)["TlsSession"]
    setattr(handshake, "TlsSession", RepeatableSession)  # noqa: B010 - it is imported there, not made
    try:
        yield
    finally:
        setattr(handshake, "TlsSession", before)  # noqa: B010
