"""Styles by meaning, and their colours in 256, 16 or none. One accent; red only for danger; grey for what can wait."""

import zlib
from collections.abc import Mapping

from onionchat.tui.backend import Colours, Theme

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

# On a light background: 16 colours (None: as above) and 256 colours, foreground and background.
_LIGHT: dict[str, tuple[str | None, str, str]] = {
    "accent": ("dark blue", "#06a", "default"),
    "danger": ("dark red", "#a00", "default"),
    "warning": (None, "#850", "default"),
    "quiet": (None, "g42", "default"),
    "line": (None, "g66", "default"),
    "time": (None, "g46", "default"),
    "status": (None, "g27", "default"),
    "me": (None, "g11,bold", "default"),
    "quote": (None, "g38", "default"),
    "notice": (None, "g38", "default"),
    "new": ("dark blue", "#06a", "default"),
    "unread": ("dark blue,bold", "#06a,bold", "default"),
    "here": (None, "default,bold", "g85"),
    "selected": (None, "default", "g82"),
    "prompt": ("dark blue", "#06a", "default"),
    "key": (None, "g19", "default"),
    "found": (None, "#06a,bold", "default"),
    "who0": (None, "#060", "default"),
    "who1": (None, "#860", "default"),
    "who2": (None, "#808", "default"),
    "who3": (None, "#068", "default"),
    "who4": ("dark green", "#460", "default"),
    "who5": ("dark magenta", "#a06", "default"),
    "who6": ("dark blue", "#04a", "default"),
    "who7": ("brown", "#a40", "default"),
}

PaletteEntry = tuple[str, str, str, str, str, str]


def palette(theme: Theme = "dark", changes: Mapping[str, str] | None = None) -> list[PaletteEntry]:
    """For urwid: (name, fg 16, bg 16, mono, fg 256, bg 256). `changes`: other foregrounds among 256 colours."""
    entries: list[PaletteEntry] = []
    for name, (few, few_back, mono, many, many_back) in _STYLES.items():
        if theme == "light" and name in _LIGHT:
            other, many, many_back = _LIGHT[name]
            few = other or few
        entries.append((name, few, few_back, mono, (changes or {}).get(name, many), many_back))
    return entries


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
