"""The usual sight: list, log, input and the lines between them; below 60 columns one pane at a time."""

from collections.abc import Callable
from typing import Any, Literal

import urwid

from onionchat.tui.bars import NARROW_COLUMNS
from onionchat.tui.canvas import Size, text_canvas
from onionchat.tui.input import InputPane
from onionchat.tui.listpane import ListPane
from onionchat.tui.logview import LogView
from onionchat.tui.render import Line, Look
from onionchat.tui.widgets import OneLine

Pane = Literal["list", "input", "log"]
LIST_COLUMNS_MIN, LIST_COLUMNS_MAX = 18, 32


class Rule(urwid.Widget):
    """A horizontal line, with a joint at a column where the vertical one meets it."""

    _sizing = frozenset([urwid.FLOW])
    no_cache = ("render",)

    def __init__(self, look: Callable[[], Look], joint: str = "", at: Callable[[int], int] = lambda _: -1) -> None:
        super().__init__()
        self._look, self._joint, self._at = look, joint, at

    def rows(self, size: Size, focus: bool = False) -> int:
        return 1

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        glyphs = self._look().glyphs
        at = self._at(size[0])
        text = glyphs.horizontal * size[0]
        if self._joint and 0 <= at < size[0]:
            text = text[:at] + str(getattr(glyphs, self._joint)) + text[at + 1 :]
        return text_canvas([[("line", text)]], size[0])


class Wall(urwid.Widget):
    """The vertical line, with a joint where the line above the input meets it."""

    _sizing = frozenset([urwid.BOX])
    no_cache = ("render",)

    def __init__(self, look: Callable[[], Look], joint_from_below: Callable[[], int]) -> None:
        super().__init__()
        self._look, self._joint = look, joint_from_below

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        glyphs = self._look().glyphs
        signs = [glyphs.vertical] * size[1]
        at = size[1] - 1 - self._joint()
        if 0 <= at < size[1]:
            signs[at] = glyphs.tee_right
        return text_canvas([[("line", sign)] for sign in signs], 1)


class MainView(urwid.Widget):
    """Composes the panes for the width it is drawn at. `pane`: where the keys go."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(
        self,
        look: Callable[[], Look],
        panes: tuple[ListPane, LogView, InputPane],
        top: Callable[[int], Line],
        head: Callable[[int], Line],
    ) -> None:
        super().__init__()
        self._look = look
        self.list, self.log, self.input = panes
        self.pane: Pane = "input"
        self.size = (80, 24)
        rule: Any = ("pack", Rule(look))
        self._right = urwid.Pile([("pack", OneLine(head)), rule, self.log, rule, ("pack", self.input)])
        wall = Wall(look, lambda: self.input.rows((self._right_columns(),)))
        self._columns: Any = urwid.Columns([(20, self.list), (1, wall), self._right], box_columns=[0, 1, 2])
        down = Rule(look, "tee_down", lambda columns: self._list_columns())
        up = Rule(look, "tee_up", lambda columns: self._list_columns())
        top_line: Any = ("pack", OneLine(top))
        self._wide = urwid.Pile([top_line, ("pack", down), self._columns, ("pack", up)])
        self._narrow_log = urwid.Pile([top_line, rule, self.log, rule, ("pack", self.input)])
        self._narrow_list = urwid.Pile([top_line, rule, self.list])

    @property
    def narrow(self) -> bool:
        """One pane at a time."""
        return self.size[0] < NARROW_COLUMNS

    def _list_columns(self) -> int:
        return min(max(self.size[0] * 3 // 10, LIST_COLUMNS_MIN), LIST_COLUMNS_MAX)

    def _right_columns(self) -> int:
        return self.size[0] - self._list_columns() - 1

    def _arranged(self, size: Size) -> Any:
        """The tree of widgets for this size, with the focus where the keys go."""
        self.size = size
        self.input.rows_max = max(1, min(size[1] // 3, 12))
        if self.narrow:
            if self.pane == "list":
                self._narrow_list.focus_position = 2
                return self._narrow_list
            self._narrow_log.focus_position = 2 if self.pane == "log" else 4
            return self._narrow_log
        options = self._columns.options
        contents = self._columns.contents
        contents[0] = (contents[0][0], options("given", self._list_columns(), box_widget=True))
        self._wide.focus_position = 2
        self._columns.focus_position = 0 if self.pane == "list" else 2
        self._right.focus_position = 2 if self.pane == "log" else 4
        return self._wide

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The whole sight. A terminal that is too small for it shows what it can."""
        if size[1] < 5 or size[0] < 12:
            return text_canvas([[("quiet", "too small"[: size[0]])], *([[]] * (size[1] - 1))], size[0])
        canvas: urwid.Canvas = self._arranged(size).render(size, focus)
        return canvas

    def keypress(self, size: Size, key: str) -> str | None:
        """To the pane that has the keys."""
        if self.pane == "list":
            return self.list.keypress((self._list_columns(), max(size[1] - 3, 1)), key)
        if self.pane == "input":
            columns = size[0] if self.narrow else self._right_columns()
            return self.input.keypress((columns,), key)
        return key

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """To what is under it; the place of the keys stays."""
        if size[1] < 5 or size[0] < 12:
            return False
        return bool(self._arranged(size).mouse_event(size, event, button, col, row, focus))
