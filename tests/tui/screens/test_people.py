"""Requests, and comparing words."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS, fake_words
from onionchat.tui.render import width_of
from onionchat.tui.screens.people import AcceptScreen, CompareScreen, RequestsScreen, compare_lines, request_lines


def request(**keys):
    values = {"id": "r1", "name": "Erin", "greeting": "hi", "words": [], "time": START_MS, "direction": "incoming"}
    return t.ContactRequest(**values | keys)


def test_a_request_says_who_what_and_its_words(look, plain):
    text = "\n".join(plain(request_lines(request(words=fake_words("Erin")), 80, look)))
    assert "Erin  asks  21:41" in text and "hi" in text and fake_words("Erin")[11] in text


def test_a_suspicious_name_is_warned_of(look, plain):
    assert "Be careful" in "\n".join(plain(request_lines(request(suspicious_name=True), 80, look)))


@pytest.mark.parametrize(
    "state, words", [("waiting", "waits until"), ("sent", "was delivered"), ("expired", "expired")]
)
def test_what_became_of_mine(look, plain, state, words):
    assert words in plain(request_lines(request(direction="outgoing", state=state), 80, look))[0]


def test_a_long_greeting_takes_a_few_lines_only(look):
    assert len(request_lines(request(greeting="word " * 500), 40, look)) < 10


def test_the_list_puts_those_who_ask_first(look):
    done, accepted = [], []
    screen = RequestsScreen(lambda: look, accepted.append, lambda what, which: done.append((what, which.name)))
    screen.show(FakeService().requests)
    assert [screen._requests[item.key].name for item in screen.choices.items] == ["Вob", "Erin", "Frank"]
    for key in ("x", "i", "down", "b", "enter", "down", "i", "enter", "x"):
        screen.keypress((80, 20), key)
    assert done == [("ignore", "Вob"), ("block", "Erin"), ("cancel", "Frank")]
    assert [which.name for which in accepted] == ["Erin"]


def test_accepting_needs_a_name(look):
    names = []
    screen = AcceptScreen(lambda: look, request(name=""), names.append)
    screen.keypress((80, 20), "enter")
    assert names == []
    screen.paste("Erin\n")
    screen.keypress((80, 20), "enter")
    assert names == ["Erin"]


WORDS = t.Words(mine=fake_words("a"), theirs=fake_words("b"), devices=2, roster="7f3a9999")


def test_side_by_side_where_there_is_room(look, plain):
    lines = plain(compare_lines("Bob", "unvalidated", WORDS, 80, look))
    row = next(line for line in lines if "5-8" in line)
    assert " ".join(fake_words("a")[4:8]) in row and " ".join(fake_words("b")[4:8]) in row
    assert "2 devices, roster 7f3a9999" in "\n".join(lines)


def test_below_each_other_and_all_at_once_on_a_small_screen(look, plain):
    lines = plain(compare_lines("Bob", "unvalidated", WORDS, 40, look))
    assert all(word in " ".join(lines[:8]) for word in WORDS.mine + WORDS.theirs)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
def test_it_fits(look, columns):
    long = t.Words(mine=["abcdefgh"] * 12, theirs=["abcdefgh"] * 12, devices=1)
    wide = [
        line for line in compare_lines("B" * 64, "validated", long, columns, look) if width_of(line) > max(columns, 38)
    ]
    assert wide == []


def test_deciding(look):
    for keys, decided in (
        (["enter"], []),
        (["left", "enter"], ["compromised"]),
        (["tab", "enter"], ["validated"]),
        (["esc"], []),
    ):
        given = []
        screen = CompareScreen(lambda: look, "Bob", "unvalidated", WORDS, given.append)
        for key in keys:
            screen.keypress((80, 24), key)
        assert given == decided


def test_hostile_words_and_names_are_harmless(look, plain, hostile):
    words = t.Words(mine=["\x1b[1m"] * 12, theirs=["\u202e"] * 12, devices=1, roster="\x07")
    text = "\n".join(plain(compare_lines("a\x1b\u2066", "unvalidated", words, 80, look)))
    assert hostile(text) == []
