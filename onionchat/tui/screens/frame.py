"""The frame of every screen: title, body, and the keys that the stage draws below it."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import urwid

from onionchat.tui.canvas import Size
from onionchat.tui.mainview import Rule
from onionchat.tui.render import Line, Look, fit, spread
from onionchat.tui.widgets import OneLine

BUTTON_KEYS = (("Tab", "choose"), ("Enter", "do it"))
COLUMNS_MAX = 100  # longer lines are hard to read


class Screen(urwid.WidgetWrap[Any]):
    """A screen in front of the main view. `close` is set by the stage."""

    name = ""

    def __init__(
        self,
        look: Callable[[], Look],
        title: str,
        body: urwid.Widget,
        *,
        above: urwid.Widget | None = None,
        below: urwid.Widget | None = None,
        keys: Sequence[tuple[str, str]] = (),
        focus: Literal["header", "footer", "body"] = "body",
    ) -> None:
        self.look = look
        self.title = title
        self.keys: Sequence[tuple[str, str]] = keys
        self.close: Callable[[], None] = lambda: None
        rule = Rule(look)
        head = [OneLine(self._title_line), rule, *([above, Rule(look)] if above is not None else [])]
        head_pile = urwid.Pile([("pack", widget) for widget in head])
        foot_pile = self._foot(below)
        super().__init__(urwid.Frame(body, header=head_pile, footer=foot_pile, focus_part=focus))

    def _foot(self, below: urwid.Widget | None) -> urwid.Widget:
        foot = [*([below] if below is not None else []), Rule(self.look)]
        return urwid.Pile([("pack", widget) for widget in foot])

    def put_below(self, below: urwid.Widget | None) -> None:
        """Something else below the body (None: nothing). It has the keys while it is there."""
        self._w.footer = self._foot(below)
        self._w.focus_position = "body" if below is None else "footer"

    def _title_line(self, columns: int) -> Line:
        left: Line = [("title", f" {fit(self.title, max(columns - 12, 4), self.look())}")]
        return spread(left, [("quiet", "Esc back ")], columns)

    def keypress(self, size: Size, key: str) -> str | None:
        """Esc leaves; the rest is for the body."""
        if key == "esc":
            self.close()
            return None
        left: str | None = super().keypress(size, key)
        return left

    def paste(self, text: str) -> None:
        """Most screens have nowhere to put it."""

    def closed(self) -> None:
        """The screen was left, by whatever way."""
