"""My devices, the settings, and an export's passphrase."""

import pytest

from onionchat.testing.fakeservice import FakeService
from onionchat.tui.attention import LOCK_AFTER, NOTIFY


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 15), (200, 60)])
def test_devices_and_settings(open_console, columns, rows):
    trial = open_console(columns, rows).press("f6")
    assert "Devices and settings" in trial.text
    seen = trial.text + trial.press(*["up"] * 6).text + trial.press(*["down"] * 9).text
    for word in ("desktop", "this one", "laptop", "Lock when idle", "Bell and title", "This machine"):
        assert word in seen
    assert "Devices and settings" not in trial.press("esc").text


def test_enter_takes_the_next_value_and_it_counts_at_once(open_console):
    trial = open_console().press("f6", "enter")
    assert [(p.key, p.value) for p in trial.asked("setting.set")] == [(LOCK_AFTER, "5m")]
    assert "Lock when idle  5m" in trial.text
    trial.press("down", "enter")
    assert (trial.asked("setting.set")[-1].key, trial.asked("setting.set")[-1].value) == (NOTIFY, "bell")
    trial.clock.advance(310)
    assert trial.console.locked


def test_what_the_file_says_cannot_be_changed_here(open_console):
    trial = open_console(lock_after_seconds=600).press("f6", "enter")
    assert trial.asked("setting.set") == []
    assert "10 min" in trial.text


def test_a_setting_that_makes_no_sense_is_left_by_enter(open_console):
    service = FakeService()
    service.settings[LOCK_AFTER] = "\x1b[2Jsoon"
    trial = open_console(service=service).press("f6")
    assert "soon" in trial.text
    assert "\x1b" not in trial.text
    trial.press("enter")
    assert trial.asked("setting.set")[-1].value == "never"


def test_an_export_asks_twice_and_echoes_nothing(open_console, tmp_path):
    trial = open_console().type(f"/export {tmp_path}/a.onionchat").press("enter")
    trial.type("first").press("enter").type("other").press("enter")
    assert "not the same" in trial.text
    assert trial.asked("profile.export") == []
    trial.type("good words").press("enter").type("good words")
    assert "good words" not in trial.text
    trial.press("enter")
    (asked,) = trial.asked("profile.export")
    assert (asked.path, asked.passphrase) == (f"{tmp_path}/a.onionchat", "good words")
    assert "History and contacts are in" in " ".join(trial.text.split())


def test_an_export_overwrites_nothing(open_console, tmp_path):
    (tmp_path / "there").write_text("mine")
    trial = open_console().type(f"/export {tmp_path}/there").press("enter")
    assert "name a new file" in " ".join(trial.text.split())


def test_details_say_which_devices_have_it(open_console):
    trial = open_console().press("meta >", "up", "up", "up", "d")
    text = trial.text
    assert "device 1" in text and "has it" in text
    assert "not yet" in text
    assert "Id " in text


def test_all_about_a_contact_and_what_its_trust_means(open_console):
    trial = open_console().type("/contact Carol").press("enter")
    text = " ".join(trial.text.split())
    assert "validated: you compared the words" in text
    assert "Keeps here 0 of" in text


def test_search_in_one_conversation(open_console):
    trial = open_console().press("ctrl f").type("ten")
    trial.settle(1)
    assert trial.asked("message.search")[-1].name is None
    trial.press("tab")
    trial.settle(1)
    assert trial.asked("message.search")[-1].name == "Bob"
    assert "Search in Bob" in trial.text
    trial.press("tab")
    trial.settle(1)
    assert trial.asked("message.search")[-1].name is None


def test_the_words_as_a_code(open_console):
    trial = open_console(200, 60).press("f2", "q")
    assert "█▀▀▀▀▀█" in trial.text
    assert "must show the same" in trial.text
    small = open_console(80, 24).press("f2", "q").text  # all of it, without scrolling
    assert small.count("▀▀▀▀▀▀▀") >= 3 and "Both lists in one code" in small
    assert "9-12" in trial.press("q").text
    assert "too narrow" in open_console(36, 15).press("f2", "q").text
