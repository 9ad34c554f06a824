"""What the cores of this layer ask of the node. Frozen values; the node matches over them exhaustively."""

from dataclasses import dataclass

from onionchat.ids import ConversationId, DeviceId, LogId
from onionchat.log.certificate import Belief, LogCertificate
from onionchat.log.entry import Entry
from onionchat.wire.records import AnyRecord, LogOffered, Position


@dataclass(frozen=True, slots=True)
class SendRecord:
    """Give this record to the channel of the session's peer."""

    record: AnyRecord


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """Put these through the gate, in this order, then call `committed` once. The signatures are not checked yet."""

    conversation: ConversationId
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class PrependBlock:
    """Put this block of older history under the log's floor (`judge_block`), then call `block_committed`.

    A log without entries begins with it.
    """

    conversation: ConversationId
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class AdmitLog:
    """Keep this log, its belief if stronger, and its boxes; then call `log_added` with the head that the disk has.

    It comes before any entry of that log. A log that is there already keeps its head and floor.
    """

    conversation: ConversationId
    certificate: LogCertificate
    belief: Belief
    offer: LogOffered


@dataclass(frozen=True, slots=True)
class ConflictNoticed:
    """A second certificate for one log: warn the user. The first stays."""

    conversation: ConversationId
    log: LogId
    first: DeviceId
    second: DeviceId


@dataclass(frozen=True, slots=True)
class RecordAcknowledged:
    """The peer has these positions of logs on its disk, and they are ours too: delivered up to there."""

    conversation: ConversationId
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class QuotaReached:
    """The byte budget for this peer is used up: ask the user. Nothing is lost; `allow` goes on."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class StartSync:
    """Own devices: this conversation differs; start its `SyncSession` with a frontier."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class StartLevel:
    """Own devices: this conversation was level when the digests were made; `start_level` with the heads of then."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call `wake` at this time (seconds of the clock that is passed as `now`)."""

    at: float


@dataclass(frozen=True, slots=True)
class Close:
    """The peer sent what must be refused: close the channel and back off. The last command of a session."""

    reason: str


Command = (
    SendRecord
    | AppendEntries
    | PrependBlock
    | AdmitLog
    | ConflictNoticed
    | RecordAcknowledged
    | QuotaReached
    | StartSync
    | StartLevel
    | WakeAt
    | Close
)
