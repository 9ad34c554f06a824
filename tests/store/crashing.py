"""A scripted history in a child that is killed at its N-th statement. Run as a program: FOLDER N N N …

A N of 0 is not killed and tells how many statements there are. Each run prints one line: N, statements, and the
steps whose commit was reported before the end.
"""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from onionchat.kinds.account import Forget, Read, Setting
from onionchat.kinds.chat import Edit, Reaction, Retract, Text
from onionchat.store.db import Connection, connect
from onionchat.store.writer import Writer
from tests.store.stores import KEY, NOW, World

WORD = "marmalade"


class Reactor:
    def callFromThread(self, call: Any, *arguments: Any) -> None:
        call(*arguments)


def prepare(path: Path) -> None:
    """An empty profile's database, whole before anything can go wrong."""
    World(str(path)).c.close()


def steps(world: World) -> list[Any]:
    """The history: each step is a job. `world` gives gate and ids; its connection is not used."""
    gate, log = world.gate, world_log(world)
    theirs = [log.write(Text(f"{WORD} theirs {n}"), NOW + 10 * n) for n in range(12)]
    theirs.append(log.write(Edit(theirs[2].id, f"{WORD} edited"), NOW + 200))
    theirs.append(log.write(Retract(theirs[3].id), NOW + 201))

    def say(body: Any, place: bytes | None = None, at: int = NOW) -> Any:
        return lambda c: gate.append_own(c, place or world.direct, body, at)  # type: ignore[arg-type]

    def take(*entries: Any) -> Any:
        return lambda c: gate.append(c, world.direct, entries, NOW + 300)

    return [
        lambda c: gate.admit(c, log.admission()),
        *(say(Text(f"{WORD} mine {n}"), at=NOW + n) for n in range(6)),
        take(*theirs[:5]),
        say(Reaction(theirs[0].id, "👍")),
        take(*theirs[5:]),
        say(Setting("name", "one"), world.self_id),
        say(Setting("name", "two"), world.self_id),
        say(Read(world.direct, ((log.id, 4),)), world.self_id),
        say(Forget(world.direct, log.id, ((5, 7),)), world.self_id),
        *(say(Text(f"{WORD} again {n}")) for n in range(3)),
    ]


def world_log(world: World) -> Any:
    from tests.store.stores import Log

    return Log(world.contact.device, world.direct, 5)


def run(path: Path, kill_at: int) -> None:
    connection: Connection = connect(path, KEY)
    world = World()  # the same seeds as on the disk: keys, gate and ids
    count = 0

    def traced(_: str) -> None:
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(traced)
    writer = Writer(connection, Reactor())  # type: ignore[arg-type]
    for n, job in enumerate(steps(world)):
        committed = threading.Event()
        writer.submit(job).addCallback(lambda _, n=n: os.write(3, bytes([n]))).addCallback(
            lambda _, e=committed: e.set()
        )
        if n % 3 == 0:  # so that some are committed alone and some in a group
            committed.wait(20)
    writer.close()
    os.write(3, b"\xff" + count.to_bytes(4, "big"))


def main(folder: Path, numbers: list[int]) -> None:
    prepare(folder / "new.db")
    for number in numbers:
        path = folder / f"{number}.db"
        shutil.copy(folder / "new.db", path)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 3)
            run(path, number)
            os._exit(0)
        os.close(writing)
        told = b""
        while chunk := os.read(reading, 4096):
            told += chunk
        os.close(reading)
        _, status = os.waitpid(child, 0)
        steps_told, _, total = told.partition(b"\xff")
        print(number, int(os.WIFSIGNALED(status)), int.from_bytes(total, "big"), len(steps_told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(text) for text in sys.argv[2:]])
