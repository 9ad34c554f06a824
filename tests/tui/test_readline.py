"""Readline's keys on any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.tui.readline import SafeEdit


def edit(text="", at=None):
    made = SafeEdit("", text, multiline=True)
    made.characters_max = 50
    made.set_edit_pos(len(text) if at is None else at)
    return made


@pytest.mark.parametrize(
    "text, at, swapped, end",
    [
        ("", 0, "", 0),
        ("a", 1, "a", 1),
        ("ab", 2, "ba", 2),
        ("abc", 1, "bac", 2),
        ("abc", 0, "abc", 0),
        ("a\nbc", 2, "a\nbc", 2),
        ("ab\nc", 2, "ba\nc", 2),
    ],
)
def test_swapping_characters(text, at, swapped, end):
    made = edit(text, at)
    made.keypress((20,), "ctrl t")
    assert (made.edit_text, made.edit_pos) == (swapped, end)


def test_what_cannot_be_seen_is_not_taken():
    made = edit()
    for key in ("\u202e", "\u200b", "\x1b", "\x9b", "\ufeff"):
        assert made.keypress((20,), key) == key
    assert made.edit_text == ""


def test_emoji_of_several_characters_can_be_typed():
    made = edit("ab", 1)
    for key in "👩\u200d👧é":
        made.keypress((20,), key)
    assert made.edit_text == "a👩\u200d👧éb"


def test_no_more_than_it_holds():
    made = edit("x" * 50)
    made.keypress((20,), "y")
    assert made.edit_text == "x" * 50


KEYS = (
    [f"ctrl {c}" for c in "abdefhktuwy_"]
    + [f"meta {c}" for c in "bfdx"]
    + ["home", "end", "left", "right", "up", "down"]
)
KEYS += ["delete", "backspace", "meta backspace", "enter", "shift left", "shift right", "x", "👩", "\u200d", "日"]


@given(text=st.text(max_size=20), keys=st.lists(st.sampled_from(KEYS), max_size=12), columns=st.integers(1, 12))
def test_no_key_is_a_fault(text, keys, columns):
    made = edit(text)
    for key in keys:
        made.keypress((columns,), key)
        assert 0 <= made.edit_pos <= len(made.edit_text)
