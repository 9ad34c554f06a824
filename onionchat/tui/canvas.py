"""From lines to urwid's canvases."""

from collections.abc import Sequence
from typing import Any

import urwid

from onionchat.tui.render import Line

Size = Any
"""urwid's: (columns, rows) for a box, (columns,) for a flow widget; its types leave open which one a widget gets."""


def text_canvas(lines: Sequence[Line], columns: int) -> urwid.Canvas:
    """Lines as a canvas; what is too long is cut, never wrapped again."""
    markup: list[Any] = []
    for number, line in enumerate(lines):
        if number:
            markup.append(("text", "\n"))
        markup += [segment for segment in line if segment[1]]
    return urwid.Text(markup or "", wrap="clip").render((columns,))


def filled(lines: Sequence[Line], size: Size) -> urwid.Canvas:
    """Exactly the size: cut or filled up at the bottom."""
    columns, rows = size
    return text_canvas([*lines, *([[]] * rows)][:rows], columns)
