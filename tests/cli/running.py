"""Runs the command line in this process, in a thread beside the reactor, and keeps what it printed."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from onionchat.cli.main import main


@dataclass
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Runner:
    """`runner("send", "bob", "hi")` gives a Deferred of its Result."""

    def __init__(self, profile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.profile = profile
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> "Deferred[Result]":
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capsys.readouterr()
        return deferToThread(main, ["--profile", str(self.profile), *arguments]).addCallback(self._result)

    def _result(self, code: int) -> Result:
        found = self._capsys.readouterr()
        return Result(code, found.out, found.err)


Run = Callable[..., "Deferred[Result]"]
