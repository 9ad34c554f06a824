"""Coroutines on the reactor, and signals."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from onionchat.cli import mainloop

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from onionchat.cli import mainloop
from onionchat.errors import LocalError

async def main(reactor, interrupted):
    print("up", flush=True)
    await interrupted
    print("down", flush=True)
    if sys.argv[1:] == ["fail"]:
        raise LocalError("failed")
    return 7

sys.exit(mainloop.run(main))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.send_signal(number)
    assert child.stdout.read() == b"down\n"
    child.stdout.close()
    assert child.wait(timeout=60) == 7


def test_an_error_comes_out() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "fail"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert b"LocalError: failed" in err


@pytest_twisted.ensureDeferred
async def test_a_reactor_that_runs_is_used() -> None:
    async def main(reactor: Any, interrupted: Any) -> int:
        assert reactor.running
        return 3

    assert await deferToThread(mainloop.run, main) == 3


def test_first_of() -> None:
    slow: Deferred[None] = Deferred()
    fast: Deferred[None] = Deferred()
    got: list[Any] = []
    mainloop.first_of(slow, fast).addBoth(got.append)
    assert got == []
    fast.callback(None)
    slow.callback(None)
    assert got == [None]
    failing: Deferred[None] = Deferred()
    mainloop.first_of(failing, Deferred()).addErrback(lambda failure: got.append(type(failure.value)))
    failing.errback(ValueError("x"))
    assert got == [None, ValueError]


def test_the_reactor_keeps_its_own_time() -> None:
    """A wall clock that is set back while a node runs must not hold up its timers."""
    program = """
import time
from onionchat.cli import mainloop
from twisted.internet.defer import Deferred

async def main(reactor, interrupted):
    before, done = reactor.seconds(), Deferred()
    reactor.callLater(0.05, done.callback, None)
    await done
    return reactor.seconds() - before >= 0.05, abs(time.time() - reactor.seconds()) > 86400

print(*mainloop.run(main))
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("True True\n", "")
