"""A reactor in a thread, for a caller that blocks."""

import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from onionchat.cli.reactorthread import ReactorThread

PROGRAM = """
import sys, time
from onionchat.cli.reactorthread import ReactorThread
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

thread = ReactorThread()
assert thread.call(deferLater, thread.reactor, 0.01, lambda: 5) == 5
assert thread.call(deferToThread, lambda: 6) == 6
try:
    thread.call(int, "x")
except ValueError:
    print("failed as it should")
thread.stop()
assert not thread.reactor.running
"""


def test_it_starts_one_calls_and_stops() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, cwd=Path(__file__).parents[2], timeout=60
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, b"failed as it should\n", b"")


@pytest_twisted.ensureDeferred
async def test_one_that_runs_is_used_and_left_running() -> None:
    def use() -> int:
        thread = ReactorThread()
        result: int = thread.call(lambda: 7)
        thread.stop()
        assert thread.reactor.running
        return result

    assert await deferToThread(use) == 7
    with pytest.raises(ValueError, match="x"):
        await deferToThread(ReactorThread().call, int, "x")
