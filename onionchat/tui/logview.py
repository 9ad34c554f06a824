"""The log on the screen: a list box over a window, scrolled by lines, that never jumps while it is read."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import urwid

from onionchat.api import types as t
from onionchat.tui.canvas import Size, text_canvas
from onionchat.tui.render import Line, Look, message_lines, rule, who_columns
from onionchat.tui.theme import style_names
from onionchat.tui.window import Row

NEAR_THE_END_ROWS = 15  # so close to an end of the window, the next page is asked for

MakeLook = Callable[[], Look]


class RowWidget(urwid.Widget):
    """One row. It is drawn as chosen only while messages are being chosen."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = False  # the log moves by lines, not from one selectable widget to the next

    def __init__(self, row: Row, look: MakeLook, names: Callable[[], int]) -> None:
        super().__init__()
        self.row = row
        self.choosing = False
        self._look, self._names = look, names
        self._made: tuple[object, list[Line]] | None = None

    def lines(self, columns: int) -> list[Line]:
        """The lines at this width; made again when width, names or the day change."""
        look = self._look()
        key = (columns, self._names(), look.now_ms // 86_400_000, look.glyphs)
        if self._made is None or self._made[0] != key:
            self._made = (key, self._make(columns, look))
        return self._made[1]

    def _make(self, columns: int, look: Look) -> list[Line]:
        row = self.row
        if row.message is not None:
            return message_lines(row.message, columns, look, self._names())
        if row.kind == "new":
            return [rule(row.text, columns, look, "new", "new")]
        if row.kind == "day":
            return [rule(row.text, columns, look)]
        return [[("notice", f" {look.glyphs.middle_dot * 2 if row.kind == 'gap' else ' '} {row.text}"[:columns])]]

    def rows(self, size: Size, focus: bool = False) -> int:
        """How many lines it takes."""
        return len(self.lines(size[0]))

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The lines; on the background of what is chosen when it is."""
        canvas = text_canvas(self.lines(size[0]), size[0])
        if not (focus and self.choosing):
            return canvas
        chosen = urwid.CompositeCanvas(canvas)
        chosen.fill_attr_apply(dict.fromkeys([None, *style_names()], "selected"))
        return chosen


class RowWalker(urwid.ListWalker[str, RowWidget]):
    """The rows by key, so that a place survives every change of the window."""

    def __init__(self, near_start: Callable[[], None], near_end: Callable[[], None]) -> None:
        self._keys: list[str] = []
        self._widgets: dict[str, RowWidget] = {}
        self._index: dict[str, int] = {}
        self._near_start, self._near_end = near_start, near_end
        self.focus: str | None = None

    def replace(self, rows: Sequence[Row], make: Callable[[Row], RowWidget]) -> None:
        """New rows. Widgets of rows that did not change stay; so does the place, or the one that is nearest."""
        old_index = self._index.get(self.focus or "", 0)
        widgets = {}
        for row in rows:
            old = self._widgets.get(row.key)
            widgets[row.key] = old if old is not None and old.row == row else make(row)
        self._keys = [row.key for row in rows]
        self._index = {key: index for index, key in enumerate(self._keys)}
        self._widgets = widgets
        if self.focus not in self._index:
            self.focus = self._keys[min(old_index, len(self._keys) - 1)] if self._keys else None
        self._modified()

    @property
    def keys(self) -> Sequence[str]:
        """All keys, in order."""
        return self._keys

    def widget(self, key: str) -> RowWidget | None:
        """The row with this key."""
        return self._widgets.get(key)

    def get_focus(self) -> tuple[RowWidget, str] | tuple[None, None]:
        """For the list box."""
        return (None, None) if self.focus is None else (self._widgets[self.focus], self.focus)

    def set_focus(self, position: str) -> None:
        """For the list box."""
        self.focus = position
        self._modified()

    def get_prev(self, position: str) -> tuple[RowWidget, str] | tuple[None, None]:
        """For the list box; close to the start, more is asked for."""
        index = self._index.get(position, 0) - 1
        if index < NEAR_THE_END_ROWS:
            self._near_start()
        return self._at(index)

    def get_next(self, position: str) -> tuple[RowWidget, str] | tuple[None, None]:
        """For the list box."""
        index = self._index.get(position, len(self._keys)) + 1
        if index > len(self._keys) - NEAR_THE_END_ROWS:
            self._near_end()
        return self._at(index)

    def _at(self, index: int) -> tuple[RowWidget, str] | tuple[None, None]:
        if 0 <= index < len(self._keys):
            return self._widgets[self._keys[index]], self._keys[index]
        return None, None


class LogView(urwid.ListBox[str]):
    """The log. `following`: the end is on the screen, and what comes is scrolled to."""

    def __init__(self, look: MakeLook, near_start: Callable[[], None], near_end: Callable[[], None]) -> None:
        self.walker = RowWalker(near_start, near_end)
        super().__init__(self.walker)
        self.following = True
        self.on_click: Callable[[str], None] = lambda key: None
        self._look = look
        self._names = 2
        self._size = (80, 20)

    # --- what is shown ---
    def show(self, rows: Sequence[Row], messages: Sequence[t.Message]) -> None:
        """Draws these rows from now on. The place is kept, or the end when it was on the screen."""
        self._names = who_columns(messages)
        self.walker.replace(rows, lambda row: RowWidget(row, self._look, lambda: self._names))
        if self.following:
            self.go_end()

    def go_end(self) -> None:
        """To the last row, which is then followed."""
        self.following = True
        if self.walker.keys:
            self.set_focus(self.walker.keys[-1], coming_from="below")
            self.set_focus_valign("bottom")

    def go_to(self, key: str, valign: Literal["top", "middle", "bottom"] = "middle") -> bool:
        """To a row. False when it is not here."""
        if self.walker.widget(key) is None:
            return False
        self.following = False
        self.set_focus(key)
        self.set_focus_valign(valign)
        return True

    def at_end(self) -> bool:
        """Whether the last row is on the screen."""
        return "bottom" in self.ends_visible(self._size)

    # --- moving ---
    def scroll(self, lines: int) -> None:
        """Up (negative) or down by lines of the screen."""
        limit = max(self._size[1] - 1, 1)
        lines = max(-limit, min(limit, lines))
        middle, top, bottom = self.calculate_visible(self._size)
        if middle is None or lines == 0:
            return
        shown = self._visible(middle, top, bottom)
        key, offset = shown[0] if lines < 0 else shown[-1]
        if lines > 0 and self.at_end():
            self.following = True
            return
        self.change_focus(self._size, *self._moved(key, offset - lines))
        self.following = lines > 0 and self.at_end()

    def _moved(self, key: str, offset: int) -> tuple[str, int]:
        """The row and its place, or those of a neighbour when that place is off the screen."""
        height = self._size[1]
        while offset >= height:
            widget, before = self.walker.get_prev(key)
            if widget is None or before is None:
                return key, height - 1
            key, offset = before, offset - widget.rows((self._size[0],))
        while True:
            here = self.walker.widget(key)
            rows = 1 if here is None else here.rows((self._size[0],))
            if offset > -rows:
                return key, offset
            widget, after = self.walker.get_next(key)
            if widget is None or after is None:
                return key, 1 - rows
            key, offset = after, offset + rows

    @staticmethod
    def _visible(middle: Any, top: Any, bottom: Any) -> list[tuple[str, int]]:
        """(key, row on the screen) of what is visible, from the top; the first may begin above the screen."""
        offset, _, focus_key, focus_rows, _ = middle
        above, row = [], offset
        for _, key, rows in top[1]:
            row -= rows
            above.append((key, row))
        below, row = [], offset + focus_rows
        for _, key, rows in bottom[1]:
            below.append((key, row))
            row += rows
        return [*reversed(above), (focus_key, offset), *below]

    def page(self, pages: int) -> None:
        """By screens, with two lines kept for the eye."""
        self.scroll(pages * max(self._size[1] - 2, 1))

    # --- choosing a message ---
    def choose(self, on: bool) -> bool:
        """Begins (at the last message on the screen) or ends choosing. False when there is no message."""
        if not on:
            self._mark(False)
            return True
        middle, top, bottom = self.calculate_visible(self._size)
        if middle is None:
            return False
        visible = [key for key, _ in self._visible(middle, top, bottom) if key.startswith("message ")]
        if not visible:
            return False
        self.change_focus_to(visible[-1])
        return True

    def choose_here(self, key: str) -> None:
        """Marks a row as chosen where it stands."""
        self._mark(False)
        if self.walker.widget(key) is not None:
            self.walker.set_focus(key)
            self._mark(True)

    def choose_next(self, step: int) -> bool:
        """The next message down (1) or up (-1). False at the end."""
        keys = self.walker.keys
        index = keys.index(self.walker.focus) + step if self.walker.focus in keys else -1
        while 0 <= index < len(keys):
            if keys[index].startswith("message "):
                self.change_focus_to(keys[index])
                return True
            index += step
        return False

    def change_focus_to(self, key: str) -> None:
        """Marks a row as chosen, scrolling as little as possible."""
        self._mark(False)
        self.following = False
        self._bring_into_view(key)
        self._mark(True)

    def _bring_into_view(self, key: str) -> None:
        middle, top, bottom = self.calculate_visible(self._size)
        places = dict(self._visible(middle, top, bottom)) if middle else {}
        widget = self.walker.widget(key)
        rows = widget.rows((self._size[0],)) if widget else 1
        height = self._size[1]
        before = key not in places and self._is_before(key)
        offset = places.get(key, 0 if before else height - rows)
        offset = min(max(offset, 0), max(height - rows, 0))
        self.change_focus(self._size, key, offset)

    def _is_before(self, key: str) -> bool:
        keys = self.walker.keys
        return self.walker.focus in keys and keys.index(key) < keys.index(self.walker.focus)

    def _mark(self, on: bool) -> None:
        widget = self.walker.widget(self.walker.focus or "")
        if widget is not None:
            widget.choosing = on
            widget._invalidate()

    def chosen(self) -> t.Message | None:
        """The message that is chosen."""
        widget = self.walker.widget(self.walker.focus or "")
        return widget.row.message if widget is not None and widget.choosing else None

    # --- urwid ---
    def selectable(self) -> bool:
        """It takes the mouse."""
        return True

    def render(self, size: Size, focus: bool = False) -> urwid.CompositeCanvas | urwid.SolidCanvas:
        """Draws; a new size keeps the end on the screen when it is followed."""
        if size != self._size:
            self._size = size
            if self.following:
                self.go_end()
        return super().render(size, focus=True)

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool | None:
        """The wheel scrolls, a click is told of with the row's key."""
        if event == "mouse press" and button in (4, 5):
            self.scroll(-3 if button == 4 else 3)
            return True
        if event == "mouse press" and button == 1:
            key = self._key_at(size, row)
            if key is not None:
                self.on_click(key)
            return key is not None
        return False

    def _key_at(self, size: Size, row: int) -> str | None:
        middle, top, bottom = self.calculate_visible(size)
        for key, start in self._visible(middle, top, bottom) if middle is not None else ():
            widget = self.walker.widget(key)
            if widget is not None and start <= row < start + widget.rows((size[0],)):
                return key
        return None
