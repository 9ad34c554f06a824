"""The stage: the main view at the bottom, screens in front of it, a curtain in front of all; keys or a notice below."""

from collections.abc import Callable

import urwid

from onionchat.tui.canvas import Size, text_canvas
from onionchat.tui.render import Line
from onionchat.tui.screens.frame import Screen

ROWS_MIN, COLUMNS_MIN = 7, 12


class Stage(urwid.Widget):
    """Only the topmost is drawn, and has the keys.

    `foot` makes the last lines of the terminal (what the keys do, or a notice); `on_key` sees every key first and
    returns whether it took it. A curtain gets the whole terminal, and the keys that `on_key` leaves.
    """

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, main: urwid.Widget, on_key: Callable[[str], bool], foot: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self.main = main
        self.screens: list[Screen] = []
        self.curtain: urwid.Widget | None = None
        self._on_key, self._foot = on_key, foot

    @property
    def top(self) -> urwid.Widget:
        """What is seen."""
        return self.curtain or (self.screens[-1] if self.screens else self.main)

    def open(self, screen: Screen) -> None:
        """Puts a screen in front; one of the same name goes."""
        same = self.find(screen.name) if screen.name else None
        if same is not None:
            self.leave(same)
        screen.close = lambda: self.leave(screen)
        self.screens.append(screen)
        self._invalidate()

    def leave(self, screen: Screen) -> None:
        """Takes it away, wherever it stands."""
        if screen in self.screens:
            self.screens.remove(screen)
            screen.closed()
            self._invalidate()

    def clear(self) -> None:
        """Only the main view is left."""
        for screen in list(self.screens):
            self.leave(screen)

    def find(self, name: str) -> Screen | None:
        """An open screen by its name."""
        return next((screen for screen in self.screens if screen.name == name), None)

    def _body_size(self, size: Size) -> Size:
        return size if self.curtain is not None else (size[0], max(size[1] - len(self._foot(size[0])), 1))

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The topmost one, and the foot."""
        if self.curtain is not None:
            return self.curtain.render(size, focus=True)
        if size[1] < ROWS_MIN or size[0] < COLUMNS_MIN:
            return text_canvas([[("quiet", "too small"[: size[0]])], *([[]] * (size[1] - 1))], size[0])
        body = self.top.render(self._body_size(size), focus=True)
        foot = text_canvas(self._foot(size[0]), size[0])
        return urwid.CanvasCombine([(body, None, True), (foot, None, False)])

    def keypress(self, size: Size, key: str) -> str | None:
        """Keys of the console first, then the topmost one."""
        self._invalidate()
        if self._on_key(key):
            return None
        left: str | None = self.top.keypress(self._body_size(size), key)
        return left

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """To the topmost one."""
        self._invalidate()
        body = self._body_size(size)
        if row >= body[1] or size[1] < ROWS_MIN or size[0] < COLUMNS_MIN:
            return False
        return bool(self.top.mouse_event(body, event, button, col, row, focus=True))
