"""The list at the left."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.listpane import ListPane


@pytest.fixture
def pane(look):
    opened = []
    made = ListPane(lambda: look, opened.append, lambda: ["2 requests  F3"])
    made.opened = opened
    made.show(FakeService().do_conversation_list(t.Nothing()), "Carol")
    return made


def drawn(pane, size=(24, 10)):
    return [bytes(line).decode().rstrip() for line in pane.render(size, True).text]


def test_filter_rows_and_what_waits(pane):
    lines = drawn(pane)
    assert lines[0] == " ▏filter…"
    assert lines[1].startswith(" ● Bob")
    assert lines[-1] == " 2 requests  F3"


def test_typing_filters_and_enter_opens(pane):
    for key in "OR":
        pane.keypress((24, 10), key)
    assert pane.names() == ["Mallory"]
    assert drawn(pane)[0] == " ▏OR"
    pane.keypress((24, 10), "backspace")
    assert pane.names() == ["Bob", "Carol", "Notes", "Mallory"]
    pane.keypress((24, 10), "up")
    pane.keypress((24, 10), "enter")
    assert pane.opened == ["Notes"]
    pane.clear_filter()
    assert len(pane.names()) == 6


def test_a_newer_list_keeps_the_filter(pane):
    pane.keypress((24, 10), "b")
    pane.show(FakeService().do_conversation_list(t.Nothing()), "Carol")
    assert pane.names() == ["Bob"]


def test_nobody_is_said(look):
    pane = ListPane(lambda: look, print, list)
    assert "/invite" in drawn(pane)[1]


def test_the_list_in_the_console(open_console):
    trial = open_console().press("tab")
    assert trial.console.main.pane == "list"
    trial.press("down", "down", "enter")
    assert (trial.console.current, trial.console.main.pane) == ("Dave", "input")
    trial.press("tab").type("bo")
    assert "Carol" not in trial.text.replace("Carol gave", "")
    trial.press("esc")
    assert trial.console.main.pane == "list" and "Carol" in trial.text
    trial.press("esc")
    assert trial.console.main.pane == "input"


def test_last_lines_are_shown_where_all_have_room(open_console):
    wide = open_console(200, 60)
    assert "Ten it is" in wide.text
    assert "2/3 map.png" in wide.text
    assert "Ten it is" in open_console(80, 24).text
    assert "Ten it is" not in open_console(80, 15).text
    wide.press("tab", "down", "enter")
    assert wide.console.current == "Carol"
