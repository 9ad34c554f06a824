"""Commands are values."""

import dataclasses
import typing

import pytest

from onionchat.log import commands
from onionchat.log.commands import AppendEntries, Close, Command
from tests.log.chains import chain
from tests.log.desk import CHAT


def test_all_are_frozen_and_equal_by_value() -> None:
    for kind in typing.get_args(Command):
        assert dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen
    assert Close("why") == commands.Close("why")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Close("why").reason = "other"  # type: ignore[misc]


def test_nothing_said_shows_in_a_command() -> None:
    assert "zzzz" not in repr(AppendEntries(CHAT, chain(1, tag=b"z")))
