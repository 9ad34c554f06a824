"""After a power cut the database opens, is whole, and has all that was reported: whatever of the rest was torn."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onionchat.store.db import connect
from onionchat.testing.syscalls import why_not
from tests.store.crashing import prepare, steps
from tests.store.powercut import ROOT, Disk, Op, Remove, Reported, Sync, Truncate, Write, parse, record
from tests.store.stores import KEY, World
from tests.store.whole import check_whole, dump, expected_states

CUTS = 150
FREEZES = 12


@pytest.fixture(scope="module")
def states() -> list[list[tuple[object, ...]]]:
    return expected_states()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, list[Op]]:
    """Where the database was, what it was at the start, and what the child did to the disk."""
    reason = why_not()
    if reason:
        print(f"no power is cut: {reason}", file=sys.__stderr__)
        pytest.skip(reason)
    path = tmp_path_factory.mktemp("cut") / "a.db"
    prepare(path)
    return path, path.read_bytes(), record(path)


def steps_in(folder: Path, files: dict[str, bytes], states: list[list[tuple[object, ...]]]) -> int:
    """Open what is there; the step at which it stands. It fails when it stands between two."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / Path(name).name).write_bytes(data)
    c = connect(folder / "a.db", KEY)
    check_whole(c)
    found = dump(c, 0)[1:]
    c.close()
    at = [state[0] for state in states if state[1:] == found]
    assert at, "a state between two steps"
    return int(max(at))  # type: ignore[call-overload,no-any-return]


# --- with the writes themselves --------------------------------------------------------------------------
def test_a_power_cut_at_any_moment(recorded, states, tmp_path: Path) -> None:
    path, start, ops = recorded
    assert isinstance([op for op in ops if isinstance(op, Reported)][-1], Reported)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(len(ops)), min(CUTS, len(ops))))
    disk, done, reached = Disk({str(path): start}), 0, set()
    for moment in moments:
        for op in ops[done:moment]:
            disk.do(op)
        done = moment
        told = max((op.steps for op in ops[:moment] if isinstance(op, Reported)), default=0)
        files = disk.after_power_cut(chance)
        kept = steps_in(tmp_path / "found", files, states)
        assert kept >= told, f"seed {seed}, after {moment} calls: {told} steps were reported, {kept} are there"
        reached.add(kept)
    assert len(reached) > 6


def test_the_child_did_what_a_power_cut_is_about(recorded) -> None:
    """Otherwise the test above shows nothing: it wrote, synced, put pages back into the database, shortened the log."""
    path, _, ops = recorded
    log = f"{path}-wal"
    assert [op.steps for op in ops if isinstance(op, Reported)][-1] == len(steps(World()))
    assert any(isinstance(op, Write) and op.file == str(path) for op in ops)
    assert any(isinstance(op, Truncate) and op.file == log for op in ops)
    first = next(number for number, op in enumerate(ops) if isinstance(op, Reported))
    assert Sync(log) in ops[:first], "what is reported is synced"
    assert Sync(str(path.parent)) in ops[:first], "and so is the name of the log, which is new"
    unsynced = 0
    for op in ops:
        unsynced = 0 if op == Sync(log) else unsynced + (isinstance(op, Write) and op.file == log)
        assert not (isinstance(op, Reported) and unsynced), "nothing is reported before it is synced"


def test_without_syncs_it_would_be_seen(recorded, states, tmp_path: Path) -> None:
    """The model forgets what was not synced: were it never synced, what was reported would be gone."""
    path, start, ops = recorded
    last = next(n for n, op in enumerate(ops) if isinstance(op, Reported) and op.steps >= 6)
    chance = random.Random(1)
    lost = 0
    for _ in range(20):
        disk = Disk({str(path): start})
        for op in ops[:last]:
            if not isinstance(op, Sync):
                disk.do(op)
        try:
            lost += steps_in(tmp_path / "found", disk.after_power_cut(chance), states) < 6
        except Exception:
            lost += 1
    assert lost > 5


# --- with copies -------------------------------------------------------------------------------------------
@pytest.fixture
def writing(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A child that writes, without checkpoints before its end; and its database."""
    path = tmp_path / "live" / "a.db"
    path.parent.mkdir()
    prepare(path)
    command = [sys.executable, "-m", "tests.store.powercut", str(path), "alone"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        os.set_blocking(child.stdout.fileno(), False)
        yield child, path
        child.kill()


def newly_told(child: "subprocess.Popen[bytes]") -> int:
    assert child.stdout is not None
    return len(child.stdout.read() or b"")


def test_a_copy_at_any_moment_with_the_log_cut_anywhere(writing, states, tmp_path: Path) -> None:
    """Frozen, copied, and the end of the log lost: a prefix of the history; whole when nothing is lost.

    Once pages went back into the database the log was synced, and its end can be lost no more.
    """
    child, path = writing
    start = path.read_bytes()
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    told, copies = 0, []
    while child.poll() is None and len(copies) < FREEZES:
        if not told:  # Python starts
            told += newly_told(child)
            continue
        os.kill(child.pid, signal.SIGSTOP)
        told += newly_told(child)
        copies.append((told, {file.name: file.read_bytes() for file in path.parent.glob("a.db*")}))
        os.kill(child.pid, signal.SIGCONT)
        try:
            child.wait(chance.uniform(0, 0.012))
        except subprocess.TimeoutExpired:
            continue
    assert copies
    for told, files in copies:
        files.pop("a.db-shm", None)
        kept = steps_in(tmp_path / "found", files, states)
        assert kept >= told, f"seed {seed}: {told} were reported, {kept} are there"
        log = files.get("a.db-wal", b"") if files["a.db"] == start else b""
        before = kept
        for cut in sorted((chance.randrange(len(log) + 1) for _ in range(6)), reverse=True):
            end = bytes(chance.randbytes(min(512, len(log) - cut))) if chance.random() < 0.5 else b""
            now = steps_in(tmp_path / "found", {**files, "a.db-wal": log[:cut] + end}, states)
            assert now <= before, f"seed {seed}: less of the log gave more of the history"
            before = now


# --- the model -----------------------------------------------------------------------------------------------
def test_what_strace_says_is_understood() -> None:
    def hexed(text: str) -> str:
        return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'

    lines = [
        f"12 openat(AT_FDCWD, {hexed('/p/a.db-wal')}, O_RDWR|O_CREAT, 0600) = 6",
        f"12 openat(AT_FDCWD, {hexed('/p')}, O_RDONLY) = 7",
        f"12 openat(AT_FDCWD, {hexed('/etc/passwd')}, O_RDONLY) = 8",
        f"13 pwrite64(6, {hexed('abc')}, 3, 32) = 3",
        "13 fdatasync(6) = 0",
        "13 fsync(7) = 0",
        "13 ftruncate(6, 10) = 0",
        f"13 write(1, {hexed('x')}, 1) = 1",
        f"13 write(8, {hexed('x')}, 1) = 1",
        f"13 unlink({hexed('/p/a.db-wal')}) = 0",
        f"13 pwrite64(6, {hexed('abc')}, 3, 32) = -1 ENOSPC (No space left on device)",
        "13 +++ exited with 0 +++",
    ]
    log = "/p/a.db-wal"
    assert list(parse(lines, Path("/p/a.db"))) == [
        *(Write(log, 32, b"abc"), Sync(log), Sync("/p"), Truncate(log, 10), Reported(1), Remove(log))
    ]
    with pytest.raises(ValueError, match="not understood"):
        list(parse([lines[0], '12 pwritev(6, [{iov_base="", iov_len=0}], 1, 0) = 0'], Path("/p/a.db")))
    with pytest.raises(ValueError, match="two threads"):
        list(parse(["12 pwrite64(6, <unfinished ...>"], Path("/p/a.db")))


def test_a_disk_keeps_what_was_synced_and_perhaps_the_rest() -> None:
    disk = Disk({"a": b"old"})
    for op in (Write("a", 0, b"new"), Sync("a"), Write("a", 512, bytes(range(256)) * 8), Write("b", 0, b"x")):
        disk.do(op)
    found = [disk.after_power_cut(random.Random(seed)) for seed in range(60)]
    assert all(files["a"].startswith(b"new") for files in found)
    assert {len(files["a"]) for files in found} >= {3, 512 + 2048}
    assert any(0 < files["a"][512:].count(0) != 8 and len(files["a"]) > 3 for files in found), "torn"
    assert {"b" in files for files in found} == {True, False}
