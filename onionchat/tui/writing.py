"""What is being written: the input, what it aims at (a reply, an edit, a reaction), its draft, and sending it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from onionchat import limits
from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.tui.commands import is_command
from onionchat.tui.complete import Completion
from onionchat.tui.emoji import QUICK, emoji_of
from onionchat.tui.input import Input, InputPane
from onionchat.tui.render import Line, Look, fit, one_line

DRAFT_AFTER_SECONDS = 15.0  # each time is an entry on all my devices, for ever; leaving the conversation saves it, too
COUNTED_FROM = 0.9  # of the longest message: from there on a count is shown

Call = Callable[[str, t.Params], "Deferred[Any]"]


@dataclass(frozen=True)
class Aim:
    """What the text is for, when it is not simply a message."""

    kind: Literal["reply", "edit", "react"]
    message: t.Message


class Writing:
    """The input of the open conversation. `on_command` gets `/` commands, `on_sent` is called when one was sent."""

    def __init__(
        self,
        call: Call,
        reactor: IReactorTime,
        run: Callable[[Any], None],
        look: Callable[[], Look],
        complete: Callable[[str], Completion],
        on_command: Callable[[str], None],
        on_sent: Callable[[], None],
    ) -> None:
        self._call, self._reactor, self._run, self._look = call, reactor, run, look
        self._on_command, self._on_sent = on_command, on_sent
        self.name: str | None = None
        self.aim: Aim | None = None
        self.edit = Input(self._changed, complete)
        self.pane = InputPane(self.edit, self._context)
        self._draft_due: IDelayedCall | None = None
        self._drafts: dict[str, str] = {}  # as typed here; newer than what the list says
        self._kept: set[str] = set()  # conversations whose draft the node has

    @property
    def empty(self) -> bool:
        """Nothing is written."""
        return not self.edit.edit_text

    # --- which conversation ---
    def open(self, name: str | None, draft: str) -> None:
        """Another conversation: what was being written is kept with the old one."""
        self.save_draft()
        self.name, self.aim = name, None
        if name is not None and draft:
            self._kept.add(name)
        self.edit.set_text_from(self._drafts.get(name or "", draft))

    def forget(self) -> None:
        """For the lock: nothing that was written stays in memory."""
        self.save_draft()
        self.name, self.aim = None, None
        self._drafts.clear()
        self.edit.forget()

    def abandon(self) -> None:
        """As `forget`, and nothing is kept."""
        if self._draft_due is not None and self._draft_due.active():
            self._draft_due.cancel()
        self._draft_due = None
        self.forget()

    # --- drafts ---
    def _changed(self) -> None:
        if self._draft_due is None and self.aim is None and self.name is not None:
            self._draft_due = self._reactor.callLater(DRAFT_AFTER_SECONDS, self.save_draft)

    def save_draft(self) -> None:
        """Keeps the unsent text with the conversation, now."""
        if self._draft_due is None:
            return
        if self._draft_due.active():
            self._draft_due.cancel()
        self._draft_due = None
        if self.name is not None and self.aim is None:
            self._drafts[self.name] = self.edit.edit_text
            if self.edit.edit_text or self.name in self._kept:
                self._run(self._keep(self.name, self.edit.edit_text))

    async def _keep(self, name: str, text: str) -> None:
        (self._kept.add if text else self._kept.discard)(name)
        await self._call("conversation.draft", t.Draft(name=name, text=text))

    # --- aims ---
    def take_aim(self, aim: Aim | None) -> None:
        """Begins or ends a reply, an edit, a reaction. What was written before an edit comes back after it."""
        was = self.aim
        if aim is not None and aim.kind != "reply" and (was is None or was.kind == "reply"):
            self.save_draft()
            self._drafts[self.name or ""] = self.edit.edit_text
        self.aim = aim
        if aim is not None and aim.kind == "edit":
            self.edit.set_text_from(aim.message.text)
        elif aim is not None and aim.kind == "react":
            self.edit.set_text_from("")
        elif was is not None and was.kind != "reply":
            self.edit.set_text_from(self._drafts.get(self.name or "", ""))

    def _context(self, columns: int) -> Line | None:
        if self.aim is None:
            return self._room_left()
        look = self._look()
        message = self.aim.message
        who = "yourself" if message.sender == "me" else one_line(message.sender)
        if self.aim.kind == "react":
            signs = QUICK if look.glyphs.pictures else ("+1", "heart", "joy", "wow", "cry", "party")
            words = (
                "react: " + "  ".join(f"{n} {sign}" for n, sign in enumerate(signs, 1)) + "  or a name; none: mine goes"
            )
        elif self.aim.kind == "edit":
            words = "edit"
        else:
            words = f"reply to {who}: {one_line(message.text)}"
        return [("accent", f" {look.glyphs.quote}"), ("quiet", fit(words, columns - 10, look)), ("quiet", "  Esc")]

    def _room_left(self) -> Line | None:
        """A count near the limit."""
        text = self.edit.edit_text
        if len(text) * 4 < limits.TEXT_MAX_BYTES * COUNTED_FROM:  # no character has more than four bytes
            return None
        left = limits.TEXT_MAX_BYTES - len(text.encode())
        if left > limits.TEXT_MAX_BYTES * (1 - COUNTED_FROM):
            return None
        if left < 0:
            return [("danger", f" {-left} bytes too long to send")]
        return [("warning" if left < 1024 else "quiet", f" room for {left} more bytes")]

    # --- sending ---
    def send(self) -> None:
        """Enter."""
        text, aim = self.edit.edit_text, self.aim
        if aim is None and is_command(text):
            self.edit.history.add(self.edit.take())
            self.save_draft()
            self._on_command(text)
        elif aim is not None and aim.kind == "react":
            self.take_aim(None)
            self._run(self._react(aim.message, text))
        elif text.strip():
            self._run(self._send(text, aim))

    async def _react(self, message: t.Message, text: str) -> None:
        typed = text.strip()
        emoji = QUICK[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(QUICK) else emoji_of(typed)
        if len(emoji.encode()) > limits.EMOJI_MAX_BYTES:
            raise LocalError("a reaction is one emoji")
        await self._call("message.react", t.MessageReact(name=self._named(), id=message.id, emoji=emoji))

    async def _send(self, text: str, aim: Aim | None) -> None:
        name = self._named()
        body = text[1:] if text.startswith("//") and aim is None else text
        body = body.strip("\n").rstrip()
        size = len(body.encode())
        if size > limits.TEXT_MAX_BYTES:
            raise LocalError(f"that is {size // 1024} KiB: a message has at most {limits.TEXT_MAX_BYTES // 1024} KiB")
        self.edit.history.add(text)
        self.edit.set_text_from("")
        self.take_aim(None)
        try:
            if aim is not None and aim.kind == "edit":
                await self._call("message.edit", t.MessageEdit(name=name, id=aim.message.id, text=body))
            else:
                reply_to = aim.message.id if aim is not None else None
                await self._call("message.send", t.MessageSend(name=name, text=body, reply_to=reply_to))
        except Exception:
            if self.name == name and self.empty:  # nothing that was written is lost
                self.edit.set_text_from(text)
                self.aim = aim
            else:
                self._drafts[name] = text
            raise
        self._sent(name)

    def _sent(self, name: str) -> None:
        self._drafts.pop(name, None)
        if name in self._kept:
            self._run(self._keep(name, self.edit.edit_text if self.name == name else ""))
        if self.name == name:
            self._on_sent()

    def _named(self) -> str:
        if self.name is None:
            raise LocalError("no conversation is open: press Ctrl-K and choose one")
        return self.name
