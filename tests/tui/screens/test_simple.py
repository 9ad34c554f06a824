"""Screens that only show or ask."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeworld import START_MS, qr_code
from onionchat.tui.commands import COMMANDS
from onionchat.tui.glyphs import ASCII
from onionchat.tui.keys import KEYS
from onionchat.tui.render import Look, width_of
from onionchat.tui.screens.simple import AskScreen, LinesScreen, help_lines, invitation_lines, qr_lines

LINK = "onionchat:" + "a" * 56


def invitation(**keys):
    values = {"link": LINK, "kind": "once", "expires": START_MS + 86_400_000, "state": "published", "qr": qr_code(LINK)}
    return t.Invitation(**values | keys)


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_the_help_has_every_key_and_command(look, plain, columns):
    text = "\n".join(plain(help_lines(columns, look)))
    for key in KEYS:
        assert key.shown in text
    for command in COMMANDS:
        assert f"/{command.name}" in text
    assert max(width_of(line) for line in help_lines(columns, look)) <= max(columns, 26)


def test_the_code_stands_beside_the_words_where_there_is_room(look, plain):
    lines = plain(invitation_lines(invitation(), 80, look))
    assert any("█" in line and "trust" in line for line in lines)
    assert len(lines) <= 20  # an 80×24 terminal shows all of it
    assert LINK[:30] in "".join(lines)


def test_below_them_where_there_is_less(look, plain):
    lines = plain(invitation_lines(invitation(), 45, look))
    assert not any("█" in line and "trust" in line for line in lines)
    assert any("█▀▀▀▀▀█" in line for line in lines)


def test_and_not_where_there_is_none(look, plain):
    lines = plain(invitation_lines(invitation(), 30, look))
    assert "█" not in "".join(lines)
    assert "wider terminal" in " ".join("".join(lines).split())
    assert "".join(line.strip() for line in lines).count("a" * 10)


def test_the_code_survives_ascii():
    look = Look(ASCII, None, START_MS)
    code = qr_code(LINK)
    plain_code = qr_lines(code, look)
    assert len(plain_code) == 2 * len(code) and all(line.isascii() for line in plain_code)
    for row, line in enumerate(code):
        for column, sign in enumerate(line):
            assert (plain_code[2 * row][2 * column] == "#") == (sign in "█▀")
            assert (plain_code[2 * row + 1][2 * column] == "#") == (sign in "█▄")


def test_only_blocks_come_through_as_a_code(look):
    assert qr_lines(["█\x1b[2J▀", "▄"], look) == ["█    ▀", "▄     "]


def test_words_for_open_and_unpublished(look, plain):
    text = " ".join(plain(invitation_lines(invitation(kind="open", state="publishing", expires=None), 100, look)))
    assert "everyone who has it" in text and "being published" in text and "until" not in text


def test_lines_scroll(look):
    screen = LinesScreen(lambda: look, "Many", lambda columns: [[("text", str(n))] for n in range(50)])
    screen.keypress((20, 10), "page down")
    assert bytes(screen.render((20, 10), True).text[2]).decode().strip() != "0"


def ask(look):
    given = []
    screen = AskScreen(
        lambda: look, "Really? " * 60, [("Yes", lambda: given.append("yes")), ("No", lambda: given.append("no"))]
    )
    screen.close = lambda: screen.closed()
    return screen, given


def test_a_question_is_answered_once(look):
    for keys, answer in ((["enter"], "no"), (["left", "enter"], "yes"), (["esc"], "no")):
        screen, given = ask(look)
        for key in keys:
            screen.keypress((40, 15), key)
        screen.closed()
        assert given == [answer]


def test_a_long_question_scrolls(look):
    screen, given = ask(look)
    before = screen.render((30, 10), True).text
    screen.keypress((30, 10), "page down")
    assert screen.render((30, 10), True).text != before and given == []
