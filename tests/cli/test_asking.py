"""Questions that need a yes."""

import io
import os
import sys

import pytest

from onionchat.cli.asking import ask_while, ask_yes, confirm
from onionchat.errors import LocalError


def at_terminal(monkeypatch: pytest.MonkeyPatch, answer: str, is_terminal: bool = True) -> None:
    stdin = io.StringIO(answer)
    stdin.isatty = lambda: is_terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", stdin)


@pytest.mark.parametrize(
    ("answer", "is_yes"),
    [("yes\n", True), ("Y\n", True), ("no\n", False), ("\n", False), ("", False), ("yesno\n", False)],
)
def test_only_yes_is_yes(monkeypatch: pytest.MonkeyPatch, answer: str, is_yes: bool) -> None:
    at_terminal(monkeypatch, answer)
    assert ask_yes("Sure?") == is_yes


def test_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch, "", is_terminal=False)
    confirm("Sure?", is_sure=True)
    with pytest.raises(LocalError, match="--yes"):
        confirm("Sure?", is_sure=False)
    at_terminal(monkeypatch, "yes\n")
    confirm("Sure?", is_sure=False)
    at_terminal(monkeypatch, "no\n")
    with pytest.raises(LocalError, match="nothing was done"):
        confirm("Sure?", is_sure=False)


def test_a_question_that_became_void_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        looks = iter([False, True])
        assert ask_while("Same?", lambda: next(looks)) is None
        os.write(writing, b"yes\nno\n")
        assert ask_while("Same?", lambda: False) is True
    os.close(writing)
    assert capsys.readouterr().err == "Same? [yes/no] \nSame? [yes/no] "
