"""Command lines taken apart."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.errors import UsageError
from onionchat.tui.words import parse_bytes, parse_date_ms, parse_seconds, quoted, words_with_starts


@pytest.mark.parametrize(
    "text, words",
    [
        ("/add a b", ["/add", "a", "b"]),
        ("  a   b ", ["a", "b"]),
        ('/open "Anna Maria"', ["/open", "Anna Maria"]),
        ('"open end', ["open end"]),
        ('a\\ b "c\\"d"', ["a b", 'c"d']),
        ('""', [""]),
        ("", []),
        ("trailing\\", ["trailing"]),
    ],
)
def test_words(text, words):
    assert [word for word, _ in words_with_starts(text)] == words


def test_starts_point_at_the_words():
    assert words_with_starts('ab "c d" e') == [("ab", 0), ("c d", 3), ("e", 9)]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_what_is_quoted_comes_back(words):
    assert [word for word, _ in words_with_starts(" ".join(quoted(word) for word in words))] == words


@pytest.mark.parametrize("text, seconds", [("30m", 1800), ("12H", 43200), (" 1d ", 86400), ("2w", 1209600), ("5s", 5)])
def test_times(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "d", "0d", "-1d", "1y", "1d1h", "٣d1", "9999999d", "1.5h"])
def test_wrong_times_say_how_it_is_written(text):
    with pytest.raises(UsageError, match="30m, 12h"):
        parse_seconds(text)


def test_sizes():
    assert parse_bytes("2G") == 2 * 1024**3
    assert parse_bytes("500 M".replace(" ", "")) == 500 * 1024**2
    assert parse_bytes("1GiB") == 1024**3
    with pytest.raises(UsageError, match="500M"):
        parse_bytes("much")


def test_days():
    assert parse_date_ms("2026-11-20", UTC) == 1_795_132_800_000
    for wrong in ("20.11.2026", "2026-13-01", "", "yesterday"):
        with pytest.raises(UsageError, match="2026-11-20"):
            parse_date_ms(wrong, UTC)
