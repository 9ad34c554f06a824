"""What people write for lengths of time, moments and sizes. Each is a type for argparse."""

import re
from argparse import ArgumentTypeError
from datetime import datetime

from onionchat.limits import DURATION_MAX_SECONDS, KIB, MIB

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SIZE_UNITS = {"": 1, "k": KIB, "m": MIB, "g": 1024 * MIB, "t": 1024 * 1024 * MIB}
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,9})\s*([kmgt]?)(i?b)?", re.ASCII)


def duration(text: str) -> int:
    """Seconds, of `45s`, `30m`, `12h`, `7d`, `2w`."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _UNIT_SECONDS[found[2]] if found else 0
    if not 0 < seconds <= DURATION_MAX_SECONDS:
        raise ArgumentTypeError('a length of time is a number and a unit, such as "30m", "12h", "7d", "2w"')
    return seconds


def duration_or_off(text: str) -> int | None:
    """Seconds, or None for `off`."""
    return None if text.strip().lower() == "off" else duration(text)


def seconds(text: str) -> float:
    """A number of seconds, or a length of time with a unit."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text.strip(), re.ASCII):
        return float(text)
    return float(duration(text))


def size(text: str) -> int:
    """Bytes, of `500M`, `2G`, `64 MiB` (units of 1024)."""
    found = _SIZE.fullmatch(text.strip().lower())
    if not found:
        raise ArgumentTypeError('a size is a number and a unit, such as "500M" or "2G"')
    return int(found[1]) * _SIZE_UNITS[found[2]]


def moment(text: str, now: float) -> int:
    """Milliseconds since 1970: a day or time (`2026-11-20`, `2026-11-20 21:04`, local), or how long ago (`2d`).

    ArgumentTypeError for anything else.
    """
    if _DURATION.fullmatch(text.strip().lower()):
        return int((now - duration(text)) * 1000)
    try:
        at = datetime.fromisoformat(text.strip())
        return int((at if at.tzinfo else at.astimezone()).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(
            'a time is a day (2026-11-20), a day and a time ("2026-11-20 21:04") or how long ago ("2d")'
        ) from None


def history(text: str) -> str:
    """`all`, `none`, or a day, as milliseconds since 1970 in digits."""
    if text in ("all", "none"):
        return text
    try:
        return str(int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError('how much history: "all", "none", or from a day on, such as 2026-05-24') from None


def cursor(text: str) -> int:
    """A place in the order of arrival, as `log --json` gives it; 0 is before all."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise ArgumentTypeError("a cursor is a number that `log --json` has given")
    return int(text)


def descriptor(text: str) -> int:
    """The number of an open file."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise ArgumentTypeError("a file descriptor is a number")
    return int(text)


def page_size(text: str) -> int:
    """A number of messages."""
    if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or int(text) == 0:
        raise ArgumentTypeError("how many: a number from 1 on")
    return int(text)
