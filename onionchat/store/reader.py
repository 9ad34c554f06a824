"""What sessions read: `LogReader`, `MembershipReader` and `ConversationReader` over a read-only connection."""

from collections.abc import Sequence

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import ExchangeKey
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, EntryId, LogId
from onionchat.kinds.fold import Place
from onionchat.log.certificate import Belief, KnownLog, open_log_box
from onionchat.log.entry import ENTRY_OVERHEAD_BYTES, WireEntry
from onionchat.log.log import LogHead
from onionchat.log.reader import Range
from onionchat.store.boxes import boxes_of
from onionchat.store.db import Connection
from onionchat.store.mending import is_taken
from onionchat.store.own import Own
from onionchat.store.people import statics_of
from onionchat.store.rows import Flag, find_log, heads_by_conversation, logs_of
from onionchat.store.twins import rows_of
from onionchat.wire.records import LogBox, LogOffered


class StoreReader:
    """Reads committed logs and memberships; synchronous, short, on the reactor's thread."""

    def __init__(self, connection: Connection, own: Own) -> None:
        self._c, self._own = connection, own

    # --- LogReader -----------------------------------------------------------------------------------
    def heads(self, conversation: ConversationId) -> Sequence[LogHead]:
        """All logs of a conversation."""
        return [row.head for row in logs_of(self._c, conversation)]

    def own_logs(self, conversation: ConversationId) -> Sequence[LogId]:
        """The logs of this device there."""
        return [row.head.log for row in logs_of(self._c, conversation) if row.seed is not None]

    def id_at(self, conversation: ConversationId, log: LogId, seq: int) -> EntryId | None:
        """The id under a number."""
        row = self._c.execute(
            "SELECT header FROM entry JOIN log ON log.n = entry.log WHERE log.id = ? AND entry.seq = ?", (log, seq)
        ).fetchone()
        return None if row is None else EntryId(labelled_hash(b"entry header", row[0]))

    def offer(self, conversation: ConversationId, log: LogId) -> LogOffered:
        """A log's certificate and its boxes."""
        n, certificate, belief = self._c.execute(
            "SELECT n, certificate, belief FROM log WHERE id = ?", (log,)
        ).fetchone()
        boxes = boxes_of(self._c, n, 2 * limits.DEVICES_PER_ACCOUNT_MAX)
        return LogOffered(bytes(certificate), boxes, belief > Belief.PROVISIONAL)

    def read(self, conversation: ConversationId, log: LogId, first: int, last: int, max_bytes: int) -> list[bytes]:
        """Encoded entries from `first` on, as many as fit."""
        rows = self._c.execute(
            "SELECT entry.seq, header, signature, content FROM entry WHERE log = (SELECT n FROM log WHERE id = ?)"
            " AND seq BETWEEN ? AND ? ORDER BY seq",
            (log, first, last),
        )
        found: list[bytes] = []
        size = 0
        for seq, header, signature, content in rows:
            size += len(header) + len(content or b"") + ENTRY_OVERHEAD_BYTES
            if seq != first + len(found) or size > max_bytes:
                break
            found.append(encode(WireEntry(header, signature, content)))
        rows.close()
        return found

    def tombstoned(self, conversation: ConversationId, log: LogId, first: int) -> Sequence[Range]:
        """Ranges of tombstones whose bodies we would still take."""
        rows = self._c.execute(
            "SELECT seq FROM entry WHERE log = (SELECT n FROM log WHERE id = ?) AND content IS NULL AND seq >= ?"
            " AND flags & 4 = 0 ORDER BY seq LIMIT 4096",  # FINAL, as its index has it
            (log, first),
        )
        ranges: list[Range] = []
        for (seq,) in rows:
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            elif len(ranges) < limits.RANGES_MAX:
                ranges.append((seq, seq))
        return ranges

    def branches(self, conversation: ConversationId, log: LogId) -> Sequence[bytes]:
        """Evidence against a frozen log."""
        rows = self._c.execute("SELECT raw FROM branch WHERE log = (SELECT n FROM log WHERE id = ?)", (log,))
        return [bytes(row[0]) for row in rows]

    def is_taken(self, entry: EntryId) -> bool:
        """Whether an entry of another branch of a log of ours was taken back."""
        return is_taken(self._c, entry)

    def is_taken_whole(self, entry: EntryId) -> bool:
        """Whether it was, with its body; or the body is gone for good."""
        return is_taken(self._c, entry) and any(
            twin.has_body or twin.flags & Flag.FINAL for twin in rows_of(self._c, entry)
        )

    def unsettled(self, peer: DeviceId) -> frozenset[LogId]:
        """Forked logs of this device or of `peer` of which our newest entry was not written again."""
        rows = self._c.execute(
            "SELECT log.id FROM log LEFT JOIN entry ON entry.log = log.n AND entry.seq = log.seq"
            " LEFT JOIN again ON again.n = entry.n WHERE log.frozen AND log.device IN (?, ?) AND NOT EXISTS ("
            "SELECT 1 FROM again AS other JOIN entry AS place ON place.n = other.n"
            " WHERE other.id IN (log.head, again.id) AND place.log != log.n)",
            (self._own.device, peer),
        )
        return frozenset(LogId(row[0]) for row in rows)

    def conversations(self) -> Sequence[ConversationId]:
        """All conversations but archives."""
        rows = self._c.execute("SELECT id FROM conversation WHERE place != ?", (Place.ARCHIVE.value,))
        return [ConversationId(row[0]) for row in rows]

    def heads_of_all(self) -> dict[ConversationId, list[LogHead]]:
        """All conversations but archives, each with all of its logs."""
        found: dict[ConversationId, list[LogHead]] = {}
        for conversation, head in heads_by_conversation(self._c, Place.ARCHIVE):
            heads = found.setdefault(conversation, [])
            if head is not None:
                heads.append(head)
        return found

    def unfinished(self) -> frozenset[ConversationId]:
        """Conversations of which we would take what positions do not show: bodies, and history from before linking."""
        wanted = "SELECT log FROM entry WHERE content IS NULL AND flags & 4 = 0"  # FINAL, as its index has it
        rows = self._c.execute(f"SELECT DISTINCT conversation FROM log WHERE n IN ({wanted})").fetchall()  # noqa: S608
        wish = self._own.history
        if wish is not None:
            rows += self._c.execute(
                "SELECT DISTINCT log.conversation FROM log CROSS JOIN entry ON entry.log = log.n"
                " AND entry.seq = log.floor_seq + 1 WHERE floor_seq > 0 AND entry.ms >= ?",
                (wish.not_before_ms,),
            ).fetchall()
        numbers = {row[0] for row in rows}
        if not numbers:
            return frozenset()
        ids = self._c.execute("SELECT n, id FROM conversation").fetchall()
        return frozenset(ConversationId(row[1]) for row in ids if row[0] in numbers)

    # --- MembershipReader ------------------------------------------------------------------------------
    def member_account(self, conversation: ConversationId, device: DeviceId) -> AccountId | None:
        """The member account that a device belongs to."""
        if device == self._own.device:
            return self._own.account
        row = self._c.execute(
            "SELECT device.account FROM device JOIN conversation ON conversation.id = ?"
            " WHERE device.id = ? AND device.account IN (conversation.account, ?)",
            (conversation, device, self._own.account),
        ).fetchone()
        return None if row is None else AccountId(row[0])

    def known_log(self, log: LogId) -> KnownLog | None:
        """What we have about a log."""
        row = self._c.execute(
            "SELECT conversation.id, device, belief FROM log JOIN conversation ON conversation.n = log.conversation"
            " WHERE log.id = ?",
            (log,),
        ).fetchone()
        return None if row is None else KnownLog(row[0], row[1], log, Belief(row[2]))

    def box_opens(self, author: DeviceId, certificate_raw: bytes, box: LogBox) -> bool:
        """Whether a box for us is the author's."""
        if box.to != self._own.device:
            return False
        return any(
            _opens(box, certificate_raw, self._own.device, static, public)
            for static in self._own.statics_for(box.to_serial)
            for public in statics_of(self._c, author, box.from_serial)
        )

    def log_device(self, log: LogId) -> DeviceId | None:
        """Which device writes a log."""
        row = find_log(self._c, log)
        return None if row is None else row.device


def _opens(box: LogBox, certificate_raw: bytes, own: DeviceId, static: ExchangeKey, author_public: bytes) -> bool:
    try:
        open_log_box(box, certificate_raw, own, static, author_public)
    except RemoteError:
        return False
    return True
