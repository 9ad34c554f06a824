"""Colours: how many, for whom, and that every style used has one."""

import re
from pathlib import Path

import pytest
import urwid

import onionchat.tui
from onionchat.tui.theme import WHO_STYLES, colour_count, palette, style_names, who_style


@pytest.mark.parametrize(
    "colours, environment, count",
    [
        ("auto", {"TERM": "xterm-256color"}, 256),
        ("auto", {"TERM": "xterm", "COLORTERM": "truecolor"}, 256),
        ("auto", {"TERM": "xterm"}, 16),
        ("auto", {"TERM": "linux"}, 16),
        ("auto", {"TERM": "vt100"}, 1),
        ("auto", {"TERM": "dumb"}, 1),
        ("auto", {}, 1),
        ("auto", {"TERM": "xterm-256color", "NO_COLOR": "1"}, 1),
        ("auto", {"TERM": "xterm-256color", "NO_COLOR": ""}, 256),
        ("256", {"NO_COLOR": "1"}, 256),
        ("16", {"TERM": "xterm-256color"}, 16),
        ("none", {"TERM": "xterm-256color"}, 1),
    ],
)
def test_how_many_colours(colours, environment, count):
    assert colour_count(colours, environment) == count


@pytest.mark.parametrize("colours", [1, 16, 256])
def test_the_terminal_library_takes_every_style(colours):
    screen = urwid.display.raw.Screen()
    screen.set_terminal_properties(colors=colours)
    screen.register_palette(palette())


def test_a_person_has_the_same_colour_everywhere():
    assert who_style("Bob") == who_style("Bob")
    assert who_style("me") == "me"
    assert len({who_style(f"person {n}") for n in range(100)}) == WHO_STYLES


def test_every_style_that_is_used_exists():
    used = set()
    for path in Path(onionchat.tui.__path__[0]).rglob("*.py"):
        used |= set(re.findall(r'\("([a-z ]+)", f?"', path.read_text()))
    known = style_names()
    assert {"text", "quiet", "accent"} <= used & known
    assert {name for name in used if name in ("txt", "grey", "red")} == set()


def test_without_colours_what_matters_still_stands_out():
    mono = {name: mono for name, _, _, mono, _, _ in palette()}
    for style in ("danger", "unread", "new", "here", "selected", "button here", "me"):
        assert mono[style] != "default", style
