"""Screens about people: contact requests, comparing words."""

from collections.abc import Callable, Sequence

import segno

from onionchat.api import types as t
from onionchat.text import display_width
from onionchat.tui.canvas import Size
from onionchat.tui.contactlines import TRUST_MEANS
from onionchat.tui.render import Line, Look, fit, moment, one_line, pad, padded, paragraph
from onionchat.tui.screens.frame import BUTTON_KEYS, COLUMNS_MAX, Screen
from onionchat.tui.screens.simple import BESIDE_COLUMNS_MIN, beside, qr_lines
from onionchat.tui.widgets import Buttons, Choice, Choices, Field, TextBody

GREETING_LINES = 4
WORDS_A_GROUP = 4


class RequestsScreen(Screen):
    """F3: who asks, who is asked."""

    name = "requests"

    def __init__(
        self,
        look: Callable[[], Look],
        accept: Callable[[t.ContactRequest], None],
        do: Callable[[str, t.ContactRequest], None],
    ) -> None:
        self._accept, self._do = accept, do
        self._requests: dict[str, t.ContactRequest] = {}
        self.choices = Choices(self._chosen, "Nobody asks, nobody is asked. /invite makes a link, /add uses one.")
        keys = (("Enter", "accept"), ("i", "ignore"), ("b", "block"), ("x", "take mine back"))
        super().__init__(look, "Contact requests", self.choices, keys=keys)

    def show(self, requests: Sequence[t.ContactRequest]) -> None:
        """Incoming ones first, the newest first."""
        ordered = sorted(requests, key=lambda request: (request.direction != "incoming", -request.time))
        self._requests = {request.id: request for request in ordered}
        self.choices.replace([self._row(request) for request in ordered])
        self._invalidate()

    def _row(self, request: t.ContactRequest) -> Choice:
        return Choice(request.id, lambda columns, chosen: request_lines(request, columns, self.look()))

    def _chosen(self, request_id: str) -> None:
        request = self._requests[request_id]
        if request.direction == "incoming":
            self._accept(request)

    def keypress(self, size: Size, key: str) -> str | None:
        """Letters decide about the chosen one."""
        request = self._requests.get(self.choices.chosen or "")
        if request is not None:
            incoming = request.direction == "incoming"
            if key in ("i", "b") and incoming:
                self._do({"i": "ignore", "b": "block"}[key], request)
                return None
            if key == "x" and not incoming:
                self._do("cancel", request)
                return None
        return super().keypress(size, key)


def request_lines(request: t.ContactRequest, columns: int, look: Look) -> list[Line]:
    """One request: who, when, in which state, the greeting, the words."""
    incoming = request.direction == "incoming"
    when = moment(request.time, look)
    state = {
        "waiting": "asks" if incoming else "waits until one of their devices is on",
        "sent": "was delivered; no answer yet",
    }.get(request.state, one_line(request.state))
    lines: list[Line] = [
        [
            ("accent" if incoming else "quiet", " > " if incoming else " < "),
            ("bold", fit(request.name, max(columns // 2, 8), look)),
            ("quiet", f"  {state}  {when}"),
        ]
    ]
    indent = ("text", "   ")
    if request.note:
        lines += [[indent, *line] for line in paragraph(request.note, columns - 4, "accent")]
    if request.suspicious_name:
        warning = "This name looks like another one, or mixes alphabets. Be careful."
        lines += [[indent, *line] for line in paragraph(warning, columns - 4, "warning")]
    if request.greeting:
        lines += [[indent, *line] for line in paragraph(request.greeting, columns - 4)[:GREETING_LINES]]
    if request.words:
        words = " ".join(one_line(word) for word in request.words)
        lines += [[indent, *line] for line in paragraph(words, columns - 4, "quiet")]
    return [*lines, []]


class NameScreen(Screen):
    """Something about a person, and the name under which it is kept here. Enter does it."""

    def __init__(
        self,
        look: Callable[[], Look],
        title: str,
        name: str,
        make: Callable[[int], list[Line]],
        enter: str,
        on_enter: Callable[[str], None],
    ) -> None:
        self._on_enter = on_enter
        self.field = Field(" Name here: ", one_line(name))
        body = TextBody(lambda columns: padded(make(columns)))
        super().__init__(look, title, body, above=self.field, keys=(("Enter", enter),), focus="header")
        self._w.header.focus_position = 2

    def keypress(self, size: Size, key: str) -> str | None:
        """Enter takes the name."""
        if key == "enter":
            name = self.field.edit_text.strip()
            if name:
                self.close()
                self._on_enter(name)
            return None
        return super().keypress(size, key)

    def paste(self, text: str) -> None:
        """Into the name."""
        self.field.paste(text)


class AcceptScreen(NameScreen):
    """Accepting asks for the name under which the person is kept here."""

    name = "accept"

    def __init__(self, look: Callable[[], Look], request: t.ContactRequest, on_accept: Callable[[str], None]) -> None:
        text = "They become a contact: they see when you are on, and can write to you. The name is yours to choose."

        def make(columns: int) -> list[Line]:
            words = paragraph(text, min(columns, COLUMNS_MAX) - 2)
            return [*words, [], *request_lines(request, columns - 1, look())]

        super().__init__(look, "Accept", request.name, make, "accept", on_accept)


class AddScreen(NameScreen):
    """A link from a message: under which name is it kept, and shall it be asked?"""

    name = "add"

    def __init__(self, look: Callable[[], Look], link: str, name: str, on_add: Callable[[str], None]) -> None:
        text = (
            "A contact request goes to the one who made this link; they see your name. The name here is yours to "
            "choose. Compare words with them later: a link can be passed on by anybody."
        )

        def make(columns: int) -> list[Line]:
            width = min(columns, COLUMNS_MAX) - 2
            return [*paragraph(text, width), [], *paragraph(link, width, "found")]

        super().__init__(look, "Add", name, make, "send the request", on_add)


class CompareScreen(Screen):
    """F2: both lists of words side by side, and what the people decide."""

    name = "compare"

    def __init__(
        self, look: Callable[[], Look], contact: str, trust: t.Trust, words: t.Words, decide: Callable[[t.Trust], None]
    ) -> None:
        def chosen(state: t.Trust) -> Callable[[], None]:
            def choose() -> None:
                self.close()
                decide(state)

            return choose

        self.contact = contact
        buttons = Buttons(
            [
                ("They match: validated", chosen("validated")),
                ("They differ: compromised", chosen("compromised")),
                ("Not now", lambda: self.close()),  # noqa: PLW0108 - the stage sets it later,
            ],
            index=2,
        )
        self._code = False
        body = TextBody(
            lambda columns: (
                words_code(words, columns, self.look())
                if self._code
                else compare_lines(contact, trust, words, columns, self.look())
            )
        )
        keys = (*BUTTON_KEYS, ("q", "as a QR code"))
        super().__init__(look, f"Compare with {one_line(contact)}", body, below=buttons, keys=keys, focus="footer")

    def keypress(self, size: Size, key: str) -> str | None:
        """Pages scroll the words, q shows them as a QR code, the rest is for the buttons."""
        if key == "q":
            self._code = not self._code
            return None
        if key in ("page up", "page down"):
            self._w.body.keypress((size[0], max(size[1] - 5, 1)), key)
            return None
        return super().keypress(size, key)


def compare_lines(contact: str, trust: t.Trust, words: t.Words, columns: int, look: Look) -> list[Line]:
    """The words in groups of four, side by side where there is room."""
    columns = min(columns, COLUMNS_MAX)
    how = padded(paragraph("Read yours aloud, hear theirs. Both sides see both lists.", columns - 2, "quiet"))
    mine, theirs = _groups(words.mine), _groups(words.theirs)
    name = fit(contact, 24, look)
    width = max([display_width(group) for group in [*mine, *theirs]], default=0)
    lines: list[Line] = []
    if 12 + 2 * width + 4 <= columns:
        lines += [[], *how, []]
        lines.append([("quiet", " " * 9 + pad("You", width + 4)), ("quiet", name)])
        for number, (left, right) in enumerate(zip(mine, theirs, strict=False)):
            first = number * WORDS_A_GROUP + 1
            label = f"{first}-{first + WORDS_A_GROUP - 1}"
            lines.append([("quiet", f"   {label:<6}"), ("bold", pad(left, width + 4)), ("bold", right)])
        lines.append([])
    else:  # a small terminal: the words first, all of them without scrolling
        lines += [*_grouped("You", mine), *_grouped(name, theirs), *how, []]
    devices = "one device" if words.devices == 1 else f"{words.devices} devices"
    roster = f", roster {one_line(words.roster)[:8]}" if words.roster else ""
    lines += padded(paragraph(f"{one_line(contact)} is {trust} now; {devices}{roster}.", columns - 2, "quiet"))
    lines += padded(paragraph(f"{trust.capitalize()}: {TRUST_MEANS[trust]}", columns - 2, "quiet"))
    why = (
        "Why: Tor proves that you talk with the address you were given. Only comparing proves that the address "
        f"was {one_line(contact)}'s and not someone's between."
    )
    return [*lines, [], *padded(paragraph(why, columns - 2, "quiet"))]


def words_code(words: t.Words, columns: int, look: Look) -> list[Line]:
    """Both lists as a QR code, for a telephone or a second device that reads such codes.

    The list of words is made so that four letters tell them apart; no more are in the code, so that it fits a small
    screen. Both sides have the same code.
    """
    both = sorted("".join(f"{one_line(word)[:4]:-<4}" for word in side) for side in (words.mine, words.theirs))
    code = qr_lines(half_blocks("".join(both).upper()), look)  # capitals need fewer modules
    text = "Both lists in one code, four letters a word. The other one's screen must show the same code."
    width = max(len(line) for line in code)
    if columns >= width + BESIDE_COLUMNS_MIN:
        return beside(code, [[], *paragraph(text, columns - width - 4, "quiet")])
    if width + 1 > columns:
        return [[], *padded(paragraph("The terminal is too narrow for the code.", columns - 2))]
    return [*padded(paragraph(text, columns - 2, "quiet")), *([("text", " "), ("qr", line)] for line in code)]


def half_blocks(text: str) -> list[str]:
    """A QR code, two rows of modules a line, with a border of two modules."""
    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    signs = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    return [
        "".join(signs[int(bool(top)), int(bool(low))] for top, low in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    ]


def _groups(words: Sequence[str]) -> list[str]:
    safe = [one_line(word) for word in words]
    return [" ".join(safe[at : at + WORDS_A_GROUP]) for at in range(0, len(safe), WORDS_A_GROUP)]


def _grouped(label: str, groups: Sequence[str]) -> list[Line]:
    return [[("quiet", f" {label}")], *([("bold", f"   {group}")] for group in groups)]
