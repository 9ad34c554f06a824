"""A contact in lines: everything that is known, safe, and never wider than the screen."""

from typing import Any, get_args

import pytest

from onionchat.api import types as t
from onionchat.text import display_width
from onionchat.tui.contactlines import TRUST_MEANS, contact_lines
from tests.tui.test_logview import LOOK


def contact(**other: Any) -> t.Contact:
    device = t.Device(id="d" * 52, online=True, last_seen=None)
    fields: dict[str, Any] = {
        "id": "c" * 52,
        "name": "Bob",
        "trust": "unvalidated",
        "online": True,
        "devices": [device],
    }
    return t.Contact(**{**fields, "devices": [device], "former": [], "unread": 0, **other})


def text_of(lines: Any) -> list[str]:
    return ["".join(part for _, part in line) for line in lines]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_screen(columns: int) -> None:
    for trust in get_args(t.Trust):
        lines = text_of(contact_lines(contact(trust=trust, introduced_by="Carol", blocked=True), columns, LOOK))
        assert all(display_width(line) <= columns for line in lines)


def test_all_that_is_known_is_told() -> None:
    text = "\n".join(text_of(contact_lines(contact(remote_name="Robert", former=["f" * 52], disputed=True), 80, LOOK)))
    for word in ("Bob", "Robert", "f" * 52, "online", "compare words", "MiB"):
        assert word in text


def test_every_trust_state_has_its_sentence() -> None:
    assert set(TRUST_MEANS) == set(get_args(t.Trust))


def test_what_it_calls_itself_cannot_draw() -> None:
    text = "".join(text_of(contact_lines(contact(remote_name="Bob\x1b[2J\u202e\nAlice"), 80, LOOK)))
    assert "\x1b" not in text and "\u202e" not in text and "\n" not in text


def test_a_stolen_device_is_red_and_said_in_words() -> None:
    lines = contact_lines(contact(former=["f" * 52, "e" * 52], stolen=["e" * 52]), 80, LOOK)
    red = "".join(text for line in lines for style, text in line if style == "danger")
    assert "STOLEN device" in red and "e" * 52 in red and "nothing that it says" in red
    assert "f" * 52 not in red and "f" * 52 in "".join(text_of(lines))
