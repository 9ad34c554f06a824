"""My devices, and linking a new one: the code, the words of both sides, what came of it."""

from collections.abc import Callable, Sequence

from onionchat.api import types as t
from onionchat.tui.canvas import Size
from onionchat.tui.devicelines import device_lines, joining_words, word_rows
from onionchat.tui.render import Line, Look, one_line, padded, paragraph
from onionchat.tui.screens.frame import BUTTON_KEYS, COLUMNS_MAX, Screen
from onionchat.tui.screens.simple import BESIDE_COLUMNS_MIN, beside, qr_lines
from onionchat.tui.widgets import Buttons, Choice, Choices, TextBody


class DevicesScreen(Screen):
    """Mine, active ones first. Letters act on the chosen one."""

    name = "devices"

    def __init__(self, look: Callable[[], Look], on_key: Callable[[str, t.OwnDevice | None], bool]) -> None:
        self._on_key = on_key
        self._devices: dict[str, t.OwnDevice] = {}
        self.status: t.Status | None = None
        self.choices = Choices(lambda device: None, "asking the node …")
        keys = (("l", "link a new one"), ("n", "rename"), ("u", "remove"))
        super().__init__(look, "My devices", self.choices, keys=keys)

    def show(self, devices: Sequence[t.OwnDevice], status: t.Status | None) -> None:
        """A newer list."""
        ordered = sorted(devices, key=lambda device: (device.state != "active", not device.this))
        self._devices = {device.id: device for device in ordered}
        self.status = status
        self.choices.replace([self._row(device) for device in ordered])
        self._invalidate()

    def _row(self, device: t.OwnDevice) -> Choice:
        def make(columns: int, chosen: bool) -> list[Line]:
            lines = device_lines(device, min(columns, COLUMNS_MAX), self.look())
            return [*lines, *self._own_lines(columns), []] if device.this else [*lines, []]

        return Choice(device.id, make)

    def _own_lines(self, columns: int) -> list[Line]:
        words = "" if self.status is None else joining_words(self.status)
        return padded(paragraph(words, min(columns, COLUMNS_MAX) - 4, "warning"), "   ") if words else []

    def keypress(self, size: Size, key: str) -> str | None:
        """Letters first."""
        if len(key) == 1 and self._on_key(key, self._devices.get(self.choices.chosen or "")):
            return None
        return super().keypress(size, key)


class LinkScreen(Screen):
    """From the code to the new device. It is made again as the node tells more."""

    name = "link"

    def __init__(
        self, look: Callable[[], Look], confirm: Callable[[bool], None], on_closed: Callable[[t.LinkStatus], None]
    ) -> None:
        self._on_closed = on_closed
        self.link = t.LinkStatus(state="none")
        self.buttons = Buttons(
            [("They are the same", lambda: confirm(True)), ("They differ", lambda: confirm(False))], index=1
        )
        body = TextBody(lambda columns: link_lines(self.link, columns, self.look()))
        super().__init__(look, "Link a device", body, keys=(("PgUp PgDn", "scroll"),))

    def show(self, link: t.LinkStatus) -> None:
        """A newer state. The buttons are there while there is something to decide."""
        asks, asked = _asks(link), _asks(self.link)
        self.link = link
        if asks and not asked:
            self.buttons.index = 1
        if asks != asked:
            self.put_below(self.buttons if asks else None)
        self.keys = BUTTON_KEYS if asks else (("PgUp PgDn", "scroll"),)
        self._invalidate()

    def keypress(self, size: Size, key: str) -> str | None:
        """Pages scroll; the rest is for the buttons."""
        if key in ("page up", "page down"):
            self._w.body.keypress((size[0], max(size[1] - 4, 1)), key)
            return None
        return super().keypress(size, key)

    def closed(self) -> None:
        """Whoever has put it here ends what goes on."""
        self._on_closed(self.link)


def _asks(link: t.LinkStatus) -> bool:
    return link.state == "comparing" and bool(link.words) and not link.said_yes


def link_lines(link: t.LinkStatus, columns: int, look: Look) -> list[Line]:
    """What is to be seen and done in each state."""
    width = min(columns, COLUMNS_MAX) - 2
    if link.state == "waiting":
        return _code_lines(link, columns, look)
    if link.state == "comparing" and link.words:
        return _words_lines(link, width, look)
    words = {
        "comparing": "A device has come; the words follow.",
        "admitting": f"{one_line(link.device)} is being written down as a device of yours …",
        "linked": f"{one_line(link.device)} is a device of yours now. Contacts and messages are on their way to it: "
        "leave both devices on for a while.",
        "failed": f"{one_line(link.problem).rstrip('.')}. Esc, then l makes a new code.",
    }.get(link.state, "Making a code …")
    style = {"failed": "warning", "linked": "accent"}.get(link.state, "text")
    return [[], *padded(paragraph(look.glyphs.plain(words), width, style))]


def _code_lines(link: t.LinkStatus, columns: int, look: Look) -> list[Line]:
    code = qr_lines(link.qr, look)
    code_columns = max((len(line) for line in code), default=0)
    is_beside = bool(code) and columns >= code_columns + BESIDE_COLUMNS_MIN
    room = columns - code_columns - 4 if is_beside else min(columns, COLUMNS_MAX) - 2
    seconds = 0 if link.expires is None else max(link.expires - look.now_ms, 0) // 1000
    left = f"{seconds // 60}:{seconds % 60:02d}"
    state = f"A device can come; {left} left." if link.published else f"The code is being published; {left} left."
    texts: list[Line] = [
        *paragraph("On the new device: `onionchat`, then F2, then this code. Or `onionchat join CODE`.", room),
        [],
        *paragraph(link.code, room, "found"),
        [],
        *paragraph(state, room, "accent" if link.published else "quiet"),
        [],
        *paragraph("It works once. Show it to nobody: who is first with it is asked for words, too.", room, "quiet"),
    ]
    texts = [[(style, look.glyphs.plain(text)) for style, text in line] for line in texts]
    if is_beside:
        return beside(code, [[], *texts])
    lines = [[], *padded(texts), []]
    return [*lines, *([("text", " "), ("qr", line)] for line in code)] if code_columns + 2 <= columns else lines


def _words_lines(link: t.LinkStatus, width: int, look: Look) -> list[Line]:
    asked = f"“{one_line(link.device)}” wants to be a device of yours. Does it show the same six words?"
    said = f"You said yes. “{one_line(link.device)}” has to say yes, too."
    why = "A device that you admit reads all that you read, and writes in your name. If it is not in your hand: no."
    return [
        [],
        *padded(paragraph(look.glyphs.plain(said if link.said_yes else asked), width, "accent")),
        [],
        *word_rows(link.words, width),
        [],
        *padded(paragraph(why, width, "quiet")),
    ]
