"""Keys that do something to a message, or move about."""

import pytest


def test_choosing_and_leaving(open_console):
    trial = open_console().press("up")
    assert trial.console.main.pane == "log"
    assert "r reply" in trial.lines[-1]
    trial.press("x", "y")  # other letters do nothing while choosing
    assert trial.console.writing.empty
    trial.press("esc")
    assert trial.console.main.pane == "input"


def test_down_past_the_last_is_the_input(open_console):
    assert open_console().press("up", "up", "down", "down").console.main.pane == "input"


def test_up_in_a_text_moves_the_cursor(open_console):
    trial = open_console().type("one").press("newline").type("two").press("up")
    assert trial.console.main.pane == "input"
    trial.type("X")
    assert trial.console.writing.edit.edit_text == "oneX\ntwo"


def test_history(open_console):
    trial = open_console().type("first").press("enter").type("second").press("enter").press("ctrl p", "ctrl p")
    assert trial.console.writing.edit.edit_text == "first"
    trial.press("meta n")
    assert trial.console.writing.edit.edit_text == "second"
    trial.press("up")
    assert trial.console.writing.edit.edit_text == "first"


@pytest.mark.parametrize("key, method", [("t", "message.retract"), ("f", "message.forget")])
def test_taking_back_and_forgetting_are_asked_about(open_console, key, method):
    trial = open_console().type("oops").press("enter").press("up", key)
    assert "One question" in trial.text
    trial.press("enter")  # the answer that is offered is no
    assert trial.asked(method) == []
    trial.press("up", key, "left", "enter")
    assert len(trial.asked(method)) == 1
    assert "oops" not in "\n".join(trial.lines[:-3])


def test_copying(open_console):
    trial = open_console().press("up", "up", "c")
    assert trial.copied == ["I am back"]


def test_details(open_console):
    trial = open_console().press("up", "up", "d")
    assert "Written" in trial.text and "21:12" in trial.text and "Arrived" in trial.text


def test_to_the_message_that_is_answered(open_console):
    trial = open_console().press("up", "up", "up", "up", "g")
    assert trial.console.conversation.view.chosen().text == "Are you on the train already?"


def test_a_notice_cannot_be_answered(open_console):
    trial = open_console().press("up", *["up"] * 20, "r")
    assert trial.console.writing.aim is None


def test_conversations_above_and_below_go_round(open_console):
    trial = open_console().press("meta up")
    assert trial.console.current == "佐藤 潤"
    assert trial.press("meta down", "meta down").console.current == "Carol"


def test_the_same_key_closes_what_it_opened(open_console):
    trial = open_console()
    for key, title in (("f1", "Help"), ("f3", "Contact requests"), ("f5", "Connection"), ("ctrl k", "Jump to")):
        assert trial.press(key).lines[0].startswith(f" {title}")
        assert trial.press(key).lines[0].startswith(" alice")


def test_ctrl_c_empties_and_undo_brings_it_back(open_console):
    trial = open_console().type("a thought").press("ctrl c")
    assert trial.console.writing.empty
    trial.press("ctrl _")
    assert trial.console.writing.edit.edit_text == "a thought"
    trial.press("ctrl c", "ctrl c")
    assert "Ctrl-Q leaves" in trial.text


def test_tab_completes_and_shows_what_else_there_is(open_console):
    trial = open_console().type("/inv").press("tab")
    assert trial.console.writing.edit.edit_text == "/invitations "
    assert "/invitations  /invite" in trial.lines[-1]
    assert trial.press("tab").console.writing.edit.edit_text == "/invite "
    assert trial.press("shift tab").console.writing.edit.edit_text == "/invitations "


def test_scrolling_while_choosing_ends_choosing(open_console):
    trial = open_console().press("up", "page up")
    assert trial.console.main.pane == "input"
    assert trial.console.conversation.view.chosen() is None


def test_paging_in_the_list_moves_in_the_list(open_console):
    trial = open_console().press("tab", "page down")
    assert trial.console.list.choices.chosen == "佐藤 潤"
