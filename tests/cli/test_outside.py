"""Commands that the console runs as programs of their own."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor

from onionchat.cli import outside
from onionchat.cli.outside import CommandLine, tor_arguments
from onionchat.cli.parser import parse
from onionchat.errors import LocalError

reactor: Any = real_reactor


@pytest_twisted.ensureDeferred
async def test_what_a_command_prints(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, argparse.Namespace(), reactor)
    assert (await line.run(["version"])).startswith("onionchat")
    assert "does not listen" not in await line.run(["tor-profile", "tails"])
    assert str(tmp_path) in await line.run(["doctor"])


@pytest_twisted.ensureDeferred
async def test_what_it_complains_of_is_shown_too(tmp_path: Path) -> None:
    assert "onionchat: " in await CommandLine(tmp_path, argparse.Namespace(), reactor).run(["status"])


@pytest_twisted.ensureDeferred
async def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "RUN_SECONDS", 0.01)
    with pytest.raises(LocalError, match="in a shell: onionchat doctor"):
        await CommandLine(tmp_path, argparse.Namespace(), reactor).run(["doctor"])


def test_the_same_tor_is_looked_at() -> None:
    given = ["--tor", "system", "--control", "tcp:127.0.0.1:1", "--socks", "127.0.0.1:2", "--onion-port", "3"]
    given += ["--tor-option", "A b", "--tor-option", "C d"]
    assert tor_arguments(parse([*given, "status"])) == given
    assert tor_arguments(parse(["status"])) == []


def test_strength(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, argparse.Namespace(), reactor)
    assert line.strength("password")[0] == 0 < line.strength("correct horse battery staple 7")[0]
