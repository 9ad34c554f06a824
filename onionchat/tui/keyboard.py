"""What the terminal sent, in order: keys, mouse, and pastes as one thing. Pure.

A paste is never keys: a pasted Ctrl-L must not lock, a pasted newline must not send.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onionchat.tui.render import block

MouseEvent = tuple[str, int, int, int]
LINE_FEED, CARRIAGE_RETURN = 10, 13
PASTE_CHARACTERS_MAX = 200_000  # six times the longest message; the rest is dropped with a word about it


@dataclass(frozen=True)
class Paste:
    """Pasted text, safe for the terminal. `cut`: there was more of it."""

    text: str
    cut: bool = False


class KeyReader:
    """Turns urwid's keys into ours. Ctrl-J becomes `newline`; what stands between the paste marks becomes a Paste."""

    def __init__(self) -> None:
        self._pasted: list[str] | None = None

    def read(self, keys: Sequence[str | MouseEvent], raw: Sequence[int]) -> list[str | MouseEvent | Paste]:
        """`raw`: the codes that the keys came from (Ctrl-J and Enter differ only there)."""
        read: list[str | MouseEvent | Paste] = []
        for key in _tell_newlines(keys, raw):
            if key == "begin paste":
                self._pasted = []
            elif key == "end paste":
                if self._pasted is not None:
                    read.append(self._end())
            elif self._pasted is not None:
                if isinstance(key, str) and len(self._pasted) <= PASTE_CHARACTERS_MAX:
                    self._pasted.append(_pasted_text(key))
            else:
                read.append(key)
        return _unmarked_paste(read)

    def _end(self) -> Paste:
        characters, self._pasted = self._pasted or [], None
        return Paste(block("".join(characters[:PASTE_CHARACTERS_MAX])), len(characters) > PASTE_CHARACTERS_MAX)


def _tell_newlines(keys: Sequence[str | MouseEvent], raw: Sequence[int]) -> Iterator[str | MouseEvent]:
    """urwid calls both codes `enter`; they come in the same order as the codes."""
    ends = iter([code for code in raw if code in (LINE_FEED, CARRIAGE_RETURN)])
    for key in keys:
        if key in ("enter", "meta enter") and next(ends, CARRIAGE_RETURN) == LINE_FEED and key == "enter":
            yield "newline"
        else:
            yield key


def _pasted_text(key: str) -> str:
    if key in ("enter", "newline"):
        return "\n"
    if key == "tab":
        return "    "
    return key if len(key) == 1 else ""


def _unmarked_paste(read: list[str | MouseEvent | Paste]) -> list[str | MouseEvent | Paste]:
    """A terminal without paste marks sends it all at once: text goes on after an Enter, as no fingers do."""
    texts = [isinstance(key, str) and (len(key) == 1 or key in ("enter", "newline", "tab")) for key in read]
    if not read or not all(texts) or "enter" not in read[:-1]:
        return read
    body, last = (read[:-1], read[-1:]) if read[-1] == "enter" else (read, [])
    if len(body) < 4 or "enter" not in body:
        return read
    return [Paste(block("".join(_pasted_text(key) for key in body if isinstance(key, str)))), *last]
