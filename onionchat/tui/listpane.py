"""The left side: a filter, the conversations, and below them what waits for an answer."""

from collections.abc import Callable, Sequence
from typing import Any

import urwid

from onionchat.api import types as t
from onionchat.tui.bars import last_line_row, list_row
from onionchat.tui.canvas import Size, text_canvas
from onionchat.tui.render import Line, Look, fit
from onionchat.tui.widgets import Choice, Choices, Field

LAST_LINE_COLUMNS_MIN = 22


class ListPane(urwid.WidgetWrap[Any]):
    """The conversations in the order of the backend, those whose names hold what is typed."""

    def __init__(
        self, look: Callable[[], Look], on_open: Callable[[str], None], notes: Callable[[], Sequence[str]]
    ) -> None:
        self._look, self._notes = look, notes
        self.filter = Field("", on_change=lambda _: self._apply())
        self.choices = Choices(on_open, "nobody yet: /invite")
        self.choices.mark_without_focus = False
        self.open_name: str | None = None
        self._conversations: Sequence[t.Conversation] = ()
        self._roomy = False
        self._filter_line = _FilterLine(self.filter, look)
        super().__init__(urwid.Pile([("pack", self._filter_line), self.choices, ("pack", _Notes(look, notes))]))
        self._w.focus_position = 1

    def show(self, conversations: Sequence[t.Conversation], open_name: str | None) -> None:
        """Another list, or another one of it is open."""
        self._conversations, self.open_name = conversations, open_name
        self._apply()

    def _apply(self) -> None:
        wanted = self.filter.edit_text.strip().casefold()
        self.choices.replace([self._row(c) for c in self._conversations if wanted in c.name.casefold()])
        self.choices._invalidate()
        self._filter_line._invalidate()

    def _row(self, conversation: t.Conversation) -> Choice:
        def make(columns: int, chosen: bool) -> list[Line]:
            row = list_row(conversation, columns, self._look(), conversation.name == self.open_name)
            return [row, last_line_row(conversation, columns, self._look())] if self._roomy else [row]

        return Choice(conversation.name, make)

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """Draws; the last lines too, when all conversations have room with them."""
        self._roomy = size[0] >= LAST_LINE_COLUMNS_MIN and size[1] >= 2 * len(self._conversations) + 4
        return super().render(size, focus)

    def clear_filter(self) -> None:
        """All of them again."""
        self.filter.set_edit_text("")
        self._apply()

    def keypress(self, size: Size, key: str) -> str | None:
        """Arrows choose, Enter opens, what is typed filters."""
        if key in ("up", "down", "page up", "page down", "enter"):
            return self.choices.keypress((size[0], max(size[1] - 2, 1)), key)
        return self.filter.keypress((size[0],), key)

    def names(self) -> list[str]:
        """In the order of the screen."""
        return [item.key for item in self.choices.items]


class _FilterLine(urwid.Widget):
    _sizing = frozenset([urwid.FLOW])
    no_cache = ("render",)

    def __init__(self, field: Field, look: Callable[[], Look]) -> None:
        super().__init__()
        self._field, self._look = field, look

    def rows(self, size: Size, focus: bool = False) -> int:
        return 1

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        glyphs = self._look().glyphs
        text = self._field.edit_text
        line: Line = [("line", f" {glyphs.quote}")]
        line.append(("text", fit(text, size[0] - 3, self._look())) if text else ("quiet", f"filter{glyphs.ellipsis}"))
        return text_canvas([line], size[0])


class _Notes(urwid.Widget):
    """What waits for an answer: nothing, or a few lines."""

    _sizing = frozenset([urwid.FLOW])
    no_cache = ("render",)

    def __init__(self, look: Callable[[], Look], notes: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._look, self._notes = look, notes

    def rows(self, size: Size, focus: bool = False) -> int:
        return len(self._notes())

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        lines: list[Line] = [[("accent", f" {fit(text, size[0] - 1, self._look())}")] for text in self._notes()]
        return text_canvas(lines, size[0]) if lines else urwid.SolidCanvas(" ", size[0], 0)
