"""Wrapping by what a terminal shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.text import display_width, safe_text
from onionchat.tui.wrap import wrap


@pytest.mark.parametrize(
    "text, columns, lines",
    [
        ("", 10, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("one two three", 7, ["one two", "three"]),
        ("one   two", 5, ["one", "two"]),
        ("  indented code", 20, ["  indented code"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefgh", 4, ["a", "abcd", "efgh"]),
        ("one\n\ntwo", 10, ["one", "", "two"]),
        ("日本語日本語", 5, ["日本", "語日", "本語"]),
        ("x 👨‍👩‍👧👨‍👩‍👧", 4, ["x", "👨‍👩‍👧👨‍👩‍👧"]),
        ("one two ", 3, ["one", "two"]),
        ("ab", 0, ["a", "b"]),
    ],
)
def test_wrapped(text, columns, lines):
    assert wrap(text, columns) == lines


def test_the_first_line_may_be_shorter():
    assert wrap("one two three four", 14, 5) == ["one", "two three four"]
    assert wrap("abcdefghij", 6, 2) == ["ab", "cdefgh", "ij"]


@given(text=st.text(max_size=200).map(safe_text), columns=st.integers(2, 40), first=st.integers(2, 40))
def test_no_line_is_too_wide_and_no_letter_is_lost(text, columns, first):
    lines = wrap(text, columns, first)
    assert display_width(lines[0]) <= first
    assert all(display_width(line) <= columns for line in lines[1:])
    kept = "".join(lines).replace(" ", "").replace("\n", "")
    assert kept == text.replace(" ", "").replace("\n", "")
