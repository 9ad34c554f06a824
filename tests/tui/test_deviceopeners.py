"""Devices and linking, in the console on a made-up node."""

import re

import pytest


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 15), (200, 60)])
def test_my_devices(open_console, columns, rows):
    trial = open_console(columns, rows).type("/devices").press("enter")
    seen = trial.text + trial.press("down", "down").text
    for words in ("desktop", "this one", "laptop", "last seen", "old phone", "declared stolen"):
        assert words in seen


def test_from_the_settings(open_console):
    trial = open_console().press("f6", "up", "up", "up", "up", "enter")
    assert trial.lines[0].startswith(" My devices")


def test_another_label(open_console):
    trial = open_console().type("/devices").press("enter", "down", "n")
    assert "Rename laptop" in trial.text
    trial.press("ctrl u").type("travel laptop").press("enter")
    assert "travel laptop" in trial.text and trial.lines[0].startswith(" My devices")
    trial.press("esc").type('/label "travel laptop" old').press("enter")
    assert trial.asked("device.rename")[-1].name == "old"


def test_linking_from_the_code_to_the_device(open_console):
    trial = open_console().type("/devices").press("enter", "l")
    assert "onionchat-link:" in trial.text and re.search(r"(10:00|9:5\d) left", trial.text)
    trial.clock.advance(61)
    assert re.search(r"8:5\d left", trial.text)
    trial.service.device_comes()
    trial.settle()
    assert "same six words" in " ".join(trial.text.split())
    trial.press("left", "enter")
    assert trial.asked("link.confirm")[0].equal and "You said yes" in trial.text
    trial.service.device_says_yes()
    trial.settle()
    assert "tablet is a device of yours now" in trial.text
    trial.press("esc")
    assert "tablet" in trial.text and trial.lines[0].startswith(" My devices")
    assert trial.asked("link.cancel") == []


def test_words_that_differ(open_console):
    trial = open_console().type("/link").press("enter")
    trial.service.device_comes()
    trial.settle()
    trial.press("enter")
    assert not trial.asked("link.confirm")[0].equal
    assert "nothing was linked" in trial.text


def test_who_leaves_ends_the_code(open_console):
    trial = open_console().type("/link").press("enter", "esc")
    assert len(trial.asked("link.cancel")) == 1
    assert "the code is of no use any more" in trial.text
    trial = open_console().type("/link").press("enter", "ctrl l")
    assert trial.asked("link.cancel") == []


def test_nothing_is_counted_when_no_code_is_shown(open_console):
    trial = open_console().type("/link").press("enter", "esc")
    trial.clock.advance(70)
    before = len(trial.clock.getDelayedCalls())
    trial.clock.advance(5)
    assert len(trial.clock.getDelayedCalls()) <= before


def test_a_device_is_removed_after_a_look_at_what_it_did_and_a_question(open_console):
    trial = open_console().type("/devices").press("enter", "down", "u")
    assert "Remove laptop" in trial.text and "[undo]" in trial.text and "called Bob validated" in trial.text
    trial.press("s")
    assert "refused everywhere" in " ".join(trial.text.split())
    trial.press("enter")
    assert trial.asked("device.untrust") == [] and "Remove laptop" in trial.text
    trial.press("s", "left", "enter")
    (asked,) = trial.asked("device.untrust")
    assert (asked.stolen, asked.undo) == (True, ["d1"])
    assert "laptop is out" in trial.text and trial.lines[0].startswith(" My devices")


def test_what_cannot_be_removed_says_why(open_console):
    trial = open_console().type("/devices").press("enter", "u")
    assert "from another one" in trial.text
    trial = open_console().type('/untrust "old phone"').press("enter")
    assert "is out already" in trial.text
    assert "no one device" in trial.press("ctrl c").type("/untrust nobody").press("enter").text
    trial.press("ctrl c").type("/untrust laptop").press("enter", "down", " ", "r", "left", "enter")
    assert trial.asked("device.untrust")[0].undo == "none"
