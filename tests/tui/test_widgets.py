"""The few widgets of all screens."""

import pytest

from onionchat.tui.widgets import Buttons, Choice, Choices, Field, OneLine, SecretField, TextBody


def drawn(widget, size):
    return [bytes(line).decode().rstrip() for line in widget.render(size, True).text]


def line(text):
    return [("text", text)]


def test_one_line():
    assert drawn(OneLine(lambda columns: line(f"{columns}")), (9,)) == ["9"]


def test_text_scrolls_and_stops_at_both_ends():
    body = TextBody(lambda columns: [line(str(number)) for number in range(20)])
    assert drawn(body, (5, 3)) == ["0", "1", "2"]
    body.keypress((5, 3), "down")
    assert drawn(body, (5, 3)) == ["1", "2", "3"]
    body.keypress((5, 3), "end")
    assert drawn(body, (5, 3)) == ["17", "18", "19"]
    body.keypress((5, 3), "page up")
    assert drawn(body, (5, 3)) == ["15", "16", "17"]
    body.keypress((5, 3), "home")
    body.keypress((5, 3), "up")
    assert drawn(body, (5, 3))[0] == "0"
    assert body.keypress((5, 3), "x") == "x"
    assert body.mouse_event((5, 3), "mouse press", 5, 0, 0, True)
    assert drawn(body, (5, 3))[0] == "3"


@pytest.fixture
def chosen():
    return []


@pytest.fixture
def choices(chosen):
    made = Choices(chosen.append, "nothing")
    made.replace([Choice(str(n), lambda columns, on, n=n: [line(f"{n}a"), line(f"{n}b")]) for n in range(10)])
    return made


def test_the_chosen_one_stays_in_view(choices, chosen):
    for _ in range(4):
        choices.keypress((6, 4), "down")
    assert drawn(choices, (6, 4)) == ["3a", "3b", "4a", "4b"]
    choices.keypress((6, 4), "enter")
    assert chosen == ["4"]


def test_it_stays_chosen_by_its_key(choices):
    choices.choose("5")
    choices.replace(choices.items[3:])
    assert choices.chosen == "5"
    choices.replace(choices.items[:1])
    assert choices.chosen == "3"
    choices.replace([])
    assert choices.chosen is None
    assert drawn(choices, (10, 2)) == [" nothing", ""]
    assert choices.keypress((10, 2), "enter") == "enter"


def test_a_click_chooses(choices, chosen):
    assert choices.mouse_event((6, 4), "mouse press", 1, 0, 3, True)
    assert chosen == ["1"]
    choices.mouse_event((6, 4), "mouse press", 5, 0, 0, True)
    assert choices.chosen == "2"


def test_buttons_go_below_each_other_when_there_is_no_room(chosen):
    buttons = Buttons([("Yes", lambda: chosen.append("yes")), ("No", lambda: chosen.append("no"))], index=1)
    assert drawn(buttons, (30,)) == ["  [ Yes ]  [ No ]"]
    assert drawn(buttons, (12,)) == ["  [ Yes ]", "  [ No ]"]
    buttons.keypress((30,), "enter")
    buttons.keypress((30,), "tab")
    buttons.keypress((30,), "enter")
    assert chosen == ["no", "yes"]
    buttons.mouse_event((30,), "mouse press", 1, 13, 0, True)
    buttons.mouse_event((12,), "mouse press", 1, 3, 0, True)
    assert chosen == ["no", "yes", "no", "yes"]
    assert buttons.keypress((30,), "x") == "x"


def test_a_field_tells_of_changes_and_takes_a_paste_on_one_line():
    seen = []
    field = Field("> ", "ab", seen.append)
    field.keypress((20,), "c")
    field.paste("d\ne")
    assert field.edit_text == "abcd e"
    assert seen == ["abc", "abcd e"]
    assert field.keypress((20,), "up") == "up"
    assert field.keypress((20,), "\u202e") == "\u202e"
    assert field.keypress((20,), "ctrl l") == "ctrl l"
    field.keypress((20,), "ctrl u")
    assert field.edit_text == ""


def test_a_secret_is_never_drawn_nor_its_length():
    field = SecretField(" Passphrase: ")
    empty = drawn(field, (40,))
    field.keypress((40,), "a")
    one = drawn(field, (40,))
    for letter in "much longer":
        field.keypress((40,), letter)
    assert drawn(field, (40,)) == one != empty
    assert "a" not in one[0].replace("Passphrase", "")
    assert repr(field) == "SecretField(…)"
    assert field.get_cursor_coords((40,)) == (13, 0)
    assert field.take() == "amuch longer"
    assert field.empty and field.take() == ""


def test_a_secret_is_mended_and_pasted():
    seen = []
    field = SecretField("", seen.append)
    field.paste("one two\nthree")
    field.keypress((40,), "backspace")
    assert field.take() == "one tw"
    field.paste("x" * 5000)
    assert len(field.take()) == 1024
    field.keypress((40,), "x")
    field.keypress((40,), "ctrl u")
    assert field.empty
    assert seen[-1] == ""
    assert field.keypress((40,), "esc") == "esc"
