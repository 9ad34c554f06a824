"""The lines round the log."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui import bars
from onionchat.tui.render import width_of


@pytest.fixture
def status():
    return FakeService().do_status_get(t.Nothing())


def conversation(**keys):
    values = {
        "name": "Bob",
        "kind": "direct",
        "trust": "unvalidated",
        "online": True,
        "devices_online": 1,
        "devices": 1,
        "unread": 0,
        "last_time": None,
        "last_line": "",
    }
    return t.Conversation(**values | keys)


def text(line):
    return "".join(part for _, part in line)


def test_the_status_line_drops_the_least_first(status, look):
    assert "2 devices" in text(bars.status_line(status, 80, look))
    assert "2 devices" not in text(bars.status_line(status, 62, look))
    assert "21:41" in text(bars.status_line(status, 40, look))


def test_the_history_that_is_still_to_come(status, look):
    status.history_left = 12345
    assert "history: 12,345 to come" in text(bars.status_line(status, 100, look))


@pytest.mark.parametrize("columns", range(12, 130, 7))
def test_it_never_is_wider_than_the_terminal(status, look, columns):
    assert width_of(bars.status_line(status, columns, look)) <= max(columns, 40)
    assert width_of(bars.narrow_status(status, conversation(name="A" * 60), columns, look)) <= max(columns, 30)


@pytest.mark.parametrize(
    "state, onion, words",
    [
        ("ready", "reachable", "Tor ● reachable"),
        ("ready", "publishing", "Tor ◐ publishing"),
        ("ready", "unpublished", "Tor ◐ not published"),
        ("bootstrapping", "unpublished", "Tor ◐ 45 %"),
        ("searching", "unpublished", "Tor ◐ searching"),
        ("launching", "unpublished", "Tor ◐ launching"),
        ("off", "unpublished", "Tor ○ off"),
        ("lost", "unpublished", "Tor ○ lost"),
    ],
)
def test_tor_in_a_few_words(status, look, state, onion, words):
    status.tor.state, status.tor.bootstrap, status.onion = state, 45, onion
    assert text(bars.tor_words(status, look)) == words


def test_before_the_node_answers(look):
    assert text(bars.tor_words(None, look)) == "Tor ○ asking"
    assert "onionchat" in text(bars.status_line(None, 80, look))


def test_the_head_suggests_comparing_only_where_it_helps(look):
    assert "F2 compare" in text(bars.head_line(conversation(), 80, look))
    assert "F2 compare" not in text(bars.head_line(conversation(trust="validated"), 80, look))
    assert "danger" in {style for style, _ in bars.head_line(conversation(trust="compromised"), 80, look)}
    assert "messages stay 1 d" in text(bars.head_line(conversation(timer_seconds=86400, trust="validated"), 80, look))
    assert "blocked" in text(bars.head_line(conversation(blocked=True), 80, look))


@pytest.mark.parametrize(
    "keys, sign, name, trust, tail",
    [
        ({"unread": 2}, "●", "Bob          ", "◌", "   2"),
        ({"online": False}, "○", "Bob          ", "◌", "    "),
        ({"online": False, "connecting": True}, "◐", "Bob          ", "◌", "    "),
        ({"kind": "self", "name": "Notes"}, "✎", "Notes        ", " ", "    "),
        ({"unread": 5000, "trust": "compromised"}, "●", "Bob          ", "✖", "999+"),
        ({"draft": "x", "trust": "validated"}, "●", "Bob          ", "✔", " ..."),
        ({"name": "A name that is long"}, "●", "A name that …", "◌", "    "),
        ({"name": "佐藤"}, "●", "佐藤         ", "◌", "    "),
    ],
)
def test_rows_of_the_list(look, keys, sign, name, trust, tail):
    line = bars.list_row(conversation(**keys), 23, look, False)
    assert width_of(line) == 23
    assert text(line) == f" {sign} {name} {trust}{tail} "


def test_keys_that_have_no_room_are_left_out():
    keys = [("F1", "help"), ("F2", "compare")]
    assert text(bars.keys_line(keys, 80)).strip() == "F1 help  F2 compare"
    assert text(bars.keys_line(keys, 12)).strip() == "F1 help"
