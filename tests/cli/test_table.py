"""The table names what exists, and all that the contract names."""

import importlib
import inspect
from pathlib import Path

import pytest

from onionchat.cli.table import BY_NAME, COMMANDS, Command, Needs

CONTRACT = """
    init run status invite invitations uninvite add requests accept ignore block unblock contacts contact words send log
    search forget watch devices lock unlock stop passwd export import wipe recover tor-profile edit react retract read
    timer quota introduce doctor demo
"""
MANUAL = (Path(__file__).parents[2] / "docs" / "manual.md").read_text("utf-8")


def test_every_command_of_the_contract_is_there() -> None:
    assert set(CONTRACT.split()) <= set(BY_NAME)
    assert len(BY_NAME) == len(COMMANDS)


@pytest.mark.parametrize("name", ["init", "doctor", "status", "send", "completion", "version", "demo"])
def test_the_function_is_there(name: str) -> None:
    assert callable(function_of(BY_NAME[name]))


def function_of(command: Command) -> object:
    """Looked up in the source, so that what needs a store is not imported."""
    module, name = command.run.split(":")
    return getattr(importlib.import_module(f"onionchat.cli.{module}"), name)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_row_leads_to_a_function_of_one_context(command: Command) -> None:
    assert len(inspect.signature(function_of(command)).parameters) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_manual_names_it(command: Command) -> None:
    assert f"`{command.name}`" in MANUAL


def test_marks_are_those_of_the_contract() -> None:
    assert {name for name, each in BY_NAME.items() if each.needs is Needs.FREE} == {"run", "passwd", "recover"}
    assert {name for name, each in BY_NAME.items() if each.needs is Needs.NODE} == {
        "link", "lock", "unlock", "stop", "watch",
    }  # fmt: skip
