"""Messages and events as lines."""

from typing import Any

import pytest

from onionchat.api import types as t
from onionchat.cli.lines import conversation_lines, event_line, found_lines

NOON = 1_790_000_000_000


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def message(text: str = "hi", **changes: Any) -> t.Message:
    values: dict[str, Any] = {
        "id": "abc",
        "time": NOON,
        "sender": "Bob",
        "kind": "text",
        "text": text,
        "state": "received",
        "delivered_to": [],
        "cursor": 7,
    }
    return t.Message(**(values | changes))


def test_days_names_and_texts_are_aligned() -> None:
    lines = conversation_lines(
        [
            message("yes\nor no"),
            message("fine", sender="me", state="delivered", delivered_to=["d"], devices=1),
            message("next day", time=NOON + 86_400_000),
        ]
    )
    assert list(lines) == [
        "Monday 21 September 2026",
        "  14:13  Bob  yes",
        "              or no",
        "  14:13  me   fine  [delivered]",
        "Tuesday 22 September 2026",
        "  14:13  Bob  next day",
    ]


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"sender": "me", "state": "waiting"}, "hi  [waiting]"),
        (
            {"sender": "me", "state": "delivered", "delivered_to": ["a", "b"], "devices": 3},
            "hi  [on 2 of 3 devices]",
        ),
        ({"edited": True, "late": True}, "hi  [edited, came late]"),
        ({"future": True, "expires": 5}, "hi  [its clock is ahead, disappears]"),
        ({"retracted": True, "text": ""}, "(taken back)"),
        ({"forgotten": True, "text": ""}, "(forgotten)"),
        ({"withheld": True, "text": ""}, "(withheld: who has it does not give it)"),
        ({"kind": "voice", "text": ""}, "(voice)"),
        ({"kind": "notice", "sender": "", "text": "a new device"}, "  a new device"),
    ],
)
def test_what_is_special_is_said(changes: dict[str, Any], end: str) -> None:
    assert list(conversation_lines([message(**changes)]))[-1].endswith(end)


def test_replies_reactions_gaps_and_ids() -> None:
    found = message(
        reply_to="x",
        reply_from="me",
        reply_text="why?",
        missing_before=True,
        reactions=[t.Reactions(emoji="👍", by=["me", "Bob"])],
    )
    assert list(conversation_lines([found], show_ids=True))[1:] == [
        "              (earlier messages are missing yet)",
        "              > me: why?",
        "  14:13  Bob  hi",
        "              👍 me, Bob",
        "              abc",
    ]


def test_found_messages_say_where_and_when() -> None:
    assert list(found_lines([message(conversation="Bob")])) == ["Bob, Monday 21 September 2026", "  14:13  Bob  hi"]


def test_a_line_of_text_cannot_pose_as_another_person() -> None:
    """The second line of a text is indented, whatever it says."""
    lines = list(conversation_lines([message("x\n  14:13  me   I owe you all\u2028more")]))
    assert all(line.startswith(" " * 14) for line in lines[2:])


@pytest.mark.parametrize(
    "event",
    [
        t.Event(event="message", time=NOON, conversation="Bob", sender="Bob", text="hi\nthere"),
        t.Event(event="message", time=NOON, conversation="Bob", sender="", text="a new device"),
        t.Event(event="delivered", time=NOON, conversation="Bob", id="i" * 52, device="d" * 52),
        t.Event(event="online", time=NOON, contact="Bob", device="d" * 52),
        t.Event(event="offline", time=NOON, contact="Bob"),
        t.Event(event="request", time=NOON, name="Bob", id="i" * 52),
        t.Event(event="trust", time=NOON, contact="Bob", trust="validated"),
        t.Event(event="device", time=NOON, contact="Bob", device="d", change="added"),
        t.Event(event="tor", time=NOON, state="ready", bootstrap=100, onion="reachable"),
        t.Event(event="from the future", time=NOON),
    ],
)
def test_every_event_is_a_line_without_unset(event: t.Event) -> None:
    line = event_line(event)
    assert line.startswith("14:13  ")
    assert "UNSET" not in line
