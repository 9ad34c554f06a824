"""The terminal for tests: a small program in a pty."""

import sys

import pytest
from PIL import Image

from onionchat.testing.screen import TerminalEmulator

pytestmark = pytest.mark.ui

PROGRAM = """
import os, sys, termios, tty
tty.setraw(0)
print("\\x1b[?1049h\\x1b[2J\\x1b[Hready", os.get_terminal_size().columns, end="", flush=True)
while True:
    data = os.read(0, 100)
    print("\\r\\n" + repr(data), end="", flush=True)
    if data == b"q":
        print("\\x1b[?1049lleft", end="", flush=True)
        sys.exit(3)
"""


@pytest.fixture
def terminal():
    with TerminalEmulator([sys.executable, "-c", PROGRAM], 50, 10) as made:
        made.wait_for("ready 50")
        yield made


def test_keys_arrive_as_a_terminal_sends_them(terminal):
    terminal.press("f1")
    terminal.wait_for(r"b'\\x1bOP'")
    terminal.press("meta x")
    terminal.wait_for(r"b'\\x1bx'")
    terminal.paste("ab")
    terminal.wait_for(r"\[200~ab")


def test_the_end_and_the_alternate_screen(terminal):
    assert terminal.screen.alternate
    terminal.type("q")
    assert terminal.wait_ended() == 3
    assert terminal.lines()[0] == "left" and not terminal.screen.alternate


def test_what_does_not_come_says_what_is_there(terminal):
    with pytest.raises(AssertionError, match="ready 50"):
        terminal.wait_for("never", timeout_seconds=0.2)


def test_a_picture(terminal, tmp_path):
    terminal.png(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (50 * 10 + 16, 10 * 20 + 16)
        assert len(image.getcolors(100_000)) > 2
