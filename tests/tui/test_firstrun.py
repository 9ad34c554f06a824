"""The first run, step by step."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.firstrun import FirstRun
from onionchat.tui.glyphs import UNICODE
from onionchat.tui.keyboard import Paste


class Founder:
    def __init__(self):
        self.made = []
        self.service = FakeService(people=False)
        self.service.recovery = [f"word{number}" for number in range(1, 25)]
        self.answer = None

    def strength(self, passphrase):
        return (3, "") if len(passphrase) > 8 else (0, "More words.")

    def create_profile(self, name, passphrase):
        self.made.append((name, passphrase))
        return self.answer or succeed(self.service)

    def require_joinable(self, code, label):
        if not code.startswith("onionchat-link:") or not label:
            raise LocalError("that is no code")

    def join(self, code, label, passphrase, not_before_ms, listener):
        self.joined = (code, label, passphrase, not_before_ms)
        self.joiner = Joiner(listener)
        return self.joiner


class Joiner:
    def __init__(self, listener):
        self.listener, self.said, self.cancelled, self.done = listener, [], 0, Deferred()

    def confirm(self, is_equal):
        self.said.append(is_equal)

    def cancel(self):
        self.cancelled += 1
        self.done.errback(LocalError("it was cancelled"))


class Run:
    def __init__(self, look, size=(80, 40)):
        self.founder, self.clock, self.done, self.size = Founder(), Clock(), [], size
        self.widget = FirstRun(self.founder, self.clock, UNICODE, lambda: look, self.done.append, lambda: None)

    def press(self, *keys):
        for key in keys:
            self.widget.keypress(self.size, key)
        return self

    def type(self, text):
        return self.press(*text)

    @property
    def text(self):
        canvas = self.widget.render(self.size, True)
        assert (canvas.cols(), canvas.rows()) == self.size
        return b"\n".join(bytes(line) for line in canvas.text).decode()


@pytest.fixture
def run(look):
    return Run(look)


def test_all_the_way(run):
    assert "your name" in run.text
    run.type("alice").press("enter").type("a long passphrase").press("enter")
    assert "once more" in run.text
    run.type("a long passphrase").press("enter")
    assert run.founder.made == [("alice", "a long passphrase")]
    assert "24 word24" in run.text
    run.press("enter")
    assert run.founder.service.recovery == []
    assert "Give this to one person, by a way you" in run.text and "█▀▀▀▀▀█" in run.text
    assert "● Others can reach you, through the Tor of this system" in run.text
    run.press("enter")
    assert run.done == [run.founder.service]


def test_what_tor_does_is_told_until_others_can_come(run):
    service = run.founder.service
    service.tor = t.TorStatus(state="connecting", bootstrap=0, version="")
    service.onion = "unpublished"
    run.type("a").press("enter").type("a long passphrase").press("enter").type("a long passphrase").press("enter")
    assert "Looking for Tor" in run.text
    service.tor = t.TorStatus(state="bootstrapping", bootstrap=40, version="", summary="loading", kind="launched")
    run.clock.advance(1)
    assert "▇▇▇▇▁▁▁▁▁▁ 40 %, a Tor of its own: loading" in run.text
    run.press("enter")
    assert "It is being published" in " ".join(run.text.split())
    service.tor = t.TorStatus(state="ready", bootstrap=100, version="", kind="launched")
    service.onion, service.invitations[0].state = "reachable", "published"
    run.clock.advance(1)
    assert "Others can reach you" in run.text and "It is being published" not in run.text


def begin_to_join(run, history=()):
    run.press("f2").type("onionchat-link:" + "a" * 56).press("enter").type("tablet").press("enter", *history, "enter")
    run.type("a long passphrase").press("enter").type("a long passphrase").press("enter")


@pytest.mark.parametrize("history, days", [((), None), (("tab",), 30), (("tab", "tab"), 0)])
def test_another_device_of_mine(run, look, history, days):
    begin_to_join(run, history)
    since = 0 if days is None else look.now_ms - days * 86_400_000
    assert run.founder.joined == ("onionchat-link:" + "a" * 56, "tablet", "a long passphrase", since)
    joiner = run.founder.joiner
    joiner.listener.join_progress("Tor: 40 % (loading\x1b[2J)")
    assert "Tor: 40 %" in run.text and "\x1b" not in run.text
    joiner.listener.join_words(("one", "two", "three", "four", "five", "six"))
    assert "same six words" in run.text and "5 five" in run.text
    run.press("left", "enter")
    assert joiner.said == [True] and "has to say yes, too" in run.text
    joiner.done.callback(run.founder.service)
    assert run.done == [run.founder.service] and run.founder.made == []


def test_a_hasty_enter_links_nothing(run):
    begin_to_join(run)
    run.press("enter", "enter")
    run.founder.joiner.listener.join_words(("a",) * 6)
    run.press("enter")
    assert run.founder.joiner.said == [False]
    run.founder.joiner.done.errback(LocalError("the words were different: nothing was linked"))
    assert "words were different" in run.text and "The code of your other device" in run.text
    assert run.done == []
    run.press("enter", "enter", "enter").type("a long passphrase").press("enter").type("a long passphrase")
    run.press("enter")
    assert run.founder.joined[1] == "tablet"


def test_wrong_codes_are_refused_and_esc_goes_back(run):
    run.press("f2", "enter")
    assert "begins with onionchat-link:" in run.text
    run.type("onionchat:abc").press("enter")
    assert "that is no code" in run.text
    run.press("esc")
    assert "your name" in run.text


def test_esc_ends_joining_and_another_code_may_be_tried(run):
    begin_to_join(run)
    run.press("esc")
    assert run.founder.joiner.cancelled == 1 and run.done == []
    assert "it was cancelled" in run.text and "The code of your other device" in run.text
    run.press("esc")
    assert "your name" in run.text


def test_leaving_while_joining_ends_it(run):
    begin_to_join(run)
    run.press("ctrl q")
    run.widget.stop()
    assert run.done == [None] and run.founder.joiner.cancelled == 1


def test_the_passphrase_is_never_drawn(run):
    run.type("alice").press("enter").type("hunter2hunter2")
    assert "hunter" not in run.text and "good" in run.text
    run.press("enter").type("hunter2")
    assert "hunter" not in run.text


def test_a_weak_one_is_taken_only_when_meant(run):
    run.type("alice").press("enter").type("short").press("enter")
    assert "easily guessed" in run.text and "More words." in run.text
    run.press("enter")
    assert "once more" in run.text


def test_none_is_not_taken(run):
    run.type("alice").press("enter", "enter")
    assert "Without a passphrase" in run.text


def test_two_that_differ_begin_again(run):
    run.type("alice").press("enter").type("a long passphrase").press("enter").type("another").press("enter")
    assert "not the same" in run.text
    assert run.founder.made == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 65])
def test_a_name_is_needed(run, name):
    run.type(name).press("enter")
    assert "1 to 64 characters" in run.text


def test_going_back_and_leaving(run):
    run.type("alice").press("enter").type("secret").press("esc")
    assert "your name" in run.text and "alice" in run.text
    run.press("ctrl q")
    assert run.done == [None]


def test_what_goes_wrong_is_said_and_can_be_tried_again(run):
    run.founder.answer = fail(LocalError("there is a profile already: choose another folder"))
    run.type("alice").press("enter").type("a long passphrase").press("enter").type("a long passphrase").press("enter")
    assert "there is a profile already" in run.text and "your name" in run.text


def test_while_the_keys_are_made_it_says_so(run):
    run.founder.answer = Deferred()
    run.type("alice").press("enter").type("a long passphrase").press("enter").type("a long passphrase").press("enter")
    assert "Making the keys" in run.text
    run.press("x", "enter", "esc")
    assert run.done == []


def test_the_words_may_wait(run):
    run.type("a").press("enter").type("a long passphrase").press("enter").type("a long passphrase").press("enter")
    run.press("tab", "enter")
    assert len(run.founder.service.recovery) == 24
    assert "Give this to one person" in run.text


def test_a_paste_goes_into_the_field(run):
    run.widget.paste(Paste("al\nice"))
    assert "al ice" in run.text
    run.press("enter")
    run.widget.paste(Paste("a long passphrase\n"))
    assert "a long" not in run.text.replace("A passphrase", "")


@pytest.mark.parametrize("size", [(40, 15), (30, 10), (200, 60), (20, 8)])
def test_every_step_fits_every_size(look, size):
    run = Run(look, size)
    for keys in (
        ["a"],
        ["enter"],
        [*"a long passphrase", "enter"],
        [*"a long passphrase", "enter"],
        ["page down"],
        ["enter"],
    ):
        run.press(*keys)
        assert run.text
    run = Run(look, size)
    phrase = [*"a long passphrase", "enter"]
    for keys in (["f2"], [*"onionchat-link:x", "enter"], [*"tablet", "enter"], ["enter"], phrase, phrase):
        run.press(*keys)
        assert run.text
    run.founder.joiner.listener.join_words(("word",) * 6)
    assert run.text


def test_it_rests_when_it_is_over(run):
    run.widget.stop()
    assert run.clock.getDelayedCalls() == []
