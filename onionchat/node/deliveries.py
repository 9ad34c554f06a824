"""What devices have of our logs: in memory at once, on the disk a little later (it can be found again)."""

from collections import defaultdict
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed

from onionchat.ids import ConversationId, DeviceId
from onionchat.log.commands import RecordAcknowledged
from onionchat.node.events import MessagesDelivered
from onionchat.store.db import Connection

if TYPE_CHECKING:
    from onionchat.node.node import Node


class Deliveries:
    """For each log of ours, how far each device has it."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._known: dict[int, dict[bytes, int]] = defaultdict(dict)
        self._numbers: dict[bytes, int] = {}
        self._unsaved: dict[tuple[int, bytes], int] = {}

    def load(self, c: Connection) -> None:
        """Read what the database has."""
        self._known.clear()
        self._numbers.clear()
        for log, device, seq in c.execute("SELECT log, device, seq FROM ack"):
            self._known[log][bytes(device)] = seq

    def acknowledged(self, device: DeviceId, command: RecordAcknowledged) -> None:
        """A device has logs up to these positions; those of others do not matter to us."""
        for position in command.positions:
            log = self._number(position.log)
            if not log:
                continue
            before = self._known[log].get(device, 0)
            if position.seq > before:
                self._known[log][device] = position.seq
                self._unsaved[log, device] = position.seq
                if self._node.has_subscribers:
                    conversation = ConversationId(command.conversation)
                    self._node.emit(MessagesDelivered(conversation, position.log, before, position.seq, device))

    def _number(self, log: bytes) -> int:
        """The local number of a log of ours; 0 for others'."""
        number = self._numbers.get(log)
        if number is None:
            row = self._node.store.reads.execute("SELECT n, seed IS NOT NULL FROM log WHERE id = ?", (log,)).fetchone()
            number = row[0] if row is not None and row[1] else 0
            if row is not None:
                self._numbers[log] = number
        return number

    def of(self, log: int) -> dict[bytes, int]:
        """Device -> how far it has the log with this local number."""
        return self._known.get(log, {})

    def flush(self) -> "Deferred[None]":
        """Save what came since."""
        unsaved, self._unsaved = self._unsaved, {}
        if not unsaved:
            return succeed(None)
        rows = [(log, device, seq) for (log, device), seq in unsaved.items()]

        def job(c: Connection) -> None:
            c.executemany("INSERT OR REPLACE INTO ack VALUES (?, ?, ?)", rows)

        return self._node.store.write(job)
