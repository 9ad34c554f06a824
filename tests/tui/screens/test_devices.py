"""My devices, and the screens of linking."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeworld import START_MS, fake_words, qr_code
from onionchat.tui.glyphs import ASCII
from onionchat.tui.render import Look, width_of
from onionchat.tui.screens.devices import LinkScreen, link_lines

CODE = "onionchat-link:" + "a" * 56


def text_of(lines):
    return "\n".join("".join(text for _, text in line) for line in lines)


def waiting(**keys):
    values = {"code": CODE, "qr": qr_code(CODE), "expires": START_MS + 581_000, "published": True}
    return t.LinkStatus(state="waiting", **values | keys)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_code_fits_and_says_how_long_it_works(look, columns):
    lines = link_lines(waiting(), columns, look)
    assert all(width_of(line) <= columns for line in lines)
    whole = "".join(text_of(lines).split())
    assert "9:41left" in whole and ("█▀▀▀▀▀█" in whole or columns < 80)
    if columns == 40:
        assert CODE in whole


def test_it_is_not_said_to_work_before_it_does(look):
    assert "is being published" in " ".join(text_of(link_lines(waiting(published=False), 80, look)).split())


def test_six_words_and_why(look):
    link = t.LinkStatus(state="comparing", words=fake_words("w", 6), device="tab\x1blet")
    text = text_of(link_lines(link, 40, look))
    assert all(word in text for word in fake_words("w", 6)) and "\x1b" not in text
    assert "same six words" in " ".join(text.split()) and "in your name" in " ".join(text.split())
    link.said_yes = True
    assert "You said yes" in text_of(link_lines(link, 80, look))


@pytest.mark.parametrize(
    "state, words",
    [("none", "Making"), ("comparing", "has come"), ("admitting", "written down"), ("linked", "of yours now")],
)
def test_the_other_states(look, state, words):
    assert words in text_of(link_lines(t.LinkStatus(state=state, device="tablet"), 80, look))


def test_a_failure_says_why_and_what_to_do(look):
    link = t.LinkStatus(state="failed", problem="the code has expired; make a new one\x07")
    assert "has expired" in text_of(link_lines(link, 80, look)) and "\x07" not in text_of(link_lines(link, 80, look))


def test_without_unicode(look):
    plain = Look(ASCII, look.zone, look.now_ms)
    for link in (waiting(), t.LinkStatus(state="comparing", words=["a"] * 6, device="b")):
        assert text_of(link_lines(link, 80, plain)).isascii()


def test_the_buttons_are_there_only_while_there_is_something_to_decide(look):
    said, closed = [], []
    screen = LinkScreen(lambda: look, said.append, closed.append)
    comparing = t.LinkStatus(state="comparing", words=["a"] * 6, device="b")

    def drawn():
        return b"\n".join(bytes(line) for line in screen.render((80, 24), True).text).decode()

    screen.show(waiting())
    assert "They differ" not in drawn()
    screen.keypress((80, 24), "enter")
    screen.show(comparing)
    assert "They differ" in drawn()
    screen.keypress((80, 24), "left")
    screen.show(comparing)  # an event between: what was chosen stays chosen
    screen.keypress((80, 24), "enter")
    assert said == [True]
    screen.show(t.LinkStatus(state="comparing", words=["a"] * 6, device="b", said_yes=True))
    assert "They differ" not in drawn()
    screen.closed()
    assert closed[0].said_yes


def test_a_hasty_enter_says_no(look):
    said = []
    screen = LinkScreen(lambda: look, said.append, lambda link: None)
    screen.show(t.LinkStatus(state="comparing", words=["a"] * 6, device="b"))
    screen.keypress((80, 24), "enter")
    assert said == [False]
