"""Screens that only show or ask: lines, help, an invitation with its QR code, a question."""

from collections.abc import Callable, Sequence

from onionchat.api import types as t
from onionchat.tui.canvas import Size
from onionchat.tui.commands import COMMANDS, ELSEWHERE
from onionchat.tui.keys import KEYS, SECTIONS, Key
from onionchat.tui.render import Line, Look, moment, padded, paragraph
from onionchat.tui.screens.frame import BUTTON_KEYS, COLUMNS_MAX, Screen
from onionchat.tui.widgets import Buttons, TextBody

KEY_COLUMNS = 12
BESIDE_COLUMNS_MIN = 34  # so much room beside the QR code, and the text stands there


class LinesScreen(Screen):
    """Lines with a title."""

    def __init__(self, look: Callable[[], Look], title: str, make: Callable[[int], list[Line]]) -> None:
        super().__init__(look, title, TextBody(make), keys=(("PgUp PgDn", "scroll"),))


class HelpScreen(LinesScreen):
    """Keys and commands, made from their tables."""

    name = "help"

    def __init__(self, look: Callable[[], Look], rows: Sequence[Key] = KEYS) -> None:
        super().__init__(look, "Help", lambda columns: help_lines(columns, look(), rows))


def help_lines(columns: int, look: Look, rows: Sequence[Key] = KEYS) -> list[Line]:
    """The tables of keys and commands."""
    columns = min(columns, COLUMNS_MAX)
    lines: list[Line] = []
    for where, title in SECTIONS:
        lines += [[], *paragraph(" " + look.glyphs.plain(title), columns, "bold")]
        for key in rows:
            if key.where == where and key.names:
                lines += _explained(key.shown, KEY_COLUMNS, look.glyphs.plain(key.help), columns)
    lines += [[], *paragraph(" Commands (// sends a message that begins with a slash)", columns, "bold")]
    for command in COMMANDS:
        lines += _explained(command.usage, 32 if columns >= 70 else KEY_COLUMNS, command.help, columns)
    lines += [[], *paragraph(" Not here", columns, "bold")]
    for name in sorted(ELSEWHERE):
        lines += _explained(f"/{name}", KEY_COLUMNS, ELSEWHERE[name], columns)
    return lines[1:]


def _explained(left: str, left_columns: int, right: str, columns: int) -> list[Line]:
    """Two columns; the right one begins on the next line when the left one is too long."""
    indent = left_columns + 3
    body = paragraph(right, max(columns - indent - 1, 10), "text")
    head: Line = [("key", f"   {left}")]
    if len(left) < left_columns:
        return [
            [*head, ("text", " " * (left_columns - len(left))), *body[0]],
            *([("text", " " * indent), *line] for line in body[1:]),
        ]
    heads = padded(paragraph(left, max(columns - 4, 10), "key"), "   ")
    return [*heads, *padded(body, " " * indent)]


class InvitationScreen(Screen):
    """A link, its QR code when there is room, and what to do with it."""

    name = "invitation"

    def __init__(self, look: Callable[[], Look], invitation: t.Invitation, copy: Callable[[str], None]) -> None:
        self._copy, self.invitation = copy, invitation
        keys = (("c", "copy the link"), ("PgUp PgDn", "scroll"))
        super().__init__(
            look, "Invitation", TextBody(lambda columns: invitation_lines(invitation, columns, look())), keys=keys
        )

    def keypress(self, size: Size, key: str) -> str | None:
        """c copies."""
        if key == "c":
            self._copy(self.invitation.link)
            return None
        return super().keypress(size, key)


def invitation_lines(invitation: t.Invitation, columns: int, look: Look, then: str = "") -> list[Line]:
    """The words, the link, and the QR code; and what comes `then`."""
    once = "It works once" if invitation.kind == "once" else "It works for everyone who has it"
    until = "" if invitation.expires is None else f", until {moment(invitation.expires, look)}"
    text = f"Give this to one person, by a way you trust. {once}{until}."
    if invitation.kind == "open":
        text = f"{once}{until}. Who has it can send you a request, nothing more."
    publishing = invitation.state in ("publishing", "waiting")
    waiting = ["It is being published; it works in a moment."] if publishing else []
    code = qr_lines(invitation.qr, look)
    code_columns = max((len(line) for line in code), default=0)
    is_beside = bool(code) and columns >= code_columns + BESIDE_COLUMNS_MIN
    room = columns - code_columns - 4 if is_beside else min(columns, COLUMNS_MAX) - 2
    words = paragraph(look.glyphs.plain(text), room)
    link = paragraph(invitation.link, room, "found")
    hints = [line for hint in (*waiting, then) if hint for line in [*paragraph(hint, room, "quiet"), []]]
    if is_beside:
        return beside(code, [[], *words, [], *link, [], *hints])
    lines = padded([[], *words, [], *link, *hints, []])
    if code and code_columns + 2 <= columns:
        return [*lines, *([("text", " "), ("qr", line)] for line in code)]
    wider = "A wider terminal shows it as a QR code, too."
    return [*lines, *padded(paragraph(wider, columns - 2, "quiet"))] if code else lines


def beside(code: Sequence[str], texts: Sequence[Line]) -> list[Line]:
    """The code on the left, the text on the right."""
    width = max(len(line) for line in code)
    lines: list[Line] = []
    for number in range(max(len(code), len(texts))):
        left: Line = [("qr", code[number])] if number < len(code) else [("text", " " * width)]
        right = texts[number] if number < len(texts) else []
        lines.append([("text", " "), *left, ("text", "  "), *right])
    return lines


def qr_lines(qr: Sequence[str], look: Look) -> list[str]:
    """The code in half blocks; without UTF-8 each module becomes two characters of a line of its own."""
    qr = ["".join(sign if sign in "█▀▄" else " " for sign in line) for line in qr]
    width = max((len(line) for line in qr), default=0)
    qr = [line.ljust(width) for line in qr]
    if look.glyphs.unicode:
        return qr
    lines = []
    for line in qr:
        lines.append("".join("##" if sign in "█▀" else "  " for sign in line))
        lines.append("".join("##" if sign in "█▄" else "  " for sign in line))
    return lines


class AskScreen(Screen):
    """A question with a few answers. Esc is the last one."""

    name = "ask"

    def __init__(
        self, look: Callable[[], Look], question: str, answers: Sequence[tuple[str, Callable[[], None]]]
    ) -> None:
        def chosen(work: Callable[[], None]) -> Callable[[], None]:
            def choose() -> None:
                self.answered = True
                self.close()
                work()

            return choose

        self.answered = False
        self._no = answers[-1][1]
        buttons = Buttons([(label, chosen(work)) for label, work in answers], index=len(answers) - 1)
        self.body = TextBody(lambda columns: [[], *padded(paragraph(question, min(columns, COLUMNS_MAX) - 2))])
        super().__init__(look, "One question", self.body, below=buttons, keys=BUTTON_KEYS, focus="footer")

    def keypress(self, size: Size, key: str) -> str | None:
        """Pages scroll the question, the rest is for the buttons."""
        if key in ("page up", "page down"):
            self.body.keypress(size, key)
            return None
        return super().keypress(size, key)

    def closed(self) -> None:
        """Left without an answer: no."""
        if not self.answered:
            self.answered = True
            self._no()
