"""Wiping the profile by two keys."""

import pytest

from onionchat.errors import LocalError
from onionchat.testing.fakeservice import PASSPHRASE, FakeService
from onionchat.tui.panic import ASKED_SECONDS


class Refusing(FakeService):
    def do_profile_wipe(self, params):
        raise LocalError("the key could not be destroyed (Read-only file system); destroy the disk, or try again")


def test_the_first_key_hides_all_and_asks(open_console):
    trial = open_console(40, 15).press("ctrl x")
    text = " ".join(trial.text.split())
    assert "F9 destroys the profile on this device" in text and "Bob" not in text
    assert trial.wiped == 1 and trial.asked("profile.wipe") == []
    assert "Bob" in trial.press("x").text
    assert trial.asked("profile.wipe") == []


def test_the_second_key_does_it_and_leaves(open_console):
    trial = open_console().type("half a thought").press("ctrl x")
    trial.settle(1)
    trial.press("f9")
    assert [params.sure for params in trial.asked("profile.wipe")] == ["wipe"]
    assert trial.left == 1 and "Bob" not in trial.text
    after = trial.service.calls[[name for name, _ in trial.service.calls].index("profile.wipe") + 1 :]
    assert after == []


def test_keys_that_are_held_or_pasted_do_nothing(open_console):
    trial = open_console()
    for key in ("ctrl x", "ctrl x", "f9", "f9"):
        trial.console.stage.keypress(trial.size, key)
    trial.settle()
    assert trial.asked("profile.wipe") == []
    assert open_console().press("f9").asked("profile.wipe") == []


def test_a_question_without_an_answer_goes(open_console):
    trial = open_console().press("ctrl x")
    trial.clock.advance(ASKED_SECONDS)
    assert "Bob" in trial.text
    assert trial.press("f9").asked("profile.wipe") == []


@pytest.mark.parametrize("curtain", ["ctrl l", "f12"])
def test_where_it_is_locked_or_hidden(open_console, curtain):
    trial = open_console().press(curtain, "ctrl x")
    assert "destroys the profile" in trial.text
    trial.press("esc")
    assert "destroys" not in trial.text and "Bob" not in trial.text
    trial.press("ctrl x")
    trial.settle(1)
    trial.press("f9")
    assert trial.left == 1


def test_locked_while_it_asks(open_console):
    trial = open_console().press("ctrl x")
    trial.service.locked = True
    trial.service.emit("locked")
    assert "destroys the profile" in trial.text
    trial.press("esc")
    assert "Passphrase" in trial.text
    trial.type(PASSPHRASE).press("enter")
    assert "Bob" in trial.text


def test_unlocked_while_it_asks(open_console):
    trial = open_console().press("ctrl l")
    trial.service.held = []
    trial.type(PASSPHRASE).press("enter", "ctrl x")
    trial.service.release()
    trial.press("esc")
    assert "Bob" in trial.text


def test_what_fails_is_said(open_console):
    trial = open_console(service=Refusing()).press("ctrl x")
    trial.settle(1)
    trial.press("f9")
    assert "destroy the disk" in " ".join(trial.text.split())
    assert trial.left == 0
    assert "Bob" in trial.press("enter").text


def test_by_a_command_after_a_question(open_console):
    trial = open_console().type("/wipe").press("enter")
    assert "Nothing brings them back" in " ".join(trial.text.split())
    assert trial.press("enter").asked("profile.wipe") == []
    trial.type("/wipe").press("enter", "left", "enter")
    assert len(trial.asked("profile.wipe")) == 1 and trial.left == 1


def test_other_keys_or_none(open_console):
    trial = open_console(keys={"panic": ("f8",), "wipe": ("f4",)}).press("f8")
    trial.settle(1)
    assert trial.press("f4").left == 1
    trial = open_console(keys={"wipe": ()}).press("ctrl x")
    assert "/wipe asks" in trial.text
