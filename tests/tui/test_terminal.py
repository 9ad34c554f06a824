"""What of the terminal can be seen without one; the rest is in tests/ui."""

from twisted.internet.task import Clock

from onionchat.tui.backend import Options
from onionchat.tui.glyphs import ASCII, UNICODE
from onionchat.tui.terminal import Terminal, reorders_here


def test_the_signs_are_chosen_by_option_then_by_locale(monkeypatch):
    for name in ("LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert Terminal.glyphs(Options()) is UNICODE
    assert Terminal.glyphs(Options(ascii_only=True)) is ASCII
    monkeypatch.setenv("LANG", "C")
    assert Terminal.glyphs(Options()) is ASCII
    assert Terminal.glyphs(Options(ascii_only=False)) is UNICODE


def test_before_it_is_started_nothing_is_drawn_and_stopping_is_harmless():
    clock = Clock()
    terminal = Terminal(clock, Options(), lambda: None)
    terminal.draw_soon()
    terminal.wipe()
    terminal.copy("x")
    terminal.stop()
    assert clock.getDelayedCalls() == []


def test_a_terminal_that_is_gone_is_told_once():
    clock, gone = Clock(), []
    terminal = Terminal(clock, Options(), lambda: gone.append(1))
    terminal._lost()
    terminal._lost()
    clock.advance(1)
    assert gone == [1]


def test_who_turns_what_is_written_from_right_to_left():
    assert reorders_here("auto", {}) and reorders_here("reorder", {"MLTERM": "3.9"})
    assert not reorders_here("auto", {"KONSOLE_VERSION": "1"}) and not reorders_here("terminal", {})
