"""A process that is killed at any statement leaves a whole database, with all that it had reported."""

import subprocess
import sys
from pathlib import Path

import pytest

from onionchat.kinds.chat import Text
from onionchat.store.db import connect
from onionchat.store.gate import Gate
from onionchat.store.own import load_own
from tests.store.crashing import WORD, steps
from tests.store.stores import KEY, NOW, World, seeded
from tests.store.whole import check_whole, dump, expected_states

ROOT = Path(__file__).parent.parent.parent
SPREAD = 120


def crash(folder: Path, *numbers: int) -> list[tuple[int, bool, int, int]]:
    """(N, whether it was killed, statements in all, steps that were reported) of each run."""
    command = [sys.executable, "-m", "tests.store.crashing", str(folder), *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return [(int(n), killed == "1", int(total), int(told)) for n, killed, total, told in rows]


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
