"""The log on the screen: place, scrolling, choosing."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeworld import START_MS
from onionchat.tui.glyphs import UNICODE
from onionchat.tui.logview import LogView
from onionchat.tui.render import Look, zone_of
from onionchat.tui.window import Window, rows

SIZE = (60, 10)
LOOK = Look(UNICODE, zone_of(0), START_MS)


def message(number, text=None):
    return t.Message(
        id=f"m{number}",
        time=START_MS + number,
        sender="Bob",
        kind="chat",
        text=text or f"text {number}.",
        state="received",
        delivered_to=[],
        cursor=number,
    )


class Log:
    def __init__(self, messages):
        self.near = []
        self.view = LogView(lambda: LOOK, lambda: self.near.append("start"), lambda: self.near.append("end"))
        self.window = Window()
        self.view.render(SIZE)
        self.show(messages)

    def show(self, messages):
        self.window.show_last(messages, 10_000)
        self.window.at_start = False
        self.view.show(rows(self.window, LOOK), messages)

    @property
    def lines(self):
        return [bytes(line).decode().strip() for line in self.view.render(SIZE).text]

    @property
    def texts(self):
        return [line.split("  ")[-1] for line in self.lines]


@pytest.fixture
def log():
    return Log([message(number) for number in range(100)])


def test_the_end_is_shown_and_followed(log):
    assert log.texts[-1] == "text 99."
    log.show([message(number) for number in range(105)])
    assert log.texts[-1] == "text 104."


def test_scrolling_by_lines_is_exact(log):
    for lines in (-1, -1, -3, -5, 2, -20, 7):
        before = int(log.texts[0].split()[1].rstrip("."))
        log.view.scroll(lines)
        assert int(log.texts[0].split()[1].rstrip(".")) == before + max(min(lines, 9), -9)


def test_a_page_keeps_two_lines(log):
    top = log.texts[0]
    log.view.page(-1)
    assert log.texts[-2] == top


def test_it_never_jumps_while_it_is_read(log):
    log.view.page(-1)
    seen = log.lines
    log.show([message(number) for number in range(150)])
    assert log.lines == seen
    log.show([message(number) for number in range(-50, 150)])
    assert log.lines == seen


def test_a_late_message_above_does_not_move_what_is_read(log):
    log.view.page(-1)
    seen = log.lines
    log.show(
        [message(number) for number in range(50)] + [message(2000)] + [message(number) for number in range(50, 100)]
    )
    assert log.lines == seen


def test_scrolling_back_to_the_end_follows_again(log):
    log.view.page(-2)
    assert not log.view.following
    for _ in range(5):
        log.view.page(1)
    assert log.view.following and log.texts[-1] == "text 99."


def test_the_top_is_a_stop(log):
    for _ in range(30):
        log.view.page(-1)
    assert "Friday 20 November" in log.lines[0]
    assert "start" in log.near


def test_the_next_page_is_asked_for_before_the_end_is_reached(log):
    log.near.clear()
    log.view.page(-1)
    assert "start" not in log.near
    for _ in range(10):
        log.view.page(-1)
        assert log.lines
    assert "start" in log.near


def test_a_message_taller_than_the_screen_can_be_read_line_by_line():
    log = Log([message(0), message(1, "\n".join(f"line {n}" for n in range(30))), message(2)])
    seen = set()
    for _ in range(40):
        seen |= set(log.texts)
        log.view.scroll(-1)
    assert {f"line {n}" for n in range(30)} <= {text.strip() for text in seen}


def test_choosing_walks_over_messages_only(log):
    assert log.view.choose(True)
    assert log.view.chosen().id == "m99"
    for _ in range(20):
        assert log.view.choose_next(-1)
    assert log.view.chosen().id == "m79"
    assert "text 79." in log.texts
    assert log.view.choose_next(1)
    assert log.view.chosen().id == "m80"
    log.view.choose(False)
    assert log.view.chosen() is None


def test_choosing_stops_at_the_ends(log):
    log.view.choose(True)
    assert not log.view.choose_next(1)
    log.view.go_to("message m0", "top")
    log.view.choose_here("message m0")
    assert not log.view.choose_next(-1)


def test_there_is_nothing_to_choose_in_an_empty_log():
    log = Log([])
    assert not log.view.choose(True)
    log.view.scroll(-3)
    log.view.page(1)
    assert log.view.chosen() is None
    assert log.lines == [""] * 10


def test_going_to_a_message(log):
    assert log.view.go_to("message m20")
    assert "text 20." in log.texts
    assert not log.view.go_to("message nowhere")


def test_only_the_chosen_one_is_marked(log):
    log.view.choose(True)
    styles = [{style for style, _, _ in line} for line in log.view.render(SIZE).content()]
    assert [index for index, found in enumerate(styles) if "selected" in found] == [9]


def test_another_width_keeps_the_end(log):
    narrow = log.view.render((25, 10))
    assert "text 99." in bytes(narrow.text[-1]).decode()


def test_the_wheel_scrolls(log):
    log.view.mouse_event(SIZE, "mouse press", 4, 1, 1, True)
    assert log.texts[-1] == "text 96."
    clicked = []
    log.view.on_click = clicked.append
    rows = log.view.render(SIZE, True).text
    at = next(number for number, line in enumerate(rows) if line.strip())
    assert log.view.mouse_event(SIZE, "mouse press", 1, 1, at, True) and len(clicked) == 1
    assert not log.view.mouse_event(SIZE, "mouse press", 3, 1, 1, True)


def test_forgetting_the_message_that_is_looked_at_stays_near(log):
    log.view.go_to("message m50")
    log.show([message(number) for number in range(100) if number != 50])
    assert "text 51." in log.texts


def test_a_log_of_one_line_scrolls_too():
    log = Log([message(number) for number in range(20)])
    log.view.render((60, 1))
    for lines in (-1, -1, -3, 1, 2, 9, -1):
        log.view.scroll(lines)
        assert log.view.render((60, 1)).rows() == 1
