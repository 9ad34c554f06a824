"""My devices in lines."""

import pytest

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeworld import START_MS, fake_id, fake_words
from onionchat.text import display_width
from onionchat.tui.devicelines import device_lines, joining_words, own_device, word_rows


def own(**keys):
    values = {"id": fake_id("d"), "name": "laptop", "this": False, "online": False, "state": "active"}
    return t.OwnDevice(**values | keys)


def text_of(lines):
    return "\n".join("".join(text for _, text in line) for line in lines)


@pytest.mark.parametrize(
    "keys, words, style",
    [
        ({"this": True}, "this one", "accent"),
        ({"online": True}, "  on", "accent"),
        ({"last_seen": START_MS - 3_600_000}, "off, last seen 20:41", "quiet"),
        ({"state": "removed"}, "removed: it gets nothing", "quiet"),
        ({"state": "stolen"}, "declared stolen", "danger"),
    ],
)
def test_each_state_is_said_in_words(look, keys, words, style):
    lines = device_lines(own(**keys), 80, look)
    assert words in text_of(lines) and lines[0][0][0] == style


def test_hostile_labels_are_harmless(look, hostile):
    assert hostile(text_of(device_lines(own(name="a\x1b[2J\u202e"), 40, look))) == []


@pytest.mark.parametrize(
    "keys, words",
    [
        ({}, ""),
        ({"linking": "waiting"}, "asks the other one"),
        ({"linking": "refused"}, "did not admit it"),
        ({"history_left": 7}, "7 older messages"),
    ],
)
def test_what_a_new_device_waits_for(keys, words):
    from onionchat.testing.fakeservice import FakeService

    status = FakeService().do_status_get(t.Nothing())
    for name, value in keys.items():
        setattr(status, name, value)
    assert words in joining_words(status) and bool(words) == bool(joining_words(status))


@pytest.mark.parametrize("width", [30, 80])
def test_words_are_numbered_in_rows(width):
    rows = word_rows([*fake_words("w", 5), "a\x1b[2J"], width)
    assert all(display_width(text_of([row])) <= 48 for row in rows) and len(rows) == (2 if width == 80 else 3)
    assert "6 a" in text_of(rows) and "\x1b" not in text_of(rows)


def test_a_device_is_found_by_its_label_or_the_beginning_of_its_id():
    mine = [own(id="abcdefgh", name="one"), own(id="abcdxxxx", name="two"), own(id="abcdefyy", name="abcdef")]
    assert own_device(mine, "two").name == "two" and own_device(mine, "abcdxx").name == "two"
    assert own_device(mine, "abcdef").name == "abcdef"
    for text in ("abcd", "", "three", "TWO"):
        with pytest.raises(LocalError, match="/devices lists them"):
            own_device(mine, text)
