"""The connection screen in plain words."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS
from onionchat.tui.screens.connection import ConnectionScreen, connection_lines, detail_lines, peer_words, what_to_do


def peer(**keys):
    values = {
        "contact": "Dave",
        "device": "d1",
        "label": "",
        "state": "waiting",
        "since": None,
        "rtt_ms": None,
        "tries": 0,
        "next_try_seconds": None,
        "last_failure": "",
        "last_seen": None,
        "waiting_messages": 0,
    }
    return t.PeerConnection(**values | keys)


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"state": "connected", "since": START_MS - 720_000, "rtt_ms": 900.0}, "connected 12 min · ping 0.9 s"),
        ({"state": "connected"}, "connected"),
        (
            {"state": "dialling", "tries": 3, "last_failure": "no descriptor (it is off)", "next_try_seconds": 40.0},
            "dialling, try 3 · last: no descriptor (it is off) · next try in 40 s",
        ),
        ({"last_seen": START_MS - 86_400_000, "waiting_messages": 1}, "last seen Thu 21:41 · 1 message waiting"),
        ({"waiting_messages": 4}, "never seen yet · 4 messages waiting"),
        ({"last_failure": "\x1b[2J"}, "never seen yet · last: \ufffd[2J"),
    ],
)
def test_a_device_in_plain_words(look, keys, words):
    assert peer_words(peer(**keys), look) == words


@pytest.mark.parametrize(
    "tor, onion, skew, peers, advice",
    [
        ("ready", "reachable", 1.0, [], "nothing."),
        ("off", "unpublished", None, [], "Tor is not there"),
        ("lost", "reachable", None, [], "Tor is not there"),
        ("bootstrapping", "unpublished", None, [], "wait. Tor"),
        ("ready", "publishing", None, [], "wait. Your onion"),
        ("ready", "reachable", 4000.0, [], "set the clock"),
        ("ready", "reachable", None, [peer(waiting_messages=2)], "nothing. What waits for Dave"),
    ],
)
def test_one_piece_of_advice(tor, onion, skew, peers, advice):
    status = FakeService().do_status_get(t.Nothing())
    status.tor.state, status.onion, status.clock_skew_s = tor, onion, skew
    assert what_to_do(status, peers).startswith(advice)


@pytest.mark.parametrize("columns", [40, 80])
def test_each_contact_is_named_once(look, plain, columns):
    service = FakeService()
    lines = plain(
        connection_lines(service.do_status_get(t.Nothing()), service.do_connection_list(t.Nothing()), columns, look)
    )
    assert sum(line.startswith(" Bob") for line in lines) == 1
    assert sum("connected 12 min" in line for line in lines) == 3
    assert any("What to do:" in line for line in lines)


def test_before_the_answer_it_says_that_it_asks(look):
    screen = ConnectionScreen(lambda: look)
    assert "asking" in b"".join(bytes(line) for line in screen.render((60, 12), True).text).decode()


def test_warnings_and_what_is_missing(look, plain):
    status = FakeService().do_status_get(t.Nothing())
    status.warnings, status.missing = ["the disk is nearly full"], ["vanguards"]
    text = "\n".join(plain(connection_lines(status, [], 80, look)))
    assert "the disk is nearly full" in text and "missing: vanguards" in text and "No contact has a device" in text


def test_details_of_a_message(look, plain):
    message = FakeService().talks["Bob"].messages[-2]
    message.expires, message.edited, message.future = START_MS, True, True
    text = "\n".join(plain(detail_lines(message, 60, look)))
    for words in ("Bob", "21:12", "21:40", "received, edited", "clock", message.id[:20], "I am back"):
        assert words in text


def test_details_count_the_devices_that_have_it(look, plain):
    message = next(m for m in FakeService().talks["Bob"].messages if m.text == "Fine")
    assert "on 2 of 3 devices" in "\n".join(plain(detail_lines(message, 80, look)))


def test_a_stolen_device_is_red_and_said_in_words(look):
    message = next(m for m in FakeService().talks["Bob"].messages if m.text == "Fine")
    thief = message.delivered_to[0]
    lines = detail_lines(message, 80, look, (), [thief])
    red = "".join(text for line in lines for style, text in line if style == "danger")
    assert "WARNING" in red and f"STOLEN ({thief[:8]}) has it" in red
    message.sender, message.device = "Bob", thief
    lines = detail_lines(message, 80, look, (), [thief])
    assert "declared STOLEN" in "".join(text for line in lines for style, text in line if style == "danger")


def test_who_else_carries_a_message_that_waits(look, plain):
    message = t.Message(
        id="a" * 52, time=START_MS, sender="me", kind="text", text="hi", state="waiting", delivered_to=[], cursor=1
    )
    assert "Also with" not in "\n".join(plain(detail_lines(message, 60, look)))
    message.carried_by = ["phone"]
    assert "your “phone”, which sends it, too" in "\n".join(plain(detail_lines(message, 80, look)))
