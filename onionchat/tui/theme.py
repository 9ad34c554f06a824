"""Styles by meaning, and their colours in 256, 16 or none. One accent; red only for danger; grey for what can wait."""

import zlib
from collections.abc import Mapping

from onionchat.tui.backend import Colours

WHO_STYLES = 8
"""So many calm colours are given to people; `who0` … `who7`."""

# style: (16 colours fg, bg, without colours, 256 colours fg, bg)
_STYLES: dict[str, tuple[str, str, str, str, str]] = {
    "text": ("default", "default", "default", "default", "default"),
    "accent": ("dark cyan", "default", "bold", "#5af", "default"),
    "danger": ("light red", "default", "bold", "#f66", "default"),
    "warning": ("brown", "default", "bold", "#da6", "default"),
    "quiet": ("dark gray", "default", "default", "g52", "default"),
    "line": ("dark gray", "default", "default", "g30", "default"),
    "time": ("dark gray", "default", "default", "g46", "default"),
    "bold": ("default,bold", "default", "bold", "default,bold", "default"),
    "title": ("default,bold", "default", "bold", "default,bold", "default"),
    "status": ("default", "default", "default", "g78", "default"),
    "me": ("default,bold", "default", "bold", "g93,bold", "default"),
    "quote": ("dark gray", "default", "default", "g58", "default"),
    "notice": ("dark gray", "default", "default", "g58", "default"),
    "new": ("dark cyan", "default", "bold", "#5af", "default"),
    "unread": ("dark cyan,bold", "default", "bold", "#5af,bold", "default"),
    "here": ("default,standout", "default", "standout", "default,bold", "g19"),
    "selected": ("default,standout", "default", "standout", "default", "g23"),
    "button": ("default", "default", "default", "default", "default"),
    "button here": ("default,standout", "default", "standout", "#fff,bold", "#068"),
    "prompt": ("dark cyan", "default", "bold", "#5af", "default"),
    "key": ("default,bold", "default", "bold", "g78", "default"),
    "found": ("default,bold", "default", "bold", "#5af,bold", "default"),
    "qr": ("black", "light gray", "default", "#000", "#fff"),
    "hidden": ("default", "default", "default", "default", "default"),
    "who0": ("dark green", "default", "bold", "#8c8", "default"),
    "who1": ("brown", "default", "bold", "#cb7", "default"),
    "who2": ("dark magenta", "default", "bold", "#c9d", "default"),
    "who3": ("dark cyan", "default", "bold", "#7cc", "default"),
    "who4": ("light green", "default", "bold", "#ac8", "default"),
    "who5": ("light magenta", "default", "bold", "#e9a", "default"),
    "who6": ("light blue", "default", "bold", "#9ae", "default"),
    "who7": ("yellow", "default", "bold", "#ea8", "default"),
}

PaletteEntry = tuple[str, str, str, str, str, str]


def palette() -> list[PaletteEntry]:
    """For urwid: (name, fg 16, bg 16, mono, fg 256, bg 256)."""
    return [(name, *values) for name, values in _STYLES.items()]


def style_names() -> frozenset[str]:
    """Every style that may stand in a line."""
    return frozenset(_STYLES)


def colour_count(colours: Colours, environment: Mapping[str, str]) -> int:
    """1, 16 or 256. `NO_COLOR` (no-color.org) wins over what the terminal can do, an option wins over both."""
    if colours != "auto":
        return {"256": 256, "16": 16, "none": 1}[colours]
    if environment.get("NO_COLOR"):
        return 1
    terminal = environment.get("TERM", "")
    if "256" in terminal or environment.get("COLORTERM") in ("truecolor", "24bit"):
        return 256
    return 1 if terminal in ("", "dumb") or terminal.startswith("vt") else 16


def who_style(sender: str) -> str:
    """The style of a person's name: the same on every start and every device, since it hangs on the name alone."""
    if sender == "me":
        return "me"
    return f"who{zlib.crc32(sender.encode()) % WHO_STYLES}"
