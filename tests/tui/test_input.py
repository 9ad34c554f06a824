"""The input: text, newlines, completion, history."""

import pytest

from onionchat import limits
from onionchat.tui.complete import Completion
from onionchat.tui.input import History, Input, InputPane

SIZE = (20,)


@pytest.fixture
def edit():
    changes = []
    made = Input(
        lambda: changes.append(1), lambda before: Completion(0, ("one ", "other ")) if before else Completion(0, ())
    )
    made.changes = changes
    return made


def type_keys(edit, *keys):
    for key in keys:
        edit.keypress(SIZE, key)


def test_readline_keys(edit):
    type_keys(edit, *"one two three", "ctrl w")
    assert edit.edit_text == "one two "
    type_keys(edit, "ctrl a", "meta d", "ctrl e", "ctrl y")
    assert edit.edit_text == "two one "
    type_keys(edit, "ctrl u")
    assert edit.edit_text == ""
    type_keys(edit, "ctrl _")
    assert edit.edit_text == "two one "


def test_the_consoles_own_keys_are_left_to_it(edit):
    type_keys(edit, *"abc")
    for key in ("ctrl l", "ctrl f", "ctrl k", "enter", "esc", "f1", "page up"):
        assert edit.keypress(SIZE, key) == key
    assert edit.edit_text == "abc"


def test_what_cannot_be_seen_cannot_be_typed(edit):
    type_keys(edit, "a", "\u202e", "\u200b", "\x07", "\U000e0041", "b")
    assert edit.edit_text == "ab"
    type_keys(edit, "👩", "\u200d", "👧", "é")
    assert edit.edit_text == "ab👩\u200d👧é"


def test_text_from_elsewhere_is_made_safe(edit, hostile):
    edit.set_text_from("a\x1b[2J\u202eb\nc")
    assert hostile(edit.edit_text) == []
    edit.paste("\x1b\u2066x\r\ny")
    assert hostile(edit.edit_text) == []
    assert edit.edit_text.count("\n") == 2


def test_no_more_than_a_message(edit):
    edit.paste("x" * (limits.TEXT_MAX_BYTES + 100))
    assert len(edit.edit_text) == limits.TEXT_MAX_BYTES


def test_completion_goes_round_and_back(edit):
    type_keys(edit, "o")
    assert edit.complete(1) == ("one ", "other ")
    assert edit.edit_text == "one "
    edit.complete(1)
    assert edit.edit_text == "other "
    edit.complete(1)
    assert edit.edit_text == "one "
    edit.complete(-1)
    assert edit.edit_text == "other "
    type_keys(edit, "x")
    edit.complete(-1)
    assert edit.edit_text == "other "


def test_nothing_to_complete_changes_nothing(edit):
    assert edit.complete(1) == ()
    assert edit.edit_text == ""


def test_every_change_is_told(edit):
    type_keys(edit, "a", "left", "right", "backspace")
    edit.newline()
    assert len(edit.changes) == 3


def test_history_keeps_what_was_being_written():
    history = History()
    for text in ("one", "two", "two", ""):
        history.add(text)
    assert history.back("unsent") == "two"
    assert history.back("two") == "one"
    assert history.back("one") is None
    assert history.forward() == "two"
    assert history.forward() == "unsent"
    assert history.forward() is None and not history.browsing


def test_history_in_the_input(edit):
    edit.history.add("sent\nbefore")
    type_keys(edit, *"now")
    edit.back()
    assert edit.edit_text == "sent\nbefore"
    edit.forward()
    assert edit.edit_text == "now"


def test_forgetting_leaves_nothing_to_bring_back(edit):
    edit.history.add("secret")
    type_keys(edit, *"secret too", "ctrl w")
    edit.forget()
    edit.back()
    type_keys(edit, "ctrl y", "ctrl _")
    assert edit.edit_text == ""


def drawn(pane, columns=20):
    return [bytes(line).decode().rstrip() for line in pane.render((columns,), True).text]


def test_the_pane_grows_with_the_text_and_then_scrolls(edit):
    pane = InputPane(edit, lambda columns: None)
    pane.rows_max = 3
    assert drawn(pane) == [" >"]
    edit.paste("1\n2")
    assert drawn(pane) == [" > 1", "   2"]
    edit.paste("\n3\n4\n5")
    assert drawn(pane) == [" > 3", "   4", "   5"]
    assert pane.render((20,), True).cursor == (4, 2)
    assert pane.rows((20,)) == 3


def test_a_line_above_says_what_is_answered(edit):
    pane = InputPane(edit, lambda columns: [("quiet", "reply to Bob")])
    assert drawn(pane) == ["reply to Bob", " >"]
    assert pane.rows((20,)) == 2
