"""`console.toml` in the profile's folder: how the console looks, and its keys. Only the user writes it."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import urwid

from onionchat.errors import LocalError, UsageError
from onionchat.tui.backend import Colours, Options, RightToLeft, Theme
from onionchat.tui.keys import KEYS, KeyTable, Where, parse_key
from onionchat.tui.theme import style_names
from onionchat.tui.words import parse_seconds

EXAMPLE = """\
theme = "light"          # or "dark"
colours = "256"          # "auto", "256", "16", "none"
ascii = true             # no signs beyond ASCII
mouse = false
paste-lines = 12         # more pasted lines than this are asked about
lock-after = "15m"       # without a key for so long it locks
bell = false
copy = false             # never put anything into the terminal's clipboard (OSC 52)
right-to-left = "auto"   # "terminal" where the terminal turns Hebrew and Arabic itself, else "reorder"
title = false            # the number of unread messages in the terminal's title

[keys]                   # names of actions are in docs/keys.md
jump = "Ctrl-G"
next_unread = ["Ctrl-N", "F8"]

[styles]                 # foregrounds among 256 colours: "#5af", "g52", with ",bold" or ",underline"
accent = "#fa0"
"""
CONFIG_NAME = "console.toml"
CONFIG_BYTES_MAX = 256 * 1024
KEYS_MAX = 8  # for one action

_FIELDS: dict[str, tuple[str, type]] = {
    "theme": ("theme", str),
    "colours": ("colours", str),
    "ascii": ("ascii_only", bool),
    "mouse": ("mouse", bool),
    "paste-lines": ("paste_lines_max", int),
    "lock-after": ("lock_after_seconds", str),
    "bell": ("bell", bool),
    "copy": ("copy", bool),
    "right-to-left": ("right_to_left", str),
    "title": ("title", bool),
    "keys": ("keys", dict),
    "styles": ("styles", dict),
}
_WORDS = {"theme": get_args(Theme), "colours": get_args(Colours), "right-to-left": get_args(RightToLeft)}
_SHOWN = {str: "a text in quotes", bool: "true or false", int: "a whole number", dict: "a table"}


def read_options(profile: Path, options: Options | None = None) -> Options:
    """The options with what `console.toml` says in their place. LocalError (one line) when the file is wrong."""
    options = options or Options()
    path = profile / CONFIG_NAME
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX + 1)
        if len(text) > CONFIG_BYTES_MAX:
            raise LocalError(f"{path} is too long: it has at most {CONFIG_BYTES_MAX // 1024} KiB")
        return options_of(tomllib.loads(text.decode("utf-8")), options)
    except FileNotFoundError:
        return options
    except OSError as error:
        raise LocalError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} is not TOML: {error}") from None
    except ValueError as error:
        raise LocalError(f"{path}: {error}") from None


def options_of(values: Mapping[str, Any], options: Options) -> Options:
    """The options with these values. ValueError names the one that is wrong."""
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _FIELDS:
            raise ValueError(f"there is no {name!r}; there are {', '.join(_FIELDS)}")
        field, kind = _FIELDS[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{name} is {_SHOWN[kind]}")
        changed[field] = _value(name, value)
    return replace(options, from_file=True, **changed)


def _value(name: str, value: Any) -> Any:
    if name in _WORDS and value not in _WORDS[name]:
        raise ValueError(f"{name} is one of {', '.join(_WORDS[name])}")
    if name == "paste-lines" and not 0 < value <= 100_000:
        raise ValueError("paste-lines is a number from 1 to 100000")
    if name == "lock-after":
        try:
            return parse_seconds(value)
        except UsageError as error:
            raise ValueError(f"lock-after: {error}") from None
    return {"keys": _keys, "styles": _styles}[name](value) if name in ("keys", "styles") else value


# --- keys ---------------------------------------------------------------------------------------------
def _keys(values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    known = {row.action: row for row in KEYS}
    changes: dict[str, tuple[str, ...]] = {}
    for action, written in values.items():
        if action not in known:
            raise ValueError(f"keys: there is no action {action!r}; docs/keys.md lists them")
        texts = [written] if isinstance(written, str) else written
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or len(texts) > KEYS_MAX:
            raise ValueError(f"keys: {action} is a key in quotes, or a list of at most {KEYS_MAX}")
        changes[action] = tuple(_key(action, known[action].where, text) for text in texts)
    _check_clashes(KeyTable(changes))
    return changes


def _key(action: str, where: Where, text: str) -> str:
    try:
        name = parse_key(text)
    except ValueError as error:
        raise ValueError(f"keys: {action} = {text!r}: {error}") from None
    if len(name) == 1 and where != "choosing":
        raise ValueError(f"keys: {action} = {text!r}: a letter alone could no longer be typed; add Ctrl- or Alt-")
    return name


def _check_clashes(table: KeyTable) -> None:
    """A key does one thing in one place; what is everywhere must not hide behind it unnoticed."""
    taken: dict[tuple[str, str], str] = {}
    for row in table.rows:
        for name in row.names:
            other = taken.setdefault((row.where, name), row.action)
            if other != row.action:
                raise ValueError(f"keys: {name!r} is for both {other} and {row.action}: give one of them another key")
    steps = {row.action: set(row.names) for row in table.rows if row.action in ("panic", "wipe")}
    if steps["panic"] & steps["wipe"]:
        raise ValueError("keys: panic and wipe are two steps: give them different keys")


# --- colours ------------------------------------------------------------------------------------------
def _styles(values: Mapping[str, Any]) -> dict[str, str]:
    for style, colour in values.items():
        if style not in style_names():
            raise ValueError(f"styles: there is no {style!r}; there are {', '.join(sorted(style_names()))}")
        try:
            urwid.AttrSpec(colour, "default", 256)
        except (urwid.display.AttrSpecError, TypeError, AttributeError):
            raise ValueError(f'styles: {style} = {colour!r} is no colour; write "#5af", "g52" or "#5af,bold"') from None
    return dict(values)
