"""How the panes are put together."""

import pytest

from onionchat.testing.fakeservice import FakeService


@pytest.mark.parametrize("columns", range(60, 130, 9))
def test_lines_meet_at_their_joints(open_console, columns):
    service = FakeService()
    del service.talks["佐藤 潤"]  # so that a character is a column
    service.talks["Carol"].messages.pop()
    lines = open_console(columns, 20, service).lines
    wall = lines[1].index("┬")
    assert lines[-2][wall] == "┴"
    inside = [line[wall] for line in lines[3:-4]]
    assert {lines[2][wall], lines[3][wall], *inside} <= {"│", "├"}
    assert sum(sign == "├" for sign in (line[wall : wall + 1] for line in lines)) == 1


def test_the_joint_moves_with_the_input(open_console):
    trial = open_console()
    before = [index for index, line in enumerate(trial.lines) if "├" in line]
    trial.press("newline", "newline")
    after = [index for index, line in enumerate(trial.lines) if "├" in line]
    assert after == [before[0] - 2]


def test_a_long_input_leaves_room_for_the_log(open_console):
    trial = open_console()
    for _ in range(40):
        trial.press("newline")
    assert "I am back" in trial.text or "map.png" in trial.text
    assert trial.cursor is not None


def test_the_cursor_is_in_the_input_unless_a_list_is_open(open_console):
    trial = open_console()
    assert trial.press("tab").cursor is None
    trial.press("esc").type("abc")
    column, row = trial.cursor
    assert trial.lines[row].endswith("> abc") and column == len(trial.lines[row])


def test_narrow_and_wide_share_what_is_in_them(open_console):
    trial = open_console().type("half a")
    trial.size = (40, 15)
    assert "> half a" in trial.text and "│" not in trial.text
    trial.size = (80, 24)
    assert "> half a" in trial.text and "│" in trial.text


def test_the_wheel_scrolls_the_log_and_a_click_opens_a_conversation(open_console):
    trial = open_console()
    before = trial.lines[5:18]
    trial.console.stage.mouse_event(trial.size, "mouse press", 4, 50, 10, True)
    assert trial.lines[5:18] != before
    trial.console.stage.mouse_event(trial.size, "mouse press", 1, 5, 5, True)
    trial.settle()
    assert trial.console.current == "Carol"
    assert not trial.console.stage.mouse_event(trial.size, "mouse press", 1, 5, 23, True)
