"""Breaks safe text into lines of a number of columns, by what the terminal shows (wide, combining, emoji)."""

from collections.abc import Iterator

import wcwidth

from onionchat.text import display_width


def wrap(text: str, columns: int, first_columns: int | None = None) -> list[str]:
    """Lines of at most `columns` columns (the first of at most `first_columns`), broken at spaces where possible.

    Newlines are kept, a word that is too long is cut. At least one line; never more columns than asked for, unless a
    single character is wider than the line.
    """
    columns = max(columns, 1)
    room = max(columns if first_columns is None else first_columns, 1)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        for line in _paragraph(paragraph, room, columns):
            lines.append(line)
            room = columns
    return lines


def _paragraph(paragraph: str, room: int, columns: int) -> Iterator[str]:
    line, width = "", 0
    for word, blank in _words(paragraph):
        word_width = display_width(word)
        if line.strip() and width + word_width > room and not blank:
            yield line.rstrip(" ")
            line, width, room = "", 0, columns
        if width + word_width <= room:
            line, width = line + word, width + word_width
        elif not blank:
            *full, line = _cut(line + word, room, columns)
            yield from full
            width, room = display_width(line), columns if full else room
        else:
            width = room  # the blanks that do not fit are the line break
    yield line.rstrip(" ")


def _words(paragraph: str) -> Iterator[tuple[str, bool]]:
    """Runs of blanks and of other characters; True for blanks."""
    start = 0
    for at in range(1, len(paragraph) + 1):
        if at == len(paragraph) or (paragraph[at] == " ") != (paragraph[start] == " "):
            yield paragraph[start:at], paragraph[start] == " "
            start = at


def _cut(word: str, room: int, columns: int) -> list[str]:
    """A long word in pieces, never inside of what is drawn as one character."""
    pieces, piece, width = [], "", 0
    for cluster in wcwidth.iter_graphemes(word):
        cluster_width = display_width(cluster)
        if piece and width + cluster_width > room:
            pieces.append(piece)
            piece, width, room = "", 0, columns
        piece, width = piece + cluster, width + cluster_width
    return [*pieces, piece]
