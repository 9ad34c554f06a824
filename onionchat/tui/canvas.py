"""From lines to urwid's canvases."""

from collections.abc import Sequence
from typing import Any

import urwid

from onionchat.text import display_width
from onionchat.tui.render import Line

Size = Any
"""urwid's: (columns, rows) for a box, (columns,) for a flow widget; its types leave open which one a widget gets."""


def text_canvas(lines: Sequence[Line], columns: int) -> urwid.Canvas:
    """Lines as a canvas; what is too long is cut, never wrapped again."""
    markup: list[Any] = []
    for number, line in enumerate(lines):
        if number:
            markup.append(("text", "\n"))
        markup += [(style, _drawable(text)) for style, text in line if text]
    return urwid.Text(markup or "", wrap="clip").render((columns,))


def _drawable(text: str) -> str:
    """Without UTF-8, what the terminal has no sign for becomes as many `?` as it has columns."""
    if text.isascii() or urwid.util.get_encoding() != "ascii":
        return text
    return "".join(sign if sign.isascii() else "?" * display_width(sign) for sign in text)


def filled(lines: Sequence[Line], size: Size) -> urwid.Canvas:
    """Exactly the size: cut or filled up at the bottom."""
    columns, rows = size
    return text_canvas([*lines, *([[]] * rows)][:rows], columns)
