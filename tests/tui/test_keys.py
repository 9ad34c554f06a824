"""The table of keys."""

import pytest

from onionchat.tui.actions import ON_SCREENS, WHERE, Actions
from onionchat.tui.bars import keys_line
from onionchat.tui.keys import (
    FOOT,
    FOOT_CHOOSING,
    FOOT_LIST,
    FOOT_NARROW,
    KEYS,
    SECTIONS,
    KeyTable,
    key_shown,
    parse_key,
)

action_for = KeyTable().action_for


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.where} {key.shown}")
def test_every_key_does_something_and_says_what(key):
    assert callable(getattr(Actions, key.action))
    assert key.help and len(key.shown) < 12


def test_no_key_means_two_things_in_one_place():
    seen = [(key.where, name) for key in KEYS for name in key.names]
    assert len(seen) == len(set(seen))


def test_the_four_keys_that_are_promised():
    promised = {"f1": "help", "ctrl k": "jump", "ctrl f": "search", "ctrl l": "lock", "f12": "hide"}
    for where in ("writing", "choosing", "list"):
        assert {key: action_for(where, key) for key in promised} == promised


def test_the_place_counts_before_everywhere():
    assert action_for("writing", "enter") == "send"
    assert action_for("choosing", "enter") == "reply"
    assert action_for("writing", "x") is None


def test_all_places_are_explained():
    assert {where for where, _ in SECTIONS} == {key.where for key in KEYS} == {"anywhere", "wiping", *WHERE.values()}
    assert {key.action for key in KEYS} >= ON_SCREENS


def test_what_stands_at_the_foot_fits():
    for foot, columns in ((FOOT, 80), (FOOT_NARROW, 40), (FOOT_LIST[:3], 40), (FOOT_CHOOSING, 80)):
        shown = "".join(text for _, text in keys_line(KeyTable().foot(foot), columns))
        assert all(word in shown for _, word in foot)


@pytest.mark.parametrize(
    "written, name, shown",
    [
        ("Ctrl-K", "ctrl k", "Ctrl-K"),
        ("alt-Up", "meta up", "Alt-Up"),
        ("F5", "f5", "F5"),
        ("PgUp", "page up", "PgUp"),
        ("Ctrl-PgDn", "ctrl page down", "Ctrl-PgDn"),
        ("Alt-<", "meta <", "Alt-<"),
        ("Alt--", "meta -", "Alt--"),
        ("Shift-Tab", "shift tab", "Shift-Tab"),
        ("Shift-Alt-Up", "shift meta up", "Shift-Alt-Up"),
        ("x", "x", "x"),
        ("-", "-", "-"),
        ("_", "_", "_"),
    ],
)
def test_keys_as_people_write_them(written, name, shown):
    assert parse_key(written) == name
    assert key_shown(name) == shown


@pytest.mark.parametrize(
    "written", ["", "Ctrl-", "Ctrl-Ctrl-K", "Hyper-K", "Ctrl-I", "Ctrl-M", "F13", "word", "Shift-a", "\x1b"]
)
def test_what_is_no_key(written):
    with pytest.raises(ValueError):
        parse_key(written)


def test_every_key_of_the_table_can_be_shown():
    for key in KEYS:
        assert all(key_shown(name) for name in key.names)


def test_a_changed_key_does_it_and_is_shown_at_the_foot():
    table = KeyTable({"jump": ("ctrl g", "f8"), "lock": ()})
    assert table.action_for("writing", "ctrl g") == table.action_for("list", "f8") == "jump"
    assert table.action_for("writing", "ctrl k") is None
    shown = {word: key for key, word in table.foot(FOOT)}
    assert shown["jump"] == "^G"
    assert "lock" not in shown
    assert shown["commands"] == "/"
