"""What is on the disk after a power cut: the writes of a child as `strace` saw them, and a disk that forgets some.

What was synced is there. Of what was written after that to the same file, each sector may be there or not, and each
change of length. Run as a program (PATH [alone]): the scripted history, with checkpoints, or alone; each step's
number goes to standard output when it was reported as committed.
"""

import os
import random as dice
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onionchat.store.db import connect
from onionchat.store.writer import Writer
from tests.store.crashing import Reactor, steps
from tests.store.stores import KEY, World

ROOT = Path(__file__).parent.parent.parent
SECTOR_BYTES = 512
REPORTS = 1  # standard output
CHECKPOINT_STEPS = 5
CALLS = "openat,pwrite64,pwritev,write,writev,fsync,fdatasync,ftruncate,truncate,fallocate,unlink,unlinkat,rename"
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")


@dataclass(frozen=True)
class Write:
    """Bytes at a place of a file."""

    file: str
    offset: int
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Truncate:
    """A file gets this length."""

    file: str
    size: int


@dataclass(frozen=True)
class Sync:
    """All that was done to a file, or to the names in a folder, is on the disk."""

    file: str


@dataclass(frozen=True)
class Remove:
    """A name is gone."""

    file: str


@dataclass(frozen=True)
class Reported:
    """So many steps were reported as committed."""

    steps: int


Op = Write | Truncate | Sync | Remove | Reported


def record(path: Path) -> list[Op]:
    """Run the history on a database under strace; what it did to the disk, in order."""
    trace = path.with_suffix(".trace")
    command = ["strace", "-f", "-qq", "-xx", "-s", "200000", "-e", f"trace={CALLS}", "-o", str(trace)]
    command += [sys.executable, "-m", "tests.store.powercut", str(path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100, stdout=subprocess.DEVNULL)
    return list(parse(trace.read_text().splitlines(), path))


def parse(lines: Iterable[str], path: Path) -> Iterator[Op]:
    """The calls that touch the database's files, its folder, or the reports. ValueError for what it cannot follow."""
    names: dict[int, str] = {}
    reported = 0
    for line in lines:
        match = _CALL.match(line)
        if match is None:
            if "unfinished" in line and any(
                name in line for name in ("pwrite", "sync", "truncate", f"write({REPORTS},")
            ):
                raise ValueError(f"two threads write at once: {line[:80]}")
            continue
        name, rest, result = match[1], match[2], int(match[3])
        if result < 0:
            continue
        fields = rest.split(", ")
        if name == "openat":
            opened = _bytes(fields[1]).decode()
            kept = (str(path.parent), str(path), f"{path}-wal")  # the index of the log is made anew after a crash
            names[result] = opened if opened in kept else ""
            continue
        if name in ("unlink", "unlinkat"):
            gone = _bytes(fields[0 if name == "unlink" else 1]).decode()
            if gone.startswith(str(path)):
                yield Remove(gone)
            continue
        number = int(fields[0]) if fields[0].isdigit() else -1
        if name == "write" and number == REPORTS:
            reported += result
            yield Reported(reported)
        elif names.get(number):
            yield _op(name, names[number], fields, result)


def _op(name: str, file: str, fields: list[str], result: int) -> Op:
    match name:
        case "pwrite64":
            return Write(file, int(fields[3]), _bytes(fields[1])[:result])
        case "fsync" | "fdatasync":
            return Sync(file)
        case "ftruncate":
            return Truncate(file, int(fields[1]))
        case _:
            raise ValueError(f"{name} of a database's file is not understood")


def _bytes(quoted: str) -> bytes:
    return bytes.fromhex(quoted.strip('"').replace("\\x", ""))


class Disk:
    """Files by name, as they are in the cache and on the platter."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.durable = {name: bytearray(data) for name, data in files.items()}
        self._pending: list[Op] = []

    def do(self, op: Op) -> None:
        """One operation of the program."""
        match op:
            case Sync(file):
                for each in [each for each in self._pending if _file(each) == file]:
                    _apply(self.durable, each)
                self._pending = [each for each in self._pending if _file(each) != file]
            case Reported():
                pass
            case _:
                self._pending.append(op)

    def after_power_cut(self, random: dice.Random) -> dict[str, bytes]:
        """One of the ways in which it may be found."""
        found = {name: bytearray(data) for name, data in self.durable.items()}
        kept = random.choice((0.0, 0.3, 0.7, 1.0))
        until = random.randrange(len(self._pending) + 1) if random.random() < 0.5 else len(self._pending)
        for op in self._pending[:until]:
            if isinstance(op, Write):
                for part in _sectors(op):
                    if random.random() < kept:
                        _apply(found, part)
            elif random.random() < kept:
                _apply(found, op)
        return {name: bytes(data) for name, data in found.items()}


def _file(op: Op) -> str:
    return "" if isinstance(op, Reported) else op.file


def _sectors(op: Write) -> Iterator[Write]:
    start = 0
    while start < len(op.data):
        size = SECTOR_BYTES - (op.offset + start) % SECTOR_BYTES
        yield Write(op.file, op.offset + start, op.data[start : start + size])
        start += size


def _apply(files: dict[str, bytearray], op: Op) -> None:
    match op:
        case Write(file, offset, data):
            content = files.setdefault(file, bytearray())
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        case Truncate(file, size):
            content = files.setdefault(file, bytearray())
            del content[size:]
            content.extend(bytes(size - len(content)))
        case Remove(file):
            files.pop(file, None)


def main(path: Path, with_checkpoints: bool) -> None:
    """The history; a checkpoint now and then; an orderly end."""
    writer = Writer(connect(path, KEY), Reactor())  # type: ignore[arg-type]
    for number, job in enumerate(steps(World())):
        committed = threading.Event()
        done = writer.submit(job)
        done.addCallback(lambda _, number=number: os.write(REPORTS, bytes([number])))
        done.addCallback(lambda _, committed=committed: committed.set())
        if number % 2 == 0:
            committed.wait(20)
        if with_checkpoints and number % CHECKPOINT_STEPS == 0:
            writer.checkpoint()
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), "alone" not in sys.argv[2:])
