"""Removing a device: what it did, and what of that is undone."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeworld import START_MS
from onionchat.tui.render import width_of
from onionchat.tui.screens.untrust import UntrustScreen, deed_lines, question

DEVICE = t.OwnDevice(id="d" * 52, name="lap\x1btop", this=False, online=False, state="active")
DEEDS = [
    t.Deed(id="d1", kind="trust", time=START_MS, text="called Bob validated\x1b[2J", undo=True),
    t.Deed(id="d2", kind="contact", time=None, text="added " + "Dave " * 20, undo=False),
]


def test_what_all_would_undo_is_marked_and_space_changes_it(look):
    decided = []
    screen = UntrustScreen(lambda: look, DEVICE, DEEDS, lambda stolen, undo: decided.append((stolen, undo)))
    for key in ("r", "down", " ", "s", "down", "enter", "s", " ", " ", "up", " ", "r"):
        screen.keypress((80, 24), key)
    assert decided == [(False, ["d1"]), (True, []), (True, ["d2"]), (False, ["d1", "d2"])]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_fits_and_is_harmless(look, columns, hostile):
    for deed in DEEDS:
        lines = deed_lines(deed, deed.undo, columns, look)
        assert all(width_of(line) <= columns for line in lines)
        assert hostile("".join(text for line in lines for _, text in line)) == []
    screen = UntrustScreen(lambda: look, DEVICE, DEEDS, lambda stolen, undo: None)
    text = b"\n".join(bytes(line) for line in screen.render((columns, 15), True).text).decode()
    assert "[undo]" in text and "[    ]" in text and "\x1b" not in text


def test_the_question_says_what_will_be(look):
    assert "for good? Nothing of what it did" in question(DEVICE, False, 0)
    assert "refused everywhere" in question(DEVICE, True, 2) and "2 of what it did" in question(DEVICE, True, 2)


def test_a_device_that_did_nothing(look):
    screen = UntrustScreen(lambda: look, DEVICE, [], lambda stolen, undo: None)
    assert screen.keypress((80, 24), " ") is None
