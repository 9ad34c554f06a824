"""Lengths of time, moments and sizes as people write them."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from onionchat.cli import values


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.duration, "45s", 45),
        (values.duration, " 12 H ", 43200),
        (values.duration, "2w", 1209600),
        (values.duration_or_off, "off", None),
        (values.duration_or_off, "1d", 86400),
        (values.seconds, "90", 90.0),
        (values.seconds, "0.5", 0.5),
        (values.seconds, "2m", 120.0),
        (values.size, "500M", 500 * 1024**2),
        (values.size, "2 GiB", 2 * 1024**3),
        (values.size, "64mb", 64 * 1024**2),
        (values.size, "1048576", 1048576),
        (values.page_size, "7", 7),
    ],
)
def test_what_is_understood(parse: Callable[[str], Any], text: str, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.duration, ""),
        (values.duration, "0d"),
        (values.duration, "5"),
        (values.duration, "1.5h"),
        (values.duration, "-1d"),
        (values.duration, "99999999w"),
        (values.duration, "٣d"),
        (values.duration_or_off, "on"),
        (values.seconds, "inf"),
        (values.seconds, "nan"),
        (values.seconds, "-1"),
        (values.size, "much"),
        (values.size, "1X"),
        (values.page_size, "0"),
        (values.page_size, "-1"),
        (values.page_size, "99999999999"),
    ],
)
def test_what_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        parse(text)


NOW = 1_790_000_000.0


def test_moments() -> None:
    assert values.moment("2d", NOW) == int((NOW - 2 * 86400) * 1000)
    assert values.moment("2026-11-20T10:00:00+01:00", NOW) == 1_795_165_200_000
    local = datetime(2026, 11, 20, 21, 4).astimezone()
    assert values.moment("2026-11-20 21:04", NOW) == int(local.timestamp() * 1000)
    assert values.moment("2026-11-20", NOW) == int(datetime(2026, 11, 20).astimezone().timestamp() * 1000)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "20:00"])
def test_no_moments(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        values.moment(text, NOW)
