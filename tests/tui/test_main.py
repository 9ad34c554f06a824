"""Which console is opened; both in a real terminal are in tests/ui."""

import io
import sys

import pytest

from onionchat.tui.backend import Options
from onionchat.tui.main import wants_plain


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "term, tty, plain, expected",
    [
        ("xterm", True, False, False),
        ("xterm", True, True, True),
        ("dumb", True, False, True),
        ("", True, False, True),
        ("xterm", False, False, True),
    ],
)
def test_lines_where_there_is_no_screen(monkeypatch, term, tty, plain, expected):
    stream = Tty() if tty else io.StringIO()
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    assert wants_plain(Options(plain=plain)) is expected
