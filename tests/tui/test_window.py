"""The window over a conversation, and its rows."""

from onionchat.api import types as t
from onionchat.tui.window import PAGE, WINDOW_MAX, Window, rows

DAY = 86_400_000
START = 1_795_132_800_000  # Friday 20 November 2026, 00:00 UTC


def messages(first, last, **keys):
    return [
        t.Message(
            id=f"m{number}",
            time=START + number * 1000,
            sender="Bob",
            kind="chat",
            text=str(number),
            state="received",
            delivered_to=[],
            cursor=number,
            **keys,
        )
        for number in range(first, last)
    ]


def ids(window):
    return [message.id for message in window.messages]


def test_a_short_conversation_begins_here(look):
    window = Window()
    window.show_last(messages(0, 3), PAGE)
    assert window.at_start and window.at_end
    assert [row.kind for row in rows(window, look)] == ["start", "day", "message", "message", "message"]


def test_a_full_page_may_have_more_before_it(look):
    window = Window()
    window.show_last(messages(0, PAGE), PAGE)
    assert not window.at_start
    assert rows(window, look)[0].kind == "day"


def test_pages_are_added_without_doubles_and_the_far_end_is_let_go():
    window = Window()
    window.show_last(messages(900, 1000), PAGE)
    for first in range(800, 300, -100):
        window.add_older(messages(first, first + 101), PAGE)
    assert len(window.messages) == WINDOW_MAX
    assert not window.at_end
    assert ids(window) == [f"m{number}" for number in range(400, 900)]
    window.add_newer(messages(899, 950), PAGE)
    assert window.at_end
    assert ids(window)[-1] == "m949" and len(window.messages) == WINDOW_MAX
    assert not window.at_start


def test_an_empty_page_is_an_end():
    window = Window()
    window.show_around(messages(5, 10))
    assert not window.at_start and not window.at_end
    window.add_older([], PAGE)
    window.add_newer([], PAGE)
    assert window.at_start and window.at_end


def test_the_new_line_stands_above_the_first_unread_one_of_others(look):
    page = messages(0, 6)
    page[2].unread = page[3].unread = page[4].unread = True
    page[2].sender = "me"
    window = Window()
    window.show_last(page, PAGE)
    window.mark_new()
    kinds = [(row.kind, row.key) for row in rows(window, look)]
    assert kinds.index(("new", "new")) + 1 == kinds.index(("message", "message m3"))
    for message in page:
        message.unread = False
    assert ("new", "new") in [(row.kind, row.key) for row in rows(window, look)]  # it stays while it is looked at
    window.mark_new()
    assert ("new", "new") not in [(row.kind, row.key) for row in rows(window, look)]


def test_days_part_the_messages(look):
    page = messages(0, 3)
    page[1].time += DAY
    page[2].time += DAY
    window = Window()
    window.show_last(page, PAGE)
    assert [row.text for row in rows(window, look) if row.kind == "day"] == [
        "Friday 20 November",
        "Saturday 21 November",
    ]


def test_keys_are_unique_even_when_clocks_jump(look):
    page = messages(0, 6)
    for number, message in enumerate(page):
        message.time += DAY * (number % 2)
        message.missing_before = True
    window = Window()
    window.show_last(page, PAGE)
    keys = [row.key for row in rows(window, look)]
    assert len(keys) == len(set(keys))


def test_gaps_are_said(look):
    page = messages(0, 2)
    page[1].missing_before = True
    window = Window()
    window.show_last(page, PAGE)
    assert [row.kind for row in rows(window, look)][-2:] == ["gap", "message"]


def test_finding():
    window = Window()
    window.show_last(messages(0, 3), PAGE)
    assert window.find("m1").text == "1"
    assert window.find("m9") is None
    assert window.index("m2") == 2
