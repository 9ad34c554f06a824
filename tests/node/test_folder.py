"""The files of a profile: the lock, whole files, and exchanges that a crash cut off."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from onionchat.errors import LocalError, StoreError
from onionchat.node import folder


def test_a_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder.make_folder(tmp_path / "a" / "b")
    (tmp_path / "c").mkdir(mode=0o755)
    folder.make_folder(tmp_path / "c")
    for path in (tmp_path / "a" / "b", tmp_path / "c"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LocalError, match="choose another"):
        folder.make_folder(tmp_path / "file")


def test_one_at_a_time(tmp_path: Path) -> None:
    lock = folder.FolderLock(tmp_path)
    with pytest.raises(LocalError, match=f"in use by another onionchat.*process {os.getpid()}"):
        folder.FolderLock(tmp_path)
    lock.release()
    lock.release()
    folder.FolderLock(tmp_path).release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from onionchat.node.folder import FolderLock;"
        "lock = FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LocalError, match=f"process {other.pid}"):
            folder.FolderLock(tmp_path)
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    folder.FolderLock(tmp_path).release()


def test_a_lock_is_no_way_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(LocalError):
        folder.FolderLock(tmp_path)
    assert (tmp_path / "other").read_text() == "precious"


def test_a_small_file_is_written_whole(tmp_path: Path) -> None:
    folder.write_file(tmp_path / "a", b"one")
    (tmp_path / "a.new").write_bytes(b"left by a crash")
    folder.write_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with pytest.raises(StoreError, match="nothing was changed"):
        folder.write_file(tmp_path / "none" / "a", b"")


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    folder.create_private(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    with pytest.raises(LocalError, match="exists already"):
        folder.create_private(tmp_path / "a")
    with pytest.raises(LocalError, match="cannot be written"):
        folder.create_private(tmp_path / "none" / "a")


def test_no_key_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="onionchat init"):
        folder.read_key(tmp_path)


def test_the_old_key_is_overwritten_where_it_stood(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old secret")
    os.link(tmp_path / "key", tmp_path / "same file")
    folder.replace_key(tmp_path, lambda: folder.write_file(tmp_path / "key", b"new secret"))
    assert (tmp_path / "key").read_bytes() == b"new secret"
    assert (tmp_path / "same file").read_bytes() == bytes(10)


@pytest.mark.parametrize(
    ("there", "left"),
    [
        ({"key": "1", "onionchat.db": "1"}, {"key": "1", "onionchat.db": "1"}),
        ({"key": "1", "onionchat.db": "1", "onionchat.db.next": "2"}, {"key": "1", "onionchat.db": "1"}),
        (
            {"key": "1", "onionchat.db": "1", "onionchat.db.next": "2", "onionchat.db.next-wal": "2", "key.next": "2"},
            {"key": "1", "onionchat.db": "1"},
        ),
        ({"key": "1", "onionchat.db": "2", "key.next": "2"}, {"key": "2", "onionchat.db": "2"}),
    ],
)
def test_a_cut_off_exchange_goes_on_or_back(tmp_path: Path, there: dict[str, str], left: dict[str, str]) -> None:
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    for _ in range(2):
        folder.finish_exchange(tmp_path)
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == left
