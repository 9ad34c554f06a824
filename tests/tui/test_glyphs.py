"""Signs and their ASCII twins; which of them the locale allows."""

from dataclasses import fields

import pytest

from onionchat.text import display_width
from onionchat.tui.glyphs import ASCII, LINUX, UNICODE, glyphs_for, speaks_utf8


def test_every_sign_has_a_twin_in_ascii():
    for field in fields(ASCII):
        if field.type is str or field.type == "str":
            assert getattr(ASCII, field.name).isascii(), field.name
            assert getattr(UNICODE, field.name), field.name


def test_signs_in_columns_are_one_column_wide():
    for field in fields(UNICODE):
        if field.name not in ("unicode", "pictures", "waiting", "delivered", "file"):
            assert display_width(getattr(UNICODE, field.name)) == 1, field.name
            assert display_width(getattr(ASCII, field.name)) == 1, field.name


def test_signs_of_one_meaning_differ_from_each_other():
    for glyphs in (UNICODE, ASCII):
        assert len({glyphs.unvalidated, glyphs.validated, glyphs.compromised}) == 3
        assert len({glyphs.online, glyphs.dialling, glyphs.offline}) == 3
        assert glyphs.trust("compromised") == glyphs.compromised
        assert glyphs.presence(True, True) == glyphs.online
        assert glyphs.presence(False, True) == glyphs.dialling


def test_our_own_words_lose_their_typography_in_ascii():
    assert ASCII.plain("wait … 3 × “a” – b · ≤ 4") == 'wait ... 3 x "a" - b - <= 4'
    assert UNICODE.plain("wait …") == "wait …"


@pytest.mark.parametrize(
    "environment, utf8",
    [
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),  # put there by Python itself
        ({"LC_CTYPE": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE@euro"}, False),
        ({}, False),
    ],
)
def test_the_locale_decides(environment, utf8):
    assert speaks_utf8(environment) is utf8


@pytest.mark.parametrize(
    "ascii_only, environment, found",
    [
        (None, {"LANG": "C.UTF-8", "TERM": "xterm"}, UNICODE),
        (None, {"LANG": "C.UTF-8", "TERM": "linux"}, LINUX),
        (None, {"LANG": "C", "TERM": "linux"}, ASCII),
        (False, {"LANG": "C", "TERM": "linux"}, UNICODE),
        (True, {"LANG": "C.UTF-8", "TERM": "xterm"}, ASCII),
    ],
)
def test_what_a_terminal_can_draw(ascii_only, environment, found):
    assert glyphs_for(ascii_only, environment) is found


def test_the_linux_console_has_every_sign_in_its_font():
    """Latin-1, lines and blocks; and the trust states differ."""
    signs = "".join(value for value in vars(LINUX).values() if isinstance(value, str))
    assert all(sign.isascii() or sign in "─│┬┴├·█░" for sign in signs)
    assert len({LINUX.trust(state) for state in ("unvalidated", "validated", "compromised")}) == 3
