"""The gate: the one way in which entries get into logs, whoever wrote them. Runs in the writer's thread.

An append makes or verifies header, signature, chain and cut, then stores the entry and what it changes, in one
transaction. Meaning never rejects.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from onionchat import limits
from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, RemoteError, RemovedError
from onionchat.ids import ConversationId, EntryId, LogId
from onionchat.kinds.again import AGAIN, again
from onionchat.kinds.changes import Shown
from onionchat.kinds.fold import Body, Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate
from onionchat.log.clock import HybridTime, is_future, next_time
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, Entry, make_entry
from onionchat.log.log import Fork, Known, LogHead, judge_block, judge_run
from onionchat.store import changes
from onionchat.store.boxes import add_box, make_boxes
from onionchat.store.cutting import Cuts, conversations_of, heads_now
from onionchat.store.db import Connection
from onionchat.store.forgetting import take_back
from onionchat.store.keeping import Appended, Keeper
from onionchat.store.mending import Mending
from onionchat.store.own import Own
from onionchat.store.people import contact_of
from onionchat.store.rows import (
    ConversationRow,
    Flag,
    LogRow,
    find_conversation,
    find_log,
    find_own_log,
    id_key,
    logs_of,
    save_head,
)

OUT = "this device was removed from its account: its history can be read, nothing can be written any more"
NO_LOG = 0
"""`entry.log` of what the program itself says; such rows never leave the store."""


class Gate:
    """All appends of one store. Its methods are jobs of the writer: the connection comes first."""

    def __init__(self, own: Own, random: Callable[[int], bytes]) -> None:
        self._own, self._random = own, random
        self._keeper = Keeper(own)
        self._mending = Mending(self._write_again)
        self._cuts = Cuts(own)
        self._log_keys: dict[bytes, SigningKey] = {}  # making the key from its seed costs as much as a signature

    # --- conversations and logs --------------------------------------------------------------------
    def open_conversation(self, c: Connection, conversation: ConversationId, place: Place, account: bytes) -> None:
        """Make a conversation if it is not there. `account`: the contact's, or our own in *self*."""
        c.execute(
            "INSERT OR IGNORE INTO conversation (id, place, account) VALUES (?, ?, ?)",
            (conversation, place.value, account),
        )

    def own_log(self, c: Connection, conversation: ConversationRow, result: Appended) -> LogRow:
        """The log that this device writes; made, with its boxes, when there is none that can be written."""
        row = find_own_log(c, conversation.n)
        if row is not None:
            return row
        key = SigningKey(self._random(32))
        certificate = make_log_certificate(key, conversation.id, self._own.device)
        log = LogId(key.public)
        self._insert_log(c, conversation, log, self._own.device, certificate, Belief.OWN, key.seed)
        made = find_log(c, log)
        assert made is not None
        make_boxes(c, self._own, made.n, certificate, conversation.account, self._random)
        result.added.append(made.head)
        return made

    def _insert_log(
        self,
        c: Connection,
        conversation: ConversationRow,
        log: bytes,
        device: bytes,
        certificate: bytes,
        belief: int,
        seed: bytes | None = None,
    ) -> None:
        (count,) = c.execute("SELECT count(*) FROM log WHERE conversation = ?", (conversation.n,)).fetchone()
        if seed is None and count >= limits.LOGS_PER_CONVERSATION_MAX:
            raise RemoteError("too many logs in one conversation")
        mark = c.execute("SELECT seq FROM read_mark WHERE log = ?", (log,)).fetchone()
        c.execute(
            "INSERT INTO log (id, conversation, device, seed, certificate, belief, head, floor_id, read_seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (log, conversation.n, device, seed, certificate, belief, NO_ENTRY, NO_ENTRY, mark[0] if mark else 0),
        )

    def admit(self, c: Connection, command: AdmitLog) -> tuple[LogHead, bool]:
        """Keep a log that a peer offered, its belief if stronger, and its boxes.

        Its head as the disk has it, and whether boxes are new: then others may believe it whom we offer it again.
        """
        conversation = find_conversation(c, command.conversation)
        if conversation is None:
            raise RemoteError("a log of a conversation that is not there")
        certificate = command.certificate
        row = find_log(c, certificate.log)
        if row is None:
            self._insert_log(
                c, conversation, certificate.log, certificate.device, command.offer.certificate, command.belief
            )
            self._cut_new(c, certificate.device, certificate.log)
            row = find_log(c, certificate.log)
        elif (row.conversation, row.device) != (conversation.n, certificate.device):
            raise RemoteError("a log that another offer claimed a moment ago")
        elif command.belief > row.belief:
            c.execute("UPDATE log SET belief = ? WHERE n = ?", (int(command.belief), row.n))
        assert row is not None
        (count,) = c.execute("SELECT count(*) FROM log_box WHERE log = ?", (row.n,)).fetchone()
        by_author = command.belief is Belief.DIRECT
        boxes = command.offer.boxes[: max(0, limits.LOG_BOXES_MAX - count)]
        added = [add_box(c, row.n, box, by_author) for box in boxes]
        return row.head, any(added)

    # --- removals and what is taken back -----------------------------------------------------------
    def _cut_new(self, c: Connection, device: bytes, log: bytes) -> None:
        found = c.execute("SELECT account FROM device WHERE id = ?", (device,)).fetchone()
        if found is not None:
            self._cuts.apply_to(c, bytes(found[0]), log)

    def _settle(self, c: Connection, result: Appended) -> None:
        """What the entries of an append say of other entries: where logs end, what is not forgotten any more."""
        effects = result.effects
        for forget, by in effects.taken_back:
            restored = conversations_of(c, take_back(c, forget, by))
            effects.wanted |= restored
            effects.conversations |= restored
        for account in sorted(effects.accounts):
            self._cuts.apply(c, account, effects)
        if effects.cut:
            now = heads_now(c, [head.log for _, head in effects.cut])
            result.heads = [now.get(head.log, head) for head in result.heads]
            result.stored = [
                stored
                for stored in result.stored
                if stored.entry.log not in now or stored.entry.seq <= now[stored.entry.log].seq
            ]

    # --- appending ---------------------------------------------------------------------------------
    def append_own(
        self, c: Connection, conversation_id: ConversationId, body: Body, now_ms: int, expires_ms: int = 0
    ) -> Appended:
        """Write an entry of this device's. LocalError: too long, no such conversation, or one that is only to read."""
        if self._own.is_out:
            raise RemovedError(OUT)
        conversation = find_conversation(c, conversation_id)
        if conversation is None:
            raise LocalError("there is no such conversation any more")
        _require_writable(c, conversation)
        result = Appended(conversation_id)
        row = self.own_log(c, conversation, result)
        unseen = self._unseen(c, conversation, row, now_ms)
        seen = tuple(sorted(bytes(head) for _, head, *_ in unseen))
        content = Content(self._random(16), seen, kind_of(body), expires_ms, body_bytes(body))
        # theirs, too: what was far ahead when it came is due by now, and has not raised the conversation's
        seen_at = [(ms, counter) for *_, ms, counter in unseen]
        for log_n, _, seq, *_ in unseen:
            c.execute("UPDATE log SET covered = ? WHERE n = ?", (seq, log_n))
        result.heads.append(self._write(c, conversation, row, content, now_ms, result, seen_at))
        self._settle(c, result)
        return result

    def _write(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        content: Content,
        now_ms: int,
        result: Appended,
        seen_at: Sequence[HybridTime] = (),
    ) -> LogHead:
        """The next entry of a log of ours; its new head. What is written again is not new."""
        head, again = row.head, content.kind == AGAIN
        time = next_time(now_ms, (head.ms, head.counter), [(conversation.ms, conversation.counter), *seen_at])
        entry = make_entry(self._log_key(row), head.seq + 1, head.id, time, content, again)
        new_head = LogHead(head.log, entry.seq, entry.id, *time, head.floor_seq, head.floor_id)
        self._keeper.keep(c, conversation, row, [entry], now_ms, result, is_new=not again)
        save_head(c, row.n, new_head)
        return new_head

    def _write_again(
        self, c: Connection, conversation: ConversationRow, old: Entry, now_ms: int, result: Appended
    ) -> None:
        expires = old.content.expires if old.content is not None else 0
        content = Content(self._random(16), (), AGAIN, expires, body_bytes(again(old)))
        self._write(c, conversation, self.own_log(c, conversation, result), content, now_ms, result)

    def mend(self, c: Connection, conversation_id: ConversationId, now_ms: int) -> Appended:
        """Write again a portion of what stands here after forks of our own; `mending` says that there is more."""
        result = Appended(conversation_id)
        conversation = find_conversation(c, conversation_id)
        if conversation is not None and conversation.place is not Place.ARCHIVE:
            rows = [row for row in logs_of(c, conversation_id) if row.head.frozen and row.seed is not None]
            self._mending.go_on(c, conversation, rows, now_ms, result)
        self._settle(c, result)
        return result

    def _log_key(self, row: LogRow) -> SigningKey:
        key = self._log_keys.get(row.head.log)
        if key is None:
            key = self._log_keys[row.head.log] = SigningKey(row.seed or b"")
        return key

    def _unseen(
        self, c: Connection, conversation: ConversationRow, own: LogRow, now_ms: int
    ) -> list[tuple[int, bytes, int, int, int]]:
        """The newest entries of other logs that `prev` does not cover yet: number of the log, id, seq, ms, counter."""
        rows = c.execute(  # few come: sorting them here is cheaper than telling SQLite to
            "SELECT n, head, seq, ms, counter FROM log WHERE conversation = ? AND n != ? AND seq > covered"
            " AND NOT frozen",
            (conversation.n, own.n),
        ).fetchall()
        due = [row for row in rows if not is_future((row[3], row[4]), now_ms)]
        return sorted(due, key=lambda row: -row[3])[: limits.SEEN_MAX]

    def append(self, c: Connection, conversation_id: ConversationId, entries: Sequence[Entry], now_ms: int) -> Appended:
        """Entries that a peer brought, of any logs of one conversation, each log's in the order of their numbers.

        RemoteError when they must be refused; nothing of them is then kept.
        """
        conversation = find_conversation(c, conversation_id)
        if conversation is None:
            raise RemoteError("entries of a conversation that is not there")
        result = Appended(conversation_id)
        for log, group in groupby(entries, lambda entry: entry.header.log):
            row = find_log(c, log)
            if row is None or row.conversation != conversation.n:
                raise RemoteError("entries of a log that was not offered")
            self._append_run(c, conversation, row, list(group), now_ms, result)
        self._settle(c, result)
        return result

    def _append_run(
        self,
        c: Connection,
        conversation: ConversationRow,
        row: LogRow,
        run: list[Entry],
        now_ms: int,
        result: Appended,
    ) -> None:
        judged = judge_run(row.head, run, known=lambda seq: self._known(c, row.n, seq))
        if judged.accepted:
            self._keeper.keep(c, conversation, row, judged.accepted, now_ms, result)
        for entry in judged.bodies:
            self._keeper.fill(c, conversation, row, entry, now_ms, result)
        if judged.fork is not None:
            self._keep_branch(c, row, judged.fork)
            result.frozen.append(judged.new_head)
        if judged.new_head != row.head:
            save_head(c, row.n, judged.new_head)
        result.heads.append(judged.new_head)
        strays = [judged.fork.branch] if judged.fork is not None else []
        if row.device == self._own.device:
            result.copied_ms = max(result.copied_ms, *(e.header.ms for e in judged.accepted[-1:] + strays), 0)
        if row.seed is not None and row.head.cut_seq is None:
            self._mending.take_back(c, conversation, row, strays + judged.refused, now_ms, result)

    def prepend(
        self, c: Connection, conversation_id: ConversationId, entries: Sequence[Entry], now_ms: int
    ) -> Appended:
        """A block of older history, put under a log's floor."""
        conversation = find_conversation(c, conversation_id)
        row = find_log(c, entries[0].header.log) if entries else None
        if conversation is None or row is None or row.conversation != conversation.n:
            raise RemoteError("a block of history of a log that was not offered")
        result = Appended(conversation_id)
        judged = judge_block(row.head, entries)
        self._keeper.keep(c, conversation, row, judged.accepted, now_ms, result, is_history=True)
        save_head(c, row.n, judged.new_head)
        if judged.fork is not None:
            self._keep_branch(c, row, judged.fork)
            result.frozen.append(judged.new_head)
        result.heads.append(judged.new_head)
        self._settle(c, result)
        return result

    def _known(self, c: Connection, log: int, seq: int) -> Known | None:
        found = c.execute(
            "SELECT n, content IS NULL, flags FROM entry WHERE log = ? AND seq = ?", (log, seq)
        ).fetchone()
        if found is None:
            return None
        return Known(_entry_id(c, found[0]), bool(found[1]) and not found[2] & Flag.FINAL)

    def _keep_branch(self, c: Connection, row: LogRow, fork: Fork) -> None:
        (count,) = c.execute("SELECT count(*) FROM branch WHERE log = ?", (row.n,)).fetchone()
        if count < limits.FORK_BRANCHES_MAX:
            branch = fork.branch.tombstone()  # evidence of two branches, not of what was said
            c.execute("INSERT OR IGNORE INTO branch VALUES (?, ?, ?)", (row.n, branch.id, branch.raw))

    # --- what the program itself says ----------------------------------------------------------------
    def notice(self, c: Connection, conversation_id: ConversationId, text: str, now_ms: int) -> None:
        """A line that only this device shows: it is in no log and never sent."""
        conversation = find_conversation(c, conversation_id)
        if conversation is None:
            return
        (seq,) = c.execute("SELECT coalesce(max(seq), 0) + 1 FROM entry WHERE log = ?", (NO_LOG,)).fetchone()
        ms = max(now_ms, conversation.ms)
        header = self._random(32)
        self._keeper.forget_numbers()
        key = id_key(labelled_hash(b"entry header", header))
        shown = int(Shown.NOTICE)
        values = (
            NO_LOG,
            seq,
            key,
            conversation.n,
            ms,
            limits.COUNTER_MAX,
            0,
            shown,
            0,
            now_ms,
            0,
            header,
            b"",
            text.encode(),
        )
        c.execute(
            "INSERT INTO entry (log, seq, key, conversation, ms, counter, tie, shown, mine, arrived, flags, header,"
            " signature, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def expire(self, c: Connection, now_ms: int) -> set[bytes]:
        """Drop the bodies whose time is over; the conversations they stood in."""
        rows = c.execute(
            "SELECT entry.n, conversation.id FROM entry JOIN conversation ON conversation.n = entry.conversation"
            " WHERE entry.expires <= ? LIMIT 1000",
            (now_ms,),
        ).fetchall()
        for n, _ in rows:
            changes.drop_body(c, n, Flag.FINAL | Flag.EXPIRED)
            c.execute("UPDATE entry SET expires = NULL WHERE n = ?", (n,))
        return {bytes(conversation) for _, conversation in rows}


def _require_writable(c: Connection, conversation: ConversationRow) -> None:
    if conversation.place is Place.SELF:
        return
    contact = contact_of(c, conversation.account)
    if conversation.place is Place.ARCHIVE or (contact is not None and contact.state in ("removed", "imported")):
        raise LocalError(
            "this contact was removed, or came with an import: the history is only to read; add the contact to write"
        )


def _entry_id(c: Connection, n: int) -> EntryId:
    return EntryId(changes.entry_id_of(c, n))
