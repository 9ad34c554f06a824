"""The passphrase before there is a backend: with the terminal left out."""

import pytest
from twisted.internet.defer import fail, succeed
from twisted.internet.task import Clock

from onionchat.errors import LockedError, StoreError
from onionchat.testing.fakeservice import FakeService
from onionchat.tui import unlock


class NoTerminal:
    """Keeps what would be drawn."""

    made = None

    def __init__(self, reactor, options, gone):
        NoTerminal.made = self
        self.gone, self.stopped, self.drawn = gone, False, 0

    @staticmethod
    def glyphs(options):
        from onionchat.tui.glyphs import UNICODE

        return UNICODE

    def start(self, widget, on_paste):
        self.widget, self.on_paste = widget, on_paste

    def stop(self):
        self.stopped = True

    def draw_soon(self):
        self.drawn += 1

    def press(self, *keys):
        for key in keys:
            self.widget.keypress((60, 12), key)

    @property
    def text(self):
        return b"\n".join(bytes(line) for line in self.widget.render((60, 12), True).text).decode()


@pytest.fixture
def ask(monkeypatch):
    monkeypatch.setattr(unlock, "Terminal", NoTerminal)

    def begin(answers):
        tried, done = [], []

        def open_it(passphrase):
            tried.append(passphrase)
            return answers.pop(0)

        unlock.run(open_it, Clock()).addCallback(done.append)
        return NoTerminal.made, tried, done

    return begin


def test_wrong_then_right(ask):
    backend = FakeService()
    terminal, tried, done = ask([fail(LockedError("that is not the passphrase")), succeed(backend)])
    terminal.press(*"nope", "enter")
    assert "that is not the passphrase" in terminal.text and not terminal.stopped
    terminal.press(*"yes", "enter")
    assert tried == ["nope", "yes"]
    assert done == [backend] and terminal.stopped


def test_what_is_broken_is_said_without_its_text(ask):
    terminal, _, _ = ask([fail(KeyError("secret")), fail(StoreError("the database is damaged: import a backup"))])
    terminal.press("x", "enter")
    assert "KeyError" in terminal.text and "secret" not in terminal.text
    terminal.press("x", "enter")
    assert "the database is damaged" in terminal.text


def test_leaving_and_a_terminal_that_goes(ask):
    for leave in (lambda terminal: terminal.press("ctrl q"), lambda terminal: terminal.gone()):
        terminal, _, done = ask([])
        leave(terminal)
        assert done == [None] and terminal.stopped


def test_a_passphrase_may_be_pasted(ask):
    from onionchat.tui.keyboard import Paste

    terminal, tried, _ = ask([succeed(FakeService())])
    terminal.on_paste(Paste("from the keeper\n"))
    terminal.press("enter")
    assert tried == ["from the keeper"]
