"""How far two devices have the logs of a conversation, and what one lacks of the other's.

A position names the newest entry of the contiguous run from the floor. Digests let own devices find out with a few
bytes which conversations differ; they are keyed by the channel, so that they say nothing to anyone else, and cover
(log, seq, id) alone: floors, tombstones and bodies differ between honest devices.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from onionchat import limits
from onionchat.crypto.hashing import keyed_hash
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId, LogId
from onionchat.log.entry import NO_ENTRY
from onionchat.log.log import LogHead
from onionchat.wire.records import Position

DIGEST_BYTES = 8
ROOT_DIGEST_BYTES = 16


class Gap(NamedTuple):
    """A run of a log, both ends inclusive."""

    log: LogId
    first: int
    last: int


@dataclass(slots=True)
class Levels:
    """What one session knows: our committed heads, how far the peer has each log, which logs it knows of."""

    ours: dict[LogId, LogHead] = field(default_factory=dict)
    theirs: dict[LogId, int] = field(default_factory=dict)
    named: set[LogId] = field(default_factory=set)

    def peer_has(self, log: LogId, seq: int) -> None:
        """The peer showed that it has the log up to `seq`."""
        self.named.add(log)
        if seq > self.theirs.get(log, 0):
            self.theirs[log] = seq


def position(head: LogHead) -> Position:
    """What a frontier says of a log."""
    return Position(head.log, head.seq, head.id)


def check_positions(positions: Sequence[Position]) -> None:
    """RemoteError for a log named twice, a number beyond all logs, an id that does not fit its number."""
    if len({named.log for named in positions}) != len(positions):
        raise RemoteError("a frontier that names a log twice")
    for named in positions:
        if named.seq > limits.SEQ_MAX:
            raise RemoteError("a frontier beyond the end of any log")
        if (named.id == NO_ENTRY) != (named.seq == 0):
            raise RemoteError("a frontier whose id does not fit its number")


def compare(ours: Mapping[LogId, LogHead], theirs: Iterable[Position]) -> list[Gap]:
    """What they have and we lack, of logs we know and still follow, in the order of `theirs`."""
    gaps = []
    for named in theirs:
        head = ours.get(LogId(named.log))
        if head is not None and head.lacks(named.seq):
            gaps.append(Gap(head.log, head.seq + 1, head.end(named.seq)))
    return gaps


def unknown_logs(ours: Mapping[LogId, LogHead], theirs: Iterable[Position]) -> list[Position]:
    """Positions of logs that we do not know: their offers are on the way."""
    return [named for named in theirs if named.log not in ours]


def conversation_hash(key: bytes, conversation: ConversationId) -> bytes:
    """8 bytes that stand for a conversation on one channel only."""
    return keyed_hash(key, b"conversation name", conversation, DIGEST_BYTES)


def conversation_digest(
    key: bytes, conversation: ConversationId, heads: Iterable[LogHead], unsettled: Container[LogId] = ()
) -> bytes:
    """8 bytes over all heads of a conversation, in the order of the logs' keys. Empty logs do not count.

    Of a frozen log it matters only that it is, but for those that are `unsettled`: there, on which branch we are.
    """
    parts = sorted(_digested(head, head.log not in unsettled) for head in heads if head.seq)
    return keyed_hash(key, b"conversation digest", conversation + b"".join(parts), DIGEST_BYTES)


def _digested(head: LogHead, is_settled: bool) -> bytes:
    if head.frozen and is_settled:
        return head.log + b"forked"
    place = head.seq.to_bytes(8, "big") + head.id
    return head.log + b"forked" + place if head.frozen else head.log + place


def root_digest(key: bytes, digests: Iterable[tuple[bytes, bytes]]) -> bytes:
    """16 bytes over (conversation hash, conversation digest) pairs, in their order."""
    return keyed_hash(key, b"root digest", b"".join(n + d for n, d in sorted(digests)), ROOT_DIGEST_BYTES)


def heads_by_log(heads: Iterable[LogHead]) -> dict[LogId, LogHead]:
    """Heads by their log."""
    return {head.log: head for head in heads}
