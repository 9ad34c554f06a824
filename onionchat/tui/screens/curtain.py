"""What stands in front of everything: the lock, the quick hide, the wipe."""

from collections.abc import Callable

import urwid

from onionchat.tui.canvas import Size, filled, text_canvas
from onionchat.tui.render import Line, Look, fit, padded, paragraph
from onionchat.tui.widgets import SecretField


class LockScreen(urwid.Widget):
    """The passphrase, nothing else: no name, no count of messages."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, look: Callable[[], Look], unlock: Callable[[str], None], leave: Callable[[], None]) -> None:
        super().__init__()
        self._look, self._unlock, self._leave = look, unlock, leave
        self.field = SecretField(" Passphrase: ")
        self.message = ""
        self.busy = False

    def say(self, text: str) -> None:
        """What went wrong; the field is ready again."""
        self.message, self.busy = text, False
        self._invalidate()

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """In the upper third."""
        columns, rows = size
        above = min(rows // 3, max(rows - 4, 0))
        message: Line = [("quiet", " opening …" if self.busy else f" {fit(self.message, columns - 2, self._look())}")]
        below: list[Line] = [[], message, [], [("quiet", " Ctrl-Q leaves")]]
        canvases = [
            (text_canvas([[]] * above, columns), None, False) if above else None,
            (self.field.render((columns,), focus and not self.busy), None, True),
            (filled(below, (columns, rows - above - 1)), None, False) if rows - above > 1 else None,
        ]
        return urwid.CanvasCombine([canvas for canvas in canvases if canvas is not None])

    def keypress(self, size: Size, key: str) -> str | None:
        """Enter tries."""
        if self.busy:
            return None
        if key == "enter":
            if not self.field.empty:
                self.busy, self.message = True, ""
                self._unlock(self.field.take())
            return None
        if key in ("ctrl q", "ctrl c"):
            self._leave()
            return None
        self.message = "" if len(key) == 1 else self.message
        self.field.keypress((size[0],), key)
        return None

    def paste(self, text: str) -> None:
        """A passphrase from a password keeper."""
        self.field.paste(text)

    def mouse_event(self, *_: object, **__: object) -> bool:
        """Nothing to click."""
        return False


class HiddenScreen(urwid.Widget):
    """F12: an empty screen with a cursor, as a terminal that is idle."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, show_again: Callable[[], None]) -> None:
        super().__init__()
        self._show_again = show_again

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """Nothing."""
        canvas = urwid.CompositeCanvas(urwid.SolidCanvas(" ", *size))
        canvas.cursor = (0, 0)
        return canvas

    def keypress(self, size: Size, key: str) -> str | None:
        """Only F12 brings the console back."""
        if key == "f12":
            self._show_again()
        return None

    def mouse_event(self, *_: object, **__: object) -> bool:
        """Nothing to click."""
        return False


class WipeScreen(urwid.Widget):
    """Between the two keys of the wipe, and while it is under way: nothing of the conversations is to be seen."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, look: Callable[[], Look], key_shown: str, on_key: Callable[[str], None]) -> None:
        super().__init__()
        self._look, self._on_key = look, on_key
        self.style = "danger"
        self.message = (
            f"{key_shown} destroys the profile on this device: its keys, all messages, all contacts. Nothing brings "
            "them back. Any other key goes back."
        )

    def say(self, text: str, style: str = "text") -> None:
        """What is going on."""
        self.message, self.style = text, style
        self._invalidate()

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """A few lines in the upper third."""
        columns, rows = size
        lines = padded(paragraph(self.message, max(min(columns, 72) - 2, 8), self.style))
        return filled([*[[]] * min(rows // 3, max(rows - len(lines), 0)), *lines], size)

    def keypress(self, size: Size, key: str) -> str | None:
        """All keys are for whoever put it here."""
        self._on_key(key)
        return None

    def mouse_event(self, *_: object, **__: object) -> bool:
        """Nothing to click."""
        return False
