"""Every screen in a real pseudo-terminal at 40x15, 80x24 and 200x60: keys typed, text read, nothing beyond the edge."""

import sys

import pytest

from onionchat.testing.screen import TerminalEmulator
from onionchat.text import display_width

COMMAND = [sys.executable, "-m", "onionchat.testing.trial_console", "--fixed"]
pytestmark = pytest.mark.slow  # a minute, for three sizes
SIZES = [(40, 15), (80, 24), (200, 60)]

# keys that open it, a pattern that is there at every size, keys that leave it
SCREENS = {
    "help": (("f1",), "Everywhere", ("esc",)),
    "compare": (("f2",), "They match: validated", ("esc",)),
    "words as a code": (("f2", "q"), "four letters a word|four letters|too narrow", ("esc",)),
    "requests": (("f3",), "Contact requests", ("esc",)),
    "accept": (("f3", "down", "enter"), "Name here: Erin", ("esc", "esc")),
    "connection": (("f5",), "My onion: reachable", ("esc",)),
    "settings": (("f6",), "Lock when idle", ("esc",)),
    "devices": (("/devices", "enter"), "this one", ("esc",)),
    "rename a device": (("/devices", "enter", "n"), "Name here: desktop", ("esc", "esc")),
    "untrust": (("/untrust laptop", "enter"), r"\[undo\]", ("esc",)),
    "link": (("/link", "enter"), "onionchat-link:", ("esc",)),
    "jump": (("ctrl k", "mal"), "Mallory", ("esc",)),
    "search": (("ctrl f", "train"), "already", ("esc",)),
    "details": (("up", "up", "up", "d"), "on 2 of 3 devices|has it", ("esc", "esc")),
    "invitation": (("/invite", "enter"), "Give this", ("esc",)),
    "invitations": (("/invitations", "enter"), "published|publishing", ("esc",)),
    "contact": (("/contact", "enter"), "unvalidated: you talk", ("esc",)),
    "contacts": (("/contacts", "enter"), "Mallory", ("esc",)),
    "status": (("/status", "enter"), "This device", ("esc",)),
    "passwd": (("/passwd", "enter"), "The present passphrase", ("esc",)),
    "export": (("/export /nowhere/x", "enter"), "A new passphrase", ("esc",)),
    "doctor": (("/doctor", "enter"), "What to do: nothing", ("esc",)),
    "a question": (("/remove Dave", "enter"), r"\[ Keep \]", ("esc",)),
    "wipe": (("ctrl x",), "F9 destroys", ("x",)),
    "hidden": (("f12",), r"\A\s*\Z", ("f12",)),
}


def assert_inside(terminal):
    """No line is longer than the terminal, and no row is lost."""
    lines = terminal.lines()
    assert len(lines) <= terminal.rows
    assert all(display_width(line) <= terminal.columns for line in lines)


@pytest.mark.parametrize("columns, rows", SIZES)
def test_every_screen(columns, rows):
    with TerminalEmulator(COMMAND, columns, rows) as terminal:
        terminal.wait_for("I am back")
        for name, (keys, until, leave) in SCREENS.items():
            for key in keys:
                terminal.press(key)
                terminal.read(0.03)
            terminal.wait_for(until)
            assert_inside(terminal)
            for key in leave:
                terminal.press(key)
                terminal.read(0.03)
            if columns < 60 and name == "details":  # one pane at a time: Esc goes on to the list
                terminal.press("enter")
            terminal.wait_for(r">", 20)
            assert_inside(terminal)
        terminal.press("ctrl l")
        terminal.wait_for("Passphrase")
        assert "Bob" not in terminal.text
        terminal.press("correct horse", "enter")
        terminal.wait_for("I am back")
        terminal.press("ctrl q")
        assert terminal.wait_ended() == 0
        assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("columns, rows", SIZES)
def test_every_step_of_the_first_run(columns, rows):
    with TerminalEmulator([*COMMAND, "--first-run"], columns, rows) as terminal:
        steps = [
            (("f2",), "The code of your"),
            (("onionchat-link:x", "enter"), "What is this device"),
            (("tablet", "enter"), "All of it"),
            (("esc",), "your name"),
            (("alice", "enter"), "It protects"),
            (("four or five random words",), "strong"),
            (("enter",), "once more"),
            (("four or five random words", "enter"), "24 words"),
            (("enter",), "Give this"),
            ((), "Others can"),
            (("enter",), "nobody yet|Nobody is here"),
        ]
        terminal.wait_for("your name|your +name")
        for keys, until in steps:
            for key in keys:
                terminal.press(key)
                terminal.read(0.03)
            terminal.wait_for(until)
            assert_inside(terminal)
        terminal.press("ctrl q")
        assert terminal.wait_ended() == 0
