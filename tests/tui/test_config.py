"""console.toml: what it may say, and one clear line for what it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.errors import LocalError
from onionchat.tui.backend import Options
from onionchat.tui.config import CONFIG_BYTES_MAX, CONFIG_NAME, EXAMPLE, options_of, read_options
from onionchat.tui.theme import palette

EVERYTHING = """
theme = "light"
colours = "16"
ascii = true
mouse = false
paste-lines = 3
lock-after = "10m"
bell = false
title = false
[keys]
jump = "Ctrl-G"
next_unread = ["Ctrl-N", "F8"]
lock = []
reply = "y"
[styles]
accent = "#fa0,bold"
"""


def test_no_file_changes_nothing(tmp_path):
    assert read_options(tmp_path, Options(mouse=False)) == Options(mouse=False)


def test_everything_can_be_said(tmp_path):
    (tmp_path / CONFIG_NAME).write_text(EVERYTHING)
    options = read_options(tmp_path, Options(plain=True))
    assert options.plain
    assert (options.theme, options.colours, options.ascii_only, options.mouse) == ("light", "16", True, False)
    assert (options.paste_lines_max, options.lock_after_seconds, options.bell, options.title) == (3, 600, False, False)
    assert options.keys == {"jump": ("ctrl g",), "next_unread": ("ctrl n", "f8"), "lock": (), "reply": ("y",)}
    assert options.styles == {"accent": "#fa0,bold"}


def test_the_example_of_the_manual_holds(tmp_path):
    (tmp_path / CONFIG_NAME).write_text(EXAMPLE)
    assert read_options(tmp_path).keys["jump"] == ("ctrl g",)


@pytest.mark.parametrize(
    "text, says",
    [
        ("theme = ", "is not TOML"),
        ("\x00", "is not TOML"),
        ("colour = 1", "there is no 'colour'"),
        ("theme = 'blue'", "theme is one of dark, light"),
        ("theme = 1", "a text in quotes"),
        ("ascii = 'yes'", "true or false"),
        ("paste-lines = true", "a whole number"),
        ("paste-lines = 0", "from 1"),
        ("lock-after = 'soon'", "30m, 12h"),
        ("keys = 3", "a table"),
        ("[keys]\nfly = 'F9'", "no action 'fly'"),
        ("[keys]\njump = 7", "a key in quotes"),
        ("[keys]\njump = ['F8', 1]", "a key in quotes"),
        ("[keys]\njump = 'x'", "could no longer be typed"),
        ("[keys]\njump = 'Ctrl-I'", "cannot tell it from Tab"),
        ("[keys]\njump = 'Ctrl-F'", "for both"),
        ("[keys]\nreply = 'e'", "for both"),
        ("[styles]\naccent = 'orange-ish'", "is no colour"),
        ("[styles]\naccent = 5", "is no colour"),
        ("[styles]\nborder = '#fff'", "there is no 'border'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, says):
    (tmp_path / CONFIG_NAME).write_text(text)
    with pytest.raises(LocalError) as caught:
        read_options(tmp_path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert CONFIG_NAME in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / CONFIG_NAME).mkdir()
    with pytest.raises(LocalError, match="cannot be read"):
        read_options(tmp_path)


def test_a_file_without_end(tmp_path):
    (tmp_path / CONFIG_NAME).write_bytes(b"#" * (CONFIG_BYTES_MAX + 1))
    with pytest.raises(LocalError, match="too long"):
        read_options(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("config")
    (folder / CONFIG_NAME).write_bytes(data)
    try:
        read_options(folder)
    except LocalError as error:
        assert "\n" not in str(error)


def test_a_changed_key_works_and_is_in_the_help(open_console):
    trial = open_console(rows=40, keys={"jump": ("ctrl g",)}).press("ctrl g")
    assert "Jump to" in trial.text
    assert "Ctrl-G" in trial.press("esc", "f1").text
    assert "^G jump" in trial.press("esc").text
    assert "Jump to" not in trial.press("ctrl k").text


def test_a_style_of_ones_own_is_in_the_palette():
    assert {entry[0]: entry[4] for entry in palette("dark", {"accent": "#fa0"})}["accent"] == "#fa0"


def test_the_two_steps_of_the_wipe_are_two_keys():
    with pytest.raises(ValueError, match="two steps"):
        options_of({"keys": {"panic": "F9"}}, Options())
    assert options_of({"keys": {"panic": "F8"}, "copy": False}, Options()).copy is False
