"""Messages as lines: what stands where, and that nothing of it is dangerous."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.api import types as t
from onionchat.testing.fakeworld import START_MS
from onionchat.testing.trial_console import HOSTILE
from onionchat.text import display_width
from onionchat.tui import render
from onionchat.tui.glyphs import ASCII, UNICODE
from onionchat.tui.render import Look
from onionchat.tui.theme import style_names

MINUTE = 60_000


def message(**keys):
    values = {
        "id": "m1",
        "time": START_MS,
        "sender": "Bob",
        "kind": "chat",
        "text": "hello",
        "state": "received",
        "delivered_to": [],
        "cursor": 1,
    }
    return t.Message(**values | keys)


def shown(made, columns=56, look=None, names=3):
    lines = render.message_lines(made, columns, look or Look(UNICODE, render.zone_of(0), START_MS), names)
    return ["".join(text for _, text in line).rstrip() for line in lines]


def test_who_when_what():
    assert shown(message()) == [" 21:41  Bob  hello"]


def test_continued_lines_stand_below_the_text():
    assert shown(message(text="one two three\nfour"), 48) == [" 21:41  Bob  one two three", "             four"]


def test_narrow_who_and_when_have_a_line_of_their_own():
    assert shown(message(sender="me", state="waiting"), 30) == [" 21:41 me                   ⋯", "   hello"]


@pytest.mark.parametrize(
    "keys, mark",
    [
        ({"state": "waiting"}, "⋯"),
        ({"state": "sent"}, "›"),
        ({"state": "delivered", "delivered_to": ["a"], "devices": 3}, "✓1/3"),
        ({"state": "delivered", "delivered_to": ["a", "b"], "devices": 2}, "✓"),
        ({"state": "delivered", "delivered_to": ["a"], "devices": 0}, "✓"),
    ],
)
def test_how_far_a_message_of_mine_got(keys, mark):
    assert shown(message(sender="me", **keys))[0].endswith(f" {mark}")
    assert mark not in shown(message(**keys))[0]


def test_ascii_twins_of_the_marks():
    made = message(sender="me", state="delivered", delivered_to=["a"], devices=3)
    assert render.delivery_mark(made, ASCII) == ("quiet", "1/3")


def test_a_late_one_says_when_it_was_written():
    made = message(time=START_MS - 29 * MINUTE, arrived=START_MS - MINUTE, late=True, text="I am back")
    assert shown(made)[0].startswith(" 21:40  Bob  I am back")
    assert shown(made)[0].endswith("(written 21:12)")


def test_one_that_is_late_by_days_says_when_it_came():
    made = message(time=START_MS - 3 * 86_400_000, arrived=START_MS, late=True)
    assert shown(made)[0].startswith(" 21:41  Bob")
    assert shown(made)[0].endswith("(came 21:41)")


@pytest.mark.parametrize(
    "keys, word",
    [
        ({"edited": True}, "edited"),
        ({"future": True}, "(its clock is ahead)"),
        ({"expires": START_MS + 60 * MINUTE}, "until 22:41"),
        ({"retracted": True, "text": ""}, "taken back"),
        ({"forgotten": True, "text": ""}, "forgotten here"),
        ({"withheld": True, "text": ""}, "not here: no device that is on has it"),
    ],
)
def test_what_happened_to_it(keys, word):
    assert word in "\n".join(shown(message(**keys)))


def test_what_was_taken_back_is_not_shown():
    assert "hello" not in "\n".join(shown(message(retracted=True, reactions=[t.Reactions(emoji="👍", by=["x"])])))


def test_a_reply_shows_what_it_answers_first():
    made = message(reply_to="x", reply_text="Are you on\nthe train?", reply_from="me")
    assert shown(made) == [" 21:41  Bob  ▏me: Are you on the train?", "             hello"]
    assert "a message that is not here" in shown(message(reply_to="x"))[0]


def test_reactions_stand_below():
    made = message(reactions=[t.Reactions(emoji="👍", by=["Bob", "me"]), t.Reactions(emoji="❤", by=["me"])])
    assert shown(made)[1] == "             👍 Bob, me  ·  ❤ me"


def test_a_long_mark_goes_below_when_there_is_no_room():
    made = message(sender="me", state="sent", edited=True, future=True, expires=START_MS + MINUTE)
    assert " ".join(shown(made, 46)[1:]).split() == ["(its", "clock", "is", "ahead)", "edited", "until", "21:42", "›"]


def test_a_notice_is_by_nobody():
    assert shown(message(kind="notice", sender="", text="Bob has a new device.")) == [" 21:41  · Bob has a new device."]


def test_no_line_is_longer_than_is_read_with_ease():
    assert max(len(line) for line in shown(message(text="word " * 200), 400)) <= render.LOG_COLUMNS_MAX


@pytest.mark.parametrize(
    "ms, words",
    [
        (START_MS, "21:41"),
        (START_MS - 86_400_000, "Thu 21:41"),
        (START_MS - 20 * 86_400_000, "31 Oct 21:41"),
        (START_MS - 400 * 86_400_000, "16 Oct 2025"),
        (0, "1 Jan 1970"),
        (-1, "1 Jan 1970"),
        (2**62, "31 Dec 9999"),
    ],
)
def test_moments(look, ms, words):
    assert render.moment(ms, look) == words


def test_days(look):
    assert render.day(START_MS, look) == "Friday 20 November"
    assert render.day(START_MS - 366 * 86_400_000, look) == "Wednesday 19 November 2025"


@pytest.mark.parametrize("seconds, words", [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h"), (200_000, "2 d")])
def test_durations(seconds, words):
    assert render.duration(seconds) == words


def test_what_does_not_fit_is_marked(look):
    assert render.fit("abcdef", 6, look) == "abcdef"
    assert render.fit("abcdef", 4, look) == "abc…"
    assert render.fit("日本語", 4, look) == "日…"
    assert render.fit("abc", 0, look) == ""
    assert render.fit("a\nb", 9, look) == "a b"


def test_ends_of_a_line(look):
    line = render.spread([("text", "left")], [("text", "right")], 12)
    assert "".join(text for _, text in line) == "left   right"
    assert render.spread([("text", "left")], [("text", "right")], 9) == [("text", "left")]


FIELDS = {
    "sender": HOSTILE,
    "text": HOSTILE,
    "reply_to": HOSTILE,
    "reply_text": HOSTILE,
    "reply_from": HOSTILE,
    "device": HOSTILE,
    "kind": "file." + HOSTILE,
    "reactions": [t.Reactions(emoji=HOSTILE, by=[HOSTILE])],
}


@pytest.mark.parametrize("field", list(FIELDS))
@pytest.mark.parametrize("columns", [20, 80])
def test_each_field_may_be_hostile(field, columns, hostile):
    for line in shown(message(**{field: FIELDS[field]}), columns):
        assert hostile(line) == []
        assert "\n" not in line


def test_remote_text_carries_no_style():
    made = message(text="[danger]red[/danger] ('accent', 'x')", sender="danger")
    styles = {style for line in render.message_lines(made, 80, Look(UNICODE, None, 0), 6) for style, _ in line}
    assert styles <= style_names()
    assert "danger" not in styles


@given(
    text=st.text(max_size=300),
    sender=st.text(max_size=20),
    columns=st.integers(1, 130),
    flags=st.fixed_dictionaries(
        {name: st.booleans() for name in ("late", "edited", "future", "retracted", "forgotten")}
    ),
    time=st.integers(),
)
def test_any_message_at_any_width_fits(text, sender, columns, flags, time):
    made = message(text=text, sender=sender, time=time, arrived=START_MS, reply_to="x", reply_text=text, **flags)
    for line in shown(made, columns):
        assert "\n" not in line
        assert display_width(line) <= max(columns, 12)


def test_the_column_for_names_is_bounded():
    many = [message(sender="me"), message(sender="A very long name of a person")]
    assert render.who_columns(many) == render.WHO_COLUMNS_MAX
    assert render.who_columns([]) == 2


def test_a_rule_is_as_wide_as_it_should_be(look):
    line = render.rule("Friday", 40, look)
    assert render.width_of(line) == 40
    assert render.width_of(render.rule("Friday" * 9, 10, look)) <= 10


def test_messages_come_as_the_api_defines_them():
    assert msgspec.json.decode(msgspec.json.encode(message()), type=t.Message) == message()
