"""The real program in a pseudo-terminal, before there is a console: the first run, the passphrase, and signals."""

import os
import signal
import sys

import pytest

from onionchat.testing.screen import TerminalEmulator

pytestmark = pytest.mark.slow  # a minute: each test opens a real profile
COMMAND = [sys.executable, "-m", "onionchat"]
NO_TOR = ["--tor", "system", "--control", "tcp:127.0.0.1:1", "--socks", "127.0.0.1:1"]
PASSPHRASE = "correct horse battery staple 7"


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A profile that the first run has made, without any Tor."""
    folder = tmp_path_factory.mktemp("start") / "profile"
    with TerminalEmulator([*COMMAND, "--profile", str(folder), *NO_TOR], 100, 40) as terminal:
        terminal.wait_for("your name")
        terminal.press("alice", "enter")
        terminal.wait_for("It protects everything")
        terminal.press(PASSPHRASE)
        terminal.wait_for("strong")
        terminal.press("enter")
        terminal.wait_for("once more")
        terminal.press(PASSPHRASE, "enter")
        terminal.wait_for("Write these 24 words", 60)
        terminal.press("tab", "enter")
        terminal.wait_for("Give this to one person")
        terminal.wait_for("Tor cannot be used")
        terminal.press("enter")
        terminal.wait_for("Nobody is here yet")
        assert PASSPHRASE.encode() not in terminal.raw
        terminal.press("ctrl q")
        assert terminal.wait_ended() == 0
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_at_the_passphrase_ends_it_and_gives_the_terminal_back(profile, number):
    with TerminalEmulator([*COMMAND, "--profile", str(profile), *NO_TOR]) as terminal:
        terminal.wait_for("Passphrase")
        os.kill(terminal.pid, number)
        assert terminal.wait_ended(10) == 0
        assert not terminal.screen.alternate and b"Traceback" not in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_console_leaves_the_store_clean(profile, number):
    with TerminalEmulator([*COMMAND, "--profile", str(profile), *NO_TOR]) as terminal:
        terminal.wait_for("Passphrase")
        terminal.press(PASSPHRASE, "enter")
        terminal.wait_for("Notes", 30)
        terminal.press("a note", "enter")
        terminal.wait_for("me +a note")
        terminal.press("half a thought")
        terminal.wait_for("> half a thought")
        os.kill(terminal.pid, number)
        assert terminal.wait_ended(15) == 0
        assert not terminal.screen.alternate and b"Traceback" not in terminal.raw
    assert not list(profile.glob("*-wal")) and not (profile / "api.sock").exists()
    with TerminalEmulator([*COMMAND, "--profile", str(profile), *NO_TOR]) as terminal:
        terminal.wait_for("Passphrase")
        terminal.press(PASSPHRASE, "enter")
        terminal.wait_for("me +a note", 30)
        terminal.wait_for("> half a thought")
        terminal.press("ctrl u", "ctrl q")
        assert terminal.wait_ended(15) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_first_run_makes_nothing(tmp_path, number):
    with TerminalEmulator([*COMMAND, "--profile", str(tmp_path / "p"), *NO_TOR]) as terminal:
        terminal.wait_for("your name")
        terminal.press("alice")
        os.kill(terminal.pid, number)
        assert terminal.wait_ended(10) == 0
    assert not (tmp_path / "p").exists()


def test_a_wipe_in_the_real_program_leaves_nothing(profile, tmp_path):
    copy = tmp_path / "profile"
    copy.mkdir(mode=0o700)
    for name in ("key", "onionchat.db"):
        (copy / name).write_bytes((profile / name).read_bytes())
    with TerminalEmulator([*COMMAND, "--profile", str(copy), *NO_TOR]) as terminal:
        terminal.wait_for("Passphrase")
        terminal.press(PASSPHRASE, "enter")
        terminal.wait_for("Notes", 30)
        terminal.press("ctrl x")
        terminal.wait_for("F9 destroys")
        terminal.read(0.4)
        terminal.press("f9")
        assert terminal.wait_ended(15) == 0
        assert not terminal.screen.alternate and terminal.text.strip() == ""
    assert not copy.exists()
