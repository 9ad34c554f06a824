"""What devices have of the logs of our account: in memory at once, on the disk a little later (it can be found again).

Own devices tell each other what they have on the disk: each change has a version of this device's, and whoever comes
says up to which version it has them already. Between ours in conversations with others nobody needs to be told.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId, DeviceId
from onionchat.log.commands import RecordAcknowledged
from onionchat.net.peer import PeerLink
from onionchat.node.events import ConversationChanged, MessagesDelivered
from onionchat.store.db import Connection
from onionchat.wire.records import Deliveries as DeliveriesRecord
from onionchat.wire.records import DeliveriesAsked, LogDelivered

if TYPE_CHECKING:
    from onionchat.node.node import Node

TELL_AFTER_SECONDS = 1.0
"""What changes meanwhile goes to the disk, and to our other devices, together."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that is here."""

    n: int
    conversation: ConversationId
    is_ours: bool  # written by a device of our account


class Deliveries:
    """For each log of our account, how far each device has it."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._known: dict[bytes, dict[bytes, int]] = defaultdict(dict)
        self._logs: dict[bytes, KnownLog] = {}
        self._ids: dict[int, bytes] = {}
        self._version = 0
        self._unsaved: dict[tuple[bytes, bytes], int] = {}  # the versions of what is not on the disk yet
        self._from: dict[tuple[bytes, bytes], DeviceId] = {}  # who told it: it need not be told
        self._heard: dict[DeviceId, int] = {}
        self._heard_unsaved: set[DeviceId] = set()
        self._told: dict[PeerLink, int] = {}  # the version up to which a device of ours has what we know
        self._not_here: set[bytes] = set()
        self._timer: Any = None

    # --- life ----------------------------------------------------------------------------------------------
    def load(self, c: Connection) -> None:
        """Read what the database has."""
        for table in (self._known, self._logs, self._ids, self._unsaved, self._from, self._heard, self._told):
            table.clear()
        self._heard_unsaved.clear()
        self._not_here.clear()
        for log, n, conversation, account in c.execute(
            "SELECT log.id, log.n, conversation.id, device.account FROM log"
            " JOIN conversation ON conversation.n = log.conversation LEFT JOIN device ON device.id = log.device"
        ):
            self._keep_log(bytes(log), n, conversation, account)
        self._version = 0
        for log, device, seq, version in c.execute("SELECT log, device, seq, version FROM ack"):
            self._known[bytes(log)][bytes(device)] = seq
            self._version = max(self._version, version)
            if log not in self._logs:
                self._not_here.add(bytes(log))
        self._heard.update((DeviceId(device), version) for device, version in c.execute("SELECT * FROM heard"))

    def stop(self) -> None:
        """At lock and stop, after `flush`."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._told.clear()

    def _keep_log(self, log: bytes, n: int, conversation: bytes, account: bytes | None) -> KnownLog:
        found = self._logs[log] = KnownLog(n, ConversationId(conversation), account == self._node.own.account)
        self._ids[n] = log
        return found

    def _log(self, log: bytes) -> KnownLog | None:
        """A log that is here."""
        found = self._logs.get(log)
        if found is None:
            row = self._node.store.reads.execute(
                "SELECT log.n, conversation.id, device.account FROM log"
                " JOIN conversation ON conversation.n = log.conversation LEFT JOIN device ON device.id = log.device"
                " WHERE log.id = ?",
                (log,),
            ).fetchone()
            if row is not None:
                self._not_here.discard(log)
                found = self._keep_log(log, *row)
        return found

    # --- what is known ---------------------------------------------------------------------------------------
    def of(self, log: int) -> dict[bytes, int]:
        """Device -> how far it has the log with this local number."""
        found = self._ids.get(log)
        if found is None:
            row = self._node.store.reads.execute("SELECT id FROM log WHERE n = ?", (log,)).fetchone()
            if row is None:
                return {}
            found = bytes(row[0])
            self._log(found)
        return self._known.get(found, {})

    def of_log(self, log: bytes) -> dict[bytes, int]:
        """The same by the log's id, which need not be here."""
        return self._known.get(log, {})

    def out(self, log: int) -> int:
        """How far any device that is not ours has a log, also one that its account has removed since."""
        ours = self._own_devices()
        return max((seq for device, seq in self.of(log).items() if device not in ours), default=0)

    def _own_devices(self) -> frozenset[DeviceId]:
        roster = self._node.book.own_roster
        return frozenset() if roster is None else roster.devices

    # --- what comes in ---------------------------------------------------------------------------------------
    def acknowledged(self, device: DeviceId, command: RecordAcknowledged) -> None:
        """A device has logs up to these positions; those that others write do not matter to us."""
        for position in command.positions:
            log = self._log(position.log)
            if log is not None and log.is_ours:
                self._learn(position.log, log, device, position.seq, None)

    def _learn(self, log: bytes, here: KnownLog | None, device: DeviceId, seq: int, source: DeviceId | None) -> bool:
        """Whether that was new."""
        known = self._known[log]
        before = known.get(device, 0)
        if seq <= before:
            return False
        if source is not None and device not in known and len(known) >= limits.DELIVERIES_PER_LOG_MAX:
            return False  # devices that answer themselves are no more than there are
        known[device] = seq
        self._unsaved[log, device] = self._next_version(here, device)
        if source is not None:
            self._from[log, device] = source
        else:
            self._from.pop((log, device), None)
        self._tell_soon()
        if here is not None and self._node.has_subscribers:
            first = max(before, seq - limits.DELIVERED_EVENTS_MAX)
            if first > before:
                self._node.emit(ConversationChanged(here.conversation))
            self._node.emit(MessagesDelivered(here.conversation, log, first, seq, device))
        return True

    def _next_version(self, here: KnownLog | None, device: DeviceId) -> int:
        """0 for what our other devices need not know. Ahead of all before, also of those before a restored copy."""
        is_self = here is not None and here.conversation == self._node.store.self_id
        if device in self._own_devices() and not is_self:
            return 0
        self._version = max(self._version + 1, self._node.now_ms())
        return self._version

    # --- the disk ----------------------------------------------------------------------------------------------
    def _tell_soon(self) -> None:
        if self._timer is None:
            self._timer = self._node.reactor.callLater(TELL_AFTER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._timer = None
        if self._node.is_unlocked:
            self.flush().addErrback(self._node.report)

    def flush(self) -> "Deferred[None]":
        """Save what came since, then tell our other devices."""
        unsaved, self._unsaved = self._unsaved, {}
        heard = [(device, self._heard[device]) for device in self._heard_unsaved]
        self._heard_unsaved = set()
        if not unsaved and not heard:
            return succeed(None)
        rows = [(log, device, self._known[log][device], version) for (log, device), version in unsaved.items()]

        def job(c: Connection) -> None:
            c.executemany("INSERT OR REPLACE INTO ack VALUES (?, ?, ?, ?)", rows)
            c.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?)", heard)

        def failed(failure: Any) -> Any:
            self._unsaved = unsaved | self._unsaved
            self._heard_unsaved.update(device for device, _ in heard)
            return failure

        return self._node.store.write(job).addErrback(failed).addCallback(lambda _: self.tell_all())

    # --- between own devices -------------------------------------------------------------------------------------
    def begin(self, link: PeerLink, device: DeviceId) -> None:
        """A channel to a device of ours is ready: ask for what it knows and we do not."""
        link.send([DeliveriesAsked(self._heard.get(device, 0))])

    def closed(self, link: PeerLink) -> None:
        """It is gone."""
        self._told.pop(link, None)

    def asked(self, link: PeerLink, record: DeliveriesAsked) -> None:
        """A device of ours has what we know up to there."""
        self._told[link] = record.after if record.after <= self._version else 0
        self.tell(link)

    def tell_all(self) -> None:
        """What is on the disk goes to all devices of ours that asked."""
        if self._node.is_unlocked:
            for link in list(self._told):
                self.tell(link)

    def tell(self, link: PeerLink) -> None:
        """Send what a device of ours lacks, as far as it is on the disk; the rest when the buffer has room again."""
        assert link.peer is not None and link.peer.device is not None
        while link in self._told and not link.is_congested and not link.closed:
            rows = self._node.store.reads.execute(
                "SELECT log, device, seq, version FROM ack WHERE version > ? AND version > 0 ORDER BY version LIMIT ?",
                (self._told[link], limits.DELIVERIES_RECORD_MAX),
            ).fetchall()
            if not rows:
                return
            self._told[link] = upto = rows[-1][3]
            news = [row[:3] for row in rows if self._from.get((bytes(row[0]), bytes(row[1]))) != link.peer.device]
            if news:
                link.send([DeliveriesRecord(upto, _by_log(news))])

    def told(self, link: PeerLink, record: DeliveriesRecord) -> None:
        """A device of ours tells what it knows. RemoteError when it says more than fits into a record."""
        assert link.peer is not None and link.peer.device is not None
        if sum(len(log.devices) for log in record.logs) > limits.DELIVERIES_RECORD_MAX:
            raise RemoteError("more deliveries than fit into a record")
        source = link.peer.device
        for said in record.logs:
            here = self._log(said.log)
            if here is None and said.log not in self._not_here:
                if len(self._not_here) >= limits.DELIVERIES_UNKNOWN_LOGS_MAX:
                    continue
                self._not_here.add(said.log)
            if here is None or here.is_ours:
                for device, seq in said.devices:
                    self._learn(said.log, here, DeviceId(device), self._plausible(said.log, here, seq), source)
        if record.upto > self._heard.get(source, 0):
            self._heard[source] = record.upto
            self._heard_unsaved.add(source)
            self._tell_soon()

    def _plausible(self, log: bytes, here: KnownLog | None, seq: int) -> int:
        """Nobody has more of a log that this device writes than it has written."""
        if here is None:
            return seq
        row = self._node.store.reads.execute(
            "SELECT seq FROM log WHERE n = ? AND seed IS NOT NULL", (here.n,)
        ).fetchone()
        return seq if row is None else min(seq, int(row[0]))


def _by_log(rows: Sequence[tuple[bytes, bytes, int]]) -> tuple[LogDelivered, ...]:
    by_log: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for log, device, seq in rows:
        by_log[bytes(log)].append((bytes(device), seq))
    return tuple(LogDelivered(log, tuple(devices)) for log, devices in by_log.items())
