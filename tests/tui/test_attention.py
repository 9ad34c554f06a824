"""The bell, the title, and the lock when nobody is there."""

import pytest

from onionchat.testing.fakeservice import FakeService
from onionchat.tui.attention import LOCK_AFTER, NOTIFY, RING_EVERY_SECONDS


@pytest.fixture
def called(open_console):
    def make(settings=None, **options):
        service = FakeService()
        service.settings = dict(settings or {})
        trial = open_console(service=service, **options)
        trial.rings, trial.titles = [], []
        trial.console.ring = lambda: trial.rings.append(trial.clock.seconds())
        trial.console.name_window = trial.titles.append
        return trial

    return make


def test_a_message_elsewhere_rings_once_a_burst_and_one_that_is_read_does_not(called):
    trial = called()
    trial.press("meta >")
    trial.service.receive("Bob", "here")
    trial.settle()
    assert trial.rings == []
    for number in range(5):
        trial.service.receive("Carol", f"there {number}")
    trial.settle()
    assert len(trial.rings) == 1
    trial.clock.advance(RING_EVERY_SECONDS)
    trial.service.receive("Carol", "again")
    assert len(trial.rings) == 2


def test_own_messages_do_not_ring(called):
    trial = called().type("hello").press("enter")
    assert trial.rings == []


def test_the_open_conversation_rings_when_nobody_has_pressed_a_key_for_long(called):
    trial = called()
    trial.press("meta >")
    trial.clock.advance(120)
    trial.service.receive("Bob", "anybody?")
    assert len(trial.rings) == 1


def test_a_request_rings(called):
    trial = called()
    trial.service.emit("request", direction="incoming", id="x", name="Erin")
    trial.service.emit("request", direction="outgoing", id="y", name="Frank")
    assert len(trial.rings) == 1


def test_the_title_is_a_number_and_nothing_else(called):
    trial = called()
    trial.service.receive("Carol", "secret words")
    trial.settle()
    assert trial.titles[-1].endswith(" onionchat")
    assert all(word not in title for title in trial.titles for word in ("Carol", "Bob", "secret"))


@pytest.mark.parametrize("key", ["ctrl l", "f12"])
def test_locked_or_hidden_it_is_silent(called, key):
    trial = called()
    trial.service.receive("Carol", "one")
    trial.settle()
    trial.press(key)
    assert trial.titles[-1] == ""
    trial.rings.clear()
    trial.clock.advance(60)
    trial.service.receive("Carol", "two")
    trial.settle()
    assert trial.rings == []
    assert trial.titles[-1] == ""


@pytest.mark.parametrize("value, rings, named", [("none", 0, False), ("bell", 1, False), ("title", 0, True)])
def test_the_account_says_which(called, value, rings, named):
    trial = called({NOTIFY: value})
    trial.service.receive("Carol", "one")
    trial.settle()
    assert len(trial.rings) == rings
    assert bool(trial.titles and trial.titles[-1]) == named


def test_the_file_of_the_machine_counts_more(called):
    trial = called({NOTIFY: "both"}, bell=False)
    trial.service.receive("Carol", "one")
    assert trial.rings == []


def test_it_locks_when_nobody_is_there(called):
    trial = called(lock_after_seconds=60)
    trial.clock.advance(50)
    trial.press("x")
    trial.clock.advance(50)
    assert not trial.console.locked
    trial.clock.advance(15)
    assert trial.console.locked
    assert trial.asked("node.lock")
    assert "Bob" not in trial.text


def test_by_the_account_s_setting_and_again_after_unlocking(called):
    trial = called({LOCK_AFTER: "5m"})
    trial.clock.advance(301)
    assert trial.console.locked
    trial.type("correct horse").press("enter")
    assert not trial.console.locked
    trial.clock.advance(250)
    assert not trial.console.locked
    trial.clock.advance(55)
    assert trial.console.locked


def test_without_a_setting_it_stays_open_and_a_senseless_one_changes_nothing(called):
    trial = called({LOCK_AFTER: "soon"})
    trial.clock.advance(7 * 86400)
    assert not trial.console.locked
