"""A process that is killed at any statement leaves a whole database, with all that it had reported."""

import subprocess
import sys
from pathlib import Path

import pytest

from onionchat.kinds.chat import Text
from onionchat.log.entry import parse_entry
from onionchat.log.log import LogHead, judge_run
from onionchat.store.db import Connection, connect
from onionchat.store.gate import Gate
from onionchat.store.own import load_own
from onionchat.store.reader import StoreReader
from onionchat.store.rows import logs_of
from tests.store.crashing import WORD, steps
from tests.store.stores import KEY, NOW, World, seeded

ROOT = Path(__file__).parent.parent.parent
SPREAD = 120


def crash(folder: Path, *numbers: int) -> list[tuple[int, bool, int, int]]:
    """(N, whether it was killed, statements in all, steps that were reported) of each run."""
    command = [sys.executable, "-m", "tests.store.crashing", str(folder), *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return [(int(n), killed == "1", int(total), int(told)) for n, killed, total, told in rows]


def dump(c: Connection, upto: int) -> list[tuple[object, ...]]:
    """What holds after so many steps, as the screen has it; and the numbers of the logs."""
    rows = c.execute("SELECT shown, mine, content IS NULL, flags FROM entry ORDER BY n").fetchall()
    return [upto, *rows]  # type: ignore[list-item]


def expected_states() -> list[list[tuple[object, ...]]]:
    """The states between steps, from a run in which nothing happens."""
    world = World()
    states = [dump(world.c, 0)]
    for n, job in enumerate(steps(World()), 1):
        job(world.c)
        states.append(dump(world.c, n))
    return states


def check_whole(c: Connection) -> None:
    assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert c.execute("PRAGMA foreign_key_check").fetchall() == []
    c.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    own = load_own(c)
    reader = StoreReader(c, own)
    for conversation in reader.conversations():
        for row in logs_of(c, conversation):
            raws = reader.read(conversation, row.head.log, 1, row.head.seq, 10**7)
            assert len(raws) == row.head.seq
            assert judge_run(LogHead(row.head.log), [parse_entry(raw) for raw in raws]).new_head.id == row.head.id
    (shown,) = c.execute("SELECT count(*) FROM entry WHERE shown = 1 AND content IS NOT NULL").fetchone()
    (found,) = c.execute("SELECT count(*) FROM words WHERE words MATCH ?", (WORD,)).fetchone()
    assert shown == found


@pytest.fixture(scope="module")
def total(tmp_path_factory: pytest.TempPathFactory) -> int:
    folder = tmp_path_factory.mktemp("whole")
    ((_, killed, statements, told),) = crash(folder, 0)
    assert not killed
    assert told == len(steps(World()))
    return statements


def test_killed_at_any_statement(tmp_path: Path, total: int) -> None:
    states = expected_states()
    numbers = sorted({1 + n * (total - 1) // (SPREAD - 1) for n in range(SPREAD)})
    runs = crash(tmp_path, *numbers)
    assert [n for n, killed, _, _ in runs if killed] == numbers
    reached = set()
    for number, _, _, told in runs:
        c = connect(tmp_path / f"{number}.db", KEY)
        check_whole(c)
        found = dump(c, 0)[1:]
        steps_kept = [state[0] for state in states if state[1:] == found]
        assert steps_kept, f"killed at statement {number}: a state between two steps"
        assert max(steps_kept) >= told, f"killed at statement {number}: {told} steps were reported, and are lost"
        reached.add(max(steps_kept))
        own = load_own(c)
        world = World()
        gate = Gate(own, seeded(number))
        result = gate.append_own(c, world.direct, Text(f"{WORD} goes on"), NOW + 999)
        assert result.stored[0].entry.seq == result.heads[0].seq
        check_whole(c)
        c.close()
    assert len(reached) > 4
