"""Where the socket stands, also below long paths."""

import os
import tempfile
from pathlib import Path

import pytest

from onionchat.api.socketpath import socket_path
from onionchat.errors import LocalError


@pytest.fixture
def long_folder(tmp_path: Path) -> Path:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    return folder


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="run-", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_it_is_in_the_profile(tmp_path: Path) -> None:
    assert socket_path(tmp_path) == tmp_path / "api.sock"


def test_a_link_to_a_profile_leads_to_the_same_socket(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert socket_path(tmp_path / "link") == socket_path(tmp_path / "real")


def test_a_long_path_goes_under_a_hash_into_the_runtime_folder(long_folder: Path, runtime: Path) -> None:
    found = socket_path(long_folder)
    assert found.parent == runtime
    assert len(os.fsencode(found)) <= 107
    assert found == socket_path(long_folder)
    assert found != socket_path(long_folder / "other")


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_runtime_folder_that_others_may_enter_is_not_used(long_folder: Path, runtime: Path, mode: int) -> None:
    runtime.chmod(mode)
    found = socket_path(long_folder)
    assert found.parent != runtime
    assert found.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["", "relative"])
def test_without_a_runtime_folder_it_is_in_a_folder_of_ours(
    long_folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    temporary = tempfile.mkdtemp(prefix="t", dir="/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    found = socket_path(long_folder)
    assert found.parent == Path(temporary) / f"onionchat-{os.geteuid()}"
    assert found.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_has_laid_there_is_not_used(
    long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12345)
    with pytest.raises(LocalError, match="shorter path"):
        socket_path(long_folder)
