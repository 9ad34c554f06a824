"""How a command line is taken apart: words, quotes, durations, sizes, dates. Pure."""

import re
from datetime import date, datetime, time, tzinfo

from onionchat.errors import UsageError

_UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS_BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def words_with_starts(text: str) -> list[tuple[str, int]]:
    """Words and where they begin. "In quotes" is one word; \\ takes the next character as it is; an open quote ends."""
    words: list[tuple[str, int]] = []
    word, start, quote, escaped = "", -1, False, False
    for at, character in enumerate(text):
        if escaped:
            word, escaped = word + character, False
        elif character == "\\":
            escaped, start = True, at if start < 0 else start
        elif character == '"':
            quote, start = not quote, at if start < 0 else start
        elif character.isspace() and not quote:
            if start >= 0:
                words.append((word, start))
            word, start = "", -1
        else:
            word, start = word + character, at if start < 0 else start
    if start >= 0:
        words.append((word, start))
    return words


def quoted(word: str) -> str:
    """The word as it must be typed."""
    if re.search(r'[\s"\\]', word) or not word:
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word


def parse_seconds(text: str) -> int:
    """`30m`, `12h`, `1d`, `2w` → seconds. UsageError otherwise."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise UsageError("a time is a number and a letter: 30m, 12h, 1d or 2w")
    return int(found[1]) * _UNITS_SECONDS[found[2]]


def parse_bytes(text: str) -> int:
    """`500M`, `2G` → bytes. UsageError otherwise."""
    found = re.fullmatch(r"(\d{1,6})([kmgt])i?b?", text.strip().lower())
    if found is None:
        raise UsageError("a size is a number and a letter: 500M or 2G")
    return int(found[1]) * _UNITS_BYTES[found[2]]


def parse_date_ms(text: str, zone: tzinfo | None) -> int:
    """`2026-11-20` → ms since 1970 at the start of that day here. UsageError otherwise."""
    try:
        day = date.fromisoformat(text.strip())
        return int(datetime.combine(day, time.min).replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UsageError("a day is written as 2026-11-20") from None
