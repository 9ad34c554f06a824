"""What goes to stdout and stderr. Text for people is made safe for the terminal once more, whatever it came from."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from onionchat.text import display_width, safe_line, safe_text


def say(text: str = "") -> None:
    """One line, or several, for people; flushed, since scripts wait for first lines."""
    sys.stdout.write(safe_text(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line beside the result, on stderr."""
    sys.stderr.write(f"onionchat: {safe_line(text)}\n")
    sys.stderr.flush()


def say_json(value: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say_table(rows: Iterable[Sequence[str]]) -> None:
    """Rows with aligned columns; the last column is as long as it likes."""
    for line in aligned(rows):
        say(line)


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table: columns two spaces apart, without blanks at the end."""
    cells = [[safe_line(cell) for cell in row] for row in rows]
    count = max((len(row) for row in cells), default=0)
    widths = [max(display_width(row[at]) for row in cells if len(row) > at) for at in range(count)]
    return ["  ".join(_padded(cell, widths[at]) for at, cell in enumerate(row)).rstrip() for row in cells]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - display_width(cell))


def day(ms: int) -> str:
    """The local day, as in `Friday 20 November 2026`."""
    at = local(ms)
    return at.strftime("%A ") + str(at.day) + at.strftime(" %B %Y")


def clock(ms: int) -> str:
    """The local time of day."""
    return local(ms).strftime("%H:%M")


def date_and_clock(ms: int | None) -> str:
    """Local day and time; `never` for None."""
    return "never" if ms is None else local(ms).strftime("%Y-%m-%d %H:%M")


def local(ms: int) -> datetime:
    """A local time; times that no calendar has become the nearest that it has."""
    seconds = min(max(ms / 1000, 0), 253_000_000_000)
    return datetime.fromtimestamp(seconds).astimezone()


def length(seconds: float) -> str:
    """A length of time, roughly: `45 s`, `12 min`, `3 h`, `7 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def bytes_text(count: int) -> str:
    """A size: `312 KiB`, `1.5 GiB`."""
    size, unit = float(count), "bytes"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, bigger
    return f"{size:.0f} {unit}" if size >= 10 or size == int(size) else f"{size:.1f} {unit}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 device`, `2 devices`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
