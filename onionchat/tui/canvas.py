"""From lines to urwid's canvases."""

import re
from collections.abc import Hashable, Sequence
from typing import Any

import urwid

from onionchat.text import display_width
from onionchat.tui.bidi import visual
from onionchat.tui.render import Line

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
_right_to_left = {"reorder": False}

Size = Any
"""urwid's: (columns, rows) for a box, (columns,) for a flow widget; its types leave open which one a widget gets."""


def reorder_right_to_left(on: bool) -> None:
    """Whether text that is written from right to left is put into the order of the screen here (else: the terminal)."""
    _right_to_left["reorder"] = on


def text_canvas(lines: Sequence[Line], columns: int) -> urwid.Canvas:
    """Lines as a canvas; what is too long is cut, never wrapped again.

    Made without urwid's Text: a picture has a line for each row, several times over, at every key.
    """
    ascii_only = urwid.util.get_encoding() == "ascii"
    texts: list[bytes] = []
    attributes: list[list[tuple[Hashable, int]]] = []
    for line in lines or [[]]:
        text, runs = _encoded(line, columns, ascii_only)
        texts.append(text)
        attributes.append(runs)
    return urwid.TextCanvas(texts, attributes, maxcol=columns)


def _encoded(line: Line, columns: int, ascii_only: bool) -> tuple[bytes, list[tuple[Hashable, int]]]:
    parts: list[bytes] = []
    runs: list[tuple[Hashable, int]] = []
    room = columns
    for style, text in line:
        if room <= 0 or not text:
            continue
        shown = _drawable(text) if ascii_only else text
        width = len(shown) if shown.isascii() else urwid.calc_width(shown, 0, len(shown))
        if width > room:
            end, width = urwid.calc_text_pos(shown, 0, len(shown), room)
            shown = shown[:end]
            room = width  # nothing more after a cut
        room -= width
        if _right_to_left["reorder"] and _RIGHT_TO_LEFT.search(shown):
            shown = visual(shown)
        encoded = shown.encode()
        parts.append(encoded)
        runs.append((style, len(encoded)))
    return b"".join(parts), runs


def _drawable(text: str) -> str:
    """Without UTF-8, what the terminal has no sign for becomes as many `?` as it has columns."""
    if text.isascii():
        return text
    return "".join(sign if sign.isascii() else "?" * display_width(sign) for sign in text)


def filled(lines: Sequence[Line], size: Size) -> urwid.Canvas:
    """Exactly the size: cut or filled up at the bottom."""
    columns, rows = size
    return text_canvas([*lines, *([[]] * rows)][:rows], columns)
