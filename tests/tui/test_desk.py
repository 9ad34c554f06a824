"""Both consoles are desks: whatever a command asks for, both have it."""

import inspect

import pytest

from onionchat.tui.app import Console
from onionchat.tui.desk import Desk
from onionchat.tui.plain import PlainConsole

WANTED = [name for name in vars(Desk) if not name.startswith("_")]


@pytest.mark.parametrize("kind", [Console, PlainConsole])
@pytest.mark.parametrize("name", WANTED)
def test_both_consoles_have_it(kind, name):
    wanted, made = getattr(Desk, name), getattr(kind, name)
    if callable(wanted):
        assert list(inspect.signature(made).parameters) == list(inspect.signature(wanted).parameters)
    else:
        assert isinstance(made, property)
