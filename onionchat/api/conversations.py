"""Methods about conversations and messages."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.api import types as t
from onionchat.api.choosing import Chosen, chosen_before, chosen_lines, lines_after, lines_between
from onionchat.api.present import NOTES_NAME, Presenter, draft_key
from onionchat.errors import LocalError, UsageError
from onionchat.ids import ConversationId, EntryId, id_text, parse_id
from onionchat.kinds import account as kinds
from onionchat.kinds import chat
from onionchat.kinds.changes import Shown
from onionchat.node.book import Person, forced_setting, is_id_of
from onionchat.node.forgetting import outstanding
from onionchat.node.node import Node
from onionchat.store import messages as pages
from onionchat.store.keeping import Appended
from onionchat.store.messages import Line
from onionchat.store.rows import ConversationRow, find_conversation, logs_of
from onionchat.text import name_key

SHORT_ID_LINES = 1000
"""Among so many of the newest lines the beginning of an id is looked up."""


class Conversations:
    """See the module."""

    def __init__(self, node: Node, presenter: Presenter) -> None:
        self._node, self._present = node, presenter

    def methods(self) -> dict[str, Callable[[Any], Any]]:
        """By name."""
        return {
            "conversation.list": self.conversations,
            "conversation.opened": self.opened,
            "conversation.draft": self.draft,
            "conversation.timer": self.timer,
            "message.send": self.send,
            "message.log": self.log,
            "message.search": self.search,
            "message.edit": self.edit,
            "message.react": self.react,
            "message.retract": self.retract,
            "message.forget": self.forget,
            "message.read": self.read,
        }

    # --- finding -------------------------------------------------------------------------------------------
    def _find(self, name: str) -> tuple[Person | None, ConversationRow]:
        """A contact and its conversation; None and *self* for notes."""
        person, conversation = self._place(name)
        return person, self._row(conversation)

    def _place(self, name: str) -> tuple[Person | None, ConversationId]:
        """The same, without asking the database: for what is done often."""
        node = self._node
        person = None if name_key(name) == name_key(NOTES_NAME) and not self._is_taken(name) else node.book.find(name)
        return person, node.store.self_id if person is None else person.conversation

    def _row(self, conversation: ConversationId) -> ConversationRow:
        row = find_conversation(self._node.store.reads, conversation)
        if row is None:
            raise LocalError("there is no conversation with this contact yet")
        return row

    def _is_taken(self, name: str) -> bool:
        return any(name_key(name) == name_key(known) for known in self._node.book.names())

    def _line(self, row: ConversationRow, text: str) -> Line:
        """A line by its id, or by the beginning of it among the newest lines."""
        c = self._node.store.reads
        try:
            found = pages.by_ids(c, row, [parse_id(text)])
        except LocalError:
            found = [line for line in pages.page(c, row, SHORT_ID_LINES) if is_id_of(text, line.id)]
        if len(found) != 1:
            raise LocalError("there is no such message in this conversation; `onionchat log NAME --json` shows the ids")
        return found[0]

    # --- conversations ---------------------------------------------------------------------------------------
    def conversations(self, _: t.Nothing) -> list[t.Conversation]:
        """The most recent first; notes to oneself once there are any."""
        people = [self._present.conversation(person) for person in self._node.book.contacts()]
        found = [item for item in (*people, self._present.conversation(None)) if item is not None]
        return sorted(found, key=lambda item: item.last_time or 0, reverse=True)

    def opened(self, params: t.ConversationOpened) -> t.Done:
        """What is on the screen is dialled at once."""
        devices = frozenset[Any]()
        if params.name is not None:
            person, _ = self._find(params.name)
            devices = frozenset(person.devices) if person is not None else devices
        self._node.dialing.opened(devices)
        return t.Done()

    def draft(self, params: t.Draft) -> Any:
        """Keep unsent text."""
        _, row = self._find(params.name)
        if self._node.book.settings.get(draft_key(row), "") == params.text:
            return t.Done()
        text = params.text[: limits.TEXT_MAX_BYTES // 4]
        return self._node.append_self([kinds.Setting(draft_key(row), text)]).addCallback(lambda _: t.Done())

    def timer(self, params: t.Timer) -> Any:
        """Set the timer of disappearing messages."""
        _, row = self._find(params.name)
        return self._node.append(row.id, chat.Timer(params.seconds or 0)).addCallback(lambda _: t.Done())

    # --- writing ---------------------------------------------------------------------------------------------
    def _writable(self, name: str) -> tuple[Person | None, ConversationRow]:
        person, row = self._find(name)
        require_writable(person)
        return person, row

    def send(self, params: t.MessageSend) -> "Deferred[t.Sent]":
        """Commit a message."""
        person, conversation = self._place(params.name)
        require_writable(person, params.force)
        check_text(params.text)
        reply = self._line(self._row(conversation), params.reply_to).id if params.reply_to else chat.NO_REPLY
        seconds = params.expires_seconds or self._node.book.timers.get(conversation) or 0
        expires = self._node.now_ms() + seconds * 1000 if seconds else 0
        body = chat.Text(params.text, reply)
        if person is not None and person.trust == "compromised" and not person.is_forced:
            return Deferred.fromCoroutine(self._send_forced(person, conversation, body, expires))
        return self._append(conversation, body, expires)

    async def _send_forced(
        self, person: Person, conversation: ConversationId, body: chat.Text, expires_ms: int
    ) -> t.Sent:
        """To a compromised contact, because the user insists: its channels are allowed until it is marked anew."""
        await self._node.append_self([kinds.Setting(forced_setting(person.account), "1")])
        sent = await self._append(conversation, body, expires_ms)
        self._node.dialing.refresh()
        return sent

    def _append(self, conversation: ConversationId, body: Any, expires_ms: int = 0) -> "Deferred[t.Sent]":
        def sent(result: Appended) -> t.Sent:
            return t.Sent(id=id_text(result.stored[-1].entry.id))

        return self._node.append(conversation, body, expires_ms).addCallback(sent)

    def _own_line(self, row: ConversationRow, text: str, what: str) -> Line:
        line = self._line(row, text)
        if not line.mine or line.shown is not Shown.TEXT or line.text is None:
            raise LocalError(f"only your own messages can be {what}")
        return line

    def edit(self, params: t.MessageEdit) -> "Deferred[t.Sent]":
        """Replace the text of an own message."""
        _, row = self._writable(params.name)
        check_text(params.text)
        line = self._own_line(row, params.id, "edited")
        return self._append(row.id, chat.Edit(line.id, params.text), line.expires or 0)

    def react(self, params: t.MessageReact) -> "Deferred[t.Sent]":
        """React with one emoji; empty takes it away."""
        _, row = self._writable(params.name)
        if len(params.emoji.encode("utf-8", "replace")) > limits.EMOJI_MAX_BYTES or len(params.emoji.split()) > 1:
            raise UsageError("a reaction is one emoji")
        return self._append(row.id, chat.Reaction(self._line(row, params.id).id, params.emoji.strip()))

    def retract(self, params: t.MessageRetract) -> "Deferred[t.Sent]":
        """Take an own message back."""
        _, row = self._writable(params.name)
        return self._append(row.id, chat.Retract(self._own_line(row, params.id, "taken back").id))

    # --- reading ---------------------------------------------------------------------------------------------
    def log(self, params: t.MessageLog) -> list[t.Message]:
        """A page."""
        _, row = self._find(params.name)
        c = self._node.store.reads
        anchors = [params.since is not None, params.before, params.after, params.around]
        if sum(map(bool, anchors)) > 1:
            raise UsageError("give at most one of since, before, after, around")
        if params.around:
            lines = pages.around(c, row, self._anchor(row, params.around), params.limit)
        else:
            before = self._anchor(row, params.before) if params.before else None
            after = self._anchor(row, params.after) if params.after else None
            lines = pages.page(c, row, params.limit, since=params.since, before=before, after=after)
        return self._present.messages(lines, row, None)

    def _anchor(self, row: ConversationRow, text: str) -> EntryId:
        return EntryId(self._line(row, text).id)

    def search(self, params: t.Search) -> list[t.Message]:
        """Full text."""
        row = self._find(params.name)[1] if params.name else None
        c = self._node.store.reads
        found = []
        for line in pages.search(c, params.query, row, params.limit):
            raw = c.execute("SELECT id FROM conversation WHERE n = ?", (line.conversation,)).fetchone()[0]
            where = find_conversation(c, raw)
            person = self._node.book.by_conversation(raw)
            if person is not None and person.value.state == "removed":
                continue
            found.append(self._present.message(line, where, NOTES_NAME if person is None else person.name))
        return found

    def read(self, params: t.ReadMark) -> Any:
        """Mark as read; nothing is written when all is."""
        _, row = self._find(params.name)
        upto = None if params.id is None else self._line(row, params.id)
        own = self._node.own.device
        marks = []
        for log in logs_of(self._node.store.reads, row.id):
            seq = log.head.seq if upto is None else self._seq_before(log.n, upto)
            read = self._node.store.reads.execute("SELECT read_seq FROM log WHERE n = ?", (log.n,)).fetchone()[0]
            if log.device != own and seq > read:
                marks.append((bytes(log.head.log), seq))
        if not marks:
            return t.Done()
        return self._node.append_self([kinds.Read(row.id, tuple(marks))]).addCallback(lambda _: t.Done())

    def _seq_before(self, log: int, line: Line) -> int:
        """The newest number of a log that stands no later on the screen than a line."""
        row = self._node.store.reads.execute(
            "SELECT max(entry.seq) FROM entry, entry AS mark WHERE mark.n = ? AND entry.log = ?"
            " AND (entry.ms, entry.counter, entry.tie, entry.seq) <= (mark.ms, mark.counter, mark.tie, mark.seq)",
            (line.n, log),
        ).fetchone()
        return int(row[0] or 0)

    # --- forgetting ------------------------------------------------------------------------------------------
    def forget(self, params: t.MessageForget) -> "Deferred[t.Forgotten]":
        """Forget by id, from one id to another, by time, or all."""
        person, row = self._find(params.name)
        ways = [bool(params.ids), bool(params.first or params.last), params.whole]
        by_time = params.before is not None or params.after is not None
        if sum((*ways, by_time)) != 1:
            raise UsageError("say which messages: ids, from one id to another, before or after a time, or all")
        chosen = self._chosen(row, params, is_self=person is None)
        unsent = [line for line in chosen.unsent if person is not None and not self._is_out(line)]
        withdrawn = [chat.Retract(line.id) for line in unsent if line.shown is Shown.TEXT] if params.withdraw else []
        return Deferred.fromCoroutine(self._carry_out(row, chosen, len(unsent), withdrawn))

    async def _carry_out(
        self, row: ConversationRow, chosen: Chosen, unsent: int, withdrawn: list[chat.Retract]
    ) -> t.Forgotten:
        node = self._node
        notices = [(n,) for n in chosen.notices]
        for body in withdrawn:
            await node.append(row.id, body)
        await node.append_self(
            chosen.bodies, also=lambda c: c.executemany("DELETE FROM entry WHERE n = ? AND log = 0", notices)
        )
        lacking = outstanding(node) if chosen.bodies else {}
        return t.Forgotten(
            count=chosen.count,
            unsent=unsent,
            devices=1 + len(node.book.other_devices),
            waiting=[node.book.device_label(device) for device in sorted(lacking)],
        )

    def _chosen(self, row: ConversationRow, params: t.MessageForget, is_self: bool) -> Chosen:
        c = self._node.store.reads
        if params.ids:
            return chosen_lines(c, row, [self._line(row, text) for text in params.ids])
        if params.first or params.last:
            first = self._line(row, params.first).n if params.first else None
            last = self._line(row, params.last).n if params.last else None
            return chosen_lines(c, row, lines_between(c, row, first, last))
        if params.after is None and not is_self:
            return chosen_before(c, row, params.before)
        # among notes to oneself stands all that our devices know: only lines go
        return chosen_lines(c, row, lines_after(c, row, params.after or 0, params.before))

    def _is_out(self, line: Line) -> bool:
        """Whether a device of the contact has it, as far as this device has seen, or another one of ours has told."""
        return self._node.deliveries.out(line.log) >= line.seq


def require_writable(person: Person | None, force: bool = True) -> None:
    """LocalError where nothing can, or without `force` should, be written to this contact; None: ourselves."""
    if person is None:
        return
    if person.value.state == "blocked":
        raise LocalError(f"{person.name} is blocked; `onionchat unblock` first")
    if person.value.state != "active":
        raise LocalError(f"{person.name} is history that was imported: it can be read, not written to")
    if person.is_disputed:
        raise LocalError(
            f"{person.name}'s devices removed each other: nothing is sent until the recovery words have spoken, or you"
            f" have compared words anew: `onionchat contact NAME validated`"
        )
    if person.trust == "compromised" and not force:
        raise LocalError(f"{person.name} is marked as compromised; compare words anew, or use --force")


def check_text(text: str) -> None:
    """LocalError for nothing, and for more than a message holds."""
    if not text.strip():
        raise LocalError("there is nothing to send: the text is empty")
    size = len(text.encode("utf-8", "replace"))
    if size > limits.TEXT_MAX_BYTES:
        raise LocalError(
            f"the text is too long: {size:,} bytes, at most {limits.TEXT_MAX_BYTES:,}; split it, or send it as a file"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise LocalError("the text is not valid Unicode; check the terminal's or the file's encoding") from None
