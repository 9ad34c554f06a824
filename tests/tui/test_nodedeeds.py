"""Commands about me, the node and the console."""

import pytest
from twisted.internet.defer import fail, succeed

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeservice import PASSPHRASE, FakeService
from onionchat.tui.nodedeeds import status_lines


def run(trial, text):
    return trial.type(text).press("enter")


class Outside:
    def __init__(self, output):
        self.output, self.ran = output, []

    def strength(self, passphrase):
        return 3, ""

    def run(self, arguments):
        self.ran.append(arguments)
        return fail(self.output) if isinstance(self.output, Exception) else succeed(self.output)


@pytest.mark.parametrize(
    "text, ran, title",
    [
        ("/doctor", ["doctor"], "Doctor"),
        ("/tor-profile tails", ["tor-profile", "tails"], "For the control-port filter of Tails"),
    ],
)
def test_what_the_command_line_prints_is_shown(open_console, text, ran, title):
    trial = open_console()
    trial.console._outside = outside = Outside("ok  profile  /home/me\x1b[2J\n\n" + "long line " * 20)
    run(trial, text)
    assert outside.ran == [ran]
    assert trial.lines[0].startswith(f" {title}") and "/home/me" in trial.text and "\x1b" not in trial.text


def test_without_a_command_line_it_says_what_to_type(open_console):
    assert "in a shell: onionchat doctor" in run(open_console(), "/doctor").text
    trial = open_console()
    trial.console._outside = Outside(LocalError("that did not end"))
    assert "that did not end" in run(trial, "/version").text


def test_another_passphrase(open_console):
    trial = run(open_console(), "/passwd")
    trial.type("wrong").press("enter").type("new words").press("enter").type("new words").press("enter")
    assert "not the present passphrase" in trial.text
    run(trial, "/passwd").type(PASSPHRASE).press("enter").type("new words").press("enter").type("new words")
    assert "new words" not in trial.text and PASSPHRASE not in trial.text
    trial.press("enter")
    assert "is changed" in trial.text
    assert (trial.asked("profile.passwd")[-1].old, trial.asked("profile.passwd")[-1].new) == (PASSPHRASE, "new words")


def test_the_status_says_what_is_wrong(look, plain):
    status = FakeService().do_status_get(t.Nothing())
    status.missing, status.warnings, status.clock_skew_s = ["vanguards"], ["the disk is nearly full"], -700.0
    text = "\n".join(plain(status_lines(status, 60, look)))
    for words in ("alice", "vanguards", "the disk is nearly full", "-700 s"):
        assert words in text
