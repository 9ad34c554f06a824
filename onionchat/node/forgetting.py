"""Which of our devices have yet to hear of what was forgotten: from their acknowledgements of the logs of *self*."""

from typing import TYPE_CHECKING

from onionchat import limits
from onionchat.ids import DeviceId
from onionchat.store.db import Connection

if TYPE_CHECKING:
    from onionchat.node.node import Node


def outstanding(node: "Node", after: tuple[bytes, int] | None = None) -> dict[DeviceId, int]:
    """How many deletions each of our other devices does not have, as far as is known here; devices that have all of
    them are left out. `after`: only those that stand in this log of *self* from this number on.
    """
    found: dict[DeviceId, int] = {}
    for log, seq, writer in _rows(node.store.reads):
        if after is None or (log == after[0] and seq >= after[1]):
            for device in _lacking(node, log, seq, writer):
                found[device] = found.get(device, 0) + 1
    return found


def _rows(c: Connection) -> list[tuple[bytes, int, bytes]]:
    rows = c.execute(
        "SELECT forgetting.log, forgetting.seq, log.device FROM forgetting JOIN log ON log.id = forgetting.log"
        " ORDER BY forgetting.ms, forgetting.log, forgetting.seq"
    )
    return [(bytes(log), seq, bytes(device)) for log, seq, device in rows]


def _lacking(node: "Node", log: bytes, seq: int, writer: bytes) -> list[DeviceId]:
    known = node.deliveries.of_log(log)
    return [device for device in node.book.other_devices if device != writer and known.get(device, 0) < seq]


def tidy(node: "Node") -> None:
    """Drop what all of our devices have. Of more than is ever looked at the oldest go."""
    rows = _rows(node.store.reads)
    over = max(0, len(rows) - limits.FORGETTING_MAX)
    done = [(log, seq) for n, (log, seq, writer) in enumerate(rows) if n < over or not _lacking(node, log, seq, writer)]
    if done:

        def job(c: Connection) -> None:
            c.executemany("DELETE FROM forgetting WHERE log = ? AND seq = ?", done)

        node.store.write(job).addErrback(node.report)
