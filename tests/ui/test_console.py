"""The console in a real pseudo-terminal: what is drawn, and how the terminal is left."""

import base64
import os
import re
import signal
import sys
import time

import pytest

from onionchat.testing.screen import TerminalEmulator
from onionchat.testing.screens import SCENES, Scene, play

COMMAND = [sys.executable, "-m", "onionchat.testing.trial_console", "--fixed"]
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"


def scene(name):
    return next(one for one in SCENES if one.name == name)


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 15), (200, 60)])
def test_a_message_is_written_and_sent(columns, rows):
    with play(Scene("", columns, rows)) as terminal:
        terminal.press("See you at ten", "newline", "or so")
        terminal.wait_for("or so")
        terminal.press("enter")
        terminal.wait_for(r"21:41 +me\b")
        terminal.wait_for(r" >$|> *$|> *\n")
        assert "See you at ten" in terminal.text
        assert all(len(line) <= columns for line in terminal.lines())


@pytest.mark.parametrize("name", ["usual", "small", "wide", "compare", "invitation", "lock", "ascii", "hostile"])
def test_scenes_of_the_manual(name):
    with play(scene(name)) as terminal:
        assert terminal.text.strip()
        if name == "ascii":
            assert terminal.text.isascii()
            assert b"38;5" not in terminal.raw and b"[31" not in terminal.raw
        if name == "lock":
            assert "Bob" not in terminal.text


def test_leaving_gives_the_terminal_back():
    with play(scene("usual")) as terminal:
        terminal.press("ctrl q")
        assert terminal.wait_ended() == 0
        assert terminal.raw.count(ALTERNATE_ON) == terminal.raw.count(ALTERNATE_OFF) == 1
        assert not terminal.screen.alternate
        assert "Bob" not in terminal.text
        assert b"Traceback" not in terminal.raw


def test_nothing_of_hostile_text_reaches_the_terminal():
    with play(scene("hostile")) as terminal:
        terminal.press("page up", "f3")
        terminal.wait_for("Contact requests")
        assert re.fullmatch(r"(\(\d+\) )?onionchat", terminal.screen.title)
        assert b"]0;owned\x07" not in terminal.raw
        text = terminal.raw.decode("utf-8", "replace")
        assert not set(text) & set("\u202e\u2066\u200b\u2028\ufeff\x9b\U000e0041")


def test_flow_control_and_interrupt_are_keys():
    with play(scene("usual")) as terminal:
        terminal.press("ctrl s", "still here", "ctrl c")
        terminal.wait_gone("still here")
        terminal.press("ctrl c")
        terminal.wait_for("Ctrl-Q leaves")


def test_a_paste_with_newlines_is_not_sent():
    with play(scene("usual")) as terminal:
        terminal.paste("one\rtwo\r\x0cthree")
        terminal.wait_for("three")
        assert "Passphrase" not in terminal.text
        assert "> one" in terminal.text
        terminal.paste("\r".join("line" for _ in range(40)))
        terminal.wait_for("Paste 40 lines")
        terminal.press("esc")
        terminal.wait_for("> one")


@pytest.mark.parametrize("size", [(40, 15), (200, 60), (61, 8), (20, 8), (6, 3)])
def test_any_size_at_any_time(size):
    with play(scene("usual")) as terminal:
        terminal.press("half a thought")
        terminal.wait_for("half a thought")
        terminal.resize(*size)
        terminal.read(0.3)
        terminal.resize(80, 24)
        terminal.wait_for("> half a thought")
        terminal.wait_for("2 devices")


def test_suspended_and_back():
    """A shell with job control is needed: nobody would wake the only process of a terminal."""
    script = f"{' '.join(COMMAND)}; echo SUSPENDED; sleep 0.3; fg"
    with TerminalEmulator(["bash", "-mc", script], 80, 24) as terminal:
        terminal.wait_for("I am back")
        terminal.press("ctrl z")
        terminal.wait_for("I am back")
        end = time.monotonic() + 20
        while terminal.raw.count(ALTERNATE_ON) < 2:
            terminal.read(0.05)
            assert time.monotonic() < end, "it does not come back"
        assert b"SUSPENDED" in terminal.raw
        assert terminal.raw.index(ALTERNATE_OFF) < terminal.raw.index(b"SUSPENDED")
        terminal.press("x", "newline", "y")
        terminal.wait_for("> x")
        terminal.wait_for("  y")


def test_a_hang_up_ends_it_clean():
    with play(scene("usual")) as terminal:
        os.kill(terminal.pid, signal.SIGHUP)
        assert terminal.wait_ended() == 0
        assert b"Traceback" not in terminal.raw


def test_a_terminal_that_is_gone_ends_it():
    terminal = play(scene("usual"))
    os.close(terminal._child.child_fd)  # the window's end of the pair
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found, status = os.waitpid(terminal.pid, os.WNOHANG)
        if found:
            assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
            return
        time.sleep(0.05)
    raise AssertionError("it goes on without a terminal")


def test_lock_and_back():
    with play(scene("lock")) as terminal:
        terminal.press("correct horse", "enter")
        terminal.wait_for("I am back")


def test_the_quick_hide():
    with play(scene("usual")) as terminal:
        terminal.press("f12")
        terminal.wait_gone("Bob")
        assert terminal.text.strip() == ""
        terminal.press("f12")
        terminal.wait_for("Bob")


def test_no_colour_when_asked():
    with TerminalEmulator(COMMAND, 80, 24, {"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("I am back")
        terminal.press("up")
        terminal.wait_for("take back")
        assert b"38;5;" not in terminal.raw and b"38;2;" not in terminal.raw


def test_the_first_run_ends_in_the_console():
    with play(scene("first-link")) as terminal:
        assert "█▀▀▀▀▀█" in terminal.text
        terminal.press("enter")
        terminal.wait_for("Nobody is here yet")


def test_plain_lines():
    with TerminalEmulator([*COMMAND, "--plain"], 80, 24, {"TERM": "dumb"}) as terminal:
        terminal.wait_for("/help lists the commands")
        terminal.press("/open Bob", "enter")
        terminal.wait_for("I am back")
        terminal.press("hello there", "enter")
        terminal.wait_for("me +hello there")
        assert ALTERNATE_ON not in terminal.raw
        terminal.press("/quit", "enter")
        assert terminal.wait_ended() == 0


def test_idle_it_rests():
    with play(scene("usual")) as terminal:
        terminal.read(0.5)
        before = _switches(terminal.pid)
        terminal.read(3.0)
        assert _switches(terminal.pid) - before <= 6


def _switches(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("voluntary_ctxt_switches")).split()[1])


def test_the_file_of_keys_and_colours(tmp_path):
    (tmp_path / "console.toml").write_text('theme = "light"\n[keys]\njump = "Ctrl-G"\n[styles]\naccent = "#f00"\n')
    with TerminalEmulator([*COMMAND, "--config", str(tmp_path)], 80, 24) as terminal:
        terminal.wait_for("I am back")
        assert b"38;5;196" in terminal.raw
        terminal.press("ctrl g")
        terminal.wait_for("Jump to")


def test_the_title_says_a_number_and_goes_with_the_program():
    with play(scene("usual")) as terminal:
        terminal.wait_for("I am back")
        assert re.fullmatch(r"(\(\d+\) )?onionchat", terminal.screen.title)
        terminal.press("ctrl l")
        terminal.wait_for("Passphrase")
        assert terminal.screen.title == ""
        terminal.press("ctrl q")
        terminal.wait_ended()
        assert terminal.raw.count(b"\x1b[22;2t") == terminal.raw.count(b"\x1b[23;2t") == 1


def test_the_mouse_chooses_scrolls_and_opens():
    """Real reports of a terminal: a message is chosen by a click, the input taken back, a conversation opened."""
    with play(scene("usual")) as terminal:
        row = next(number for number, line in enumerate(terminal.lines()) if "Are you on the train" in line)
        terminal.click(40, row)
        terminal.wait_for("r reply")
        terminal.press("r")
        terminal.wait_for("reply to yourself")
        terminal.press("esc")
        terminal.click(40, row)
        terminal.wait_for("r reply")
        terminal.click(40, 21)  # the input
        terminal.wait_gone("r reply")
        terminal.press("typed")
        terminal.wait_for("> typed")
        terminal.click(28, 21)
        terminal.press("un")
        terminal.wait_for("> tunyped|> untyped")
        terminal.click(40, 10, button=4)
        terminal.wait_for("newest")
        for _ in range(5):
            terminal.click(40, 10, button=5)
        terminal.wait_gone("newest")
        terminal.click(5, 5)  # Carol
        terminal.wait_for("Ten it is")


def test_without_the_mouse_nothing_is_asked_of_the_terminal(tmp_path):
    (tmp_path / "console.toml").write_text("mouse = false\n")
    with TerminalEmulator([*COMMAND, "--config", str(tmp_path)], 80, 24) as terminal:
        terminal.wait_for("I am back")
        assert b"\x1b[?1000h" not in terminal.raw and b"\x1b[?1006h" not in terminal.raw


def test_copying_goes_to_the_terminal_s_clipboard():
    with play(scene("usual")) as terminal:
        terminal.press("up", "up", "c")
        terminal.wait_for("Copied")
        sent = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", terminal.raw)
        assert [base64.b64decode(text).decode() for text in sent] == ["I am back"]


def test_copying_may_be_switched_off(tmp_path):
    (tmp_path / "console.toml").write_text("copy = false\n")
    with TerminalEmulator([*COMMAND, "--config", str(tmp_path)], 80, 24) as terminal:
        terminal.wait_for("I am back")
        terminal.press("up", "up", "c")
        terminal.wait_for("Nothing was copied")
        assert b"\x1b]52" not in terminal.raw


def test_two_keys_wipe_and_leave_a_clear_screen():
    with play(scene("usual")) as terminal:
        terminal.press("ctrl x")
        terminal.wait_for("F9 destroys the profile")
        assert "Bob" not in terminal.text
        terminal.read(0.4)
        terminal.press("f9")
        assert terminal.wait_ended() == 0
        assert not terminal.screen.alternate and terminal.text.strip() == ""


def test_hebrew_is_put_into_the_order_of_the_screen():
    """And the terminal is told not to do it once more; when it does that by itself, it is left to it."""
    written, drawn = "\u05e9\u05dc\u05d5\u05dd", "\u05dd\u05d5\u05dc\u05e9"
    with play(scene("usual")) as terminal:
        terminal.press(f"{written} 12", "enter")
        terminal.wait_for(f"me +12 {drawn}")
        assert b"\x1b[8l" in terminal.raw and b"\x1b[8h" not in terminal.raw
        terminal.press("ctrl q")
        terminal.wait_ended()
        assert terminal.raw.count(b"\x1b[8h") == 1
    with TerminalEmulator(COMMAND, 80, 24, {"KONSOLE_VERSION": "240800"}) as terminal:
        terminal.wait_for("I am back")
        terminal.press(f"{written} 12", "enter")
        terminal.wait_for(f"me +{written} 12")
        assert b"\x1b[8l" not in terminal.raw


def test_on_the_console_of_linux_its_font_is_enough():
    with TerminalEmulator(COMMAND, 80, 24, {"TERM": "linux"}) as terminal:
        terminal.wait_for("I am back")
        first = [line[:24] for line in terminal.lines()]
        assert any("* Carol" in line and "+" in line for line in first)
        assert "│" in terminal.text and not set(terminal.text) & set("●◐○◌✔✖⋯▏")
        terminal.press("é", "enter")
        terminal.wait_for("me +é")
