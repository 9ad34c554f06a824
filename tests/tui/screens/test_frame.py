"""The frame of every screen."""

import pytest

from onionchat.tui.screens.frame import Screen
from onionchat.tui.widgets import Buttons, Field, TextBody


@pytest.fixture
def screen(look):
    pressed = []
    body = TextBody(lambda columns: [[("text", "body")]])
    made = Screen(
        lambda: look,
        "Title",
        body,
        above=Field("> "),
        below=Buttons([("Go", lambda: pressed.append(1))]),
        focus="footer",
    )
    made.pressed = pressed
    return made


def test_title_body_and_what_stands_above_and_below(screen):
    lines = [bytes(line).decode().rstrip() for line in screen.render((30, 9), True).text]
    assert lines[0] == " Title               Esc back"
    assert lines[2] == ">" and lines[4] == "body"
    assert lines[-2] == "  [ Go ]"
    assert set(lines[1]) == set(lines[3]) == set(lines[-1]) == {"─"}


def test_esc_leaves_and_the_rest_goes_to_the_focus(screen):
    closed = []
    screen.close = lambda: closed.append(1)
    screen.keypress((30, 9), "enter")
    screen.keypress((30, 9), "esc")
    assert (screen.pressed, closed) == ([1], [1])


def test_a_paste_has_nowhere_to_go(screen):
    screen.paste("x")
    screen.closed()
    assert screen.pressed == []
