"""Where passphrases come from."""

import os
from pathlib import Path
from typing import Any

import pytest

from onionchat.cli import passphrase
from onionchat.cli.passphrase import Source, read_fd, read_file, strength
from onionchat.errors import LocalError, LockedError, UsageError

GOOD = "a quiet garden behind walls"


def asking(*answers: str) -> Source:
    """A source at a terminal, where somebody types these."""
    remaining = iter(answers)

    def ask(prompt: str) -> str:
        assert prompt.endswith(": ")
        try:
            return next(remaining)
        except StopIteration:
            raise EOFError from None

    return Source(ask=ask)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "can_ask", lambda: True)


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"x\n", "x"), (b"x", "x"), (b"x\n\n", "x\n"), (b" x ", " x "), (b"a\nb\n", "a\nb"), ("é".encode(), "é")],
)
def test_one_newline_at_the_end_is_stripped(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "p").write_bytes(content)
    assert read_file(tmp_path / "p") == found
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    assert read_fd(reading) == found
    os.close(reading)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 5000])
def test_what_is_no_passphrase(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(LocalError, match="right file"):
        read_file(tmp_path / "p")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be read"):
        read_file(tmp_path / "nothing")
    with pytest.raises(LocalError, match="cannot be read"):
        read_fd(9999)


def test_a_file_and_a_descriptor_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Source(tmp_path / "p", 3).given()


@pytest.mark.usefixtures("terminal")
def test_asking() -> None:
    assert asking("x").existing() == "x"
    with pytest.raises(LockedError):
        asking().existing()
    assert asking(GOOD, GOOD).new() == GOOD
    with pytest.raises(LocalError, match="not the same"):
        asking(GOOD, "other").new()
    with pytest.raises(LocalError, match="empty"):
        asking("", "").new()


@pytest.mark.usefixtures("terminal")
def test_a_weak_one_is_told_and_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert asking("password1", "password1").new() == "password1"
    assert "easily guessed" in capsys.readouterr().err
    assert asking(GOOD, GOOD).new() == GOOD
    assert capsys.readouterr().err == ""


def test_nobody_to_ask() -> None:
    with pytest.raises(LockedError, match="--passphrase-file"):
        asking("x").existing()
    with pytest.raises(LockedError, match="--passphrase-file"):
        asking("x", "x").new()


def test_a_file_for_the_new_one_wins(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new\n")
    assert Source(tmp_path / "old").new("passphrase", tmp_path / "new") == "new"
    assert Source(tmp_path / "old").new() == "old"


def test_strength() -> None:
    assert strength("password")[0] == 0
    assert strength("password")[1]
    assert strength("correct horse battery staple")[0] == 4
    assert isinstance(strength("x" * 4000)[0], int)  # in no time


def test_it_is_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("hunter2")
    source: Any = Source(tmp_path / "p")
    assert source.given() == "hunter2"
    assert "hunter2" not in repr(source)
