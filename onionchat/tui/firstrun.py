"""The first run: name, passphrase, then what Tor does, and the first link. Or a device that joins an account."""

import time
from collections.abc import Callable
from typing import Any

import urwid
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from onionchat import limits
from onionchat.api import types as t
from onionchat.errors import OnionchatError
from onionchat.tui.backend import Backend, Founder, Options
from onionchat.tui.canvas import Size, filled, text_canvas
from onionchat.tui.glyphs import Glyphs
from onionchat.tui.joinrun import STEPS as JOIN_STEPS
from onionchat.tui.joinrun import JoinRun
from onionchat.tui.keyboard import Paste
from onionchat.tui.render import Line, Look, one_line, padded, paragraph, zone_of
from onionchat.tui.screens.simple import invitation_lines
from onionchat.tui.strength import STRENGTH_MIN, WEAK, strength_line
from onionchat.tui.terminal import Terminal
from onionchat.tui.toraccount import account_lines
from onionchat.tui.widgets import Buttons, Field, SecretField

POLL_SECONDS = 1.0
ROWS_FOR_ALL = 20
THEN = "When they use it, the console shows their request: F3. If you were given a link yourself: /add LINK. F1 helps."
COLUMNS_MAX = 76


class FirstRun(urwid.Widget):
    """The steps, of a new account or of one more device. `done` gets the backend, or None when the user left."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(
        self,
        founder: Founder,
        reactor: Any,
        glyphs: Glyphs,
        look: Callable[[], Look],
        done: Callable[[Backend | None], None],
        draw: Callable[[], None],
    ) -> None:
        super().__init__()
        self._founder, self._reactor, self._glyphs, self._look = founder, reactor, glyphs, look
        self._done, self._draw = done, draw
        self.step = "name"
        self.join: JoinRun | None = None  # while this device joins an account
        self.message = ""
        self.name = Field(" > ")
        self.first = SecretField(" > ", self._strength)
        self.second = SecretField(" > ")
        self._passphrase = ""
        self._score, self._advice = 0, ""
        self._weak_accepted = False
        self.backend: Backend | None = None
        self.words: list[str] = []
        self.invitation: t.Invitation | None = None
        self.status: t.Status | None = None
        self.buttons: Buttons | None = None
        self._top = 0
        self._poll_due: IDelayedCall | None = None
        self._poll()

    # --- what goes on meanwhile ---
    def _poll(self) -> None:
        """Tor's progress, once a second while the first run lasts."""
        self._poll_due = self._reactor.callLater(POLL_SECONDS, self._poll)
        if self.backend is not None:
            self._run(self._ask_status())
        self._draw()

    async def _ask_status(self) -> None:
        assert self.backend is not None
        self.status = await self.backend.call("status.get", t.Nothing())
        if self.invitation is not None and self.invitation.state in ("publishing", "waiting"):
            link = t.LinkOnly(link=self.invitation.link)
            self.invitation = await self.backend.call("invite.qr", link)
        self._draw()

    def stop(self) -> None:
        """No timers after this."""
        if self._poll_due is not None and self._poll_due.active():
            self._poll_due.cancel()
        if self.join is not None:
            self.join.cancel()

    def _run(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        known = isinstance(error, OnionchatError)
        self.message = one_line(str(error)) if known else f"That did not work ({type(error).__name__})."
        if self.step == "making":
            self.step = "name"
        elif self.step == "joining" and self.join is not None:
            self.join.ended()
            self.step = "code"
        self._draw()

    # --- steps ---
    def _strength(self, passphrase: str) -> None:
        self._score, self._advice = self._founder.strength(passphrase) if passphrase else (0, "")

    def _enter(self) -> None:
        self.message = ""
        if self.step == "name":
            name = self.name.edit_text.strip()
            if not name or len(name) > limits.NAME_MAX_CHARACTERS:
                self.message = f"A name has 1 to {limits.NAME_MAX_CHARACTERS} characters."
            else:
                self.step = "first"
        elif self.step == "first":
            self._first_given()
        elif self.step == "second":
            self._second_given()
        elif self.join is not None and self.step in JOIN_STEPS:
            try:
                self.step = self.join.enter(self.step)
            except OnionchatError as error:
                self.message = one_line(str(error))

    def _join_instead(self) -> None:
        """This is another device of somebody who has onionchat already."""
        self.message = ""
        self.join, self.step = JoinRun(self._founder, self._look, self._draw), "code"

    def _back(self) -> None:
        """To the first question."""
        self.first.take(), self.second.take()
        self._passphrase, self.step, self.join, self.message = "", "name", None, ""

    def _first_given(self) -> None:
        if self.first.empty:
            self.message = "Without a passphrase everyone who has the disk has everything."
        elif self._score < STRENGTH_MIN and not self._weak_accepted:
            self._weak_accepted = True
            self.message = WEAK
        else:
            self._passphrase = self.first.take()
            self.step = "second"

    def _second_given(self) -> None:
        if self.second.take() != self._passphrase:
            self._passphrase, self.step = "", "first"
            self._weak_accepted = False
            self._score, self._advice = 0, ""
            self.message = "They were not the same. Once more."
            return
        passphrase, self._passphrase = self._passphrase, ""
        if self.join is not None:
            self.step = "joining"
            self._run(self._joined(self.join, passphrase))
            return
        self.step = "making"
        self._run(self._make(self.name.edit_text.strip(), passphrase))

    async def _joined(self, join: JoinRun, passphrase: str) -> None:
        backend: Backend = await join.begin(passphrase)
        join.ended()
        self._done(backend)

    async def _make(self, name: str, passphrase: str) -> None:
        self.backend = await self._founder.create_profile(name, passphrase)
        self._run(self._ask_status())
        words: t.RecoveryWords = await self.backend.call("recovery.words", t.Nothing())
        self.words = words.words
        if self.words:
            self.step = "recovery"
            self.buttons = Buttons(
                [
                    ("They are on paper", lambda: self._run(self._settle(True))),
                    ("Later", lambda: self._run(self._settle(None))),
                    ("I want none", lambda: self._run(self._settle(False))),
                ]
            )
        else:
            await self._settle(None)
        self._draw()

    async def _settle(self, written: bool | None) -> None:
        assert self.backend is not None
        if written is not None:
            await self.backend.call("recovery.settle", t.RecoverySettled(written=written))
        self.words = []
        self.step, self._top = "link", 0
        self.buttons = Buttons([("To the console", lambda: self._done(self.backend))])
        invitation: t.Invitation = await self.backend.call("invite.create", t.InviteCreate())
        if not invitation.qr:
            invitation = await self.backend.call("invite.qr", t.LinkOnly(link=invitation.link))
        self.invitation = invitation
        self._draw()

    # --- drawing ---
    def _lines(self, columns: int) -> list[Line]:
        width = min(columns, COLUMNS_MAX) - 2
        plain = self._glyphs.plain
        lines: list[Line] = [[], [("title", " onionchat"), ("quiet", "  the first time")], []]
        if self.step == "link":
            return [*lines, *self._link_lines(columns)]
        if self.join is not None and self.step in JOIN_STEPS:
            return [*lines, *self.join.lines(self.step, width)]
        texts = {
            "name": "What should others see as your name? They can call you something else in their lists.",
            "first": "A passphrase. It protects everything that is kept here; nobody can reset it. Four or five random "
            "words are good.",
            "second": "The same once more.",
            "making": "Making the keys …",
            "recovery": "Write these 24 words on paper and keep them. They are for the day when all your devices "
            "are lost; this version cannot use them yet.",
        }
        lines += [[("text", " "), *line] for line in paragraph(plain(texts[self.step]), width)]
        lines.append([])
        if self.step == "recovery":
            lines += self._word_lines(width)
        return lines

    def _word_lines(self, width: int) -> list[Line]:
        """Numbered, in as many columns as have room, read downwards."""
        across = max(1, min(4, width // 16))
        rows = -(-len(self.words) // across)
        lines: list[Line] = []
        for row in range(rows):
            line: Line = [("text", " ")]
            for number in range(row, len(self.words), rows):
                line += [("quiet", f"{number + 1:>2} "), ("bold", f"{one_line(self.words[number]):<12}")]
            lines.append(line)
        return lines

    def _link_lines(self, columns: int) -> list[Line]:
        if self.invitation is None:
            return [[("quiet", self._glyphs.plain(" Making your first link …"))]]
        return invitation_lines(self.invitation, columns, self._look(), THEN)

    def _tor_lines(self, columns: int) -> list[Line]:
        """What Tor is doing, from when there is a node."""
        return [] if self.status is None else account_lines(self.status, columns, self._look())

    def _strength_line(self) -> Line:
        if self.step != "first" or self.first.empty:
            return []
        return strength_line(self._score, self._advice, self._glyphs)

    def _keys_words(self) -> str:
        if self.step in ("recovery", "link"):
            return "PgDn shows more · Ctrl-Q leaves"
        if self.step == "joining":
            return "Esc ends it · Ctrl-Q leaves"
        if self.step == "name":
            return "Enter goes on · F2: another device of mine has onionchat already · Ctrl-Q leaves"
        return "Enter goes on · Esc goes back · Ctrl-Q leaves"

    def _field(self) -> Any:
        if self.join is not None and self.step in JOIN_STEPS:
            return self.join.field(self.step)
        fields: dict[str, Any] = {"name": self.name, "first": self.first, "second": self.second}
        return fields.get(self.step) or self.buttons

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """Text above, the field in the middle, Tor and what is wrong below."""
        columns, rows = size
        field = None if self.step == "making" else self._field()
        field_rows = field.rows((columns,), True) if field is not None else 0
        message = padded(paragraph(self.message, max(columns - 2, 8), "warning")) if self.message else []
        below = [*([self._strength_line()] if self._strength_line() else []), *message]
        if rows >= ROWS_FOR_ALL or self.step != "recovery":  # the words need the room more
            below += self._tor_lines(columns)
        below += padded(paragraph(self._glyphs.plain(self._keys_words()), max(columns - 2, 8), "quiet"))
        room = max(rows - field_rows - len(below), 1)
        lines = self._lines(columns)
        if self.step not in ("link", "recovery"):
            room = min(room, len(lines))
        self._top = max(0, min(self._top, len(lines) - room))
        parts = [(filled(lines[self._top :], (columns, room)), None, False)]
        if field is not None and room + field_rows <= rows:
            parts.append((field.render((columns,), True), None, True))
        used = sum(part[0].rows() for part in parts)
        if rows > used:
            parts.append((text_canvas([*below, *([[]] * rows)][: rows - used], columns), None, False))
        return urwid.CanvasCombine(parts)

    def keypress(self, size: Size, key: str) -> str | None:
        """Keys go to the field; Enter and Esc move between the steps."""
        self._invalidate()
        if key == "ctrl q":
            self._done(None)
        elif key in ("page up", "page down"):
            self._top += (size[1] // 2) * (-1 if key == "page up" else 1)
        elif self.step in ("recovery", "link"):
            if self.buttons is not None:
                self.buttons.keypress((size[0],), key)
        elif key == "enter" and self.step != "joining":
            self._enter()
        elif key == "esc" and self.step in ("first", "second", "code", "device", "history"):
            self._back()
        elif key == "esc" and self.step == "joining" and self.join is not None:
            self.join.cancel()
        elif key == "f2" and self.step == "name":
            self._join_instead()
        elif self.step != "making":
            field = self._field()
            if field is not None:
                self.message = ""
                field.keypress((size[0],), key)
        return None

    def paste(self, paste: Paste) -> None:
        """Into the field."""
        field = self._field()
        if isinstance(field, (Field, SecretField)):
            field.paste(paste.text)
        self._draw()

    def mouse_event(self, *_: object, **__: object) -> bool:
        """The keyboard is enough here."""
        return False


def run(founder: Founder, reactor: Any, options: Options | None = None) -> "Deferred[Backend | None]":
    """Leads through the first run. Fires with the backend of the new profile, or None when the user left."""
    options = options or Options()
    done: Deferred[Backend | None] = Deferred()
    glyphs = Terminal.glyphs(options)

    def finish(backend: Backend | None) -> None:
        first_run.stop()
        terminal.stop()
        if not done.called:
            done.callback(backend)

    def look() -> Look:
        return Look(glyphs, zone_of(options.utc_offset_seconds), int(time.time() * 1000))

    terminal = Terminal(reactor, options, gone=lambda: finish(None))
    first_run = FirstRun(founder, reactor, glyphs, look, finish, terminal.draw_soon)
    terminal.start(first_run, first_run.paste)
    return done
