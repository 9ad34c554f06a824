"""What a channel asks of whoever owns the stream. One call returns a list, to be carried out in order."""

from dataclasses import dataclass, field

from onionchat.identity.device import Certificate
from onionchat.ids import DeviceId
from onionchat.wire.records import AnyRecord


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """Who the other end has proven to be: a device (`certificate`), or an invitation; `static` was used in Noise."""

    static: bytes
    device: DeviceId | None = None
    certificate: Certificate | None = None
    certificate_raw: bytes | None = field(default=None, repr=False)
    invitation: bytes | None = None


@dataclass(frozen=True, slots=True)
class SendBytes:
    """Write this to the stream."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeerAuthenticated:
    """The handshake is over; records may be sent from now on. Comes once, before the first `RecordReceived`."""

    peer: PeerIdentity


@dataclass(frozen=True, slots=True)
class RecordReceived:
    """A record for the layers above; never one of the channel's own."""

    record: AnyRecord


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call `wake` at this time (seconds, the clock of `now`). Replaces the `WakeAt` before it."""

    at: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The last command: drop the stream once what was written is out. `remote_fault`: back off from this peer."""

    reason: str
    remote_fault: bool


Command = SendBytes | PeerAuthenticated | RecordReceived | WakeAt | Closed
